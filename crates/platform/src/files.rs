//! Files in directories that another account may write: opened, created and replaced so that a planted link,
//! pipe or foreign file is refused instead of followed.
//!
//! A file is trusted when it is a regular file with one name, and belongs to this process's user, to root, or to
//! the owner of its directory. Owner and mode are changed through the descriptor, never by path.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::{disk, sys};

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading alone.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Writing at the end.
    Append,
}

/// Why a file is not used.
#[derive(Debug)]
pub enum Refused {
    /// The system said so.
    Io(io::Error),
    /// It is a symbolic link.
    Link,
    /// It is no regular file; says what it is, with an article.
    Kind(&'static str),
    /// It has this many names, so another directory may hold it too.
    HardLinks(u64),
    /// It belongs to this user, who is neither the caller, root, nor the owner of the directory.
    Owner(u32),
    /// These permission bits let accounts write it that the directory does not trust.
    Writable(u32),
}

impl Refused {
    /// Whether there is no such file.
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

/// Opens a file that exists, without following a link and without waiting for the other end of a pipe.
///
/// # Errors
///
/// [`Refused`] where the file is not to be trusted, see the module.
pub fn open(path: &Path, access: Access) -> Result<File, Refused> {
    let mut options = OpenOptions::new();
    match access {
        Access::Read => options.read(true),
        Access::ReadWrite => options.read(true).write(true),
        Access::Append => options.append(true),
    };
    let opened = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        // What the kernel says of a pipe that no process reads, of a socket, and of a directory to be written.
        Some(libc::ENXIO | libc::EISDIR | libc::ENODEV) => fs::symlink_metadata(path)
            .ok()
            .and_then(|found| refused_kind(&found))
            .unwrap_or(Refused::Io(error)),
        _ => error.into(),
    })?;
    trust(&file.metadata()?, path)?;
    Ok(file)
}

/// Whether a file with this status may be used at `path`. Looks at the directory only when the owner or the
/// mode alone do not decide.
///
/// # Errors
///
/// [`Refused`], never of kind `Io` but where the directory cannot be looked at.
pub fn trust(file: &Metadata, path: &Path) -> Result<(), Refused> {
    if let Some(refused) = refused_kind(file) {
        return Err(refused);
    }
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
    // A directory that its group may write, and not others, means that group to write its files.
    let shared = directory.mode() & 0o020 != 0 && directory.gid() == file.gid();
    if others || group && !shared { Err(Refused::Writable(file.mode())) } else { Ok(()) }
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

/// Creates a file that must not exist, with exactly this mode whatever the file creation mask says. What root
/// creates in another user's directory belongs to that user, who must be able to go on using it.
///
/// # Errors
///
/// [`Refused::Io`] with `AlreadyExists` where the name is taken, be it by a link to nothing.
pub fn create(path: &Path, mode: u32) -> Result<File, Refused> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode & 0o600).open(path)?;
    let prepared = hand_over(&file, path).and_then(|()| file.set_permissions(Permissions::from_mode(mode)));
    if let Err(error) = prepared {
        let _ = fs::remove_file(path);
        return Err(error.into());
    }
    Ok(file)
}

/// Gives a file that root has just created to the owner of its directory.
fn hand_over(file: &File, path: &Path) -> io::Result<()> {
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

/// The directory of a file.
pub fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes names in the directory of `file` durable. Some network file systems refuse to sync a directory; what was
/// renamed there is renamed all the same, so that is no error.
pub fn sync_directory(file: &Path) {
    let _ = File::open(directory(file)).and_then(|directory| directory.sync_all());
}

/// New content for a file: a temporary file in the same directory, which takes the file's place as a whole, or is
/// removed when dropped before that.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    placed: bool,
}

impl Replacement {
    /// Begins; `target` stays as it is until [`Self::commit`].
    ///
    /// # Errors
    ///
    /// As [`create`].
    pub fn begin(target: &Path, mode: u32) -> Result<Self, Refused> {
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let directory = directory(target);
        for attempt in 0_u32.. {
            // A process of the same number in another container, or a planted file: then the next name.
            let temporary = directory.join(format!(".{name}.{}.{attempt}.tmp", std::process::id()));
            match create(&temporary, mode) {
                Err(Refused::Io(error))
                    if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {}
                created => {
                    let file = created?;
                    return Ok(Self { file, temporary, target: target.to_owned(), placed: false });
                }
            }
        }
        Err(Refused::Io(io::ErrorKind::AlreadyExists.into()))
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Where it is until then.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs it, puts it in the place of the target, and makes that durable.
    ///
    /// # Errors
    ///
    /// What the system calls say; the target is as it was.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        self.placed = true;
        sync_directory(&self.target);
        Ok(())
    }

    /// The same where the target must not exist.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where it does; else as [`Self::commit`].
    pub fn commit_new(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        disk::rename_new(&self.temporary, &self.target)?;
        self.placed = true;
        sync_directory(&self.target);
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// How many names for a temporary file are tried.
const ATTEMPTS: u32 = 100;
