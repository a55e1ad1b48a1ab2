//! The system calls of the fast path, without a heap.
//!
//! Paths are C strings, so no call allocates.
#![expect(unsafe_code, reason = "the system is called here")]

use std::ffi::{CStr, c_char, c_int};
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
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
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

/// The outcome of writing an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All bytes were written.
    All,
    /// The reader has closed the pipe, which counts as success.
    ReaderGone,
    /// No byte was written: a page of the answer cannot be read any more, since its file was truncated.
    Unreadable,
}

/// Writes all parts in order, in one call where the kernel takes them in one.
///
/// Before the first byte SIGPIPE is blocked, so that a closed pipe results in [`Written::ReaderGone`].
pub fn write_all(fd: RawFd, parts: [&[u8]; 3]) -> io::Result<Written> {
    write_with(fd, parts, false)
}

/// Writes all parts in order. Large ones are lent to a pipe page by page instead of copied into it,
/// which takes a third of the time.
///
/// The reader may see the bytes as they are when it reads them, not when this returns: they must not
/// change as long as the process lives, as the bytes of a mapped snapshot never do.
pub fn write_unchanging(fd: RawFd, parts: [&[u8]; 3]) -> io::Result<Written> {
    let large = parts.iter().map(|part| part.len()).sum::<usize>() > LEND_ABOVE;
    if large {
        // SAFETY: takes numbers and returns a number. It fails on what is no pipe, and where the user
        // has too many large ones; then the pipe stays as it is.
        unsafe { libc::fcntl(fd, libc::F_SETPIPE_SZ, PIPE_SIZE) };
    }
    write_with(fd, parts, large)
}

/// Default capacity of a pipe in bytes; smaller answers are copied into it at once.
const LEND_ABOVE: usize = 64 * 1024;
/// Largest pipe, in bytes, that an unprivileged user may have by default.
const PIPE_SIZE: libc::c_int = 1024 * 1024;

fn write_with(fd: RawFd, parts: [&[u8]; 3], lend: bool) -> io::Result<Written> {
    // A full pipe or a size limit must result in an error number, not in a fatal signal.
    let held_back = SignalsHeldBack::begin();
    let (mut parts, mut lend, mut begun) = (parts, lend, false);
    while parts.iter().any(|part| !part.is_empty()) {
        let vectors =
            parts.map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() });
        let done = if lend {
            // SAFETY: each vector names a live slice whose pages the kernel only reads.
            unsafe { libc::vmsplice(fd, vectors.as_ptr(), 3, 0) }
        } else {
            // SAFETY: each vector names a live slice that the kernel only reads.
            unsafe { libc::writev(fd, vectors.as_ptr(), 3) }
        };
        let Ok(mut done) = usize::try_from(done) else {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => wait_writable(fd)?,
                Some(libc::EPIPE) => return Ok(Written::ReaderGone),
                Some(libc::EFAULT) if !begun => {
                    held_back.end();
                    return Ok(Written::Unreadable);
                }
                // No pipe, or a kernel that does not lend.
                _ if lend => lend = false,
                _ => return Err(error),
            }
            continue;
        };
        if done == 0 {
            // A descriptor that accepts no bytes would loop for ever.
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        begun = true;
        for part in &mut parts {
            let taken = done.min(part.len());
            *part = part.get(taken..).unwrap_or_default();
            done -= taken;
        }
    }
    Ok(Written::All)
}

/// SIGPIPE and SIGXFSZ blocked, in one call for both. They stay blocked, since what is pending then would
/// kill the process after all; unless nothing was written, and another program is to take over.
struct SignalsHeldBack(libc::sigset_t);

impl SignalsHeldBack {
    fn begin() -> Self {
        // SAFETY: all-zero bytes are a valid set, the empty one.
        let (mut set, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
        for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
            // SAFETY: the set is writable.
            unsafe { libc::sigaddset(&raw mut set, signal) };
        }
        // SAFETY: both sets live through the call.
        unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
        Self(before)
    }

