//! Machines that the provider takes.

use super::*;
use crate::id::MachineRef;
use crate::operations::{Reclaim, Reclaims};

fn site(count: u64) -> Site {
    let site = Site::default();
    site.cloud.state().prompt = true;
    site.acquire("req-1", count, 0).unwrap();
    site
}

fn reclaim(name: &str, id: Option<&str>, grace_seconds: u64, reason: &str) -> Reclaim {
    Reclaim { name: name.to_owned(), id: id.map(str::to_owned), grace_seconds, reason: reason.to_owned() }
}

fn known(site: &Site, names: &[&str], now: i64) -> Result<Reclaims> {
    let known: Vec<MachineRef> = names.iter().map(|name| MachineRef::of_name(*name)).collect();
    site.broker().reclaimed(Some(&known), at(now))
}

#[test]
fn announced_and_done() {
    let site = site(4);
    site.cloud.set("i-1", |machine| machine.reclaim_at = Some(at(120_001)));
    site.cloud.set("i-2", |machine| {
        machine.state = MachineState::Terminated;
        machine.reason = Some("spot interruption".to_owned());
    });
    site.cloud.end("i-3");
    let found = site.broker().reclaimed(None, at(1_000)).unwrap();
    let expected = [
        // The grace in seconds, rounded up.
        reclaim("host-i-1", Some("i-1"), 120, "the provider is reclaiming this machine"),
        reclaim("host-i-2", Some("i-2"), 0, "spot interruption"),
        reclaim("host-i-3", Some("i-3"), 0, "the provider has reclaimed this machine"),
    ];
    assert_eq!((found.machines.as_slice(), found.doubtful.len()), (&expected[..], 0));
    // The scheduler's own names are told back.
    let asked = known(&site, &["HOST-I-1", "host-i-4"], 120_002).unwrap();
    assert_eq!(
        asked.machines,
        [reclaim("HOST-I-1", Some("i-1"), 0, "the provider is reclaiming this machine")]
    );
}

#[test]
fn what_the_scheduler_returned_is_not_told() {
    let site = site(2);
    site.broker().return_machines(id("ret-1"), &[MachineRef::of_name("host-i-1")], at(1)).unwrap();
    site.cloud.end("i-1");
    assert_eq!(known(&site, &["host-i-1", "host-i-2"], 2).unwrap(), Reclaims::default());
    assert_eq!(site.broker().reclaimed(None, at(3)).unwrap(), Reclaims::default());
}

/// An abandoned machine is of interest to a scheduler that still believes in it, and to no other.
#[test]
fn what_was_given_up_is_told_to_who_asks_for_it() {
    let site = site(1);
    let mut machine = site.machine("i-1");
    machine.released(None, at(1));
    crate::contract::fixtures::stored(&site.store, None, vec![machine]);
    assert_eq!(
        known(&site, &["host-i-1"], 2).unwrap().machines,
        [reclaim("host-i-1", Some("i-1"), 0, "this machine is no longer provided")]
    );
    assert_eq!(site.broker().reclaimed(None, at(3)).unwrap(), Reclaims::default());
}

#[test]
fn strangers_that_no_provider_has() {
    let site = site(1);
    let gone = reclaim("nowhere", None, 0, "no provider has this machine");
    assert_eq!(known(&site, &["nowhere", "host-i-1", "nowhere"], 1).unwrap().machines, [gone]);
    let by_id = [MachineRef::of_id(MachineId::new("i-77"))];
    assert_eq!(
        site.broker().reclaimed(Some(&by_id), at(2)).unwrap().machines,
        [reclaim("i-77", Some("i-77"), 0, "no provider has this machine")]
    );
    // What could not be seen has not been taken.
    site.cloud.state().silent = true;
    for names in [&["nowhere"], &["host-i-1"]] {
        assert_eq!(known(&site, names, 3).unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(site.broker().reclaimed(None, at(4)), Err(silence()));
}

/// Clouds use addresses again: a name that a living machine has now is left out, or the scheduler would give up that one.
#[test]
fn a_successor_keeps_its_name() {
    let site = site(1);
    site.cloud.end("i-1");
    site.acquire("req-2", 1, 1).unwrap();
    site.cloud.set("i-2", |machine| machine.name = Some("host-i-1".to_owned()));
    site.status("req-2", 2);
    let found = site.broker().reclaimed(None, at(3)).unwrap();
    assert_eq!(found.machines, []);
    let [doubt] = found.doubtful.as_slice() else { panic!("{found:?}") };
    assert_eq!(doubt.why, "i-2 has this name now");
    assert_eq!(
        doubt.wanted,
        MachineRef { name: Some("host-i-1".to_owned()), id: Some(MachineId::new("i-1")) }
    );
}
