//! The promises of [`Provider`].

use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use super::Cloud;
use super::fixtures::acquire;
use crate::deadline::Deadline;
use crate::id::{MachineId, MachineRef};
use crate::owned::Whose;
use crate::provider::{
    Described, Detail, Instance, LaunchFailure, Launched, Pending, Progress, Provider, Releasing,
};
use crate::state::MachineState;
use crate::time::Timestamp;

const NONE: Deadline = Deadline::NONE;

fn launch(
    cloud: &dyn Cloud,
    provider: &dyn Provider,
    (token, count): (&str, u32),
    now: Timestamp,
) -> Result<Launched, LaunchFailure> {
    let template = cloud.template();
    let request = acquire("req-1", count, 0);
    provider.launch(&request.launch_of(&template, token), now, NONE)
}

fn progress(provider: &dyn Provider, token: &str, now: Timestamp) -> Progress {
    let pending = [Pending { token, resource_ids: &[], expected: 1 }];
    let mut followed = provider.progress(&pending, now, NONE).unwrap();
    assert_eq!(followed.error, None);
    followed.launches.remove(0).unwrap()
}

fn describe(provider: &dyn Provider, ids: &[MachineId], now: Timestamp) -> Vec<Instance> {
    whole(provider.describe(ids, Detail::State, now, NONE).unwrap())
}

/// The machines of an answer that leaves none out.
fn whole(described: Described) -> Vec<Instance> {
    assert_eq!((described.unobserved, described.error), (Vec::new(), None));
    described.instances
}

fn release(provider: &dyn Provider, ids: &[MachineId], now: Timestamp) {
    let machines: Vec<Releasing<'_>> = ids.iter().map(Releasing::of_id).collect();
    provider.release(&machines, now, NONE).unwrap();
}

fn ids(instances: &[Instance]) -> Vec<MachineId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

/// Ids of machines that are not ending.
fn alive(instances: &[Instance]) -> BTreeSet<MachineId> {
    let there = instances.iter().filter(|instance| !instance.state.is_ending());
    there.map(|instance| instance.id.clone()).collect()
}

/// Machines of a token that are up, and the time then.
fn up(cloud: &dyn Cloud, token: &str, count: u32) -> (Vec<Instance>, Timestamp) {
    let provider = cloud.provider();
    launch(cloud, provider.as_ref(), (token, count), cloud.start()).unwrap();
    let now = cloud.after_boot();
    let instances = progress(provider.as_ref(), token, now).instances;
    assert_eq!(instances.len(), count as usize, "{instances:?}");
    for instance in &instances {
        assert_eq!(instance.state, MachineState::Running, "{instance:?}");
        assert!(instance.name.is_some() && instance.private_ip.is_some(), "{instance:?}");
    }
    (instances, now)
}

/// A token makes machines once, whichever value or thread uses it, and however often.
pub fn a_token_makes_machines_once(cloud: &dyn Cloud) {
    let first = launch(cloud, cloud.provider().as_ref(), ("token", 3), cloud.start()).unwrap();
    let found: Vec<Launched> = thread::scope(|scope| {
        let launches: Vec<_> = (0..4)
            .map(|_| {
                let provider = cloud.provider();
                let (template, start) = (cloud.template(), cloud.start());
                scope.spawn(move || {
                    let request = acquire("req-1", 3, 0);
                    provider.launch(&request.launch_of(&template, "token"), start, NONE).unwrap()
                })
            })
            .collect();
        launches.into_iter().map(|launch| launch.join().unwrap()).collect()
    });
    for launched in found {
        assert_eq!(ids(&launched.instances), ids(&first.instances));
        assert_eq!(launched.resource_ids, first.resource_ids);
    }
    let now = cloud.after_boot();
    let all = progress(cloud.provider().as_ref(), "token", now);
    let other = launch(cloud, cloud.provider().as_ref(), ("other", 3), now).unwrap();
    let mine: BTreeSet<_> = ids(&all.instances).into_iter().collect();
    assert!(mine.len() == 3 && ids(&other.instances).iter().all(|id| !mine.contains(id)), "{all:?}");
}

