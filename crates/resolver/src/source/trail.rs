//! The trail: every file and variable an answer depends on, recorded by the only code that opens
//! them. It must not know what is in the files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::sys;
use xxhash_rust::xxh3::xxh3_128;

use crate::source::environment::Environment;

/// Everything the answer depends on, for freshness stamps. Both lists are sorted and unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Files read, and files looked for in vain.
    pub files: Vec<InputFile>,
    /// Variables consulted, set or not.
    pub variables: Vec<(String, Option<OsString>)>,
}

/// A file that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Absolute, as opened.
    pub path: PathBuf,
    /// What was there.
    pub state: FileState,
}

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Nothing. Its appearance would change the answer.
    Absent,
    /// This file.
    Present {
        /// Bytes.
        size: u64,
        /// Modification time, nanoseconds since the epoch.
        mtime_ns: i128,
        /// Time of the last change to content, name or mode, nanoseconds since the epoch. Unlike the
        /// modification time it cannot be put back.
        ctime_ns: i128,
        /// Inode number.
        inode: u64,
        /// XXH3-128 of the content.
        digest: u128,
    },
}

/// Larger files are refused: none of ours is, so it is the wrong file.
pub const SIZE_LIMIT: u64 = 1 << 30;

/// Opens files and looks variables up, and remembers both.
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

    /// The value of a variable; whether it is set is part of the answer, so either is recorded.
    pub(crate) fn variable(&self, name: &str) -> Option<&'e OsStr> {
        let value = self.env.get(name);
        self.variables.borrow_mut().insert(name.to_owned(), value.map(OsStr::to_owned));
        value
    }

    /// The content of a file, or `None` when there is none. `path` must be absolute.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Option<Vec<u8>>> {
        // A file that changes under our hands is usually being replaced right now: once more.
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
                let state = FileState::Present {
                    size: metadata.size(),
                    mtime_ns: mtime_ns(&metadata),
                    ctime_ns: ctime_ns(&metadata),
                    inode: metadata.ino(),
                    digest: xxh3_128(&content),
                };
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
    /// Not a file that can be configuration; says what it is instead.
    Unfit(&'static str),
}

fn read_steadily(path: &Path) -> io::Result<Reading> {
    // Before opening: opening a FIFO waits for a writer.
    let before = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            // Somebody meant a file to be here.
            let dangling = fs::symlink_metadata(path).is_ok();
            return Ok(if dangling { Reading::Unfit("a link to nothing") } else { Reading::Absent });
        }
        Err(error) => return Err(error),
    };
    if let Some(what) = unfit(&before) {
        return Ok(Reading::Unfit(what));
    }
    // Without waiting, should a pipe have taken its place meanwhile.
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
    (&mut file).take(SIZE_LIMIT + 1).read_to_end(&mut content)?;
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
pub fn mtime_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// Time of the last change of the inode, in nanoseconds since 1970.
pub fn ctime_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    let error = Error::new(ErrorKind::System, format!("cannot read `{}`", path.display())).cause(cause);
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            error.hint("the user that runs Host Factory needs read permission for the file and its folders")
        }
        _ => error.hint("check the file and the file system it is on"),
    }
}