    fn end(self) {
        // SAFETY: the set lives through the call.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

/// From here on, a file that would grow beyond the limit of this process ends in an error number, not in
/// death by SIGXFSZ.
pub fn survive_file_size_limit() {
    // SAFETY: to ignore a signal involves no handler.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Describes a write error.
pub fn write_failure(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => "no space left on the device",
        Some(libc::EFBIG) => "the file would be larger than allowed",
        Some(libc::EBADF) => "standard output is closed",
        _ => "input/output error",
    }
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

/// Waits until a non-blocking descriptor takes bytes again.
fn wait_writable(fd: RawFd) -> io::Result<()> {
    let mut entry = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one entry, writable, that lives through the call.
    match unsafe { libc::poll(&raw mut entry, 1, -1) } {
        count if count >= 0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EINTR) => Ok(()),
            error => Err(error),
        },
    }
}

/// Whether the descriptor is a terminal.
pub fn is_terminal(fd: RawFd) -> bool {
    // SAFETY: takes a number and returns a number.
    unsafe { libc::isatty(fd) == 1 }
}

/// The effective user.
pub fn effective_user() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() }
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

/// The process as the kernel started it: arguments and environment, untouched and uncopied.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    argv: *const *const c_char,
    envp: *const *const c_char,
}

impl Process {
    /// # Safety
    ///
    /// Both must be the vectors that the kernel gave this process (or vectors of the same shape):
    /// C strings up to a null pointer, unchanged for the life of the process.
    pub unsafe fn new(argv: *const *const c_char, envp: *const *const c_char) -> Self {
        Self { argv, envp }
    }

    /// As [`Self::new`], from the vectors of std; they live as long as the process.
    pub fn from_std() -> Self {
        Self::from_std_with(None)
    }

    /// As [`Self::from_std`] with one variable replaced, for the program that this one executes.
    pub fn from_std_with(variable: Option<(&str, &str)>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let vector = |texts: Vec<Vec<u8>>| -> *const *const c_char {
            let mut pointers: Vec<*const c_char> = texts
                .into_iter()
                .filter_map(|text| std::ffi::CString::new(text).ok())
                .map(|text| text.into_raw().cast_const())
                .collect();
            pointers.push(std::ptr::null());
            pointers.leak().as_ptr()
        };
        let arguments = std::env::args_os().map(|argument| argument.as_bytes().to_vec()).collect();
        let variables = std::env::vars_os()
            .filter(|(name, _)| variable.is_none_or(|(changed, _)| name != changed))
            .chain(variable.map(|(name, value)| (name.into(), value.into())))
            .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
            .collect();
        Self { argv: vector(arguments), envp: vector(variables) }
    }

    /// The arguments, the program's name first.
    pub fn arguments(&self) -> impl Iterator<Item = &'static [u8]> {
        Strings(self.argv)
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&'static [u8]> {
        let mut entry = self.envp;
        loop {
            // SAFETY: `new` promises a vector up to a null pointer; we stop there.
            let text = unsafe { *entry };
            if text.is_null() {
                return None;
            }
            if let Some(value) = after_name(text, name.as_bytes()) {
                return Some(value);
            }
            // SAFETY: as above; the entry just read was not the last one.
            entry = unsafe { entry.add(1) };
        }
    }

    /// Executes another program with the same arguments and environment. Returns only on failure.
    pub fn exec(&self, program: &CStr) -> io::Error {
        // SAFETY: `program` is a C string; the vectors are what `new` promises.
        unsafe { libc::execve(program.as_ptr(), self.argv, self.envp) };
        io::Error::last_os_error()
    }
}

/// The value of `NAME=value`. Looks no further than the first byte that differs: measuring every
/// entry of an environment at every look-up is a quarter of all instructions of a short run.
fn after_name(entry: *const c_char, name: &[u8]) -> Option<&'static [u8]> {
    let mut at = entry.cast::<u8>();
    for expected in name.iter().chain(b"=") {
        // SAFETY: all bytes before this one matched a name without zero bytes, so the string goes on
        // at least to this one, its final zero at the latest.
        if unsafe { *at } != *expected {
            return None;
        }
        // SAFETY: the byte just read was not the final zero.
        at = unsafe { at.add(1) };
    }
    // SAFETY: the rest of a C string is one, and lives as long as the process.
    Some(unsafe { CStr::from_ptr(at.cast()) }.to_bytes())
}

