//! Notes for the operator on standard error.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use ohfp_broker::error::printable;

/// Whether `-q` was given.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on notes and progress are left out; errors stay.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether notes and progress are left out.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes a note that does not affect the answer.
pub fn note(text: &str) {
    if is_quiet() {
        return;
    }
    stderr(&format!("ohfp: note: {}\n", printable(text.to_owned())));
}

/// Writes text to standard error. Errors are ignored: there is no other stream to report them to.
pub fn stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
