//! Requests that no scheduler polls: after an outage there are many, and few invocations are to find their machines.

use ohfp_broker::provider::{Instance, Launched};
use ohfp_broker::{Ending, Error, ErrorKind, MachineId, RequestId};
use serde_json::json;

use crate::scripted::{Site, at, came, fleet};

/// Seconds after which the scheduler counts as not having received an id.
const UNHEARD: i64 = 1_001;

fn silence() -> Error {
    Error::new(ErrorKind::Unavailable, "silence")
}

/// So many requests that the scheduler was not told of, each with a machine of its number.
fn untold(site: &Site, count: u32) -> Vec<RequestId> {
    let machine = |number: u32| Instance::new(MachineId::new(format!("i-{number}")));
    site.script(|script| script.instances = (1..=count).map(machine).collect());
    let ids = (1..=count).map(|number| {
        let launched = Launched { instances: vec![machine(number)], ..Launched::default() };
        site.script(|script| script.launched = Ok(launched));
        site.untold("sim", &format!("req-{number}"), 1, &json!({}))
    });
    ids.collect()
}

#[test]
fn they_have_one_look_and_one_end_together() {
    let site = Site::new();
    let ids = untold(&site, 6);
    site.asked();
    let swept = site.broker().sweep(6, at(UNHEARD)).unwrap();
    assert_eq!((swept.requests, swept.errors), (ids.clone(), Vec::new()));
    let ended = "release i-1/-/1 i-2/-/1 i-3/-/1 i-4/-/1 i-5/-/1 i-6/-/1";
    let asked = site.asked();
    // All of them launched nothing but machines, so that there is nothing to stop.
    let kinds: Vec<&str> = asked.iter().filter_map(|what| what.split(' ').next()).collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind != "settled").collect::<Vec<_>>(),
        [&"progress", &"describe", &"release"]
    );
    assert_eq!(asked.last().unwrap(), ended);
    for id in &ids {
        assert_eq!(site.stored(id).machines[0].ending, Some(Ending::Released));
    }
}

/// What is only watched takes no place of what was forgotten, and is looked at in turns.
#[test]
fn they_do_not_wait_for_those_that_are_only_watched() {
    let site = Site::new();
    site.script(|script| {
        script.launched = Ok(Launched { shortfall: Some("none".to_owned()), ..Launched::default() });
    });
    let watched: Vec<RequestId> =
        (1..=6).map(|number| site.request(&format!("short-{number}"), 1, &json!({}))).collect();
    let forgotten = untold(&site, 6);
    let mut swept = site.broker().sweep(6, at(UNHEARD)).unwrap().requests;
    assert_eq!(swept.len(), 10);
    swept.retain(|id| !forgotten.contains(id));
    assert_eq!(swept, watched[..4]);
}

/// A provider was told that a request is over, and then could not tell which machines it has: they are looked for by the
/// next sweep, and not in turn with all that are watched.
#[test]
fn a_request_stays_open_until_its_machines_were_looked_for() {
    let site = Site::new();
    site.script(|script| script.launched = Ok(fleet()));
    let id = site.request("req-1", 1, &json!({}));
    site.script(|script| {
        script.progress = Ok(came(&["i-1"], true));
        script.instances = Vec::new();
    });
    site.status(&id, 1);
    // AWS has put i-2 in the place of i-1, and no answer says so yet.
    site.script(|script| script.progress = Err(silence()));
    site.asked();
    assert_eq!(site.sweep(2), [silence()]);
    assert_eq!(site.asked(), ["settled fleet-1", "progress fleet-1 1"]);
    assert!(site.stored(&id).request.open);

    site.script(|script| script.progress = Ok(came(&["i-1", "i-2"], false)));
    assert_eq!(site.sweep(3), []);
    assert_eq!(site.asked(), ["settled fleet-1", "progress fleet-1 1", "release i-2/fleet-1/1"]);
    let view = site.stored(&id);
    assert_eq!((view.request.open, view.machines[1].ending), (false, Some(Ending::Released)));
    site.sweep(4);
    assert_eq!(site.asked(), [""; 0]);
}

/// The same where a person cancels it.
#[test]
fn a_cancelled_request_stays_open_until_its_machines_were_looked_for() {
    for (progress, open) in [(Err(silence()), true), (Ok(came(&[], false)), false)] {
        let site = Site::new();
        site.script(|script| script.launched = Ok(fleet()));
        let id = site.request("req-1", 1, &json!({}));
        site.script(|script| script.progress = progress);
        site.broker().cancel(&id, at(1)).unwrap();
        assert_eq!(site.stored(&id).request.open, open);
    }
}
