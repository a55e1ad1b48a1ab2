//! Notes for the operator on standard error.

use std::io::{self, Write};

use ohfp_broker::error::printable;

/// Writes a note that does not affect the answer.
pub fn note(text: &str) {
    stderr(&format!("ohfp: note: {}\n", printable(text.to_owned())));
}

/// Writes text to standard error. Errors are ignored: there is no other stream to report them to.
pub fn stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