/// What a launch of unknown outcome has made is found by its token, and the token makes no more.
pub fn an_unknown_outcome_is_found_by_its_token(cloud: &dyn Cloud) {
    let Some(losing) = cloud.losing_answers() else { return };
    let launched = launch(cloud, losing.as_ref(), ("token", 2), cloud.start());
    assert!(matches!(launched, Err(LaunchFailure::Unknown(_))), "{launched:?}");
    let now = cloud.after_boot();
    let found = progress(cloud.provider().as_ref(), "token", now).instances;
    assert_eq!(found.len(), 2);
    let again = launch(cloud, cloud.provider().as_ref(), ("token", 2), now).unwrap();
    assert_eq!(ids(&again.instances), ids(&found));
}

/// Progress has an answer for each launch in the order asked, also for tokens that were never used.
pub fn progress_answers_for_each_launch_in_order(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 2);
    let ask = |tokens: &[&str]| {
        let pending: Vec<Pending<'_>> =
            tokens.iter().map(|token| Pending { token, resource_ids: &[], expected: 2 }).collect();
        let answers = cloud.provider().progress(&pending, now, NONE).unwrap().launches;
        answers.into_iter().map(|answer| answer.unwrap().instances.len()).collect::<Vec<_>>()
    };
    assert_eq!(ask(&["never", "token", "neither"]), [0, made.len(), 0]);
    assert_eq!(ask(&["token", "never"]), [made.len(), 0]);
    assert_eq!(ask(&[]), [0; 0]);
    let never = progress(cloud.provider().as_ref(), "never", now);
    assert!(!never.more);
}

/// A release terminates what it names and nothing else. What is unknown or terminated is no error.
pub fn a_release_terminates_what_it_names(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 3);
    let made = ids(&made);
    let unknown = MachineId::new(cloud.unknown_id());
    let provider = cloud.provider();
    release(provider.as_ref(), &[made[0].clone(), unknown.clone()], now);
    let later = cloud.after_release();
    assert_eq!(alive(&describe(provider.as_ref(), &made, later)), made[1..].iter().cloned().collect());
    release(provider.as_ref(), &[made[0].clone(), unknown], later);
    release(provider.as_ref(), &[], later);
    assert_eq!(alive(&describe(provider.as_ref(), &made, later)), made[1..].iter().cloned().collect());
}

/// A machine that does not exist is missing from a description, and the others are in it.
pub fn what_does_not_exist_is_missing(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 1);
    let asked = [MachineId::new(cloud.unknown_id()), made[0].id.clone()];
    for detail in [Detail::State, Detail::Reclaims] {
        let seen = whole(cloud.provider().describe(&asked, detail, now, NONE).unwrap());
        assert_eq!(ids(&seen), [made[0].id.clone()]);
        let same = |one: &Instance| (one.name.clone(), one.private_ip.clone(), one.instance_type.clone());
        assert_eq!(same(&seen[0]), same(&made[0]));
    }
    assert_eq!(describe(cloud.provider().as_ref(), &[], now), []);
}

/// A look that fails in part tells of the other machines, and says of which it cannot tell and why.
pub fn a_partial_look_tells_of_the_others(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 4);
    let made = ids(&made);
    let Some(partial) = cloud.failing_for(&made[..2]) else { return };
    let asked = [made.clone(), vec![MachineId::new(cloud.unknown_id())]].concat();
    for detail in [Detail::State, Detail::Reclaims] {
        let Described { instances, unobserved, error } = partial.describe(&asked, detail, now, NONE).unwrap();
        let unobserved: BTreeSet<MachineId> = unobserved.into_iter().collect();
        assert!(made[..2].iter().all(|id| unobserved.contains(id)), "{unobserved:?}");
        assert!(unobserved.iter().all(|id| asked.contains(id)), "{unobserved:?}");
        assert!(ids(&instances).iter().all(|id| !unobserved.contains(id)), "{instances:?}");
        assert!(made.iter().all(|id| unobserved.contains(id) || ids(&instances).contains(id)));
        assert!(error.is_some());
    }
    assert!(partial.describe(&made[..2], Detail::State, now, NONE).is_err(), "it can tell of none of them");
}

