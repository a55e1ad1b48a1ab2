//! What the operator is told on standard error, beside the answer.

use std::io::{self, Write};

use ohfp_broker::error::printable;

/// Tells the operator something that the answer does not depend on.
pub fn note(text: &str) {
    stderr(&format!("ohfp: note: {}\n", printable(text.to_owned())));
}

/// Writes text to standard error. There is no place left to complain to when that fails.
pub fn stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
