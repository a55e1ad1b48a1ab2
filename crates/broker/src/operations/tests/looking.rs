//! What a look at requests and machines finds out.

use super::cloud::CONSISTENCY_MILLIS;
use super::*;
use crate::machine::Ending;
use crate::provider::{Detail, Instance};

fn one(id: &str, state: MachineState) -> Vec<(String, MachineState)> {
    vec![(id.to_owned(), state)]
}

#[test]
fn machines_come_up_and_the_request_is_complete() {
    let site = Site::default();
    site.acquire("req-1", 1, 0).unwrap();
    assert_eq!(site.status("req-1", 1), (RequestState::Started, None, one("i-1", MachineState::Pending)));
    assert!(site.view("req-1").request.acknowledged, "who asks for it knows it");
    site.cloud.boot("i-1");
    assert_eq!(site.status("req-1", 2), (RequestState::Complete, None, one("i-1", MachineState::Running)));
    let machine = site.machine("i-1");
    assert_eq!((machine.name.as_deref(), machine.came_up), (Some("host-i-1"), Some(at(2))));
    assert_eq!(site.view("req-1").request.watch_until, None);
    assert_eq!(site.cloud.released(), [""; 0]);
}

#[test]
fn ids_that_are_unknown_or_asked_for_twice() {
    let site = Site::default();
    site.acquire("req-1", 1, 0).unwrap();
    site.acquire("req-2", 1, 0).unwrap();
    let ids = ["req-1", "req-x", "req-2", "req-1"].map(id);
    let (views, errors) = site.broker().status(&ids, at(1)).unwrap();
    assert_eq!(errors, []);
    let found: Vec<Option<&str>> =
        views.iter().map(|view| view.as_ref().map(|view| view.request.id.as_str())).collect();
    assert_eq!(found, [Some("req-1"), None, Some("req-2"), Some("req-1")]);
    assert_eq!(views[0], views[3]);
    site.broker().acknowledge(&[id("req-2")]).unwrap();
}

#[test]
fn what_is_not_up_at_the_deadline_is_given_up() {
    let site = Site::default();
    site.acquire("req-1", 2, 0).unwrap();
    site.cloud.boot("i-2");
    let (state, _, _) = site.status("req-1", seconds(900) - 1);
    assert_eq!(state, RequestState::Started);
    let (state, reason, _) = site.status("req-1", seconds(900));
    let why = "1 of 2 machines: 1 × did not come up before the deadline";
    assert_eq!((state, reason.as_deref()), (RequestState::Partial, Some(why)));
    assert_eq!(site.cloud.released(), ["i-1"]);
    let machine = site.machine("i-1");
    assert_eq!(
        (machine.ending, machine.message.as_deref()),
        (Some(Ending::Released), Some("did not come up before the deadline"))
    );
    assert_eq!(site.machine("i-2").ending, None);
    // Machines may still turn up.
    assert_eq!(site.view("req-1").request.watch_until, Some(moment(900 + 3_600)));
}

#[test]
fn a_machine_may_be_invisible_for_a_while() {
    let site = Site::default();
    site.acquire("req-1", 1, 100).unwrap();
    site.cloud.forget("i-1");
    let (state, _, machines) = site.status("req-1", 100 + CONSISTENCY_MILLIS);
    assert_eq!((state, machines), (RequestState::Started, one("i-1", MachineState::Pending)));
    let (state, reason, machines) = site.status("req-1", 101 + CONSISTENCY_MILLIS);
    assert_eq!((state, machines), (RequestState::Failed, one("i-1", MachineState::Terminated)));
    assert_eq!(reason.as_deref(), Some("0 of 1 machines: 1 × the provider no longer has this machine"));
}

/// An error of a provider is no answer: what could not be seen stays as it was.
#[test]
fn a_silent_provider_changes_nothing() {
    let site = Site::default();
    site.acquire("req-1", 1, 0).unwrap();
    site.cloud.boot("i-1");
    site.cloud.state().silent = true;
    let (views, errors) = site.broker().status(&[id("req-1")], at(seconds(60))).unwrap();
    let view = views.into_iter().next().flatten().unwrap();
    assert_eq!((view.request.state, view.machines[0].state), (RequestState::Started, MachineState::Pending));
    assert_eq!(errors, [silence()]);
    let machines = vec![site.machine("i-1")];
    let (machines, errors) =
        site.broker().refresh_machines(machines, Detail::State, at(seconds(61))).unwrap();
    assert_eq!((machines[0].state, errors), (MachineState::Pending, vec![silence()]));
    site.cloud.state().silent = false;
    let (state, _, _) = site.status("req-1", seconds(62));
    assert_eq!(state, RequestState::Complete);
}

