//! Power cuts: a file system that stops between two writes, with its journal unwritten, while processes request
//! and return machines. What was told before must be known afterwards.
//!
//! The file system is ext4 in a file, and stops by its own shutdown call. Where that cannot be mounted this says
//! so and tests nothing. `cargo xtask torture power` runs it at full size.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ohfp_tests::disk::Disk;
use ohfp_tests::ended;
use ohfp_tests::grid::{Grid, Random, TEMPLATE, document, hosts, size, text};
use serde_json::{Value, json};

/// Processes at a time.
const WORKERS: u64 = 3;

/// What Host Factory was told.
#[derive(Default)]
struct Told {
    requests: BTreeSet<(String, u64)>,
    returns: BTreeSet<(String, Vec<String>)>,
    /// Machines that nothing has returned yet.
    free: Vec<(String, String)>,
}

/// Requests and returns machines until the power fails.
fn work(grid: &Grid, told: &Mutex<Told>, over: &AtomicBool, number: u64, seed: u64) {
    let mut random = Random(seed + number);
    while !over.load(Ordering::Relaxed) {
        let name = format!("in-{number}.json");
        let machines = {
            let mut told = told.lock().unwrap();
            let keep = told.free.len().saturating_sub(2);
            if random.below(3) == 0 { told.free.split_off(keep) } else { Vec::new() }
        };
        if machines.is_empty() {
            let count = 1 + random.below(3);
            let input = json!({ "template": { "templateId": TEMPLATE, "machineCount": count } });
            let answer = ended(&mut grid.operation(&name, "requestMachines", &input));
            if answer.code != 0 {
                continue;
            }
            let id = text(&document(&answer)["requestId"]);
            told.lock().unwrap().requests.insert((id.clone(), count));
            let status = json!({ "requests": [{ "requestId": id }] });
            let answer = ended(&mut grid.operation(&name, "getRequestStatus", &status));
            if answer.code == 0 {
                let machines = hosts(&document(&answer)["requests"][0]);
                told.lock().unwrap().free.extend(machines.into_iter().map(|host| (host.id, host.name)));
            }
        } else {
            let named: Vec<Value> =
                machines.iter().map(|(id, name)| json!({ "machineId": id, "name": name })).collect();
            let answer =
                ended(&mut grid.operation(&name, "requestReturnMachines", &json!({ "machines": named })));
            if answer.code == 0 {
                let id = text(&document(&answer)["requestId"]);
                let ids = machines.into_iter().map(|(id, _)| id).collect();
                told.lock().unwrap().returns.insert((id, ids));
            }
        }
    }
}

/// Asks about all of these at once until they are over.
fn settled<'i>(grid: &Grid, ids: impl Iterator<Item = &'i String>) -> Vec<Value> {
    let asked: Vec<Value> = ids.map(|id| json!({ "requestId": id })).collect();
    loop {
        let answer = grid.answer("getRequestStatus", &json!({ "requests": asked }));
        let requests = answer["requests"].as_array().unwrap();
        if requests.iter().all(|request| request["status"] != "running") {
            return requests.clone();
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whatever is wrong with what is known after the power came back.
fn faults(grid: &Grid, told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let statuses = settled(grid, told.requests.iter().map(|(id, _)| id));
    for ((id, count), status) in told.requests.iter().zip(statuses) {
        // Machines that were returned before they were up make it `complete_with_error`.
        if hosts(&status).len() as u64 != *count {
            faults.push(format!("{id} of {count} machines: {status}"));
        }
    }
    let statuses = settled(grid, told.returns.iter().map(|(id, _)| id));
    for ((id, machines), status) in told.returns.iter().zip(statuses) {
        let known: BTreeSet<String> = hosts(&status).into_iter().map(|host| host.id).collect();
        if status["status"] != "complete" || !machines.iter().all(|machine| known.contains(machine)) {
            faults.push(format!("{id} of {machines:?}: {status}"));
        }
    }
    let validation = grid.command(&["storage", "validate"]);
    if validation["valid"] != true {
        faults.push(validation.to_string());
    }
    faults
}

#[test]
fn power_cuts_lose_nothing_that_was_told() {
    let cuts = size("OHFP_CUTS", 3);
    let mut random = Random(size("OHFP_SEED", 5));
    let mut grid = Grid::new(&json!({}), &json!({}));
    let disk = match Disk::new(&grid.sandbox.path) {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!("note: NOT tested: a file system cannot be made and mounted here: {why}");
            return;
        }
    };
    grid.sandbox.set("HF_PROVIDER_WORKDIR", disk.at.join("work"));
    let told = Mutex::new(Told::default());
    grid.machines(TEMPLATE, 1);
    let mut lost = 0;
    for cut in 0..cuts {
        let over = AtomicBool::new(false);
        let seed = random.below(1 << 40);
        thread::scope(|scope| {
            for number in 0..WORKERS {
                let (grid, told, over) = (&grid, &told, &over);
                scope.spawn(move || work(grid, told, over, number, seed));
            }
            thread::sleep(Duration::from_millis(30 + random.below(400)));
            fs::write(disk.at.join(format!("unsynced-{cut}")), "x".repeat(5_000)).unwrap();
            let done = disk.cut();
            over.store(true, Ordering::Relaxed);
            done.unwrap();
        });
        disk.unmount().unwrap();
        disk.mount().unwrap();
        let kept = fs::read(disk.at.join(format!("unsynced-{cut}"))).unwrap_or_default();
        lost += u64::from(kept.iter().all(|byte| *byte == 0));
        let faults = faults(&grid, &told.lock().unwrap());
        assert!(faults.is_empty(), "after cut {cut}, {} told are lost:\n{}", faults.len(), faults.join("\n"));
    }
    // What nothing waited for must be lost, or these were no power cuts.
    assert!(lost > 0, "the file system wrote everything before it stopped");
    let told = told.into_inner().unwrap();
    assert!(told.requests.len() as u64 >= cuts, "too little was told: {}", told.requests.len());
    println!(
        "{cuts} power cuts: {} requests and {} returns told, 0 of them lost",
        told.requests.len(),
        told.returns.len()
    );
}
