//! What Host Factory's questions to the state store cost, in numbers that do not depend on the clock: system calls,
//! how often the kernel is asked for memory, and waits for the disk.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run must say so")]

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ohfp_tests::counting::{Counted, counted};
use ohfp_tests::grid::{Grid, TEMPLATE, wanted};
use ohfp_tests::{c_program, ended, program};
use serde_json::{Value, json};

/// System calls of a question that changes nothing: the start of the program, configuration, the files of the store,
/// SQLite's locks, the answer, and what is due once it is out. A few are to spare: some depend on the account and the
/// kernel.
const CALLS: usize = 116;

/// The same of a request: three transactions of the broker's and one of the provider's, and the log.
const REQUEST_CALLS: usize = 175;

/// System call numbers.
struct Numbers {
    /// `pread64`, `pwrite64`: there are as many as the store has pages to read and write.
    pages: [u64; 2],
    /// `mmap`, `munmap`, `brk`.
    memory: [u64; 3],
    /// `fsync`, `fdatasync`.
    syncs: [u64; 2],
}

impl Numbers {
    fn here() -> Self {
        match std::env::consts::ARCH {
            "x86_64" => Self { pages: [17, 18], memory: [9, 11, 12], syncs: [74, 75] },
            "aarch64" => Self { pages: [67, 68], memory: [222, 215, 214], syncs: [82, 83] },
            other => panic!("tell this test the system call numbers of {other}"),
        }
    }
}

/// What a question may cost.
struct Budget {
    /// Calls that are about neither pages nor memory.
    calls: usize,
    /// Calls that take memory from the kernel or give it back.
    memory: usize,
    /// Waits for the disk.
    syncs: usize,
}

/// A site with a request of one machine and one of a hundred, all of which run.
struct Site {
    grid: Grid,
    count: PathBuf,
    ids: [String; 2],
}

impl Site {
    fn new() -> Self {
        Self::with(&json!({}))
    }

    fn with(settings: &Value) -> Self {
        let grid = Grid::new(&json!({}), settings);
        let ids = [1, 100].map(|count| {
            let id = grid.request(TEMPLATE, count);
            grid.settled(&id);
            id
        });
        let count = c_program("count", &grid.sandbox.path);
        Self { grid, count, ids }
    }

    /// Counts several runs and keeps the cheapest: now and then a question looks after the store.
    fn count(&self, operation: &str, question: &Value) -> Counted {
        let question = question.to_string();
        let run = |_| {
            let words = [operation, "-d", &question].map(OsStr::new);
            let command = self.grid.sandbox.command(&self.count);
            counted(command, &self.grid.sandbox.path, &program("ohfp-live"), &words)
        };
        (0..5).map(run).min_by_key(|counted| counted.calls.len()).unwrap()
    }

    /// Holds a question against its budget.
    fn check(&self, operation: &str, question: &Value, budget: &Budget) {
        let numbers = Numbers::here();
        let counted = self.count(operation, question);
        assert_eq!(counted.code, 0, "{operation}");
        let times = |of: &[u64]| counted.calls.iter().filter(|call| of.contains(call)).count();
        let (memory, syncs) = (times(&numbers.memory), times(&numbers.syncs));
        let others = counted.calls.len() - times(&numbers.pages) - memory;
        // SQLite looks at each part of the path of the database: none may be a link.
        let allowed = budget.calls + self.grid.work().components().count();
        assert!(
            others <= allowed,
            "{operation}: {others} system calls, allowed {allowed}: {:?}",
            counted.calls
        );
        assert!(
            memory <= budget.memory,
            "{operation}: {memory} calls about memory, allowed {}: {:?}",
            budget.memory,
            counted.calls
        );
        assert!(syncs <= budget.syncs, "{operation}: {syncs} waits for the disk, allowed {}", budget.syncs);
    }
}

