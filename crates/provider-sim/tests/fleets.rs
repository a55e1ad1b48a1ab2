//! Fleets of the simulated cloud: machines that come later, machines that are replaced, and their end.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::contract::fixtures::acquire;
use ohfp_broker::provider::{
    Detail, Identity, LaunchFailure, Launched, Pending, Progress, Provider, Releasing,
};
use ohfp_broker::{Deadline, ErrorKind, MachineId, MachineState, Template, Timestamp};
use ohfp_provider_sim::{SimConfig, SimProvider};
use serde_json::{Value, json};

const NONE: Deadline = Deadline::NONE;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + seconds * 1_000)
}

fn cloud(options: &Value) -> SimProvider {
    let config = SimConfig::from_options(options.as_object().unwrap()).unwrap();
    SimProvider::new("sim", config, Arc::new(MemoryStore::default()))
}

/// A cloud whose fleets launch a machine each 10 seconds, the first one at once; machines boot in a second.
fn fleets(kind: &str, more: &Value) -> SimProvider {
    let mut options = json!({
        "fleet": { "type": kind, "at_once": 1, "interval_seconds": 10 },
        "boot": { "seconds": 1 }, "release": { "seconds": 2 }
    });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    cloud(&options)
}

fn launch(sim: &SimProvider, fields: &Value, count: u32, now: i64) -> Result<Launched, LaunchFailure> {
    let mut all = json!({ "templateId": "t", "maxNumber": -1 });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let template = Template::new(all.as_object().unwrap().clone()).unwrap();
    let request = acquire("req-1", count, 0);
    sim.launch(&request.launch_of(&template, "token"), at(now), NONE)
}

const PENDING: Pending<'static> = Pending { token: "token", resource_ids: &[], expected: 3 };

fn progress(sim: &SimProvider, now: i64) -> Progress {
    sim.progress(&[PENDING], at(now), NONE).unwrap().launches.remove(0).unwrap()
}

/// How many machines there are by now and how many of them run, and whether more come.
fn count(sim: &SimProvider, now: i64) -> (usize, usize, bool) {
    let Progress { instances, more, .. } = progress(sim, now);
    let up = instances.iter().filter(|instance| instance.state == MachineState::Running).count();
    (instances.len(), up, more)
}

fn release(sim: &SimProvider, id: &MachineId, now: i64) {
    sim.release(&[Releasing::of_id(id)], at(now), NONE).unwrap();
}

#[test]
fn machines_of_a_request_fleet_come_one_after_the_other() {
    let sim = fleets("request", &json!({}));
    let first = launch(&sim, &json!({}), 3, 0).unwrap();
    assert_eq!((first.instances.len(), first.more, first.resource_ids.len()), (1, true, 1));
    assert_eq!(first.instances[0].resource_id.as_ref(), first.resource_ids.first());
    for (now, counted) in [(0, (1, 0, true)), (9, (1, 1, true)), (10, (2, 1, true)), (20, (3, 2, false))] {
        assert_eq!(count(&sim, now), counted, "{now}");
    }
    // The same token again tells what exists by then.
    let again = launch(&sim, &json!({}), 3, 20).unwrap();
    assert_eq!((again.instances, again.more), (progress(&sim, 20).instances, false));
    // One that ends is not replaced.
    release(&sim, &first.instances[0].id, 30);
    assert_eq!(count(&sim, 100), (3, 2, false));
    assert_eq!(progress(&sim, 10_000).instances.len(), 2, "the one that ended is forgotten");
}

#[test]
fn machines_of_a_maintain_fleet_are_replaced_until_it_is_settled() {
    let sim = fleets("maintain", &json!({}));
    let made = launch(&sim, &json!({}), 3, 0).unwrap().instances;
    assert_eq!(count(&sim, 30), (3, 3, true));
    sim.fail(made[0].id.as_str(), at(30)).unwrap();
    assert_eq!(count(&sim, 39), (3, 2, true));
    assert_eq!(count(&sim, 41), (4, 3, true));
    // A plain release is made up for as well; it is no return to the fleet.
    let second = progress(&sim, 41).instances[1].id.clone();
    release(&sim, &second, 50);
    assert_eq!(count(&sim, 51), (4, 2, true));
    assert_eq!(count(&sim, 70), (5, 3, true));
    let ids: BTreeSet<_> = progress(&sim, 70).instances.into_iter().map(|instance| instance.id).collect();
    assert_eq!(ids.len(), 5);
    for _ in 0..2 {
        sim.settled(&PENDING, at(80), NONE).unwrap();
    }
    assert_eq!(count(&sim, 80), (5, 3, false));
    sim.fail(second.as_str(), at(81)).unwrap();
    release(&sim, ids.first().unwrap(), 81);
    assert_eq!(progress(&sim, 500).instances.len(), 5);
}

#[test]
fn a_settled_fleet_launches_nothing_more() {
    let sim = fleets("request", &json!({ "capacity": { "total": 3 } }));
    launch(&sim, &json!({}), 3, 0).unwrap();
    sim.settled(&PENDING, at(15), NONE).unwrap();
    assert_eq!(count(&sim, 1_000), (2, 2, false));
    assert_eq!((sim.live_count(at(1_000)).unwrap(), sim.list(at(1_000)).unwrap().len()), (2, 2));
    assert_eq!(launch(&sim, &json!({}), 3, 1_000).unwrap().instances.len(), 2);
}

