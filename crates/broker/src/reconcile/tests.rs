//! Comparisons as data.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::id::RequestKind;
use crate::instance::Instance;
use crate::owned::Launches;
use crate::state::{MachineState, RequestState};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The store's request `open`, `over`, `watched` or `replacing`.
fn request(name: &str) -> Request {
    let mut request = Request::new(RequestId::from_text(name), RequestKind::Acquire, 1, at(0), at(1_000));
    if name != "open" {
        request.transition_to(RequestState::Complete, None, at(5)).unwrap();
    }
    request.watch_until = (name == "watched").then(|| at(9_000));
    request.open = name == "replacing";
    request
}

fn marks(text: &str) -> Marks {
    let mut marks = Marks::default();
    for (name, value) in text.split_whitespace().filter_map(|word| word.split_once('=')) {
        let value = value.to_owned();
        match name {
            "store" => marks.store = Some(value),
            "request" => marks.request = Some(RequestId::from_text(value)),
            "provider" => marks.provider = Some(value),
            other => panic!("{other}"),
        }
    }
    marks
}

fn instance(id: &str, state: MachineState) -> Instance {
    Instance { state, ..Instance::new(MachineId::new(id)) }
}

/// A machine of the store, launched at 0.
fn known(id: &str, state: MachineState) -> Machine {
    let mut request = request("over");
    request.provider = Some("aws".to_owned());
    Machine::from_instance(&instance(id, state), &request, &Identity::default(), None, at(5))
}

fn stored(machines: &[Machine]) -> Stored {
    let requests =
        ["open", "over", "watched", "replacing"].map(|name| (RequestId::from_text(name), request(name)));
    Stored {
        machines: machines.iter().map(|machine| (machine.id.clone(), machine.clone())).collect(),
        requests: requests.into(),
        living: machines.iter().filter(|machine| !machine.is_gone()).cloned().collect(),
    }
}

fn scope() -> ReconcileScope {
    ReconcileScope { own: Some("mine".to_owned()), lost: vec!["lost".to_owned()], providers: None }
}

fn compared(owned: &Owned, stored: &Stored) -> Compared {
    let all = ["aws".to_owned(), "aws-2".to_owned()];
    let listing = Listing {
        provider: "aws",
        identity: &Identity::default(),
        consistency_millis: 60_000,
        all: &all,
        owned,
        has_own: true,
        at: at(100_000),
    };
    compare(&listing, stored, &scope())
}

fn found(owned: &Owned, stored: &Stored) -> Vec<(OwnedKind, String, Why)> {
    let findings = compared(owned, stored).findings;
    findings.iter().map(|finding| (finding.kind(), finding.id().to_owned(), finding.why)).collect()
}

/// Marks of a running machine that the store does not know, and what is found.
#[test]
fn machines_that_only_the_provider_has() {
    for (text, expected) in [
        ("store=mine request=unknown", Some(Why::UnknownRequest)),
        ("store=lost request=unknown", Some(Why::UnknownRequest)),
        ("store=mine", Some(Why::NoRequest)),
        ("store=mine request=over", Some(Why::AfterItsEnd)),
        ("store=mine request=over provider=renamed", Some(Why::AfterItsEnd)),
        // What may still be recorded by its request.
        ("store=mine request=open", None),
        ("store=mine request=watched", None),
        ("store=mine request=replacing", None),
        // What is not ours, or in another listing.
        ("store=theirs request=unknown", None),
        ("request=unknown", None),
        ("", None),
        ("store=mine request=unknown provider=aws-2", None),
    ] {
        for (state, expected) in [(MachineState::Running, expected), (MachineState::ShuttingDown, None)] {
            let machine = OwnedMachine { instance: instance("i-1", state), marks: marks(text) };
            let owned = Owned { machines: vec![machine], ..Owned::default() };
            let expected = expected.map(|why| (OwnedKind::Machine, "i-1".to_owned(), why));
            assert_eq!(found(&owned, &stored(&[])), Vec::from_iter(expected), "{text} {state}");
        }
    }
}

