//! File systems: free space, kind, and a rename that never replaces a file.
#![expect(unsafe_code, reason = "the system is called here")]

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Space that an unprivileged user can still fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free space in bytes.
    pub free_bytes: u64,
    /// Number of files that can still be created; `None` where the file system has no such limit.
    pub free_inodes: Option<u64>,
    /// Size of a block in bytes.
    pub block_size: u64,
}

/// The free space on the file system of `path`, by `statvfs`.
///
/// # Errors
///
/// The error of the system call, for example `NotFound`.
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

/// Kinds of file system, by how long and for whom they keep state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On a disk of this machine, as far as known.
    Local,
    /// In memory (tmpfs, ramfs): lost at the next boot.
    Memory,
    /// A container's writable layer (overlayfs): lost with the container.
    Overlay,
    /// Shared with other machines, or of an unknown kind.
    Other,
}

/// The kind of the file system of `path`, by `statfs`.
///
/// # Errors
///
/// The error of the system call.
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

/// Properties of a file system that a database on it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Whether it is known to belong to this machine alone.
    pub local: bool,
    /// Size of a block in bytes.
    pub block_size: u64,
}

/// The file system of `path`, by `statfs`, which opens no file; `None` if the system call fails.
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

/// Allocates `bytes` for a file, so that no later write within them finds the disk full. The content of the
/// file stays.
///
/// # Errors
///
/// `StorageFull`, or another error of the system call.
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
/// `AlreadyExists`, or another error of the system calls.
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

/// Links an open file, which may have no name yet, to the name `to`.
///
/// # Errors
///
/// `AlreadyExists` if the name is taken, or another error of the system call.
pub fn link_open(file: &File, to: &Path) -> io::Result<()> {
    let (from, to) = (c_path(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))?, c_path(to)?);
    let (here, flags) = (libc::AT_FDCWD, libc::AT_SYMLINK_FOLLOW);
    // SAFETY: both paths are C strings that live through the call.
    match unsafe { libc::linkat(here, from.as_ptr(), here, to.as_ptr(), flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Checks whether the effective user of this process could write the file `path`. The kernel decides, so
/// read-only file systems count. No file is opened or changed.
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
