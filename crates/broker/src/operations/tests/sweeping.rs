//! What is done although it is not asked for.

use super::*;
use crate::machine::Ending;
use crate::provider::{Instance, LaunchFailure};

fn swept(site: &Site, now: i64) -> Vec<String> {
    let swept = site.broker().sweep(10, at(now)).unwrap();
    assert_eq!(swept.errors, []);
    swept.requests.iter().map(ToString::to_string).collect()
}

#[test]
fn a_request_that_was_never_told_is_released() {
    for prompt in [false, true] {
        let site = Site::default();
        site.cloud.state().prompt = prompt;
        site.acquire("req-1", 1, 0).unwrap();
        assert_eq!(swept(&site, seconds(300)), [""; 0]);
        assert_eq!(site.cloud.released(), [""; 0]);
        assert_eq!(swept(&site, seconds(300) + 1), ["req-1"]);
        let machine = site.machine("i-1");
        let why = "the scheduler did not receive the id of this request in time";
        assert_eq!((machine.ending, machine.message.as_deref()), (Some(Ending::Released), Some(why)));
        assert_eq!(site.cloud.released(), ["i-1"]);
        let request = site.view("req-1").request;
        // What was complete stays so; it is not looked for again.
        let state = if prompt { RequestState::Complete } else { RequestState::Failed };
        assert_eq!((request.state, request.watch_until), (state, Some(at(seconds(3_900) + 1))));
        assert_eq!(request.acknowledged, prompt);
    }
}

#[test]
fn an_acknowledged_request_is_left_alone_until_its_deadline() {
    let site = Site::default();
    site.acquire("req-1", 1, 0).unwrap();
    site.broker().acknowledge(&[id("req-1")]).unwrap();
    assert_eq!(swept(&site, seconds(899)), [""; 0]);
    assert_eq!(swept(&site, seconds(901)), ["req-1"]);
    let request = site.view("req-1").request;
    assert_eq!(request.state, RequestState::Failed);
    assert_eq!(site.cloud.released(), ["i-1"]);
}

/// A machine that turns up while its request is watched is ended; after that, and once all is gone, it is not
/// looked for any more.
#[test]
fn late_machines_are_released() {
    let site = Site::default();
    site.cloud.state().shortfall = Some((0, None));
    site.acquire("req-1", 1, 0).unwrap();
    site.broker().acknowledge(&[id("req-1")]).unwrap();
    {
        let mut cloud = site.cloud.state();
        cloud.launches.insert("req1-1".to_owned(), vec![MachineId::new("i-5"), MachineId::new("i-6")]);
        cloud.machines.insert(MachineId::new("i-5"), Instance::new(MachineId::new("i-5")));
        let gone = Instance { state: MachineState::Terminated, ..Instance::new(MachineId::new("i-6")) };
        cloud.machines.insert(MachineId::new("i-6"), gone);
    }
    assert_eq!(swept(&site, seconds(20)), ["req-1"]);
    assert_eq!(site.cloud.released(), ["i-5"]);
    assert_eq!(
        site.machine("i-5").message.as_deref(),
        Some("came after its request was over: the provider made no machine")
    );
    // It is over, but one is still ending.
    swept(&site, seconds(3_601));
    assert!(site.view("req-1").request.watch_until.is_some());
    site.cloud.end("i-5");
    swept(&site, seconds(3_620));
    assert_eq!(site.view("req-1").request.watch_until, None);
    assert_eq!(swept(&site, seconds(3_640)), [""; 0]);
}

/// A look leaves its time behind, ten seconds apart, so that others have their turn.
#[test]
fn turns() {
    let site = Site::default();
    site.cloud.state().shortfall = Some((0, None));
    for name in ["req-1", "req-2"] {
        site.acquire(name, 1, 0).unwrap();
        site.broker().acknowledge(&[id(name)]).unwrap();
    }
    let one = |now: i64| site.broker().sweep(1, at(now)).unwrap().requests[0].to_string();
    assert_eq!(one(seconds(20)), "req-1");
    assert_eq!(site.view("req-1").request.updated, at(seconds(20)));
    assert_eq!(one(seconds(21)), "req-2");
    let before = site.view("req-1").request.version;
    swept(&site, seconds(29));
    assert_eq!(site.view("req-1").request.version, before, "not stored again within ten seconds");
}

