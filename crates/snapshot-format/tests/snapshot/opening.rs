//! Which files are taken for a snapshot.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use ohfp_snapshot_format::header::HEADER_LEN;
use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::{Refusal, Snapshot};

use crate::{c_path, directory, file};

#[test]
fn the_policy_by_name() {
    for (value, expected) in [
        (Some(b"mmap".as_slice()), IoPolicy::Map),
        (Some(b"read"), IoPolicy::Read),
        (Some(b"auto"), IoPolicy::Auto),
        (Some(b""), IoPolicy::Auto),
        (None, IoPolicy::Auto),
    ] {
        assert_eq!(IoPolicy::from_variable(value), expected, "{value:?}");
    }
}

/// Under each policy, since each takes the bytes in its own way.
#[test]
fn what_is_no_snapshot_says_what_it_is() {
    const ENXIO: i32 = 6;
    let directory = directory("opening");
    let whole = file(None);
    let check = |name: &str, content: &[u8], expected: Result<u128, Refusal>| {
        let path = directory.join(name);
        fs::write(&path, content).unwrap();
        for policy in [IoPolicy::Auto, IoPolicy::Map, IoPolicy::Read] {
            let opened = Snapshot::open(&c_path(&path), policy);
            assert_eq!(opened.map(|found| found.header.fingerprint), expected, "{name}, {policy:?}");
        }
    };
    let len = whole.len() as u64;
    let (head, _) = whole.split_at(HEADER_LEN);
    let (short, _) = whole.split_at(HEADER_LEN - 1);
    check("whole", &whole, Ok(77));
    check("empty", b"", Err(Refusal::Truncated));
    check("short", short, Err(Refusal::Truncated));
    check("head", head, Err(Refusal::Length { said: len, found: 256 }));
    check("longer", &[&whole, &b"x"[..]].concat(), Err(Refusal::Length { said: len, found: len + 1 }));
    check("text", &[b'x'; 300], Err(Refusal::NotASnapshot));

    let open = |name: &str| Snapshot::open(&c_path(&directory.join(name)), IoPolicy::Auto).map(|_| ());
    assert_eq!(open("missing"), Err(Refusal::Missing));
    assert_eq!(open("whole/below"), Err(Refusal::Missing));
    assert_eq!(open(""), Err(Refusal::NotAFile));
    let _socket = std::os::unix::net::UnixListener::bind(directory.join("socket")).unwrap();
    assert_eq!(open("socket"), Err(Refusal::Unreadable(ENXIO)));
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_fingerprint_is_compared() {
    let directory = directory("fingerprint");
    let path = directory.join("snapshot");
    fs::write(&path, file(None)).unwrap();
    let snapshot = Snapshot::open(&c_path(&path), IoPolicy::Auto).unwrap();
    assert_eq!(snapshot.expect_fingerprint(77), Ok(()));
    assert_eq!(snapshot.expect_fingerprint(78), Err(Refusal::Fingerprint));
    assert_eq!(snapshot.bytes(), snapshot.view().bytes());
    fs::remove_dir_all(directory).unwrap();
}

/// A mapped snapshot gives the record from the file where it fits into the buffer, and from the mapping elsewhere.
#[test]
fn a_record_is_the_same_however_large_the_buffer() {
    let directory = directory("records");
    let path = directory.join("snapshot");
    fs::write(&path, file(None)).unwrap();
    for policy in [IoPolicy::Map, IoPolicy::Read] {
        let snapshot = Snapshot::open(&c_path(&path), policy).unwrap();
        let contents = snapshot.contents().unwrap();
        for room in [0, 2, 5, 64] {
            let mut buffer = vec![0; room];
            for (id, expected) in [("1", " tailone"), ("3", " tailthree"), ("4", " tailfour")] {
                let parts = contents.show(id.as_bytes(), b"json", || false, &mut buffer).unwrap().unwrap();
                assert_eq!(parts.concat(), expected.as_bytes(), "{policy:?}, {room} bytes of room");
            }
        }
    }
    fs::remove_dir_all(directory).unwrap();
}

/// Modes of directory and file, then their owners and groups, which only root can set: elsewhere those rows are
/// left out.
#[test]
fn files_that_other_accounts_may_write_are_refused() {
    const US: Option<u32> = None;
    let directory = directory("trust");
    let path = directory.join("snapshot");
    fs::write(&path, file(None)).unwrap();
    let group = fs::metadata(&path).unwrap().gid();
    let open = Refusal::WritableByOthers;
    for (modes, owners, groups, expected) in [
        ((0o755, 0o644), (US, US), (group, group), Ok(())),
        ((0o755, 0o600), (US, US), (group, group), Ok(())),
        ((0o755, 0o664), (US, US), (group, group), Err(open)),
        ((0o755, 0o646), (US, US), (group, group), Err(open)),
        ((0o777, 0o666), (US, US), (group, group), Err(open)),
        ((0o757, 0o664), (US, US), (group, group), Err(open)),
        ((0o775, 0o664), (US, US), (group, group), Ok(())),
        ((0o775, 0o664), (US, US), (12_345, group), Err(open)),
        ((0o775, 0o664), (US, US), (12_345, 12_345), Ok(())),
        ((0o755, 0o644), (US, Some(12_345)), (group, group), Err(Refusal::Owner(12_345))),
        ((0o755, 0o644), (Some(12_346), Some(12_345)), (group, group), Err(Refusal::Owner(12_345))),
        ((0o755, 0o644), (Some(12_345), Some(12_345)), (group, group), Ok(())),
        ((0o755, 0o664), (Some(12_345), Some(12_345)), (group, group), Err(open)),
        ((0o775, 0o664), (Some(12_345), Some(12_345)), (group, group), Ok(())),
    ] {
        let given = owners != (US, US) || groups != (group, group);
        let set = chown(&directory, owners.0.or(Some(0)).filter(|_| given), Some(groups.0).filter(|_| given))
            .and_then(|()| {
                chown(&path, owners.1.or(Some(0)).filter(|_| given), Some(groups.1).filter(|_| given))
            });
        if set.is_err() {
            continue;
        }
        fs::set_permissions(&directory, Permissions::from_mode(modes.0)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(modes.1)).unwrap();
        let opened = Snapshot::open(&c_path(&path), IoPolicy::Auto).map(|_| ());
        assert_eq!(opened, expected, "modes {modes:?}, owners {owners:?}, groups {groups:?}");
    }
    fs::remove_dir_all(directory).unwrap();
}