/// Strangers are found by id before name, each in the order asked, while they are alive.
pub fn machines_exist_by_id_and_by_name(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 2);
    let name = |at: usize| made[at].name.clone().unwrap();
    let (own, other, unknown) = (made[0].id.as_str(), made[1].id.as_str(), cloud.unknown_id());
    let reference = |name: Option<String>, id: Option<&str>| MachineRef { name, id: id.map(MachineId::new) };
    let asked = [
        reference(None, Some(own)),
        reference(Some(name(0)), None),
        reference(Some(name(0).to_uppercase()), None),
        reference(Some(name(0)), Some(other)),
        reference(Some(name(0)), Some(&unknown)),
        reference(Some("no-such-host".to_owned()), None),
    ];
    let exist = |now: Timestamp| -> Vec<Option<String>> {
        let found = cloud.provider().exists(&asked, now, NONE).unwrap();
        assert!(found.iter().map(|one| &one.machine).eq(&asked), "{found:?}");
        found.into_iter().map(|one| one.found.map(|id| id.to_string())).collect()
    };
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(exist(now), [some(own), some(own), some(own), some(other), None, None]);
    release(cloud.provider().as_ref(), &[made[0].id.clone()], now);
    assert_eq!(exist(cloud.after_release()), [None, None, None, some(other), None, None]);
    assert_eq!(cloud.provider().exists(&[], now, NONE).unwrap(), []);
}

/// A deadline that has passed is an error, never an empty answer, and a launch says that it may have taken place or
/// that it has not.
pub fn a_deadline_is_obeyed(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 1);
    let provider = cloud.provider();
    let passed = || Deadline::at(Instant::now());
    let pending = Pending { token: "token", resource_ids: &[], expected: 1 };
    let made = ids(&made);
    assert!(provider.describe(&made, Detail::State, now, passed()).is_err());
    assert!(provider.progress(&[pending], now, passed()).is_err());
    assert!(provider.exists(&[MachineRef::of_id(made[0].clone())], now, passed()).is_err());
    assert!(provider.release(&[Releasing::of_id(&made[0])], now, passed()).is_err());
    // Where no more machines can come, there is nothing to call for.
    let is_open = progress(provider.as_ref(), "token", now).more;
    assert!(!is_open || provider.settled(&pending, now, passed()).is_err());
    let template = cloud.template();
    let request = acquire("req-1", 1, 0);
    match provider.launch(&request.launch_of(&template, "late"), now, passed()) {
        Err(LaunchFailure::Unreachable(_)) => {
            assert_eq!(progress(provider.as_ref(), "late", now).instances, []);
        }
        Err(LaunchFailure::Unknown(_)) => {}
        other => panic!("{other:?}"),
    }
}

/// A settled token gets no more machines and keeps those that it has. It may be settled again, and never used.
pub fn a_settled_token_gets_no_more_machines(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 2);
    let provider = cloud.provider();
    for token in ["token", "token", "never"] {
        provider.settled(&Pending { token, resource_ids: &[], expected: 2 }, now, NONE).unwrap();
    }
    let before = progress(provider.as_ref(), "token", now);
    assert!(!before.more);
    assert_eq!(ids(&before.instances), ids(&made));
    release(provider.as_ref(), &[made[0].id.clone()], now);
    let after = progress(provider.as_ref(), "token", cloud.after_release());
    assert_eq!(alive(&after.instances), [made[1].id.clone()].into());
}

