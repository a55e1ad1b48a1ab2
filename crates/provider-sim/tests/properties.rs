//! Whatever is asked of the simulated cloud, in whatever order: what must hold of any cloud holds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::contract::fixtures::acquire;
use ohfp_broker::provider::{Detail, Instance, Provider, Releasing};
use ohfp_broker::{Deadline, MachineId, MachineState, Template, Timestamp};
use ohfp_provider_sim::{SimConfig, SimProvider};
use proptest::prelude::*;
use serde_json::json;

/// What is done, and how many seconds pass before it.
#[derive(Clone, Debug)]
enum Step {
    /// An order again has the same token and the same count.
    Launch {
        token: u8,
    },
    Release {
        machine: usize,
        count: usize,
    },
    Reclaim {
        machine: usize,
        grace: u64,
    },
    Fail {
        machine: usize,
    },
    Nothing,
}

fn step() -> impl Strategy<Value = (i64, Step)> {
    let what = prop_oneof![
        4 => (0..18_u8).prop_map(|token| Step::Launch { token }),
        3 => (any::<usize>(), 1..4_usize).prop_map(|(machine, count)| Step::Release { machine, count }),
        1 => (any::<usize>(), 0..40_u64).prop_map(|(machine, grace)| Step::Reclaim { machine, grace }),
        1 => any::<usize>().prop_map(|machine| Step::Fail { machine }),
        1 => Just(Step::Nothing),
    ];
    (prop_oneof![Just(0), 0..30_i64, Just(400)], what)
}

const TOTAL: usize = 9;
const LARGE: usize = 3;

/// A small cloud in which much goes wrong: two types of machines, one of them scarce, 11 addresses.
fn cloud(seed: u64, records: &Arc<MemoryStore>) -> SimProvider {
    let options = json!({
        "seed": seed,
        "boot": { "seconds": [0, 20], "failure_probability": 0.2 },
        "capacity": { "total": TOTAL, "by_type": { "large": LARGE } },
        "network": { "block": "10.0.0.0/28" },
        "spot": { "reclaim_probability": 0.3, "reclaim_after_seconds": [20, 90], "notice_seconds": 10 },
        "launch": { "unknown_probability": 0.1, "late_probability": 0.1, "late_seconds": [1, 50],
                    "no_capacity_probability": 0.1, "refused_probability": 0.1 },
        "release": { "seconds": [0, 15], "slow_probability": 0.2, "slow_seconds": 60 },
        "terminated_visible_seconds": 300,
    });
    SimProvider::new("sim", SimConfig::from_options(options.as_object().unwrap()).unwrap(), records.clone())
}

fn template(large: u32) -> Template {
    let fields = json!({
        "templateId": "t", "maxNumber": -1, "vmTypes": { "large": large, "small": 1 }, "priceType": "spot"
    });
    Template::new(fields.as_object().unwrap().clone()).unwrap()
}

/// What was seen of the cloud so far.
#[derive(Default)]
struct Seen {
    machines: BTreeMap<MachineId, Instance>,
    of_token: BTreeMap<u8, Vec<MachineId>>,
    said: Vec<String>,
}

impl Seen {
    fn pick(&self, number: usize, count: usize) -> Vec<MachineId> {
        let ids: Vec<_> = self.machines.keys().cloned().collect();
        if ids.is_empty() {
            Vec::new()
        } else {
            (number % ids.len()..ids.len()).take(count).map(|at| ids[at].clone()).collect()
        }
    }

    /// A life goes one way, and what identifies a machine does not change.
    fn look(&mut self, instance: &Instance) -> Result<(), TestCaseError> {
        let Some(before) = self.machines.insert(instance.id.clone(), instance.clone()) else { return Ok(()) };
        let was = before.state;
        prop_assert!(
            was == instance.state || was.can_transition_to(instance.state),
            "{before:?} {instance:?}"
        );
        prop_assert_eq!(
            (&before.name, &before.private_ip, &before.instance_type, before.launched),
            (&instance.name, &instance.private_ip, &instance.instance_type, instance.launched)
        );
        if was == MachineState::Terminated {
            prop_assert_eq!((before.reclaimed, &before.reason), (instance.reclaimed, &instance.reason));
        }
        Ok(())
    }
}

fn release(sim: &SimProvider, ids: &[MachineId], now: Timestamp) {
    let machines: Vec<_> = ids.iter().map(Releasing::of_id).collect();
    sim.release(&machines, now, Deadline::NONE).unwrap();
}