#[test]
fn a_fleet_without_room_says_why() {
    let sim = fleets("request", &json!({ "capacity": { "total": 2 } }));
    launch(&sim, &json!({}), 3, 0).unwrap();
    assert_eq!(count(&sim, 100), (2, 2, false));
    assert!(progress(&sim, 100).reason.unwrap().starts_with("InsufficientInstanceCapacity: "));
    let none = fleets("request", &json!({ "capacity": { "total": 0 } }));
    assert!(matches!(launch(&none, &json!({}), 3, 0), Err(LaunchFailure::NoCapacity(_))));
    assert_eq!(none.fleets().unwrap(), [""; 0]);
}

#[test]
fn fleets_go_once_they_are_settled_and_empty() {
    let sim = fleets("request", &json!({}));
    let made = launch(&sim, &json!({}), 1, 0).unwrap();
    let tidy = |alive: bool, limit: u32, now: i64| {
        let deleted = sim.tidy(&|_| alive, limit, at(now), NONE).unwrap();
        (deleted, sim.fleets().unwrap().len())
    };
    release(&sim, &made.instances[0].id, 10);
    assert_eq!(tidy(false, 9, 20), (0, 1), "it is not settled");
    sim.settled(&PENDING, at(21), NONE).unwrap();
    assert_eq!(tidy(false, 9, 11), (0, 1), "a machine is ending");
    assert_eq!(tidy(true, 9, 21), (0, 1), "the store has a machine of it");
    assert_eq!(tidy(false, 0, 21), (0, 1), "that is more than was asked for");
    assert_eq!(tidy(false, 9, 21), (1, 0));
    assert_eq!(tidy(false, 9, 21), (0, 0));
    assert_eq!(progress(&sim, 22).instances.len(), 1, "its machines are still known");
}

/// Machines of a pool count what its weights say, replacements too.
#[test]
fn weighted_pools() {
    let sim = fleets("maintain", &json!({}));
    let fields = json!({ "priceType": "spot", "vmTypes": { "small": 1, "large": 8 } });
    launch(&sim, &fields, 17, 0).unwrap();
    let units = |now: i64| -> Vec<u32> {
        progress(&sim, now).instances.iter().map(|instance| instance.units.unwrap()).collect()
    };
    assert_eq!(units(100), [1, 8, 1, 8]);
    sim.fail(progress(&sim, 100).instances[1].id.as_str(), at(100)).unwrap();
    assert_eq!((units(100).len(), units(110)), (4, vec![1, 8, 1, 8, 8]));
    let machines = cloud(&json!({}));
    assert_eq!(launch(&machines, &json!({}), 1, 0).unwrap().instances[0].units, None);
}

#[test]
fn spot_machines_are_replaced_too_and_notices_are_told_on_demand() {
    let spot = json!({ "reclaim_probability": 1, "reclaim_after_seconds": 100, "notice_seconds": 50,
        "notice_on_demand": true });
    let sim = fleets("maintain", &json!({ "spot": spot }));
    let made = launch(&sim, &json!({ "priceType": "spot" }), 1, 0).unwrap().instances;
    let ids = [made[0].id.clone()];
    let told = |detail: Detail| sim.describe(&ids, detail, at(60), NONE).unwrap().instances[0].reclaim_at;
    assert_eq!((told(Detail::State), told(Detail::Reclaims)), (None, Some(at(100))));
    assert_eq!(count(&sim, 99), (1, 1, true));
    assert_eq!(count(&sim, 100), (1, 0, true));
    assert_eq!(count(&sim, 111), (2, 1, true));
}

#[test]
fn slow_calls_end_at_the_deadline() {
    let latency = json!({
        "launch_milliseconds": 600_000, "describe_milliseconds": 600_000, "release_milliseconds": 600_000
    });
    let sim = cloud(&json!({ "latency": latency }));
    let soon = || Deadline::at(Instant::now() + Duration::from_millis(5));
    let template = Template::new(json!({ "templateId": "t", "maxNumber": 1 }).as_object().unwrap().clone());
    let template = template.unwrap();
    let request = acquire("req-1", 1, 0);
    // It may have taken place, and has.
    assert!(matches!(
        sim.launch(&request.launch_of(&template, "token"), at(0), soon()),
        Err(LaunchFailure::Unknown(_))
    ));
    assert_eq!(sim.live_count(at(0)).unwrap(), 1);
    let passed = Deadline::at(Instant::now());
    assert!(matches!(
        sim.launch(&request.launch_of(&template, "token"), at(0), passed),
        Err(LaunchFailure::Unreachable(_))
    ));
    let id = MachineId::new("i-1");
    let errors = [
        sim.progress(&[PENDING], at(0), soon()).unwrap_err(),
        sim.describe(&[], Detail::State, at(0), soon()).unwrap_err(),
        sim.release(&[Releasing::of_id(&id)], at(0), soon()).unwrap_err(),
        sim.exists(&[], at(0), soon()).unwrap_err(),
        sim.settled(&PENDING, at(0), soon()).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Unavailable), "{errors:?}");
}

#[test]
fn account_and_region_are_as_configured() {
    let sim = cloud(&json!({ "identity": { "account": "123456789012", "region": "eu-north-1" } }));
    let identity =
        Identity { account: Some("123456789012".to_owned()), region: Some("eu-north-1".to_owned()) };
    assert_eq!(sim.identity(), identity);
    assert_eq!(cloud(&json!({})).identity(), Identity::default());
}
