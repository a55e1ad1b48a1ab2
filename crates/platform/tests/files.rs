//! Files that another account may have planted, and files of ours.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use ohfp_platform::disk;
use ohfp_platform::files::{self, Access, Refused, Replacement};

const ACCESSES: [Access; 3] = [Access::Read, Access::ReadWrite, Access::Append];

/// What opening a file at a name makes of it, after `plant` has put something there.
fn check(plant: impl Fn(&Path), expected: &str) {
    for access in ACCESSES {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().join("file");
        plant(&path);
        for opened in [files::open(&path, access), files::open_or_create(&path, access, 0o600)] {
            let found = match opened {
                Ok(_) => "opened".to_owned(),
                Err(refused) => refused.to_string(),
            };
            assert!(found.starts_with(expected), "{access:?}: {found}");
        }
    }
}

fn write(path: &Path, mode: u32) {
    fs::write(path, "content").unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_was_planted_is_refused() {
    check(|path| write(path, 0o640), "opened");
    check(|path| write(path, 0o646), "accounts other than its owner");
    check(|path| write(path, 0o660), "accounts other than its owner");
    check(|path| symlink("/etc/passwd", path).unwrap(), "it is a symbolic link");
    check(|path| symlink("/nowhere/at/all", path).unwrap(), "it is a symbolic link");
    check(|path| fs::create_dir(path).unwrap(), "it is a directory");
    check(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), "it is a named pipe");
    let link = |path: &Path| {
        write(path, 0o600);
        fs::hard_link(path, path.with_file_name("second")).unwrap();
    };
    check(link, "it has 2 names");
    let socket = |path: &Path| drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    check(socket, "it is a socket");
}

#[test]
fn a_group_that_shares_the_directory_may_share_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    write(&path, 0o660);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o770)).unwrap();
    files::open(&path, Access::ReadWrite).unwrap();
}

#[test]
fn a_created_file_has_its_mode_and_replaces_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    files::create(&path, 0o640).unwrap().write_all(b"first").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert!(
        matches!(files::create(&path, 0o640), Err(Refused::Io(error)) if error.kind() == std::io::ErrorKind::AlreadyExists)
    );
    assert_eq!(fs::read(&path).unwrap(), b"first");
}

#[test]
fn a_replacement_takes_the_place_as_a_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "before").unwrap();
    let names = || fs::read_dir(directory.path()).unwrap().count();

    let mut dropped = Replacement::begin(&path, 0o600).unwrap();
    dropped.file().write_all(b"half").unwrap();
    drop(dropped);
    assert_eq!((fs::read(&path).unwrap(), names()), (b"before".to_vec(), 1));

    let mut refused = Replacement::begin(&path, 0o600).unwrap();
    refused.file().write_all(b"after").unwrap();
    assert_eq!(refused.commit_new().unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!((fs::read(&path).unwrap(), names()), (b"before".to_vec(), 1));

    let mut placed = Replacement::begin(&path, 0o600).unwrap();
    placed.file().write_all(b"after").unwrap();
    placed.commit().unwrap();
    assert_eq!((fs::read(&path).unwrap(), names()), (b"after".to_vec(), 1));
}

#[test]
fn a_planted_temporary_file_is_stepped_around() {
    let directory = tempfile::tempdir().unwrap();
    let (path, bystander) = (directory.path().join("file"), directory.path().join("bystander"));
    fs::write(&bystander, "untouched").unwrap();
    let planted = directory.path().join(format!(".file.{}.0.tmp", std::process::id()));
    symlink(&bystander, &planted).unwrap();
    let mut replacement = Replacement::begin(&path, 0o600).unwrap();
    replacement.file().write_all(b"content").unwrap();
    replacement.commit().unwrap();
    assert_eq!(fs::read(&bystander).unwrap(), b"untouched");
    assert_eq!(fs::read(&path).unwrap(), b"content");
}

#[test]
fn the_file_system_tells_its_room() {
    let directory = tempfile::tempdir().unwrap();
    let space = disk::space(directory.path()).unwrap();
    assert!(space.free_bytes > 0 && space.block_size >= 512, "{space:?}");
    assert!(disk::space(Path::new("/no/such/path")).is_err());
    assert_ne!(disk::kind(Path::new("/proc")).unwrap(), disk::Kind::Local);
}

/// A file that is too large is refused by its size, and no byte of it is read.
#[test]
fn a_file_is_refused_by_its_size() {
    const LIMIT: u64 = 1 << 40;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sparse");
    let file = fs::File::create(&path).unwrap();
    file.set_len(LIMIT + 1).unwrap();
    assert_eq!(files::read_regular(&path, LIMIT).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    file.set_len(3).unwrap();
    assert_eq!(files::read_regular(&path, 3).unwrap(), [0; 3]);
    assert_eq!(files::read_regular(&path, 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}
