//! Writing an answer, in as few calls as the kernel allows.
#![expect(unsafe_code, reason = "the system is called here")]

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

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

/// Waits so long, or until the reader of a pipe or terminal is gone; whether it is still there.
pub fn wait_while_read(fd: RawFd, time: Duration) -> bool {
    let mut asked = libc::pollfd { fd, events: 0, revents: 0 };
    let milliseconds = libc::c_int::try_from(time.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: one `pollfd` that lives through the call.
    unsafe { libc::poll(&raw mut asked, 1, milliseconds) };
    asked.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) == 0
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
