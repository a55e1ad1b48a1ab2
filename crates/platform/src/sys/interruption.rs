//! An interruption by Ctrl-C that a program wants to say something about before it ends.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first SIGINT is noted, for [`interrupted`]; the second ends the process as usual.
pub fn note_interruption() {
    extern "C" fn note(_: libc::c_int) {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }
    let handler: extern "C" fn(libc::c_int) = note;
    // SAFETY: `sigaction` is a C structure of integers and a pointer, for which zero is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_RESETHAND;
    let mut before = action;
    // SAFETY: the handler does nothing but store to an atomic, which is safe at any moment; both structures outlive the
    // call. A failure leaves the usual way to end, so that it needs no report.
    unsafe { libc::sigaction(libc::SIGINT, &raw const action, &raw mut before) };
    if before.sa_sigaction == libc::SIG_IGN {
        // SAFETY: as above. A process in the background of a script goes on ignoring the signal.
        unsafe { libc::sigaction(libc::SIGINT, &raw const before, std::ptr::null_mut()) };
    }
}

/// Whether there was a SIGINT since it is noted.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
