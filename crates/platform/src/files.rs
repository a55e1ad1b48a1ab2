//! Files in directories that another account may write: opened, created and replaced so that a planted link,
//! pipe or foreign file is refused instead of followed.
//!
//! A file is trusted when it is a regular file with one name, and belongs to this process's user, to root, or to
//! the owner of its directory. Owner and mode are changed through the descriptor, never by path.

use std::ffi::CString;
use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

pub use crate::replacement::Replacement;
use crate::sys;

/// Access mode of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Read and write.
    ReadWrite,
    /// Append.
    Append,
}

/// Why a file is not used.
#[derive(Debug)]
pub enum Refused {
    /// A system call has failed.
    Io(io::Error),
    /// It is a symbolic link.
    Link,
    /// It is no regular file; names its kind, with an article.
    Kind(&'static str),
    /// It has this many hard links, so another directory may contain it, too.
    HardLinks(u64),
    /// It belongs to this user, who is neither the caller, root, nor the owner of the directory.
    Owner(u32),
    /// It belongs to this user, and only root could restore that owner after a replacement.
    NotOurs(u32),
    /// These permission bits let accounts write it that cannot write the directory.
    Writable(u32),
}

impl Refused {
    /// Whether the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Link => f.write_str("it is a symbolic link"),
            Self::Kind(kind) => write!(f, "it is {kind}, not a regular file"),
            Self::HardLinks(count) => write!(f, "it has {count} names (hard links)"),
            Self::Owner(owner) => {
                write!(
                    f,
                    "it belongs to user {owner}, who is neither you, root, nor the owner of its directory"
                )
            }
            Self::NotOurs(owner) => {
                write!(f, "it belongs to user {owner}, and only root or that user can replace it")
            }
            Self::Writable(mode) => {
                write!(f, "accounts other than its owner may write it (mode {:04o})", mode & 0o7777)
            }
        }
    }
}

impl std::error::Error for Refused {}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        if error.raw_os_error() == Some(libc::ELOOP) { Self::Link } else { Self::Io(error) }
    }
}

/// Opens a file that exists for appending, and gives its size. Two system calls for a file of the caller's own.
///
/// # Errors
///
/// As [`open`].
pub fn append(path: &Path) -> Result<(File, u64), Refused> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)?;
    let file = sys::open_to_append(&name).map_err(|error| unopened(error, path))?;
    let status = file.metadata()?;
    trust(&status, path)?;
    Ok((file, status.size()))
}

/// Whether a path still names this open file. Another process may have removed or replaced it since it was opened.
pub fn is_at(file: &File, path: &Path) -> bool {
    let identity = |status: &Metadata| (status.dev(), status.ino());
    let opened = file.metadata().ok().as_ref().map(identity);
    fs::symlink_metadata(path).ok().as_ref().map(identity) == opened
}

/// Opens a file that exists, without following a link and without waiting for the other end of a pipe.
///
/// # Errors
///
/// [`Refused`] if the file is untrusted, see the module.
pub fn open(path: &Path, access: Access) -> Result<File, Refused> {
    let mut options = OpenOptions::new();
    match access {
        Access::Read => options.read(true),
        Access::ReadWrite => options.read(true).write(true),
        Access::Append => options.append(true),
    };
    let opened = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = opened.map_err(|error| unopened(error, path))?;
    trust(&file.metadata()?, path)?;
    Ok(file)
}

/// Why a file could not be opened.
fn unopened(error: io::Error, path: &Path) -> Refused {
    match error.raw_os_error() {
        // The kernel's errors for a pipe without a reader, a socket, and a directory opened for writing.
        Some(libc::ENXIO | libc::EISDIR | libc::ENODEV) => fs::symlink_metadata(path)
            .ok()
            .and_then(|found| refused_kind(&found))
            .unwrap_or(Refused::Io(error)),
        _ => error.into(),
    }
}