#[test]
fn what_cannot_be_done_is_told() {
    let site = Site::default();
    site.cloud.state().failure = Some(LaunchFailure::Unknown(silence()));
    site.acquire("req-1", 1, 0).unwrap();
    site.broker().acknowledge(&[id("req-1")]).unwrap();
    site.cloud.state().silent = true;
    let swept = site.broker().sweep(10, at(seconds(901))).unwrap();
    assert_eq!(swept.requests.len(), 1);
    assert!(
        !swept.errors.is_empty() && swept.errors.iter().all(|error| *error == silence()),
        "{:?}",
        swept.errors
    );
}

/// A launch that goes on adds machines to its request while that waits; once it is over the provider is told, and
/// deletes what made them when they are gone.
#[test]
fn a_launch_that_goes_on_is_ended_with_its_request() {
    let site = Site::default();
    {
        let mut cloud = site.cloud.state();
        (cloud.shortfall, cloud.prompt, cloud.more) =
            (Some((1, None)), true, Some(vec!["fleet-1".to_owned()]));
    }
    let accepted = site.acquire("req-1", 2, 0).unwrap();
    assert_eq!((accepted.state, accepted.reason), (RequestState::Started, None));
    let request = site.view("req-1").request;
    assert_eq!((request.open, request.resource_ids.as_slice()), (true, &["fleet-1".to_owned()][..]));
    assert!(request.launch_fields.is_some(), "machines that come later have the template's tags");
    assert_eq!(site.status("req-1", 1).0, RequestState::Started);
    {
        let mut cloud = site.cloud.state();
        let late = MachineId::new("i-2");
        cloud.launches.get_mut("req1-1").unwrap().push(late.clone());
        cloud.machines.insert(late.clone(), Instance::new(late));
    }
    site.cloud.boot("i-2");
    let (state, reason, machines) = site.status("req-1", 2);
    assert_eq!((state, reason, machines.len()), (RequestState::Complete, None, 2));
    assert_eq!(site.machine("i-2").tags.as_deref(), Some("a=b"));
    // The answer is out before the provider is told.
    assert_eq!(site.cloud.state().settled, [""; 0]);
    assert!(site.view("req-1").request.open);
    site.cloud.state().silent = true;
    assert!(site.broker().sweep(10, at(3)).unwrap().errors.contains(&silence()));
    site.cloud.state().silent = false;
    assert_eq!(swept(&site, 4), ["req-1"]);
    assert_eq!(site.cloud.state().settled, ["req1-1"]);
    let request = site.view("req-1").request;
    assert!(!request.open && request.launch_fields.is_none());
    assert_eq!(site.broker().tidy(5, at(5)), (1, Vec::new()));
    site.cloud.state().silent = true;
    assert_eq!(site.broker().tidy(5, at(5)), (0, vec![silence()]));
}

/// The launch is ended with the request that waits for more until its deadline; what came in time stays.
#[test]
fn a_launch_that_goes_on_ends_at_the_deadline() {
    let site = Site::default();
    {
        let mut cloud = site.cloud.state();
        (cloud.shortfall, cloud.prompt, cloud.more) = (Some((1, None)), true, Some(Vec::new()));
    }
    site.acquire("req-1", 2, 0).unwrap();
    assert_eq!(site.status("req-1", seconds(899)).0, RequestState::Started);
    let (state, reason, _) = site.status("req-1", seconds(900));
    let why = "1 of 2 machines: the provider made fewer";
    assert_eq!((state, reason.as_deref()), (RequestState::Partial, Some(why)));
    swept(&site, seconds(901));
    assert_eq!(site.cloud.state().settled, ["req1-1"]);
    assert_eq!(site.cloud.released(), [""; 0]);
}