#[test]
fn questions_keep_to_their_budgets() {
    let site = Site::new();
    let status = |id: &String| json!({ "requests": [{ "requestId": id }] });
    let [one, hundred] = &site.ids;
    let read = |memory| Budget { calls: CALLS, memory, syncs: 0 };
    site.check("getRequestStatus", &status(one), &read(11));
    site.check("getRequestStatus", &status(hundred), &read(18));
    site.check("getReturnRequests", &json!({}), &read(14));
    // The intent, what came of it, and that the scheduler was told.
    let request = Budget { calls: REQUEST_CALLS, memory: 14, syncs: 3 };
    site.check("requestMachines", &wanted(TEMPLATE, 1), &request);
}

/// The record of a process costs an opening, a status, a `write` and what the process has cost: four calls, and it is not
/// waited for.
#[test]
fn a_record_of_metrics_costs_four_calls() {
    let numbers = Numbers::here();
    let count = |enabled: bool| {
        let site = Site::with(&json!({ "metrics": { "enabled": enabled } }));
        let question = json!({ "requests": [{ "requestId": site.ids[0] }] });
        let counted = site.count("getRequestStatus", &question);
        let times = |of: &[u64]| counted.calls.iter().filter(|call| of.contains(call)).count();
        (counted.calls.len() - times(&numbers.memory), times(&numbers.syncs))
    };
    let (with, without) = (count(true), count(false));
    assert!(with.0 <= without.0 + 4 && with.1 == without.1, "{with:?} calls and syncs, without {without:?}");
}

/// A list that the live program answers reads the configuration and compares the snapshot with it. It renders no help
/// text for that: those take twice the memory and five times as long.
#[test]
fn a_list_costs_its_templates() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    grid.sandbox.set("OHFP_SNAPSHOT", grid.sandbox.path.join("x.snapshot"));
    grid.sandbox.build();
    let count = c_program("count", &grid.sandbox.path);
    let command = grid.sandbox.command(&count);
    let words = ["templates", "list"].map(OsStr::new);
    let counted = counted(command, &grid.sandbox.path, &program("ohfp-live"), &words);
    let memory = counted.calls.iter().filter(|call| Numbers::here().memory.contains(call)).count();
    assert!(counted.code == 0 && memory <= 20, "{memory} calls about memory: {:?}", counted.calls);
}

/// How often an operation opens `config.json` and the template file, once the templates have changed since the snapshot
/// was built, or not.
#[track_caller]
fn check_opened(operation: &str, question: &Value, stale: bool, expected: [&str; 2]) {
    let grid = Grid::new(&json!({}), &json!({ "snapshot": { "refresh": "auto" } }));
    let files = ["config.json", "awsprov_templates.json"].map(|name| grid.sandbox.root().join(name));
    if stale {
        let text = fs::read_to_string(&files[1]).unwrap();
        fs::write(&files[1], format!("{text}\n")).unwrap();
    }
    // A file that was written a moment ago is compared once more before it is trusted.
    thread::sleep(Duration::from_millis(100));
    let mut command = grid.sandbox.command(c_program("opened", &grid.sandbox.path));
    let report = grid.sandbox.path.join("report");
    command.arg(&report).args(&files).arg("--").arg(program("ohfp-live"));
    let ended = ended(command.arg(operation).arg("-d").arg(question.to_string()));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{operation}");
    let opened = fs::read_to_string(report).unwrap();
    assert_eq!(opened.lines().collect::<Vec<_>>(), expected, "{operation}, stale: {stale}");
}

#[test]
fn each_file_of_the_configuration_is_opened_once() {
    let request = wanted(TEMPLATE, 1);
    check_opened("requestMachines", &request, true, ["1", "1"]);
    check_opened("requestMachines", &request, false, ["1", "0"]);
    check_opened("getAvailableTemplates", &json!({}), true, ["1", "1"]);
    check_opened("getReturnRequests", &json!({}), true, ["1", "0"]);
}