/// Checks whether a file with this status is trusted at `path`. Reads the status of the directory only if owner
/// and mode of the file do not decide.
///
/// # Errors
///
/// [`Refused`]; `Io` only if the status of the directory cannot be read.
pub fn trust(file: &Metadata, path: &Path) -> Result<(), Refused> {
    regular(file)?;
    if file.nlink() > 1 {
        return Err(Refused::HardLinks(file.nlink()));
    }
    let own = file.uid() == 0 || file.uid() == sys::effective_user();
    let (others, group) = (file.mode() & 0o002 != 0, file.mode() & 0o020 != 0);
    if own && !others && !group {
        return Ok(());
    }
    let directory = fs::metadata(directory(path))?;
    if !own && file.uid() != directory.uid() {
        return Err(Refused::Owner(file.uid()));
    }
    // A directory that its group, but not others, may write implies that the group may write its files.
    let shared = directory.mode() & 0o020 != 0 && directory.gid() == file.gid();
    if others || group && !shared { Err(Refused::Writable(file.mode())) } else { Ok(()) }
}

/// Checks that it is a regular file, of any owner.
///
/// # Errors
///
/// [`Refused::Link`] or [`Refused::Kind`].
pub fn regular(file: &Metadata) -> Result<(), Refused> {
    refused_kind(file).map_or(Ok(()), Err)
}

/// Reads a regular file, following links, of any owner. Never blocks on a pipe.
///
/// # Errors
///
/// Errors of the system calls; the kind of the file if it is no regular one; `FileTooLarge` above `limit` bytes.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata).map_err(io::Error::other)?;
    // Not by reading them: a sparse file of any size costs nothing to make.
    if metadata.size() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.size()).unwrap_or(0).saturating_add(1));
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// A file that a person names as output.
#[derive(Debug)]
pub enum Destination {
    /// A file to create or replace; links to it are resolved.
    File(PathBuf),
    /// A pipe or device, which is written to as it is.
    Stream(File),
}

/// Resolves an output path. A link is followed only if no other account can have planted it: it belongs to the
/// caller, or lies in a directory that only the caller or root may write, such as `/dev`.
///
/// # Errors
///
/// [`Refused::Link`] for a link that is not followed or dangling, [`Refused::Kind`] for a directory, and `Io`
/// for a pipe without a reader, which never blocks.
pub fn destination(path: &Path) -> Result<Destination, Refused> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Destination::File(path.to_owned()));
        }
        found => found?,
    };
    if !found.is_symlink() {
        return if found.is_file() {
            Ok(Destination::File(path.to_owned()))
        } else {
            stream(path, libc::O_NOFOLLOW)
        };
    }
    let above = fs::metadata(directory(path))?;
    let user = sys::effective_user();
    let closed = (above.uid() == 0 || above.uid() == user) && above.mode() & 0o022 == 0;
    if !closed && found.uid() != user {
        return Err(Refused::Link);
    }
    // A standard stream of this process, which must not be replaced, whatever it refers to.
    if fs::read_link(path)?.starts_with("/proc") || fs::canonicalize(directory(path))?.starts_with("/proc") {
        return stream(path, 0);
    }
    match fs::metadata(path) {
        Ok(end) if end.is_file() => Ok(Destination::File(fs::canonicalize(path)?)),
        Ok(_) => stream(path, 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Refused::Link),
        Err(error) => Err(error.into()),
    }
}

fn stream(path: &Path, flags: i32) -> Result<Destination, Refused> {
    if fs::metadata(path)?.is_dir() {
        return Err(Refused::Kind("a directory"));
    }
    let flags = flags | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().append(true).custom_flags(flags).open(path)?;
    sys::wait_from_now_on(&file)?;
    Ok(Destination::Stream(file))
}