/// Resources that the store has machines of are kept, and so are machines; others go, a few at a time.
pub fn tidying_leaves_what_is_alive(cloud: &dyn Cloud) {
    let (made, now) = up(cloud, "token", 1);
    let provider = cloud.provider();
    let pending = Pending { token: "token", resource_ids: &[], expected: 1 };
    assert_eq!(provider.tidy(&|_| false, 9, now, NONE).unwrap(), 0, "it is not settled");
    provider.settled(&pending, now, NONE).unwrap();
    assert_eq!(provider.tidy(&|_| true, 9, now, NONE).unwrap(), 0);
    assert_eq!(alive(&describe(provider.as_ref(), &ids(&made), now)).len(), 1);
    release(provider.as_ref(), &ids(&made), now);
    let later = cloud.after_release();
    assert_eq!(provider.tidy(&|_| false, 0, later, NONE).unwrap(), 0);
    let launched = launch(cloud, provider.as_ref(), ("token", 1), later).unwrap();
    let resources = u32::try_from(launched.resource_ids.len()).unwrap();
    assert_eq!(provider.tidy(&|_| false, 9, later, NONE).unwrap(), resources);
    assert_eq!(provider.tidy(&|_| false, 9, later, NONE).unwrap(), 0, "each is deleted once");
}

/// Each machine belongs to a resource that its launch named, and its provider is always the same.
pub fn what_a_launch_says_fits_together(cloud: &dyn Cloud) {
    let provider = cloud.provider();
    let launched = launch(cloud, provider.as_ref(), ("token", 2), cloud.start()).unwrap();
    let all = progress(provider.as_ref(), "token", cloud.after_boot()).instances;
    for instance in all.iter().chain(&launched.instances) {
        let is_named = |resource: &String| launched.resource_ids.contains(resource);
        assert!(instance.resource_id.as_ref().is_none_or(is_named), "{instance:?}: {launched:?}");
    }
    let other = cloud.provider();
    assert_eq!((provider.identity(), provider.name()), (other.identity(), other.name()));
    assert!(provider.health(cloud.after_boot(), NONE).healthy);
}

/// What a launch has made is listed by its marks, until it is ending. What is claimed is listed as before.
pub fn what_is_owned_is_listed_with_its_marks(cloud: &dyn Cloud) {
    let provider = cloud.provider();
    let token = acquire("req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11", 2, 0).token();
    let (made, now) = up(cloud, &token, 2);
    let owned = |whose: Whose<'_>| {
        let owned = provider.owned(whose, now, NONE).unwrap();
        assert_eq!(owned.unlisted, []);
        owned
    };
    let all = owned(Whose::AnyStore).machines;
    let listed: BTreeSet<MachineId> = all.iter().map(|machine| machine.instance.id.clone()).collect();
    assert_eq!(listed, made.iter().map(|machine| machine.id.clone()).collect());
    let marks = &all[0].marks;
    assert_eq!(marks.token.as_ref(), Some(&token), "{marks:?}");
    assert_eq!(marks.provider.as_deref(), Some(provider.name()));
    assert!(marks.request.is_some(), "{marks:?}");
    let store = marks.store.clone().unwrap();
    assert_eq!(owned(Whose::Stores(std::slice::from_ref(&store))).machines, all);
    assert_eq!(owned(Whose::Stores(&["other".to_owned()])).machines, []);
    assert_eq!(owned(Whose::Stores(&[])).machines, []);

    provider.claim(&[made[0].id.clone()], &[], now, NONE).unwrap();
    assert_eq!(owned(Whose::AnyStore).machines, all);
    release(provider.as_ref(), &[made[0].id.clone()], now);
    let after = provider.owned(Whose::AnyStore, cloud.after_release(), NONE).unwrap().machines;
    let left: Vec<&MachineId> = after.iter().map(|machine| &machine.instance.id).collect();
    assert_eq!(left, [&made[1].id]);
}