/// A machine by what the store says of it, and by whether it is listed.
#[test]
fn machines_that_the_store_knows() {
    let running = known("i-1", MachineState::Running);
    let with = |change: fn(&mut Machine)| {
        let mut machine = running.clone();
        change(&mut machine);
        machine
    };
    for (machine, is_listed, expected) in [
        (running.clone(), true, None),
        (running.clone(), false, Some(Why::Vanished)),
        (with(|machine| machine.launched = at(50_000)), false, None),
        (with(|machine| machine.updated = at(100_000)), false, None),
        (with(|machine| machine.provider = "aws-2".to_owned()), false, None),
        (with(|machine| machine.released(None, at(7))), false, None),
        (known("i-1", MachineState::ShuttingDown), false, None),
        (with(|machine| machine.lost(at(50_000))), false, None),
        (with(|machine| machine.lost(at(50_000))), true, Some(Why::Ended)),
        (with(|machine| machine.lost(at(100_000))), true, None),
    ] {
        let mut owned = Owned::default();
        if is_listed {
            let marks = marks("store=mine request=over");
            owned.machines.push(OwnedMachine { instance: instance("i-1", MachineState::Running), marks });
        }
        let expected = expected.map(|why| (OwnedKind::Machine, "i-1".to_owned(), why));
        let stored = stored(std::slice::from_ref(&machine));
        assert_eq!(found(&owned, &stored), Vec::from_iter(expected), "{is_listed} {machine:?}");
        // A listing that lacks a page proves nothing of what is not in it.
        let why = Error::new(ErrorKind::Unavailable, "a page is missing");
        let cut = Owned { unlisted: vec![(OwnedKind::Machine, why)], ..Owned::default() };
        assert_eq!(found(&cut, &stored), [], "{machine:?}");
    }
}

#[test]
fn resources_that_nothing_will_delete() {
    for (text, is_kept, expected) in [
        ("store=mine request=unknown", false, Some(Why::UnknownRequest)),
        ("store=mine request=over", false, Some(Why::AfterItsEnd)),
        ("store=mine", false, Some(Why::NoRequest)),
        ("store=mine request=over", true, None),
        ("store=mine request=unknown", true, None),
        ("store=mine request=open", false, None),
        ("store=mine request=watched", false, None),
        ("store=theirs request=unknown", false, None),
    ] {
        let (kind, id) = (OwnedKind::Fleet, "fleet-1".to_owned());
        let resource = OwnedResource {
            kind,
            id: id.clone(),
            marks: marks(text),
            created: None,
            launches: Launches::Replacements,
            is_kept,
        };
        let owned = Owned { resources: vec![resource], ..Owned::default() };
        let expected = expected.map(|why| (kind, id, why));
        assert_eq!(found(&owned, &stored(&[])), Vec::from_iter(expected), "{text} {is_kept}");
    }
}

#[test]
fn what_belongs_to_other_stores_is_counted() {
    let machine = |id: &str, store: &str| OwnedMachine {
        instance: instance(id, MachineState::Running),
        marks: marks(&format!("store={store} request=unknown")),
    };
    let owned = Owned {
        machines: vec![machine("i-1", "theirs"), machine("i-2", "theirs"), machine("i-3", "other")],
        ..Owned::default()
    };
    let compared = compared(&owned, &stored(&[known("i-1", MachineState::Running)]));
    let theirs = OtherStore { machines: 2, known: 1, resources: 0 };
    let other = OtherStore { machines: 1, ..OtherStore::default() };
    assert_eq!(compared.others, [("theirs".to_owned(), theirs), ("other".to_owned(), other)].into());
    assert_eq!(compared.findings, []);
}

/// What a person wants for machines, and what is done to each kind of finding.
#[test]
fn remedies() {
    use Remedy::{Adopt, Refresh, Release};

    let machine = || {
        Misfit::Machine(OwnedMachine {
            instance: instance("i-1", MachineState::Running),
            marks: Marks::default(),
        })
    };
    let resource = || {
        let (id, marks) = ("lt-1".to_owned(), Marks::default());
        let kind = OwnedKind::LaunchTemplate;
        Misfit::Resource(OwnedResource {
            kind,
            id,
            marks,
            created: None,
            launches: Launches::None,
            is_kept: false,
        })
    };
    let missing = || Misfit::Missing(known("i-1", MachineState::Running));
    for (why, misfit, [by_itself, adopting, releasing]) in [
        (Why::UnknownRequest, machine(), [Adopt, Adopt, Release]),
        (Why::NoRequest, machine(), [Adopt, Adopt, Release]),
        (Why::AfterItsEnd, machine(), [Release, Adopt, Release]),
        (Why::Ended, machine(), [Release, Release, Release]),
        (Why::UnknownRequest, resource(), [Release, Release, Release]),
        (Why::Vanished, missing(), [Refresh, Refresh, Refresh]),
    ] {
        let finding = Finding { provider: "aws".to_owned(), why, misfit };
        let found = [None, Some(Adopt), Some(Release)].map(|wanted| finding.remedy(wanted));
        assert_eq!(found, [by_itself, adopting, releasing], "{why}");
        assert!(!why.text().is_empty());
    }
}
