//! File systems: how much room is left, of which kind they are, and a rename that replaces nothing.
#![expect(unsafe_code, reason = "the system is called here")]

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Room that an ordinary user can still fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// In bytes.
    pub free_bytes: u64,
    /// Number of files that can still be created; `None` where the file system has no such limit.
    pub free_inodes: Option<u64>,
    /// Size of a block in bytes.
    pub block_size: u64,
}

/// The room that is left on the file system of `path`, by `statvfs`.
///
/// # Errors
///
/// What the system call says, for example that there is no such path.
pub fn space(path: &Path) -> io::Result<Space> {
    let path = c_path(path)?;
    // SAFETY: all-zero bytes are a valid `statvfs`, a plain record of integers.
    let mut raw: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `raw` is writable; both live through the call.
    if unsafe { libc::statvfs(path.as_ptr(), &raw mut raw) } != 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(clippy::unnecessary_cast, reason = "field types differ between targets")]
    let (block, free, files, free_files) =
        (raw.f_frsize as u64, raw.f_bavail as u64, raw.f_files as u64, raw.f_favail as u64);
    Ok(Space {
        free_bytes: free.saturating_mul(block),
        free_inodes: (files > 0).then_some(free_files),
        block_size: block,
    })
}

/// Kinds of file system that matter to who keeps state on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On a disk of this machine, as far as known.
    Local,
    /// In memory (tmpfs, ramfs): gone with the next start.
    Memory,
    /// A container's writable layer (overlayfs): gone with the container.
    Overlay,
    /// Shared with other machines, or of an unknown kind.
    Other,
}

/// The kind of the file system of `path`, by `statfs`.
///
/// # Errors
///
/// What the system call says.
pub fn kind(path: &Path) -> io::Result<Kind> {
    let path = c_path(path)?;
    // SAFETY: all-zero bytes are a valid `statfs`, a plain record of integers.
    let mut raw: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `raw` is writable; both live through the call.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut raw) } != 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "magic numbers are 32 bits wide"
    )]
    let magic = raw.f_type as u32;
    Ok(match magic {
        crate::sys::TMPFS | crate::sys::RAMFS => Kind::Memory,
        crate::sys::OVERLAYFS => Kind::Overlay,
        magic if crate::sys::LOCAL_FILE_SYSTEMS.contains(&magic) => Kind::Local,
        _ => Kind::Other,
    })
}

/// What matters of a file system before a database is opened on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Whether it is known to belong to this machine alone.
    pub local: bool,
    /// Size of a block in bytes.
    pub block_size: u64,
}

/// The file system of `path`, by `statfs`, which opens nothing; `None` where the system does not say.
pub fn file_system(path: &Path) -> Option<FileSystem> {
    let path = c_path(path).ok()?;
    // SAFETY: all-zero bytes are a valid `statfs`, a plain record of integers.
    let mut raw: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `raw` is writable; both live through the call.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut raw) } != 0 {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "magic numbers are 32 bits wide, sizes are not negative, and field types differ between targets"
    )]
    let (magic, block_size) = (raw.f_type as u32, raw.f_bsize as u64);
    Some(FileSystem { local: crate::sys::LOCAL_FILE_SYSTEMS.contains(&magic), block_size })
}

/// Takes `bytes` of room for a file, so that no later write within them finds the disk full. What is in the
/// file stays.
///
/// # Errors
///
/// `StorageFull`, or what else the system call says.
pub fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    // SAFETY: the descriptor is open as long as `file` lives.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Renames `from` to `to` unless `to` exists, which is `AlreadyExists`. Where the file system cannot do it
/// in one step, a hard link does.
///
/// # Errors
///
/// `AlreadyExists`, or what the system calls say.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let (old, new) = (c_path(from)?, c_path(to)?);
    // The system call itself: older C libraries have no wrapper for it.
    // SAFETY: both paths are C strings that live through the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            old.as_ptr(),
            libc::AT_FDCWD,
            new.as_ptr(),
            RENAME_NOREPLACE,
        )
    };
    if done == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        _ => Err(error),
    }
}

/// Gives an open file, which may have none yet, the name `to`.
///
/// # Errors
///
/// `AlreadyExists` where the name is taken, or what the system call says.
pub fn link_open(file: &File, to: &Path) -> io::Result<()> {
    let (from, to) = (c_path(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))?, c_path(to)?);
    let (here, flags) = (libc::AT_FDCWD, libc::AT_SYMLINK_FOLLOW);
    // SAFETY: both paths are C strings that live through the call.
    match unsafe { libc::linkat(here, from.as_ptr(), here, to.as_ptr(), flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether the calling process could write to the file `path` if it tried, by its effective user: asked of the
/// kernel, which also knows of file systems that are mounted for reading only. Nothing is opened or changed.
///
/// # Errors
///
/// Why it could not.
pub fn may_write(path: &Path) -> io::Result<()> {
    access(path, libc::W_OK)
}

/// Whether the calling process could create and remove files in the directory `path`.
///
/// # Errors
///
/// Why it could not.
pub fn may_create_in(path: &Path) -> io::Result<()> {
    access(path, libc::W_OK | libc::X_OK)
}

fn access(path: &Path, rights: libc::c_int) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: `path` is a C string that lives through the call.
    match unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), rights, libc::AT_EACCESS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `RENAME_NOREPLACE` of Linux.
const RENAME_NOREPLACE: libc::c_uint = 1;

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
