//! The trail: every file and variable an answer depends on, recorded by the only code that opens them. It must
//! not know the content of the files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::{files, sys};
use xxhash_rust::xxh3::xxh3_128;

use crate::source::environment::Environment;

/// Every input of the answer, for freshness stamps. Both lists are sorted and unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Files that were read, and files that were looked for but do not exist.
    pub files: Vec<InputFile>,
    /// Variables that were looked up, with their value; `None` if unset.
    pub variables: Vec<(String, Option<OsString>)>,
}

impl Trail {
    /// The paths of the files that exist.
    pub fn present(&self) -> impl Iterator<Item = &Path> {
        let present = self.files.iter().filter(|file| matches!(file.state, FileState::Present { .. }));
        present.map(|file| file.path.as_path())
    }

    /// The same inputs with the files' present times; `None` if the content of one has changed.
    pub fn confirmed(&self) -> Option<Self> {
        let mut trail = self.clone();
        for file in &mut trail.files {
            let FileState::Present { digest, .. } = &file.state else {
                if file.path.exists() {
                    return None;
                }
                continue;
            };
            if xxh3_128(&files::read_regular(&file.path, SIZE_LIMIT).ok()?) != *digest {
                return None;
            }
            file.state = FileState::present(&fs::metadata(&file.path).ok()?, *digest);
        }
        Some(trail)
    }
}

impl FileState {
    fn present(metadata: &Metadata, digest: u128) -> Self {
        Self::Present {
            size: metadata.size(),
            mtime_ns: mtime_ns(metadata),
            ctime_ns: ctime_ns(metadata),
            inode: metadata.ino(),
            digest,
        }
    }
}

/// A file that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Absolute path, as opened.
    pub path: PathBuf,
    /// The state of the file when it was read.
    pub state: FileState,
}

/// State of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// No file. Its appearance would change the answer.
    Absent,
    /// A regular file.
    Present {
        /// Size in bytes.
        size: u64,
        /// Modification time, nanoseconds since the epoch.
        mtime_ns: i128,
        /// Time of the last change to content, name or mode, nanoseconds since the epoch. Unlike the
        /// modification time it cannot be reset.
        ctime_ns: i128,
        /// Inode number.
        inode: u64,
        /// XXH3-128 of the content.
        digest: u128,
    },
}

/// Largest file that is read, in bytes: a larger one is no configuration.
pub const SIZE_LIMIT: u64 = 1 << 30;

/// Opens files, looks variables up, and records both.
#[derive(Debug)]
pub(crate) struct Recorder<'e> {
    env: &'e Environment,
    files: BTreeMap<PathBuf, FileState>,
    variables: RefCell<BTreeMap<String, Option<OsString>>>,
}

impl<'e> Recorder<'e> {
    pub(crate) fn new(env: &'e Environment) -> Self {
        Self { env, files: BTreeMap::new(), variables: RefCell::default() }
    }

    /// Goes on from what an earlier part of the same load has recorded.
    pub(crate) fn resume(env: &'e Environment, trail: &Trail) -> Self {
        let files = trail.files.iter().map(|file| (file.path.clone(), file.state.clone())).collect();
        let variables = RefCell::new(trail.variables.iter().cloned().collect());
        Self { env, files, variables }
    }

    /// The value of a variable, recorded whether it is set or not.
    pub(crate) fn variable(&self, name: &str) -> Option<&'e OsStr> {
        let value = self.env.get(name);
        self.variables.borrow_mut().insert(name.to_owned(), value.map(OsStr::to_owned));
        value
    }

    /// The content of a file, or `None` when there is none. `path` must be absolute.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Option<Vec<u8>>> {
        // A file that changes while it is read is usually being replaced: read it once more.
        let reading = match read_steadily(path) {
            Ok(Reading::Changed) => read_steadily(path),
            other => other,
        };
        match reading {
            Ok(Reading::Absent) => {
                self.files.insert(path.to_owned(), FileState::Absent);
                Ok(None)
            }
            Ok(Reading::Whole(content, metadata)) => {
                let state = FileState::present(&metadata, xxh3_128(&content));
                self.files.insert(path.to_owned(), state);
                Ok(Some(content))
            }
            Ok(Reading::Changed) => Err(Error::new(
                ErrorKind::System,
                format!("`{}` keeps changing while it is read", path.display()),
            )
            .hint("try again when whatever writes it has finished")),
            Ok(Reading::Unfit(what)) => {
                Err(Error::new(ErrorKind::Input, format!("`{}` is {what}", path.display()))
                    .hint("a regular file, or a link to one, is expected there"))
            }
            Err(cause) => Err(unreadable(path, &cause)),
        }
    }

    pub(crate) fn finish(self) -> Trail {
        Trail {
            files: self.files.into_iter().map(|(path, state)| InputFile { path, state }).collect(),
            variables: self.variables.into_inner().into_iter().collect(),
        }
    }
}

enum Reading {
    Absent,
    Whole(Vec<u8>, Metadata),
    Changed,
    /// No regular file; names its actual kind.
    Unfit(&'static str),
}

fn read_steadily(path: &Path) -> io::Result<Reading> {
    // Checked before opening, since opening a FIFO waits for a writer.
    let before = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            // A dangling link: a file was meant to be here.
            let dangling = fs::symlink_metadata(path).is_ok();
            return Ok(if dangling { Reading::Unfit("a link to nothing") } else { Reading::Absent });
        }
        Err(error) => return Err(error),
    };
    if let Some(what) = unfit(&before) {
        return Ok(Reading::Unfit(what));
    }
    // Non-blocking, in case a pipe has replaced it meanwhile.
    let mut file = match OpenOptions::new().read(true).custom_flags(sys::WITHOUT_WAITING).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Changed),
        Err(error) => return Err(error),
    };
    let opened = file.metadata()?;
    if let Some(what) = unfit(&opened) {
        return Ok(Reading::Unfit(what));
    }
    let mut content = Vec::with_capacity(usize::try_from(opened.size()).unwrap_or(0).saturating_add(1));
    (&mut file).take(SIZE_LIMIT).read_to_end(&mut content)?;
    let after = file.metadata()?;
    let is_whole = identity(&opened) == identity(&after) && content.len() as u64 == after.size();
    Ok(if is_whole { Reading::Whole(content, after) } else { Reading::Changed })
}

fn unfit(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return (metadata.size() > SIZE_LIMIT).then_some("larger than 1 GiB, which no configuration is");
    }
    Some(match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    })
}

fn identity(metadata: &Metadata) -> (u64, u64, i128, i128) {
    (metadata.ino(), metadata.size(), mtime_ns(metadata), ctime_ns(metadata))
}

/// Time of the last change of content, in nanoseconds since 1970.
fn mtime_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// Time of the last change of the inode, in nanoseconds since 1970.
fn ctime_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    let error = Error::new(ErrorKind::System, format!("cannot read `{}`", path.display())).cause(cause);
    match cause.kind() {
        io::ErrorKind::PermissionDenied => error
            .hint("the user that runs Host Factory needs read permission for the file and its directories"),
        _ => error.hint("check the file and the file system it is on"),
    }
}

#[cfg(test)]
mod tests {
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
        let touch =
            || fs::File::options().write(true).open(path("a")).unwrap().set_modified(UNIX_EPOCH).unwrap();
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
}