#[test]
fn machines_are_looked_at_each_once() {
    let site = Site::default();
    site.acquire("req-1", 2, 0).unwrap();
    site.cloud.boot("i-1");
    let (one, two) = (site.machine("i-1"), site.machine("i-2"));
    let (machines, errors) =
        site.broker().refresh_machines(vec![two, one.clone(), one], Detail::State, at(9)).unwrap();
    assert_eq!(errors, []);
    let found: Vec<(&str, MachineState)> =
        machines.iter().map(|machine| (machine.id.as_str(), machine.state)).collect();
    assert_eq!(found, [("i-1", MachineState::Running), ("i-2", MachineState::Pending)]);
    assert_eq!(site.machine("i-1").state, MachineState::Running, "what was seen is stored");
    assert_eq!(site.machine("i-2").version, 1, "what has not changed is not");
    // Another process has stored something since: what is stored by then counts.
    let mut stale = site.machine("i-2");
    site.cloud.boot("i-2");
    site.broker().refresh_machines(vec![stale.clone()], Detail::State, at(10)).unwrap();
    site.cloud.end("i-2");
    stale.tags = Some("stale".to_owned());
    let (machines, _) = site.broker().refresh_machines(vec![stale], Detail::State, at(11)).unwrap();
    assert_eq!((machines[0].state, machines[0].tags.as_deref()), (MachineState::Terminated, Some("a=b")));
    assert_eq!(site.machine("i-2").state, MachineState::Terminated);
}

#[test]
fn what_a_provider_says_is_taken_over() {
    let site = Site::default();
    site.acquire("req-1", 1, 0).unwrap();
    let seen = Instance {
        name: Some("h".to_owned()),
        state: MachineState::Running,
        private_ip: Some("10.0.0.1".to_owned()),
        public_ip: Some("54.0.0.1".to_owned()),
        instance_type: Some("m5.large".to_owned()),
        price_type: Some("spot".to_owned()),
        cores: Some(1),
        threads_per_core: Some(2),
        launched: at(77),
        reclaim_at: Some(at(99)),
        ..Instance::new(MachineId::new("i-1"))
    };
    site.cloud.set("i-1", |machine| *machine = seen.clone());
    site.status("req-1", 80);
    let machine = site.machine("i-1");
    assert_eq!(
        (machine.name, machine.private_ip, machine.public_ip, machine.instance_type, machine.price_type),
        (seen.name, seen.private_ip, seen.public_ip, seen.instance_type, seen.price_type)
    );
    assert_eq!((machine.cores, machine.threads_per_core), (Some(1), Some(2)));
    assert_eq!((machine.launched, machine.reclaim_at, machine.updated), (at(77), Some(at(99)), at(80)));
}

#[test]
fn cancelling() {
    let site = Site::default();
    site.acquire("req-1", 2, 0).unwrap();
    let (view, errors) = site.broker().cancel(&id("req-1"), moment(5)).unwrap();
    assert_eq!(errors, []);
    assert_eq!(
        (view.request.state, view.request.reason.as_deref()),
        (RequestState::Cancelled, Some("cancelled"))
    );
    assert_eq!(view.request.watch_until, Some(moment(5 + 3_600)));
    assert!(view.machines.iter().all(|machine| machine.ending == Some(Ending::Released)));
    assert_eq!(site.cloud.released(), ["i-1", "i-2"]);

    site.cloud.state().prompt = true;
    site.acquire("req-2", 1, 0).unwrap();
    site.broker().return_machines(id("ret-1"), &[crate::id::MachineRef::of_name("host-i-3")], at(9)).unwrap();
    for (name, kind, message, hint) in [
        (
            "req-x",
            ErrorKind::NotFound,
            "there is no request `req-x`",
            Some("`ohfp requests list --format table` shows all requests"),
        ),
        ("ret-1", ErrorKind::Refused, "`ret-1` is a return; a return cannot be cancelled", None),
        (
            "req-1",
            ErrorKind::Refused,
            "request `req-1` is cancelled: there is nothing left to cancel",
            Some("`ohfp machines return --request-id req-1` gives its machines back"),
        ),
        (
            "req-2",
            ErrorKind::Refused,
            "request `req-2` is complete: there is nothing left to cancel",
            Some("`ohfp machines return --request-id req-2` gives its machines back"),
        ),
    ] {
        let error = site.broker().cancel(&id(name), at(10)).unwrap_err();
        assert_eq!((error.kind(), error.summary().as_str(), error.hint_text()), (kind, message, hint));
    }
}
