//! What starting the runtime costs, in numbers that do not depend on the clock.
//!
//! Page faults, system calls and the size of the program are what its start-up time is made of. Each
//! can be lost by one harmless-looking line, so each has a written budget here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ohfp_tests::{Sandbox, c_program, ended, floor_program, program};
use serde_json::Value;

/// Page faults of `--help`, where the floor program alone has `FLOOR_FAULTS`.
const FAULTS: u64 = 12;
const FLOOR_FAULTS: u64 = 2;
/// Answers about templates check stamps and touch more of the snapshot.
const MORE_FAULTS: u64 = 3;

/// System calls of `--help`, in order: what the C library does before `main` (`arch_prctl`,
/// `set_tid_address`), the snapshot (`open`, `fstat`, `geteuid`, `fstatfs`, `mmap`, `close`), the answer
/// (`rt_sigaction`, `writev`), and the end.
const CALLS: usize = 11;
/// Opening, reading twice and closing Host Factory's input.
const INPUT_CALLS: usize = 4;

/// The calls by which a heap grows.
#[cfg(target_arch = "x86_64")]
const (BRK, MMAP): (u64, u64) = (12, 9);

const SIZE: usize = 500_000;

/// What `count` reports of one run.
#[derive(Debug)]
struct Counted {
    code: u64,
    faults: u64,
    calls: Vec<u64>,
}

struct Harness {
    sandbox: Sandbox,
    count: PathBuf,
}

impl Harness {
    fn new() -> Self {
        let sandbox = Sandbox::with_examples();
        sandbox.build();
        sandbox.input("in.json", "{}");
        let count = c_program("count", &sandbox.path);
        Self { sandbox, count }
    }

    /// Counts several runs and keeps the cheapest: the first ones bring files into memory.
    fn count(&self, program: &Path, line: &str) -> Counted {
        let run = |_| {
            let report = self.sandbox.path.join("report");
            let mut command = self.sandbox.command(&self.count);
            command.arg(&report).arg(program).args(line.split_whitespace()).env("OHFP_LIVE", "/nonexistent");
            let ended = ended(&mut command);
            assert!(ended.code == 0 && ended.stderr.is_empty(), "{line}: {ended:?}");
            let text = fs::read_to_string(report).unwrap();
            let (numbers, calls) = text.trim_end().split_once(':').unwrap();
            let number = |name: &str| {
                let mut words = numbers.split(' ').skip_while(|word| *word != name).skip(1);
                words.next().and_then(|number| number.parse().ok()).unwrap()
            };
            let calls: Vec<u64> = calls.split_whitespace().map(|number| number.parse().unwrap()).collect();
            assert!(!calls.is_empty(), "this machine does not allow tracing: {text}");
            Counted { code: number("exit"), faults: number("faults"), calls }
        };
        (0..5).map(run).min_by_key(|counted| counted.faults).unwrap()
    }

    /// How many files the snapshot's stamps look at.
    fn inputs(&self) -> usize {
        let report: Value = serde_json::from_slice(&self.sandbox.run("ohfp-snapshot", &["inspect", "--json"]).stdout).unwrap();
        report["inputs"].as_array().unwrap().len()
    }
}
