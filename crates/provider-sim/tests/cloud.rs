//! The simulated cloud, as seen by the broker and by `ohfp sim`.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::contract::fixtures::acquire;
use ohfp_broker::provider::{self, Detail, Instance, LaunchFailure, Launched, Provider, Releasing};
use ohfp_broker::{Deadline, Error, ErrorKind, MachineId, MachineRef, MachineState, Template, Timestamp};
use ohfp_provider_sim::{SimConfig, SimProvider};
use serde_json::{Value, json};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + seconds * 1_000)
}

fn template(fields: &Value) -> Template {
    let mut all = json!({ "templateId": "t", "maxNumber": -1 }).as_object().unwrap().clone();
    all.extend(fields.as_object().unwrap().clone());
    Template::new(all).unwrap()
}

fn cloud(options: &Value, records: &Arc<MemoryStore>) -> SimProvider {
    let config = SimConfig::from_options(options.as_object().unwrap()).unwrap();
    SimProvider::new("sim", config, records.clone())
}

fn open(options: &Value) -> SimProvider {
    cloud(options, &Arc::default())
}

fn launch(
    sim: &SimProvider,
    fields: &Value,
    (token, count): (&str, u32),
    now: i64,
) -> Result<Launched, LaunchFailure> {
    let template = template(fields);
    sim.launch(&acquire("req-1", count, 0).launch_of(&template, token), at(now), Deadline::NONE)
}

/// What a token has made.
fn find(sim: &SimProvider, token: &str, now: i64) -> Result<Vec<Instance>, Error> {
    let pending = [provider::Pending { token, resource_ids: &[], expected: 1 }];
    let mut launches = sim.progress(&pending, at(now), Deadline::NONE)?.launches;
    Ok(launches.remove(0).unwrap().instances)
}

fn describe(sim: &SimProvider, ids: &[MachineId], now: i64) -> Result<Vec<Instance>, Error> {
    Ok(sim.describe(ids, Detail::Reclaims, at(now), Deadline::NONE)?.instances)
}

fn release(sim: &SimProvider, ids: &[MachineId], now: i64) -> Result<(), Error> {
    let machines: Vec<_> = ids.iter().map(Releasing::of_id).collect();
    sim.release(&machines, at(now), Deadline::NONE)
}

fn machines(sim: &SimProvider, token: &str, count: u32, now: i64) -> Vec<Instance> {
    launch(sim, &json!({}), (token, count), now).unwrap().instances
}

fn ids(instances: &[Instance]) -> Vec<MachineId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

fn states(sim: &SimProvider, ids: &[MachineId], now: i64) -> Vec<MachineState> {
    describe(sim, ids, now).unwrap().iter().map(|instance| instance.state).collect()
}

use MachineState::{Pending, Running, ShuttingDown, Terminated};

