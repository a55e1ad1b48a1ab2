//! Template files: any bytes are either refused with words, or become templates that every format can
//! show and a snapshot can hold.

use crate::directory;

/// The first byte chooses the file's name, since other brokers' files are found by other names; the
/// rest is the file.
pub fn check(bytes: &[u8]) {
    let Some((choice, content)) = bytes.split_first() else { return };
    let name = match choice % 8 {
        0 => "templates.json",
        1 => "aws_templates.json",
        _ => "awsprov_templates.json",
    };
    let files = [(name, content)];
    match directory::load(&files, &[]) {
        Ok(resolved) => directory::check_resolved(&resolved, &files, &[]),
        Err(errors) => directory::check_errors(&errors),
    }
}
