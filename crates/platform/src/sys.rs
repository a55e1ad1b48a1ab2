//! The system calls of the fast path, without a heap.
//!
//! Paths are C strings, so no call allocates.
#![expect(unsafe_code, reason = "the system is called here")]

mod handing_over;
mod interruption;
mod output;
mod process;
mod usage;

pub use handing_over::{HANDED_OVER, HandedOver, handed_over};
pub use interruption::{interrupted, note_interruption};
pub use output::{
    Written, survive_file_size_limit, wait_while_read, write_all, write_failure, write_unchanging,
};
pub use process::{ExitCode, Fallback, Process, exit, guard_mapping, guarded};
pub use usage::{Usage, page_size, usage};

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use memmap2::{Advice, Mmap, MmapMut, MmapOptions};

/// Standard output.
pub const STDOUT: RawFd = 1;
/// Standard error.
pub const STDERR: RawFd = 2;

/// For `OpenOptions::custom_flags`: opening does not wait for the other end of a pipe.
pub const WITHOUT_WAITING: i32 = libc::O_NONBLOCK | libc::O_NOCTTY;

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// In bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time, nanoseconds since 1970; unlike the modification time it cannot be put back.
    pub ctime_ns: i64,
    /// Inode number.
    pub inode: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub owner: u32,
    /// Group.
    pub group: u32,
    /// Number of the file system; with the inode number it says which file this is.
    pub device: u64,
}

impl Status {
    /// A regular file?
    pub fn is_file(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }

    /// A directory?
    pub fn is_dir(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFDIR
    }

    fn from_raw(raw: &libc::stat) -> Self {
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_sign_loss,
            reason = "field types differ between targets"
        )]
        Self {
            size: raw.st_size as u64,
            mtime_ns: (raw.st_mtime as i64)
                .saturating_mul(1_000_000_000)
                .saturating_add(raw.st_mtime_nsec as i64),
            ctime_ns: (raw.st_ctime as i64)
                .saturating_mul(1_000_000_000)
                .saturating_add(raw.st_ctime_nsec as i64),
            inode: raw.st_ino as u64,
            mode: raw.st_mode as u32,
            owner: raw.st_uid as u32,
            group: raw.st_gid as u32,
            device: raw.st_dev as u64,
        }
    }
}

