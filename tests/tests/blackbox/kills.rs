//! Processes killed at random moments, against a model of what Host Factory was told.
//!
//! | what the model knows | what must hold in the end |
//! |---|---|
//! | a request whose id was told | it has exactly its machines, but for those that were given back |
//! | a request that was killed before it told its id | its machines are gone |
//! | a return whose id was told | its machines are gone |
//! | a return that was killed | each of its machines is there or gone, none is half returned for ever |
//!
//! And at every moment: no machine without a request, no request with more machines than it asked for.
#![expect(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use ohfp_tests::grid::{Grid, Host, Random, TEMPLATE, hosts, size, text};
use ohfp_tests::killing::killed;
use serde_json::{Value, json};

/// Seconds after which machines of an unacknowledged request are released.
const UNTOLD: u64 = 30;

/// What Host Factory knows.
#[derive(Default)]
struct Model {
    /// Requests whose ids were told, with the number of machines.
    told: BTreeMap<String, u64>,
    /// Machines that are there as far as is known, with their requests.
    there: BTreeMap<Host, String>,
    /// Machines of returns whose ids were told.
    gone: BTreeSet<Host>,
    /// Machines of returns that were killed before they told.
    doubtful: BTreeSet<Host>,
    returns: Vec<String>,
}

/// Brings the model up to date: all told requests are asked about, without a kill.
fn look(grid: &Grid, model: &mut Model) {
    let asked: Vec<Value> = model.told.keys().map(|id| json!({ "requestId": id })).collect();
    let answer = grid.answer("getRequestStatus", &json!({ "requests": asked }));
    for request in answer["requests"].as_array().unwrap() {
        let id = text(&request["requestId"]);
        assert_ne!(request["message"], "there is no such request", "a request that was told is forgotten");
        let machines = hosts(request);
        assert!(machines.len() as u64 <= model.told[&id], "too many machines: {request}");
        for (host, machine) in machines.into_iter().zip(request["machines"].as_array().unwrap()) {
            let known_end = model.gone.contains(&host) || model.doubtful.contains(&host);
            if machine["result"] == "succeed" && !known_end {
                model.there.insert(host, id.clone());
            } else if !known_end && machine["result"] == "fail" {
                panic!("a machine that was not returned has failed: {machine}");
            }
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_by_kills() {
    let kills = size("OHFP_KILLS", 150);
    let grid = Grid::new(
        &json!({}),
        &json!({ "request": { "unacknowledged_timeout_seconds": UNTOLD, "fulfillment_timeout_seconds": 3_600 } }),
    );
    let mut random = Random(size("OHFP_SEED", 7));
    let mut model = Model::default();
    let started = Instant::now();
    // How long an operation takes here and now: kills shall hit every part of it, and some come too late.
    let usual = (0..5).map(|_| {
        let begun = Instant::now();
        model.told.insert(grid.request(TEMPLATE, 1), 1);
        begun.elapsed().as_micros() as u64
    });
    let longest = usual.max().unwrap() * 3 / 2;

    let (mut done, mut untold, mut round) = (0, 0, 0);
    while done < kills {
        round += 1;
        let after = Some(Duration::from_micros(random.below(longest)));
        match random.below(6) {
            0 | 1 => {
                let count = 1 + random.below(3);
                let input = json!({ "template": { "templateId": TEMPLATE, "machineCount": count } });
                match killed(&mut grid.operation("in.json", "requestMachines", &input), after) {
                    Some(answer) => {
                        model.told.insert(text(&answer["requestId"]), count);
                    }
                    None => untold += 1,
                }
            }
            2 | 3 if !model.there.is_empty() => {
                let place = random.below(model.there.len() as u64) as usize;
                let count = 1 + random.below(2) as usize;
                let chosen: Vec<Host> = model.there.keys().skip(place).take(count).cloned().collect();
                let machines: Vec<Value> =
                    chosen.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
                let input = json!({ "machines": machines });
                let told = killed(&mut grid.operation("in.json", "requestReturnMachines", &input), after);
                for host in chosen {
                    model.there.remove(&host);
                    if told.is_some() {
                        model.gone.insert(host)
                    } else {
                        model.doubtful.insert(host)
                    };
                }
                model.returns.extend(told.map(|answer| text(&answer["requestId"])));
            }
            4 => {
                let asked: Vec<Value> = model.told.keys().map(|id| json!({ "requestId": id })).collect();
                killed(
                    &mut grid.operation("in.json", "getRequestStatus", &json!({ "requests": asked })),
                    after,
                );
            }
            _ => {
                killed(&mut grid.operation("in.json", "getReturnRequests", &json!({})), after);
            }
        }
        done += 1;
        if round % 10 == 0 {
            look(&grid, &mut model);
        }
    }

    // Unacknowledged requests are abandoned after the timeout, by any later invocation.
    let until = Instant::now() + Duration::from_secs(UNTOLD + 60);
    let mut expected;
    loop {
        look(&grid, &mut model);
        grid.answer("getReturnRequests", &json!({}));
        let doubtful = doubtful_there(&grid, &model);
        expected = (model.there.len() + doubtful) as u64;
        if grid.live() == expected && started.elapsed() > Duration::from_secs(UNTOLD + 2) {
            break;
        }
        assert!(Instant::now() < until, "{} machines exist, {expected} are known", grid.live());
        thread::sleep(Duration::from_millis(200));
    }
    for (id, count) in &model.told {
        let status = grid.settled(id);
        assert_eq!(status["machines"].as_array().unwrap().len() as u64, *count, "{status}");
    }
    for id in &model.returns {
        let status = grid.settled(id);
        assert_eq!(status["status"], "complete", "{status}");
    }
    let known: BTreeSet<String> = known_machines(&grid);
    for machine in grid.command(&["sim", "list"])["machines"].as_array().unwrap() {
        assert!(known.contains(&text(&machine["machineId"])), "no request knows {machine}");
    }
    let validation = grid.command(&["storage", "validate"]);
    assert_eq!(validation["valid"], true, "{validation}");
    println!(
        "{done} processes killed: {} requests told, {untold} untold, {} returns told, {} doubtful machines; \
         {expected} machines exist, all of them known",
        model.told.len(),
        model.returns.len(),
        model.doubtful.len()
    );
}

/// How many machines of killed returns are still there.
fn doubtful_there(grid: &Grid, model: &Model) -> usize {
    let listed = grid.command(&["sim", "list"]);
    let live: BTreeSet<String> = listed["machines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|machine| machine["status"] != "terminated")
        .map(|machine| text(&machine["machineId"]))
        .collect();
    model.doubtful.iter().filter(|host| live.contains(&host.id)).count()
}

/// Every machine that the store has, gone ones included.
fn known_machines(grid: &Grid) -> BTreeSet<String> {
    let states = ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"];
    let mut arguments = vec!["machines", "list"];
    for state in states {
        arguments.extend(["--status", state]);
    }
    let listed = grid.command(&arguments);
    listed["machines"].as_array().unwrap().iter().map(|machine| text(&machine["machineId"])).collect()
}
