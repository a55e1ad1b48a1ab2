//! Files as they are read and recorded, and what a change of them looks like.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ohfp-trail-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_remembered_as_they_were_read() {
    let (directory, env) = (Directory::new("read"), Environment::default());
    let path = directory.0.join("a.json");
    let file = fs::File::create(&path).unwrap();
    io::Write::write_all(&mut &file, b"{}").unwrap();
    file.set_modified(UNIX_EPOCH + Duration::new(5, 7)).unwrap();
    std::os::unix::fs::symlink("a.json", directory.0.join("link")).unwrap();
    let found = fs::metadata(&path).unwrap();
    let ctime_ns = i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
    let state = FileState::Present {
        size: 2,
        mtime_ns: 5_000_000_007,
        ctime_ns,
        inode: found.ino(),
        digest: xxh3_128(b"{}"),
    };

    let mut recorder = Recorder::new(&env);
    assert_eq!(recorder.read(&directory.0.join("link")), Ok(Some(b"{}".to_vec())));
    assert_eq!(recorder.read(&path), Ok(Some(b"{}".to_vec())));
    assert_eq!(recorder.read(&directory.0.join("missing")), Ok(None));
    assert_eq!(recorder.read(&path.join("below")), Ok(None));
    let files: Vec<(PathBuf, FileState)> =
        recorder.finish().files.into_iter().map(|file| (file.path, file.state)).collect();
    assert_eq!(
        files,
        [
            (path.clone(), state.clone()),
            (path.join("below"), FileState::Absent),
            (directory.0.join("link"), state),
            (directory.0.join("missing"), FileState::Absent),
        ]
    );
}

/// What happens to a file between two readings, and whether its content is confirmed then.
#[test]
fn a_trail_is_confirmed_while_its_files_have_their_content() {
    let (directory, env) = (Directory::new("confirmed"), Environment::default());
    let path = |name: &str| directory.0.join(name);
    let check = |what: &str, change: &dyn Fn(), confirmed: bool| {
        fs::write(path("a"), "1").unwrap();
        let _ = fs::remove_file(path("new"));
        let mut recorder = Recorder::new(&env);
        for name in ["a", "new"] {
            recorder.read(&path(name)).unwrap();
        }
        let trail = recorder.finish();
        assert_eq!(trail.present().collect::<Vec<_>>(), [path("a")]);
        change();
        let now = fs::metadata(path("a")).ok().map(|now| FileState::present(&now, xxh3_128(b"1")));
        let found = trail.confirmed().map(|trail| trail.files[0].state.clone());
        assert_eq!(found, now.filter(|_| confirmed), "{what}");
    };
    check("nothing", &|| {}, true);
    let touch = || fs::File::options().write(true).open(path("a")).unwrap().set_modified(UNIX_EPOCH).unwrap();
    check("touched", &touch, true);
    check("changed", &|| fs::write(path("a"), "2").unwrap(), false);
    check("appeared", &|| fs::write(path("new"), "").unwrap(), false);
    check("gone", &|| fs::remove_file(path("a")).unwrap(), false);
}

#[test]
fn what_can_be_no_configuration_says_what_it_is() {
    let (directory, env) = (Directory::new("unfit"), Environment::default());
    let path = |name: &str| directory.0.join(name);
    fs::create_dir(path("directory")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(path("socket")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("dangling")).unwrap();
    for (name, len) in [("largest", 1 << 30), ("larger", (1 << 30) + 1)] {
        fs::File::create(path(name)).unwrap().set_len(len).unwrap();
    }
    for (path, what) in [
        (path("directory"), "a directory"),
        (path("pipe"), "a named pipe"),
        (path("socket"), "a socket"),
        (PathBuf::from("/dev/null"), "a device"),
        (path("dangling"), "a link to nothing"),
        (path("larger"), "larger than 1 GiB, which no configuration is"),
    ] {
        let mut recorder = Recorder::new(&env);
        let error = recorder.read(&path).unwrap_err();
        assert_eq!(error.summary(), format!("`{}` is {what}", path.display()));
        assert_eq!(error.kind(), ErrorKind::Input);
        assert_eq!(recorder.finish(), Trail::default());
    }
    assert_eq!(unfit(&fs::metadata(path("largest")).unwrap()), None);
}

#[test]
fn variables_are_remembered_whether_set_or_not() {
    let env: Environment = [("SET", "1"), ("UNSEEN", "2")].into_iter().collect();
    let recorder = Recorder::new(&env);
    assert_eq!(recorder.variable("SET"), Some(OsStr::new("1")));
    assert_eq!(recorder.variable("MISSING"), None);
    let variables = recorder.finish().variables;
    assert_eq!(variables, [("MISSING".to_owned(), None), ("SET".to_owned(), Some(OsString::from("1")))]);
}

#[test]
fn unreadable_files_are_errors_with_a_hint() {
    for (cause, hint) in [
        (
            io::ErrorKind::PermissionDenied,
            "the user that runs Host Factory needs read permission for the file and its directories",
        ),
        (io::ErrorKind::StaleNetworkFileHandle, "check the file and the file system it is on"),
    ] {
        let error = unreadable(Path::new("/etc/x"), &io::Error::from(cause));
        assert_eq!((error.kind(), error.hint_text()), (ErrorKind::System, Some(hint)));
        assert!(error.summary().starts_with("cannot read `/etc/x`"), "{}", error.summary());
    }
}

/// A file is the same while each of these is; each changes with one thing that may happen to it.
#[test]
fn what_tells_a_file_from_another() {
    let directory = Directory::new("identity");
    let path = directory.0.join("a");
    fs::write(&path, "1").unwrap();
    let before = identity(&fs::metadata(&path).unwrap());
    fs::File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
    let after = identity(&fs::metadata(&path).unwrap());
    assert_eq!((before.0, before.1, after.2), (after.0, after.1, 0));
    assert_ne!(before.3, after.3);
}