// SAFETY: both vectors are only read and never changed, see `Process::new`.
unsafe impl Send for Process {}
// SAFETY: as above.
unsafe impl Sync for Process {}

/// The action when a mapped page is unreadable.
static FALLBACK: OnceLock<(Process, Fallback)> = OnceLock::new();

/// Ends the process in another way, and gives its exit code if that fails.
pub type Fallback = fn(&Process) -> ExitCode;

/// From here on, a mapped file that is cut short under us ends in `fallback` instead of in death by
/// SIGBUS. To be armed before the mapping is read, and only while nothing has been written.
///
/// `fallback` runs in a signal handler: it may make system calls, and nothing that locks or allocates.
pub fn guard_mapping(process: Process, fallback: Fallback) {
    if FALLBACK.set((process, fallback)).is_err() {
        return;
    }
    set_handler(libc::SIGBUS, on_bus_error, GUARD);
}

/// Runs `body` under that guard, and lets SIGBUS be what it was without it afterwards: when something has been
/// done, it must not be done again by what the process becomes.
pub fn guarded<T>(process: Process, fallback: Fallback, body: impl FnOnce() -> T) -> T {
    // The first one stays: they are all of one process.
    let _ = FALLBACK.set((process, fallback));
    set_handler(libc::SIGBUS, on_bus_error, GUARD);
    let value = body();
    // SAFETY: the default action involves no code of ours.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    value
}

/// Not blocked inside the handler, and back to the default there: the program that the fallback becomes
/// inherits a clean slate.
const GUARD: c_int = libc::SA_NODEFER | libc::SA_RESETHAND;

/// Linux's own `sigaction` on 64-bit machines. The C library's does more than is needed here: another
/// system call and a deeper stack, together 3 µs.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn set_handler(signal: c_int, handler: extern "C" fn(c_int), flags: c_int) {
    /// `struct kernel_sigaction`: handler, flags, where a handler returns to, mask.
    #[repr(C)]
    struct Action(usize, libc::c_ulong, usize, u64);
    const SA_RESTORER: libc::c_ulong = 0x0400_0000;
    let address = handler as usize;
    // The handler ends the process, so where it would return to is never used; x86-64 wants it named.
    let flags = libc::c_ulong::from(flags.cast_unsigned()) | SA_RESTORER;
    let action = Action(address, flags, address, 0);
    let (action, none) = (&raw const action, std::ptr::null_mut::<Action>());
    // SAFETY: the action has the kernel's layout and names a handler that lives as long as the process;
    // the mask is eight bytes.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, action, none, 8) };
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn set_handler(signal: c_int, handler: extern "C" fn(c_int), flags: c_int) {
    // SAFETY: all-zero bytes are a valid `sigaction` with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = flags;
    // SAFETY: the action names a handler that lives as long as the process.
    unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
}

extern "C" fn on_bus_error(_signal: c_int) {
    exit(FALLBACK.get().map_or(1, |(process, fallback)| fallback(process)));
}

/// Ends the process at once, without flushing buffers or running exit handlers.
pub fn exit(code: ExitCode) -> ! {
    // SAFETY: ends the process without running anything else of it.
    unsafe { libc::_exit(code) }
}

/// Walks a null-terminated vector of C strings.
struct Strings(*const *const c_char);

impl Iterator for Strings {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: `Process::new` promises a vector up to a null pointer; we never step behind it.
        let text = unsafe { *self.0 };
        if text.is_null() {
            return None;
        }
        // SAFETY: as above; the entry just read was not the last one.
        self.0 = unsafe { self.0.add(1) };
        // SAFETY: the entry is a C string that lives as long as the process.
        Some(unsafe { CStr::from_ptr(text) }.to_bytes())
    }
}

/// Exit code as `main` of C wants it.
pub type ExitCode = c_int;
