//! What an answer tells is on the disk before it is told. A power failure cannot be played here; the order of
//! system calls can be seen.
#![expect(clippy::panic, reason = "a test that cannot run must say so")]

use std::ffi::OsStr;

use ohfp_tests::counting::counted;
use ohfp_tests::grid::{Grid, TEMPLATE, wanted};
use ohfp_tests::{c_program, program};
use serde_json::{Value, json};

/// The numbers of the calls that this is about.
struct Calls {
    pwrite: u64,
    writev: u64,
    syncs: [u64; 2],
}

fn numbers() -> Calls {
    match std::env::consts::ARCH {
        "x86_64" => Calls { pwrite: 18, writev: 20, syncs: [74, 75] },
        "aarch64" => Calls { pwrite: 68, writev: 66, syncs: [82, 83] },
        other => panic!("tell this test the system call numbers of {other}"),
    }
}

/// How often an operation waits for the disk before its answer and after it.
fn syncs(grid: &Grid, operation: &str, question: &Value) -> [usize; 2] {
    let directory = &grid.sandbox.path;
    let command = grid.sandbox.command(c_program("count", directory));
    let input = grid.sandbox.input("counted.json", question.to_string());
    let arguments = [OsStr::new(operation), OsStr::new("-f"), input.as_os_str()];
    let counted = counted(command, directory, &program("ohfp-live"), &arguments);
    let numbers = numbers();
    let answers: Vec<usize> =
        (0..counted.calls.len()).filter(|at| counted.calls.get(*at) == Some(&numbers.writev)).collect();
    let [answer] = answers.as_slice() else { panic!("there is not one answer: {counted:?}") };
    let (before, after) = counted.calls.split_at(*answer);
    [before, after].map(|calls| {
        let last = |wanted: &dyn Fn(&u64) -> bool| calls.iter().rposition(wanted);
        let is_sync = |call: &u64| numbers.syncs.contains(call);
        // Behind the last write to the log there is a sync, or nothing was written. Behind that sync, and not
        // before, the lock file is told how far the log reaches: one write, where a page of the log takes two.
        let synced = last(&is_sync).map_or(0, |sync| sync + 1);
        let unsynced = calls.iter().skip(synced).filter(|call| **call == numbers.pwrite).count();
        assert!(unsynced <= 1, "{operation}: written and not synced: {calls:?}");
        if synced > 0 && calls.contains(&numbers.pwrite) {
            assert_eq!(unsynced, 1, "{operation}: the lock file was told too early: {calls:?}");
        }
        calls.iter().filter(|call| is_sync(call)).count()
    })
}

#[test]
fn what_is_answered_is_on_the_disk() {
    let grid = Grid::new(&json!({}), &json!({}));
    let hosts = grid.machines(TEMPLATE, 2);
    // The intent and the outcome; then the acknowledgement.
    let [before, after] = syncs(&grid, "requestMachines", &wanted(TEMPLATE, 1));
    assert!(before >= 2 && after >= 1, "{before} {after}");
    let machines: Vec<Value> = hosts.iter().map(|host| json!({ "name": host.name })).collect();
    let [before, _] = syncs(&grid, "requestReturnMachines", &json!({ "machines": machines }));
    assert!(before >= 2, "{before}");
}