/// Status of the file behind a path, links followed.
pub fn stat(path: &CStr) -> io::Result<Status> {
    // SAFETY: all-zero bytes are a valid `stat`, a plain record of integers.
    let mut raw: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `raw` is writable; both live through the call.
    match unsafe { libc::stat(path.as_ptr(), &raw mut raw) } {
        0 => Ok(Status::from_raw(&raw)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a path does not exist, not even as a dangling link.
pub fn is_absent(path: &CStr) -> bool {
    // SAFETY: all-zero bytes are a valid `stat`, a plain record of integers.
    let mut raw: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `raw` is writable; both live through the call.
    let found = unsafe { libc::lstat(path.as_ptr(), &raw mut raw) } == 0;
    !found && is_missing(&io::Error::last_os_error())
}

/// Whether an error means that a file does not exist.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

/// Status of an open file.
pub fn fstat(file: &File) -> io::Result<Status> {
    // SAFETY: all-zero bytes are a valid `stat`, a plain record of integers.
    let mut raw: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open as long as `file` lives; `raw` is writable.
    match unsafe { libc::fstat(file.as_raw_fd(), &raw mut raw) } {
        0 => Ok(Status::from_raw(&raw)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Opens a file for reading, closed again on exec. A named pipe without a writer does not block.
pub fn open(path: &CStr) -> io::Result<File> {
    open_for(path, libc::O_RDONLY)
}

/// Opens a file that exists for appending, closed again on exec, without following a link. A named pipe without a reader
/// is an error.
pub fn open_to_append(path: &CStr) -> io::Result<File> {
    open_for(path, libc::O_WRONLY | libc::O_APPEND | libc::O_NOFOLLOW)
}

fn open_for(path: &CStr, access: i32) -> io::Result<File> {
    let flags = access | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
    // The system call itself: musl's wrapper makes a second one for O_CLOEXEC.
    // SAFETY: `path` is a C string that lives through the call.
    let fd = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
    match RawFd::try_from(fd) {
        // Standard output was closed, and a file in its place would hide that.
        Ok(STDOUT) => {
            // SAFETY: the descriptor is new, and no other code has a copy of it.
            unsafe { libc::close(STDOUT) };
            Err(io::Error::from_raw_os_error(libc::EBADF))
        }
        // SAFETY: the descriptor is new, so `File` is its only owner.
        Ok(fd) if fd >= 0 => Ok(unsafe { File::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Magic numbers of file systems on which a private mapping is safe: data comes from this machine,
/// so a mapped page cannot fail because a server went away.
pub(crate) const LOCAL_FILE_SYSTEMS: [u32; 11] = [
    0x0000_ef53, // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683e, // btrfs
    TMPFS,
    RAMFS,
    OVERLAYFS,
    0x2fc1_2fc1, // zfs
    0xf2f5_2010, // f2fs
    0x7371_7368, // squashfs
    0xe0f5_e1e2, // erofs
    0xca45_1a4e, // bcachefs
];

pub(crate) const TMPFS: u32 = 0x0102_1994;
pub(crate) const RAMFS: u32 = 0x8584_58f6;
pub(crate) const OVERLAYFS: u32 = 0x794c_7630;

/// Whether the file lies on a file system known to be local.
pub fn is_local(file: &File) -> bool {
    // SAFETY: all-zero bytes are a valid `statfs`, a plain record of integers.
    let mut raw: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open as long as `file` lives; `raw` is writable.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut raw) } != 0 {
        return false;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "magic numbers are 32 bits wide"
    )]
    let magic = raw.f_type as u32;
    LOCAL_FILE_SYSTEMS.contains(&magic)
}

/// The bytes of a file: mapped, or read into anonymous memory.
#[derive(Debug)]
pub enum Bytes {
    /// A private mapping of the file.
    Mapped(Mmap),
    /// A copy.
    Read(Mmap),
}

impl Bytes {
    /// All bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) | Self::Read(map) => map,
        }
    }

    /// Asks the kernel to map `len` bytes from `offset` at once: one call instead of a page fault
    /// for every 64 KiB. Kernels before 5.14 refuse, and the faults happen.
    pub fn populate(&self, offset: usize, len: usize) {
        if let Self::Mapped(map) = self {
            let _ = map.advise_range(Advice::PopulateRead, offset, len);
        }
    }
}

/// Maps the first `len` bytes privately.
pub fn map(file: &File, len: usize) -> io::Result<Bytes> {
    // SAFETY: the mapping is private and read-only, and snapshots are replaced by rename, never
    // written in place. Who truncates one all the same makes reads fault, not lie: every byte is
    // checksummed before use.
    unsafe { MmapOptions::new().len(len).map_copy_read_only(file) }.map(Bytes::Mapped)
}

/// Reads exactly `len` bytes into anonymous memory.
pub fn read(file: &File, len: usize) -> io::Result<Bytes> {
    let mut memory = MmapMut::map_anon(len)?;
    file.read_exact_at(&mut memory, 0)?;
    memory.make_read_only().map(Bytes::Read)
}

/// Whether the descriptor is open.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: takes numbers and returns a number.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

/// Makes a descriptor that was opened non-blocking blocking.
pub fn wait_from_now_on(file: &File) -> io::Result<()> {
    // SAFETY: takes numbers and returns a number.
    let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) };
    // SAFETY: as above.
    if flags < 0 || unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Whether the descriptor is a terminal.
pub fn is_terminal(fd: RawFd) -> bool {
    // SAFETY: takes a number and returns a number.
    unsafe { libc::isatty(fd) == 1 }
}

/// The effective user, as it was when this program was executed: no system call for any user but root.
pub fn effective_user() -> u32 {
    // SAFETY: takes a number and returns a number.
    match unsafe { libc::getauxval(libc::AT_EUID) } {
        // Root, or a kernel that does not tell.
        // SAFETY: takes nothing, cannot fail.
        0 => unsafe { libc::geteuid() },
        user => u32::try_from(user).unwrap_or(u32::MAX),
    }
}

/// The id of this process, asked for on its first thread. The C library knows it, so musl makes no system call.
pub fn process() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    u32::try_from(unsafe { libc::gettid() }).unwrap_or_default()
}

/// Milliseconds since 1970, as this host's clock has them. Unlike std's, it has no error to describe, which would be a
/// third of the runtime.
pub fn unix_millis() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable, and lives through the call.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds.wrapping_mul(1000).wrapping_add(u64::try_from(now.tv_nsec / 1_000_000).unwrap_or_default())
}

/// The name of this host, as far as it can be part of a file name; `localhost` where there is none. Asked for once.
pub fn host_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        with_node_name(|name| {
            let name = String::from_utf8_lossy(name).trim().replace('/', "_");
            if name.is_empty() { "localhost".to_owned() } else { name }
        })
    })
}

/// Passes on what the kernel has as the name of this host; empty where there is none. Without an allocation.
pub fn with_node_name<T>(pass: impl FnOnce(&[u8]) -> T) -> T {
    // SAFETY: all-zero bytes are a valid `utsname`, a plain record of characters.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `names` is writable, and lives through the call.
    let _ = unsafe { libc::uname(&raw mut names) };
    // SAFETY: the kernel ends the name with a zero byte; before the call all bytes were zero.
    pass(unsafe { CStr::from_ptr(names.nodename.as_ptr()) }.to_bytes())
}

/// Whether the kernel gave this program more privileges than its caller has (set-user-id, file capabilities),
/// so that the caller's variables must not be trusted. Read from the auxiliary vector, without a system call.
pub fn runs_with_more_rights() -> bool {
    // SAFETY: takes a number and returns a number.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Reads a symbolic link into `buffer`; the length, or `None` when it fails or does not fit.
pub fn read_link(path: &CStr, buffer: &mut [u8]) -> Option<usize> {
    // SAFETY: `path` is a C string; the kernel writes at most the buffer's length.
    let len = unsafe { libc::readlink(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    usize::try_from(len).ok().filter(|len| *len < buffer.len())
}

/// Writes the current directory into `buffer`; the length, or `None` when it fails or does not fit.
pub fn current_dir(buffer: &mut [u8]) -> Option<usize> {
    // SAFETY: the C library writes at most the buffer's length, with a final zero byte.
    let done = unsafe { libc::getcwd(buffer.as_mut_ptr().cast(), buffer.len()) };
    if done.is_null() { None } else { buffer.iter().position(|byte| *byte == 0) }
}
