//! What starting the runtime costs, in numbers that do not depend on the clock.
//!
//! Page faults, system calls and the size of the program are what its start-up time is made of. Each
//! can be lost by one harmless-looking line, so each has a written budget here.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot run must say so"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ohfp_tests::counting::{Counted, counted};
use ohfp_tests::{Sandbox, c_program, catalog, floor_program, program};
use serde_json::Value;

/// Page faults, where the floor program has `FLOOR_FAULTS`. The harness adds its own to both.
const FAULTS: u64 = 12;
const FLOOR_FAULTS: u64 = 2;

/// System calls of `--help`, in order: what the C library does before `main` (`arch_prctl`,
/// `set_tid_address`), the guard against a snapshot that cannot be read any more (`rt_sigprocmask` and
/// `rt_sigaction`, set and taken back), the snapshot (`open`, `fstat`, `geteuid` unless root owns it,
/// `fstatfs`, `mmap`, `close`), the answer (`rt_sigaction`, `writev`), and the end.
const CALLS: usize = 12;
/// Host Factory's input: opened, read to its end in two steps, closed.
const INPUT_CALLS: usize = 4;
/// Large sections are brought in by one call instead of many page faults, and large answers go by the
/// kernel's way without copying where it is open: `madvise`, `fcntl`, `vmsplice`.
const LARGE_CALLS: usize = 3;

const SIZE: usize = 64 * 1024;

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
            let mut command = self.sandbox.command(&self.count);
            command.env("OHFP_LIVE", "/nonexistent");
            let words: Vec<&OsStr> = line.split_whitespace().map(OsStr::new).collect();
            counted(command, &self.sandbox.path, program, &words)
        };
        (0..5).map(run).min_by_key(|counted| counted.faults).unwrap()
    }

    /// How many files the snapshot was made from.
    fn files(&self) -> usize {
        let report = self.sandbox.run("ohfp-snapshot", &["inspect", "--json"]);
        let report: Value = serde_json::from_slice(&report.stdout).unwrap();
        report["inputs"].as_array().unwrap().iter().filter(|input| input["present"] == true).count()
    }

    /// How many paths the snapshot's stamps look at: files, and what might appear.
    fn inputs(&self) -> usize {
        let report: Value =
            serde_json::from_slice(&self.sandbox.run("ohfp-snapshot", &["inspect", "--json"]).stdout)
                .unwrap();
        report["inputs"].as_array().unwrap().len()
    }
}

/// The numbers of `brk` and `mmap`, by which a heap grows.
fn heap_calls() -> (u64, u64) {
    match std::env::consts::ARCH {
        "x86_64" => (12, 9),
        "aarch64" => (214, 222),
        other => panic!("tell this test the system call numbers of {other}"),
    }
}

/// Holds one invocation against its budget.
fn check(harness: &Harness, program: &Path, line: &str, allowed_calls: usize) {
    let counted = harness.count(program, line);
    let floor = harness.count(&floor_program(&harness.sandbox.path), "");
    let allowed_faults = FAULTS + floor.faults.saturating_sub(FLOOR_FAULTS);
    assert_eq!((counted.code, floor.code), (0, 0), "{line}: the runtime does not answer this itself");
    assert!(
        counted.faults <= allowed_faults,
        "{line}: {} page faults, allowed {allowed_faults}",
        counted.faults
    );
    let calls = &counted.calls;
    assert!(
        calls.len() <= allowed_calls,
        "{line}: {} system calls, allowed {allowed_calls}: {calls:?}",
        calls.len()
    );
    let (brk, mmap) = heap_calls();
    let times = |number| calls.iter().filter(|call| **call == number).count();
    assert_eq!(times(brk), 0, "{line}: the heap grows: {calls:?}");
    assert!(times(mmap) <= 1, "{line}: more is mapped than the snapshot: {calls:?}");
}

#[test]
fn help_and_version() {
    let harness = Harness::new();
    for line in ["--help", "-h", "--version", "help templates list"] {
        check(&harness, &program("ohfp"), line, CALLS);
    }
}

#[test]
fn answers_that_depend_on_inputs() {
    let harness = Harness::new();
    let allowed = CALLS + harness.inputs();
    for line in [
        "templates list",
        "templates list --format table --long",
        "templates list --limit 3 --offset 5",
        "templates show Spot-Arm-C7g",
        "templates show Spot-Arm-C7g --format yaml",
        "config show",
        "providers show aws",
        "completions bash",
    ] {
        check(&harness, &program("ohfp"), line, allowed);
    }
}

/// What freshness costs: an answer that depends on files, against one that depends on none.
#[test]
fn freshness_of_three_files() {
    const FRESHNESS_CALLS: usize = 6;
    let harness = Harness::new();
    assert_eq!(harness.files(), 3, "the shipped examples are three files");
    let help = harness.count(&program("ohfp"), "--help");
    for line in ["templates list", "config show --format yaml", "providers list"] {
        let counted = harness.count(&program("ohfp"), line);
        let further = counted.calls.len().saturating_sub(help.calls.len());
        assert_eq!((help.code, counted.code), (0, 0), "{line}");
        assert!(
            further <= FRESHNESS_CALLS,
            "{line}: {further} further system calls, allowed {FRESHNESS_CALLS}: {:?}",
            counted.calls
        );
    }
}

#[test]
fn host_factory_scripts() {
    let harness = Harness::new();
    let link = harness.sandbox.path.join("getAvailableTemplates.sh");
    symlink(program("ohfp"), &link).unwrap();
    let allowed = CALLS + harness.inputs() + INPUT_CALLS;
    check(&harness, &link, "-f in.json", allowed);
    check(&harness, &program("ohfp"), "getAvailableTemplates -f in.json", allowed);
}

/// Many templates cost no more system calls than a few, however many they are.
#[test]
fn large_catalog() {
    let harness = Harness::new();
    harness.sandbox.write("awsprov_templates.json", catalog(2000));
    harness.sandbox.build();
    let allowed = CALLS + harness.inputs() + LARGE_CALLS;
    for line in ["templates list --limit 1000", "templates show t-001234", "templates list"] {
        let counted = harness.count(&program("ohfp"), line);
        assert!(
            counted.code == 0 && counted.calls.len() <= allowed,
            "{line}: {counted:?}, allowed {allowed}"
        );
    }
}

const ET_EXEC: u64 = 2;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;

/// Static, at a fixed address, small: so there is no dynamic linker, no relocation, and little to map.
#[test]
fn the_program_is_static_and_small() {
    let bytes = fs::read(program("ohfp")).unwrap();
    let number = |offset: u64, width: usize| {
        let start = usize::try_from(offset).unwrap();
        bytes[start..start + width].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    assert_eq!(&bytes[..6], b"\x7fELF\x02\x01", "64 bit, little-endian");
    assert_eq!(number(16, 2), ET_EXEC, "it is relocatable");
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let kinds: Vec<u64> = (0..count).map(|index| number(table + index * size, 4)).collect();
    // Without a dynamic section there is no NEEDED either.
    assert!(!kinds.contains(&PT_INTERP) && !kinds.contains(&PT_DYNAMIC), "it is not static: {kinds:?}");
    assert!(bytes.len() <= SIZE, "it has {} bytes, allowed {SIZE}", bytes.len());
}