#[test]
fn a_life_is_read_off_the_clock() {
    let sim = open(&json!({ "boot": { "seconds": 10 }, "release": { "seconds": 3 } }));
    let made = machines(&sim, "a", 1, 0);
    let id = ids(&made);
    assert_eq!(made[0].id.as_str().len(), 19);
    assert!(made[0].id.as_str().strip_prefix("i-").unwrap().bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(made[0].name.as_deref(), Some("ip-10-0-0-4.sim.internal"));
    assert_eq!(made[0].private_ip.as_deref(), Some("10.0.0.4"));
    assert_eq!(made[0].instance_type.as_deref(), Some("m6i.large"));
    assert_eq!(made[0].price_type.as_deref(), Some("ondemand"));
    assert_eq!((states(&sim, &id, 9), states(&sim, &id, 10)), (vec![Pending], vec![Running]));
    release(&sim, &id, 20).unwrap();
    release(&sim, &id, 21).unwrap();
    for (now, state) in [(22, ShuttingDown), (23, Terminated), (3_623, Terminated), (15, ShuttingDown)] {
        assert_eq!(states(&sim, &id, now), [state], "{now}");
    }
    assert_eq!(states(&sim, &id, 3_624), []);
    assert_eq!(find(&sim, "a", 3_624).unwrap(), []);
    assert_eq!(sim.live_count(at(23)).unwrap(), 0);
    assert_eq!(release(&sim, &[MachineId::new("i-1")], 23), Ok(()));
}

#[test]
fn boot_failures_and_spot_reclaims() {
    let sim = open(&json!({ "boot": { "seconds": 10, "failure_probability": 1 } }));
    let id = ids(&machines(&sim, "a", 1, 0));
    assert_eq!(states(&sim, &id, 9), [Pending]);
    let seen = describe(&sim, &id, 10).unwrap().remove(0);
    assert_eq!((seen.state, seen.reclaimed), (Terminated, false));
    assert_eq!(seen.reason.as_deref(), Some("Server.InternalError: Internal error on launch"));

    let sim = open(&json!({ "spot": {
        "reclaim_probability": 1, "reclaim_after_seconds": 500, "notice_seconds": 100
    } }));
    let id = ids(&launch(&sim, &json!({ "priceType": "spot" }), ("a", 1), 0).unwrap().instances);
    let seen = |now| describe(&sim, &id, now).unwrap().remove(0);
    assert_eq!((seen(399).state, seen(399).reclaim_at), (Running, None));
    assert_eq!((seen(400).state, seen(400).reclaim_at), (Running, Some(at(500))));
    assert_eq!((seen(500).state, seen(500).reclaimed), (Terminated, true));
    assert!(seen(500).reason.unwrap().starts_with("Server.SpotInstanceTermination: "));
    let other = ids(&machines(&sim, "b", 1, 0));
    assert_eq!(states(&sim, &other, 5_000), [Running], "only spot machines are taken");
}

#[test]
fn units_are_counted_where_types_have_weights() {
    let types = |sim: &SimProvider, fields: &Value, count| -> Vec<String> {
        let made = launch(sim, fields, ("a", count), 0).unwrap();
        assert_eq!(made.shortfall, None);
        made.instances.into_iter().map(|one| one.instance_type.unwrap()).collect()
    };
    let spot = json!({ "priceType": "spot", "vmTypes": { "small": 1, "large": 8 } });
    assert_eq!(types(&open(&json!({})), &spot, 8), ["small", "large"]);
    assert_eq!(types(&open(&json!({})), &spot, 1), ["small"]);
    assert_eq!(types(&open(&json!({})), &spot, 11), ["small", "large", "small", "large"]);
    // What has no room is made up for by others.
    let scarce = open(&json!({ "capacity": { "by_type": { "large": 0 } } }));
    assert_eq!(types(&scarce, &spot, 8), ["small"; 8]);
    // Machines at full price are counted, whatever is written beside them.
    let full_price = json!({ "priceType": "ondemand", "vmTypes": { "small": 1, "large": 8 } });
    assert_eq!(types(&open(&json!({})), &full_price, 3), ["small", "large", "small"]);
    // `vmType` is for machines at full price, and `vmTypes` for spot ones.
    let both = json!({ "priceType": "spot", "vmType": "medium", "vmTypes": { "large": 8 } });
    assert_eq!(types(&open(&json!({})), &both, 8), ["large"]);
    let plan = open(&json!({})).plan(&template(&spot), 10).unwrap();
    assert_eq!(plan.steps[..2], ["launch 2 × small (spot), simulated", "launch 1 × large (spot), simulated"]);
}

#[test]
fn the_same_token_makes_machines_once() {
    let records = Arc::new(MemoryStore::default());
    let sim = cloud(&json!({ "capacity": { "total": 3 } }), &records);
    let first = launch(&sim, &json!({}), ("a", 5), 0).unwrap();
    assert_eq!(first.instances.len(), 3);
    assert_eq!(first.shortfall.as_deref(), Some("InsufficientInstanceCapacity: all 3 machines exist"));
    assert_eq!(launch(&sim, &json!({}), ("a", 5), 0).unwrap(), first);
    let none = launch(&sim, &json!({}), ("b", 1), 1);
    assert!(matches!(&none, Err(LaunchFailure::NoCapacity(why)) if why.starts_with("0 of 1 machines: ")));
    release(&sim, &ids(&first.instances), 100).unwrap();
    assert_eq!(launch(&sim, &json!({}), ("b", 1), 1_000), none, "what came of a token stays");
    assert_eq!(machines(&sim, "c", 3, 1_000).len(), 3);

    let records = Arc::new(MemoryStore::default());
    let found: Vec<Vec<MachineId>> = thread::scope(|scope| {
        let asked: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| ids(&machines(&cloud(&json!({}), &records), "same", 4, 0))))
            .collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(found.iter().all(|ids| *ids == found[0] && ids.len() == 4), "{found:?}");
    assert_eq!(cloud(&json!({}), &records).live_count(at(0)).unwrap(), 4);
}

#[test]
fn the_same_seed_makes_the_same_machines() {
    let of = |seed: u64, token: &str| machines(&open(&json!({ "seed": seed })), token, 20, 0);
    assert_eq!(of(1, "a"), of(1, "a"));
    for other in [of(2, "a"), of(1, "b")] {
        assert!(ids(&of(1, "a")).iter().all(|id| !ids(&other).contains(id)));
    }
}

#[test]
fn addresses_are_unique_and_run_out() {
    let sim = open(&json!({ "network": { "block": "10.0.0.0/28", "public_block": "198.18.0.0/28" } }));
    let first = machines(&sim, "a", 6, 0);
    release(&sim, &ids(&first[..2]), 60).unwrap();
    let more = launch(&sim, &json!({}), ("b", 9), 100).unwrap();
    assert_eq!(more.instances.len(), 7);
    assert!(more.shortfall.unwrap().starts_with("InsufficientFreeAddressesInSubnet: "));
    let live = sim.list(at(200)).unwrap();
    let live: Vec<_> = live.iter().filter(|machine| machine.state == Running).collect();
    let fields: [fn(&Instance) -> Option<String>; 3] =
        [|one| one.name.clone(), |one| one.private_ip.clone(), |one| one.public_ip.clone()];
    for field in fields {
        let different: HashSet<_> = live.iter().map(|machine| field(machine).unwrap()).collect();
        assert_eq!(different.len(), 11);
    }
}

#[test]
fn a_used_up_type_is_passed_over() {
    let sim = open(&json!({ "capacity": { "by_type": { "x": 1, "y": 2 } } }));
    let fields = json!({ "vmTypes": { "x": 1, "y": 1 }, "priceType": "heterogeneous" });
    let made = launch(&sim, &fields, ("a", 4), 0).unwrap();
    let types: Vec<_> = made.instances.iter().map(|one| one.instance_type.clone().unwrap()).collect();
    assert_eq!(types, ["x", "y", "y"]);
    assert!(made.instances.iter().all(|one| one.price_type.as_deref() == Some("spot")));
    assert_eq!(made.shortfall.as_deref(), Some("InsufficientInstanceCapacity: there are no more x, y"));
    let steps = sim.plan(&template(&fields), 3).unwrap().steps;
    assert_eq!(steps[..2], ["launch 2 × x (spot), simulated", "launch 1 × y (spot), simulated"]);
    assert_eq!(steps[2], "wait 5 to 15 s until they run, with addresses of 10.0.0.0/16");
}

#[test]
fn launches_fail_as_they_are_told_to() {
    let one = |what: &str| open(&json!({ "launch": { what: 1 } }));
    let order = |sim: &SimProvider, now| launch(sim, &json!({}), ("a", 2), now);
    let refused = one("refused_probability");
    assert!(matches!(order(&refused, 0), Err(LaunchFailure::Refused(_))));
    assert_eq!(refused.live_count(at(0)).unwrap(), 0);
    assert!(matches!(order(&one("no_capacity_probability"), 0), Err(LaunchFailure::NoCapacity(_))));
    let nothing = open(&json!({}));
    for _ in 0..2 {
        assert_eq!(launch(&nothing, &json!({}), ("a", 0), 0), Ok(Launched::default()));
    }

    let records = Arc::new(MemoryStore::default());
    let unreachable = cloud(&json!({ "launch": { "unreachable_probability": 1 } }), &records);
    assert!(matches!(order(&unreachable, 0), Err(LaunchFailure::Unreachable(_))));
    assert_eq!(unreachable.live_count(at(0)).unwrap(), 0);
    let made = order(&cloud(&json!({}), &records), 1).unwrap();
    assert!(matches!(order(&unreachable, 2), Err(LaunchFailure::Unreachable(_))));
    let refusing = cloud(&json!({ "launch": { "refused_probability": 1 } }), &records);
    assert_eq!(ids(&order(&refusing, 2).unwrap().instances), ids(&made.instances));

    let lost = one("unknown_probability");
    assert!(matches!(order(&lost, 0), Err(LaunchFailure::Unknown(_))));
    assert_eq!(find(&lost, "a", 0).unwrap().len(), 2);
    assert_eq!(order(&lost, 1).unwrap().instances.len(), 2);

    let late = open(&json!({ "launch": { "late_probability": 1, "late_seconds": 60 } }));
    for now in [0, 59] {
        assert!(matches!(order(&late, now), Err(LaunchFailure::Unknown(_))), "{now}");
        assert_eq!((find(&late, "a", now).unwrap(), late.list(at(now)).unwrap()), (vec![], vec![]));
    }
    let found = find(&late, "a", 60).unwrap();
    assert_eq!((found.len(), found[0].launched), (2, at(60)));
    assert_eq!(order(&late, 60).unwrap().instances, found);
}

#[test]
fn looks_and_releases_fail_as_they_are_told_to() {
    let records = Arc::new(MemoryStore::default());
    let made = ids(&machines(&cloud(&json!({}), &records), "a", 2, 0));
    let silent = cloud(&json!({ "describe": { "error_probability": 1 } }), &records);
    assert_eq!(describe(&silent, &made, 60).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(find(&silent, "a", 60).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(silent.exists(&[], at(60), Deadline::NONE).unwrap_err().kind(), ErrorKind::Unavailable);
    let stubborn = cloud(&json!({ "release": { "error_probability": 1 } }), &records);
    assert_eq!(release(&stubborn, &made, 60).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(stubborn.live_count(at(60)).unwrap(), 2);
    let slow = cloud(&json!({ "release": { "slow_probability": 1, "slow_seconds": 500 } }), &records);
    release(&slow, &made, 60).unwrap();
    assert_eq!(states(&slow, &made, 559), [ShuttingDown; 2]);
    assert_eq!(states(&slow, &made, 560), [Terminated; 2]);

    let hiding = open(&json!({ "describe": { "consistency_milliseconds": 5000 } }));
    assert_eq!(hiding.capabilities().consistency_millis, 5_000);
    let made = ids(&machines(&hiding, "a", 1, 0));
    assert_eq!((states(&hiding, &made, 4).len(), states(&hiding, &made, 5).len()), (0, 1));
}

#[test]
fn the_cloud_is_played() {
    let sim = open(&json!({}));
    let made = machines(&sim, "a", 4, 0);
    let name = |index: usize| made[index].name.clone().unwrap();
    let told = sim.reclaim(&name(0), 100, at(60)).unwrap();
    assert_eq!((told.state, told.reclaim_at), (Running, Some(at(160))));
    let gone = describe(&sim, &ids(&made[..1]), 160).unwrap().remove(0);
    assert_eq!((gone.state, gone.reclaimed), (Terminated, true));
    let gone = sim.reclaim(made[1].id.as_str(), 0, at(60)).unwrap();
    assert_eq!((gone.state, gone.reclaimed, gone.reclaim_at), (Terminated, true, None));
    assert_eq!(sim.fail(&name(2), at(60)).unwrap().state, Terminated);
    assert_eq!(sim.live_count(at(160)).unwrap(), 1);
    let (there, gone) = (made[3].id.as_str(), made[2].id.as_str());
    let short = name(3).split('.').next().unwrap().to_uppercase();
    for (called, id, found) in [
        (name(3).as_str(), "", true),
        (&short, "", true),
        (&name(2), "", false),
        ("nosuch", "", false),
        ("", there, true),
        ("nosuch", there, true),
        (there, there, true),
        // The id decides.
        (&name(3), "i-nosuch", false),
        (&name(3), gone, false),
        ("", gone, false),
    ] {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let wanted = MachineRef { name: some(called), id: some(id).map(MachineId::new) };
        let seen = sim.exists(std::slice::from_ref(&wanted), at(160), Deadline::NONE).unwrap().remove(0);
        let found = found.then(|| made[3].id.clone());
        assert_eq!((seen.machine, seen.found), (wanted, found), "{called} {id}");
    }
    for unknown in ["nosuch", "token:a", "room"] {
        assert_eq!(sim.reclaim(unknown, 0, at(60)).unwrap_err().kind(), ErrorKind::NotFound, "{unknown}");
        assert_eq!(sim.fail(unknown, at(60)).unwrap_err().kind(), ErrorKind::NotFound, "{unknown}");
    }
    assert_eq!(sim.fail(made[1].id.as_str(), at(10_000)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(sim.health(at(160), Deadline::NONE).detail, "1 of 10000 machines exist");
}

/// What has ended does not come back: not by another end, nor by a clock that is set back.
#[test]
fn what_is_gone_stays_gone() {
    let sim = open(&json!({ "boot": { "seconds": 10, "failure_probability": 1 } }));
    let made = machines(&sim, "a", 1, 0);
    let told = sim.reclaim(made[0].id.as_str(), 100, at(20)).unwrap();
    assert_eq!((told.state, told.reclaimed), (Terminated, false));
    assert_eq!(states(&sim, &ids(&made), 5), [Terminated]);

    let sim = open(&json!({}));
    let made = machines(&sim, "a", 1, 0);
    sim.fail(made[0].id.as_str(), at(60)).unwrap();
    for now in [59, 0, -100] {
        assert_eq!(states(&sim, &ids(&made), now), [Terminated], "{now}");
    }
}

/// Each wrong setting is named by its dotted path, all of them in one error.
#[test]
fn wrong_settings() {
    for (options, says) in [
        (json!({ "sed": 1 }), &["`sed` is not a known key"][..]),
        (json!({ "boot": { "second": 1 } }), &["`boot.second` is not a known key"]),
        (json!({ "boot": { "seconds": [9, 5] } }), &["`boot.seconds` must be", "[9,5]"]),
        (json!({ "boot": 1 }), &["`boot` must be an object"]),
        (json!({ "boot.seconds": 1 }), &["`boot.seconds` is not a known key"]),
        (json!({ "launch": { "late_probability": 1.5 } }), &["`launch.late_probability`", "from 0 to 1"]),
        (json!({ "capacity": { "total": -1 } }), &["`capacity.total`", "from 0 to 1000000"]),
        (json!({ "network": { "public_block": "198.18.0.0/24" } }), &["`network.public_block` must have"]),
        (
            json!({ "seed": -1, "spot": { "notice_seconds": "x" } }),
            &["several settings", "`seed`", "`spot.notice_seconds`"],
        ),
        (json!({ "boot": { "failure_probability": "1.5" } }), &["from 0 to 1, not \"1.5\""]),
    ] {
        let error = SimConfig::from_options(options.as_object().unwrap()).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(says.iter().all(|part| text.contains(part)), "{options}: {text}");
    }
}

/// Numbers in quotes are numbers, and each is told.
#[test]
fn settings_in_quotes() {
    let quoted = json!({
        "seed": "7", "boot": { "seconds": ["0", 2], "failure_probability": "0.5" },
        "capacity": { "total": 5.0, "by_type": { "a": 1, "b": "2" } }, "default_type": "5"
    });
    let plain = json!({
        "seed": 7, "boot": { "seconds": [0, 2], "failure_probability": 0.5 },
        "capacity": { "total": 5, "by_type": { "a": 1, "b": 2 } }, "default_type": "5"
    });
    let (config, findings) = SimConfig::read(quoted.as_object().unwrap());
    assert_eq!(config, SimConfig::from_options(plain.as_object().unwrap()).unwrap());
    assert_eq!(findings.len(), 5, "{findings:?}");
    assert!(findings.iter().all(|finding| !finding.is_wrong()));
    assert_eq!(findings[0].to_string(), "`seed` is written as \"7\"; it is read as 7");
}
