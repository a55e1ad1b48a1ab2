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
            if xxh3_128(&content(&file.path).ok()?) != *digest {
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
    /// A regular file, or a directory whose entries are read.
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
        /// XXH3-128 of the content; of a directory, that of [`content`].
        digest: u128,
    },
}

/// Largest file that is read, in bytes: a larger one is no configuration.
pub const SIZE_LIMIT: u64 = 1 << 30;

/// What an input holds: the bytes of a file, or the names of a directory's configuration files, a line each.
///
/// # Errors
/// The error of reading it.
pub fn content(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_dir() {
        return Ok(configuration_files(path)?.join("\n").into_bytes());
    }
    files::read_regular(path, SIZE_LIMIT)
}

/// The names of a directory's files in a format of the configuration, sorted. Hidden ones and those that editors leave
/// behind have other names.
fn configuration_files(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let is_known = [".json", ".yaml", ".toml"].iter().any(|ending| name.ends_with(ending));
        if is_known && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Contents in place of those of files.
pub(crate) type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// Opens files, looks variables up, and records both.
#[derive(Debug)]
pub(crate) struct Recorder<'e> {
    env: &'e Environment,
    contents: Contents,
    files: BTreeMap<PathBuf, FileState>,
    variables: RefCell<BTreeMap<String, Option<OsString>>>,
}

impl<'e> Recorder<'e> {
    pub(crate) fn new(env: &'e Environment) -> Self {
        Self { env, files: BTreeMap::new(), variables: RefCell::default(), contents: Contents::new() }
    }

    /// The same with contents in place of files, which are not recorded: what is loaded so is for a check, and its trail
    /// stamps nothing.
    pub(crate) fn with(self, contents: Contents) -> Self {
        Self { contents, ..self }
    }

    /// Goes on from what an earlier part of the same load has recorded.
    pub(crate) fn resume(env: &'e Environment, trail: &Trail) -> Self {
        let files = trail.files.iter().map(|file| (file.path.clone(), file.state.clone())).collect();
        let variables = RefCell::new(trail.variables.iter().cloned().collect());
        Self { env, files, variables, contents: Contents::new() }
    }

    /// The value of a variable, recorded whether it is set or not.
    pub(crate) fn variable(&self, name: &str) -> Option<&'e OsStr> {
        let value = self.env.get(name);
        self.variables.borrow_mut().insert(name.to_owned(), value.map(OsStr::to_owned));
        value
    }

    /// The names of a directory's configuration files, sorted; `None` when there is no directory. One entry of the trail
    /// stands for whatever may appear in it. `path` must be absolute.
    pub(crate) fn list(&mut self, path: &Path) -> Result<Option<Vec<String>>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => metadata,
            Ok(_) => {
                return Err(Error::new(ErrorKind::Input, format!("`{}` is no directory", path.display()))
                    .hint("a directory of configuration files is expected there"));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                self.files.insert(path.to_owned(), FileState::Absent);
                return Ok(None);
            }
            Err(cause) => return Err(unreadable(path, &cause)),
        };
        let names = configuration_files(path).map_err(|cause| unreadable(path, &cause))?;
        let state = FileState::present(&metadata, xxh3_128(names.join("\n").as_bytes()));
        self.files.insert(path.to_owned(), state);
        Ok(Some(names))
    }

    /// Whether a directory exists; one that does not is recorded, for all that may appear in it. `path` must be absolute.
    pub(crate) fn is_there(&mut self, path: &Path) -> bool {
        let is_there = path.is_dir();
        if !is_there {
            self.files.insert(path.to_owned(), FileState::Absent);
        }
        is_there
    }

    /// The content of a file, or `None` when there is none. `path` must be absolute.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Option<Vec<u8>>> {
        if let Some(content) = self.contents.get(path) {
            return Ok(Some(content.clone()));
        }
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
mod tests;
