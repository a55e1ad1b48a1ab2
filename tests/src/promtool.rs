//! Prometheus' own check of metrics and rules, where it can be had.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Ended;

/// `promtool`: the one that `cargo xtask test` has unpacked, or the one in `PATH`.
pub fn promtool() -> Option<PathBuf> {
    let named = std::env::var_os("OHFP_PROMTOOL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join("promtool"));
    named.into_iter().chain(found).find(|program| program.is_file())
}

/// Runs it on some input; `None`, with a note, where there is none.
pub fn checked<A: AsRef<OsStr>>(arguments: &[A], input: &[u8]) -> Option<Ended> {
    let Some(program) = promtool() else {
        let note = "note: promtool is not there, so what it checks was NOT checked; \
                    `apt-get install prometheus` has it\n";
        let _ = std::io::stderr().write_all(note.as_bytes());
        return None;
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
