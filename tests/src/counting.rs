//! What `tests/tools/count.c` counts of a run.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::ended;

/// One run of a program.
#[derive(Debug)]
pub struct Counted {
    /// Its exit code.
    pub code: u64,
    /// Minor page faults.
    pub faults: u64,
    /// The numbers of its system calls, in order; of its first thread.
    pub calls: Vec<u64>,
}

/// Counts a run of `program` in the environment that `command` for `count` has. The program runs twice, once
/// without being traced.
pub fn counted(mut command: Command, directory: &Path, program: &Path, arguments: &[&OsStr]) -> Counted {
    let report = directory.join("report");
    command.arg(&report).arg(program).args(arguments);
    let ended = ended(&mut command);
    assert!(ended.code == 0 && ended.stderr.is_empty(), "{arguments:?}: {ended:?}");
    let text = fs::read_to_string(report).unwrap();
    let (numbers, calls) = text.trim_end().split_once(':').unwrap();
    let number = |name: &str| {
        let mut words = numbers.split(' ').skip_while(|word| *word != name).skip(1);
        words.next().and_then(|number| number.parse().ok()).unwrap()
    };
    let calls: Vec<u64> = calls.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert!(!calls.is_empty(), "this machine does not allow tracing: {text}");
    Counted { code: number("exit"), faults: number("faults"), calls }
}