fn refused_kind(file: &Metadata) -> Option<Refused> {
    let kind = file.file_type();
    Some(match () {
        () if kind.is_file() => return None,
        () if kind.is_symlink() => Refused::Link,
        () if kind.is_dir() => Refused::Kind("a directory"),
        () if kind.is_fifo() => Refused::Kind("a named pipe"),
        () if kind.is_socket() => Refused::Kind("a socket"),
        () => Refused::Kind("a device"),
    })
}

/// Creates a file that must not exist, with exactly this mode, regardless of the umask. A file that root
/// creates in another user's directory is given to that user, who must be able to keep using it.
///
/// # Errors
///
/// [`Refused::Io`] with `AlreadyExists` if the name is taken, even by a dangling link.
pub fn create(path: &Path, mode: u32) -> Result<File, Refused> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode & 0o600).open(path)?;
    let prepared = hand_over(&file, path).and_then(|()| file.set_permissions(Permissions::from_mode(mode)));
    if let Err(error) = prepared {
        let _ = fs::remove_file(path);
        return Err(error.into());
    }
    Ok(file)
}

/// Changes the owner of a file that root has just created to the owner of its directory.
pub(crate) fn hand_over(file: &File, path: &Path) -> io::Result<()> {
    if sys::effective_user() != 0 {
        return Ok(());
    }
    let directory = fs::metadata(directory(path))?;
    if directory.uid() == 0 {
        return Ok(());
    }
    fchown(file, Some(directory.uid()), Some(directory.gid()))
}

/// Opens a file, or creates it with `mode` where there is none.
///
/// # Errors
///
/// As [`open`] and [`create`].
pub fn open_or_create(path: &Path, access: Access, mode: u32) -> Result<File, Refused> {
    let missing = match open(path, access) {
        Err(refused) if refused.is_missing() => refused,
        opened => return opened,
    };
    match create(path, mode) {
        // Another process was faster; or the name is a link to nothing, which `open` takes as missing.
        Err(Refused::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {
            open(path, access).map_err(|again| if again.is_missing() { missing } else { again })
        }
        Ok(_) if access == Access::Append => open(path, access),
        created => created,
    }
}

/// Makes a directory and those above it that are missing; the file creation mask takes away from `mode` as usual.
/// What root makes in another user's directory belongs to that user.
///
/// # Errors
///
/// What the system calls say; `NotADirectory` where a file is in the way.
pub fn create_directories(path: &Path, mode: u32) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    create_directories(directory(path), mode)?;
    match create_directory(path, mode) {
        // Another process was faster, or the name is a link to nothing.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::metadata(path)?.is_dir() {
                Ok(())
            } else {
                Err(error)
            }
        }
        created => created,
    }
}

/// Makes a directory that must not exist; the file creation mask takes away from `mode` as usual. What root makes in
/// another user's directory belongs to that user.
///
/// # Errors
///
/// What the system calls say; `AlreadyExists` if the name is taken, even by a dangling link.
pub fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)?;
    if sys::effective_user() != 0 {
        return Ok(());
    }
    // Through a descriptor, since the owner of the directory above may have put a link there meanwhile.
    let flags = libc::O_NOFOLLOW | libc::O_DIRECTORY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    hand_over(&opened, path)
}

/// The directory of a file.
pub fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes names in the directory of `file` durable. Some network file systems refuse to sync a directory; what was
/// renamed there is renamed all the same, so that is no error.
pub fn sync_directory(file: &Path) {
    sync_entries(directory(file));
}

/// As [`sync_directory`], for the directory itself.
pub fn sync_entries(directory: &Path) {
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

/// Copies a file, with its mode, to one that must not exist.
///
/// # Errors
/// What keeps the one from being read or the other from being created.
pub fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = open(from, Access::Read).map_err(io::Error::other)?;
    let mode = source.metadata()?.mode() & 0o777;
    let mut target = create(to, mode).map_err(io::Error::other)?;
    io::copy(&mut source, &mut target).map(|_| ())
}
