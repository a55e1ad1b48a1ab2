//! Few calls, however many machines and requests there are.

use ohfp_tests::aws::{AwsSite, WAYS, templates};
use ohfp_tests::grid::{Host, hosts};
use serde_json::{Value, json};

/// Requests of one poll, and machines of each.
const REQUESTS: usize = 20;
const MACHINES: u64 = 50;
/// Requests of these that are not over.
const OPEN: usize = 5;

/// What keeps a request open.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// Its machines start.
    Starting,
    /// Some of its machines are there, and the others come.
    Launching,
    /// There is too little capacity.
    Short,
}

impl Open {
    fn set(self, site: &AwsSite) {
        match self {
            Self::Starting => site.cloud.settings(&json!({ "boot": 3_600 })),
            Self::Launching => site.cloud.settings(&json!({ "batch": 10, "retry": 3_600 })),
            Self::Short => site.cloud.capacity(&json!({ "*@*": 0 })),
        }
    }
}

/// Requests for 1,000 machines in all, of which some are open.
fn check(name: &str, open: Option<Open>, most: usize) {
    let way = WAYS.into_iter().find(|way| way.name == name).unwrap();
    let Some(site) = AwsSite::new(&templates(&[way]), &json!({})) else { return };
    let closed = if open.is_some() { REQUESTS - OPEN } else { REQUESTS };
    let mut requests: Vec<String> = (0..closed).map(|_| site.grid.request(name, MACHINES)).collect();
    let statuses: Vec<Value> = requests.iter().map(|id| site.grid.settled(id)).collect();
    if let Some(open) = open {
        open.set(&site);
    }
    let of_open: Vec<String> = (closed..REQUESTS).map(|_| site.grid.request(name, MACHINES)).collect();
    requests.extend(of_open.iter().cloned());

    site.cloud.clear_calls();
    let asked: Vec<Value> = requests.iter().map(|id| json!({ "requestId": id })).collect();
    let answer = site.grid.answer("getRequestStatus", &json!({ "requests": asked }));
    let running = answer["requests"].as_array().unwrap().iter().filter(|one| one["status"] == "running");
    assert_eq!(running.count(), of_open.len(), "{name} {open:?}");
    let calls = site.cloud.counts();
    assert!(site.cloud.calls("*").len() <= most, "{name} {open:?}: {calls}");
    if open.is_some() {
        return;
    }

    let all: Vec<Host> = statuses.iter().flat_map(hosts).collect();
    assert_eq!(all.len(), 1_000, "{name}");
    site.cloud.clear_calls();
    site.grid.give_back(&all);
    let calls = site.cloud.counts();
    // Where the return took long enough for the machines to end, what is deleted behind its answer is no part of it.
    let of_return = calls.as_object().unwrap().iter().filter(|(action, _)| !action.starts_with("Delete"));
    let of_return: u64 = of_return.map(|(_, count)| count.as_u64().unwrap()).sum();
    assert!(of_return <= 4, "{name}: {calls}");
    assert_eq!(calls["TerminateInstances"], 2, "{name}: {calls}");
    assert_eq!(site.living(), Vec::<String>::new(), "{name}");
}

#[test]
fn a_poll_of_20_requests_and_a_return_of_1000_machines() {
    for name in ["run", "instant-spot", "request", "maintain-spot", "spot-fleet-spot", "group"] {
        check(name, None, 3);
    }
}

#[test]
fn a_poll_with_5_open_requests() {
    for name in ["run", "request", "maintain-spot", "spot-fleet-spot", "group"] {
        check(name, Some(Open::Starting), 5);
    }
    for name in ["request", "maintain-spot", "spot-fleet-spot", "group"] {
        check(name, Some(Open::Launching), 5);
        check(name, Some(Open::Short), 5);
    }
}