fn take(sim: &SimProvider, step: &Step, now: Timestamp, seen: &mut Seen) -> Result<(), TestCaseError> {
    match step {
        Step::Launch { token } => {
            let count = u32::from(token % 6);
            let name = format!("req-{token}");
            // For half of the orders, large machines are worth more units than one.
            let large = if token % 2 == 0 { 1 } else { 3 };
            let template = template(large);
            let request = acquire("req-1", count, 0);
            let launch = sim.launch(&request.launch_of(&template, &name), now, Deadline::NONE);
            seen.said.push(format!("{launch:?}"));
            let Ok(launched) = launch else { return Ok(()) };
            let ids: Vec<_> = launched.instances.iter().map(|one| one.id.clone()).collect();
            for instance in &launched.instances {
                seen.look(instance)?;
            }
            if let Some(first) = seen.of_token.get(token) {
                prop_assert_eq!(first, &ids, "a token makes machines once");
            } else {
                let units = |instance: &Instance| {
                    if instance.instance_type.as_deref() == Some("large") { large } else { 1 }
                };
                let made: u32 = launched.instances.iter().map(units).sum();
                prop_assert!(made < count + large, "{made} units for {count}");
                prop_assert_eq!(launched.shortfall.is_some(), made < count);
                seen.of_token.insert(*token, ids);
            }
        }
        Step::Release { machine, count } => release(sim, &seen.pick(*machine, *count), now),
        Step::Reclaim { machine, grace } => {
            for id in seen.pick(*machine, 1) {
                seen.said.push(format!("{:?}", sim.reclaim(id.as_str(), *grace, now)));
            }
        }
        Step::Fail { machine } => {
            for id in seen.pick(*machine, 1) {
                seen.said.push(format!("{:?}", sim.fail(id.as_str(), now)));
            }
        }
        Step::Nothing => {}
    }
    Ok(())
}

/// Looks at everything there is.
fn check(sim: &SimProvider, now: Timestamp, seen: &mut Seen) -> Result<(), TestCaseError> {
    let known: Vec<_> = seen.machines.keys().cloned().collect();
    let mut all = sim.describe(&known, Detail::Reclaims, now, Deadline::NONE).unwrap().instances;
    all.extend(sim.list(now).unwrap());
    for instance in &all {
        seen.look(instance)?;
    }
    let there: BTreeMap<&MachineId, &Instance> =
        all.iter().filter(|one| one.state != MachineState::Terminated).map(|one| (&one.id, one)).collect();
    prop_assert!(there.len() <= TOTAL, "{there:?}");
    let large = there.values().filter(|one| one.instance_type.as_deref() == Some("large")).count();
    prop_assert!(large <= LARGE, "{there:?}");
    let addresses: BTreeSet<_> = there.values().map(|one| &one.private_ip).collect();
    prop_assert_eq!(addresses.len(), there.len(), "two machines have one address");
    prop_assert_eq!(sim.live_count(now).unwrap(), there.len() as u64);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two clouds of the same seed, one of them opened anew for each step as processes do it.
    #[test]
    fn a_cloud_behaves(seed in 0..1_000_u64, steps in proptest::collection::vec(step(), 0..40)) {
        let (kept, reopened) = (Arc::default(), Arc::default());
        let one = cloud(seed, &kept);
        let (mut seen, mut again) = (Seen::default(), Seen::default());
        let mut now = Timestamp::from_millis(1_700_000_000_000);
        for (seconds, step) in &steps {
            now = now.plus_millis(seconds * 1_000);
            take(&one, step, now, &mut seen)?;
            check(&one, now, &mut seen)?;
            let other = cloud(seed, &reopened);
            take(&other, step, now, &mut again)?;
            check(&other, now, &mut again)?;
        }
        prop_assert_eq!(&seen.machines, &again.machines, "a cloud of the same seed is another one");
        prop_assert_eq!(&seen.said, &again.said);
        // In the end all of it goes, late arrivals too, and room is free again.
        now = now.plus_seconds(60);
        let all: Vec<_> = one.list(now).unwrap().iter().map(|machine| machine.id.clone()).collect();
        release(&one, &all, now);
        let late = now.plus_seconds(10_000);
        prop_assert_eq!(one.live_count(late).unwrap(), 0);
        prop_assert_eq!(one.list(late).unwrap(), Vec::new());
    }
}
