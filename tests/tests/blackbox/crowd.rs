//! Many processes at once: every request is recorded, with exactly its machines, and no process is turned away.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ohfp_tests::grid::{Grid, LIMITED, TEMPLATE, document, size, text};
use ohfp_tests::{Ended, ended};
use serde_json::{Value, json};

/// Starts `count` processes at the same moment; how each ended, and how long it took.
fn at_once(grid: &Grid, count: usize, template: &str, machines: u64) -> Vec<(Ended, Duration)> {
    let gate = Barrier::new(count);
    let input = json!({ "template": { "templateId": template, "machineCount": machines } });
    thread::scope(|scope| {
        let running: Vec<_> = (0..count)
            .map(|number| {
                let mut command = grid.operation(&format!("in-{number}.json"), "requestMachines", &input);
                let gate = &gate;
                scope.spawn(move || {
                    gate.wait();
                    let started = Instant::now();
                    (ended(&mut command), started.elapsed())
                })
            })
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

#[test]
fn every_request_of_a_crowd_is_recorded() {
    let (processes, rounds) = (size("OHFP_CROWD_PROCESSES", 32), size("OHFP_CROWD_ROUNDS", 3));
    let grid = Grid::new(&json!({}), &json!({}));
    let mut alone: Vec<Duration> = (0..21).map(|_| at_once(&grid, 1, TEMPLATE, 2)[0].1).collect();
    let before = alone.len() as u64;

    let (mut ids, mut times) = (BTreeSet::new(), Vec::new());
    for round in 0..rounds {
        for (ended, time) in at_once(&grid, usize::try_from(processes).unwrap(), TEMPLATE, 2) {
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "round {round}: {ended:?}");
            assert!(ids.insert(text(&document(&ended)["requestId"])), "an id was given twice");
            times.push(time);
        }
    }
    let asked: Vec<Value> = ids.iter().map(|id| json!({ "requestId": id })).collect();
    let answer = loop {
        let answer = grid.answer("getRequestStatus", &json!({ "requests": asked }));
        if answer["requests"].as_array().unwrap().iter().all(|request| request["status"] != "running") {
            break answer;
        }
        thread::sleep(Duration::from_millis(50));
    };
    let mut machines = BTreeSet::new();
    for request in answer["requests"].as_array().unwrap() {
        assert_eq!(request["status"], "complete", "{request}");
        assert_eq!(request["machines"].as_array().unwrap().len(), 2, "{request}");
        for machine in request["machines"].as_array().unwrap() {
            assert!(machines.insert(text(&machine["machineId"])), "a machine belongs to two requests");
        }
    }
    assert_eq!(ids.len() as u64, processes * rounds);
    assert_eq!(grid.live(), (processes * rounds + before) * 2);
    let listed = grid.command(&["requests", "list", "--type", "acquire"]);
    assert_eq!(listed["requests"].as_array().unwrap().len() as u64, processes * rounds + before);
    let validation = grid.command(&["storage", "validate"]);
    assert_eq!(validation["valid"], true, "{validation}");

    let single = percentile(&mut alone, 50);
    let (median, last) = (percentile(&mut times, 50), percentile(&mut times, 99));
    println!(
        "{processes} processes at once, {rounds} rounds: {} requests, 0 lost, 0 refused; alone {single:.1?}, \
         median {median:.1?}, p99 {last:.1?} = {:.1} times alone",
        ids.len(),
        last.as_secs_f64() / single.as_secs_f64()
    );
}

#[test]
fn a_crowd_does_not_exceed_a_limit() {
    let grid = Grid::new(&json!({}), &json!({}));
    let all = at_once(&grid, 16, LIMITED, 1);
    let taken = all.iter().filter(|(ended, _)| ended.code == 0).count();
    assert_eq!(taken, 5, "{all:?}");
    for (ended, _) in all.iter().filter(|(ended, _)| ended.code != 0) {
        assert_eq!(ended.code, 1);
        assert!(text(&document(ended)["message"]).contains("allows 5 machines and 5 exist"), "{ended:?}");
    }
    assert_eq!(grid.live(), 5);
}
