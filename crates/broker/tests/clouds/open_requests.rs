//! Requests whose machines come after the launch.

use ohfp_broker::provider::{Instance, LaunchFailure, Progress};
use ohfp_broker::{Ending, Error, ErrorKind, MachineState, RequestState};
use serde_json::json;

use crate::scripted::{Site, TIMEOUT, at, came, fleet, ids, up};

use RequestState::{Complete, Failed, Partial, Started};

/// A request of two machines that come later.
fn open() -> (Site, ohfp_broker::RequestId) {
    let site = Site::new();
    site.script(|script| script.launched = Ok(fleet()));
    let id = site.request("req-1", 2, &json!({}));
    site.asked();
    (site, id)
}

#[test]
fn machines_that_come_later_are_adopted() {
    let (site, id) = open();
    site.script(|script| script.progress = Ok(came(&[], true)));
    let view = site.status(&id, 1);
    assert_eq!((view.request.state, view.request.open, view.machines.len()), (Started, true, 0));
    assert_eq!(site.asked(), ["progress fleet-1 2"]);

    // Fewer than were ordered are not the end of it.
    site.script(|script| script.progress = Ok(came(&["i-1"], true)));
    let view = site.status(&id, 2);
    assert_eq!((view.request.state, ids(&view.machines)), (Started, vec!["i-1"]));
    assert_eq!(site.asked(), ["progress fleet-1 2"], "what progress shows needs no second look");
    let machine = &view.machines[0];
    assert_eq!((machine.ending, machine.resource_id.as_deref()), (None, Some("fleet-1")));
    assert_eq!(machine.tags.as_deref(), Some("a=b"));

    // One that progress leaves out is looked at.
    site.script(|script| {
        script.progress = Ok(came(&["i-2"], true));
        script.instances = vec![up("i-1")];
    });
    let view = site.status(&id, 3);
    assert_eq!(site.asked(), ["progress fleet-1 2", "describe i-1 State"]);
    assert_eq!((view.request.state, ids(&view.machines)), (Complete, vec!["i-1", "i-2"]));
    assert_eq!((view.request.open, view.request.launch_fields), (true, None));
}

#[test]
fn the_provider_of_a_request_that_is_over_is_told_so_once() {
    let (site, id) = open();
    site.script(|script| {
        script.progress = Ok(came(&["i-1", "i-2"], true));
        script.instances = vec![up("i-1"), up("i-2")];
        script.settled = Err(Error::new(ErrorKind::Unavailable, "not now"));
    });
    assert_eq!(site.status(&id, 1).request.state, Complete);
    site.asked();
    assert_eq!(site.sweep(1).len(), 1, "the sweep that follows tells it at once");
    assert!(site.stored(&id).request.open);
    site.script(|script| script.settled = Ok(()));
    site.asked();
    assert_eq!(site.sweep(2), []);
    assert_eq!(site.asked(), ["settled fleet-1", "progress fleet-1 2"]);
    let request = site.stored(&id).request;
    assert_eq!((request.open, request.state), (false, Complete));
    assert_eq!(site.sweep(3), []);
    assert_eq!(site.asked(), [""; 0]);
    // From now on it costs what any other request costs.
    site.status(&id, 4);
    assert_eq!(site.asked(), ["describe i-1 i-2 State"]);
}

#[test]
fn the_deadline_ends_a_request_that_waits() {
    let (site, id) = open();
    let starting = Instance { state: MachineState::Pending, ..up("i-2") };
    let progress =
        Progress { instances: vec![up("i-1"), starting], more: true, reason: Some("slow".to_owned()) };
    site.script(|script| script.progress = Ok(progress));
    let view = site.status(&id, TIMEOUT - 1);
    assert_eq!((view.request.state, view.request.reason.as_deref()), (Started, Some("slow")));
    let view = site.status(&id, TIMEOUT);
    assert_eq!(view.request.state, Partial);
    let reason = view.request.reason.unwrap();
    assert!(reason.starts_with("1 of 2 machines: slow; 1 × did not come up"), "{reason}");
    let endings: Vec<_> = view.machines.iter().map(|machine| machine.ending).collect();
    assert_eq!(endings, [None, Some(Ending::Released)]);
    assert!(site.asked().contains(&"release i-2/fleet-1/1".to_owned()));
    // What comes now is too late.
    site.script(|script| script.progress = Ok(came(&["i-1", "i-2", "i-3"], true)));
    assert_eq!(site.sweep(TIMEOUT + 20), []);
    let last = site.stored(&id).machines.pop().unwrap();
    assert_eq!((last.id.as_str(), last.ending), ("i-3", Some(Ending::Released)));
    assert!(site.asked().iter().any(|asked| asked.contains("i-3/fleet-1/1")));
}

#[test]
fn a_provider_that_adds_no_more_ends_the_wait() {
    for (came_up, state) in [(&["i-1"][..], Partial), (&[], Failed)] {
        let (site, id) = open();
        let progress = Progress { reason: Some("no capacity".to_owned()), ..came(came_up, false) };
        site.script(|script| script.progress = Ok(progress));
        let request = site.status(&id, 1).request;
        assert_eq!(request.state, state);
        assert!(request.reason.unwrap().ends_with("no capacity"));
        // It has a resource to be deleted once.
        assert!(request.open);
    }
}

#[test]
fn a_machine_that_ends_is_made_up_for() {
    let (site, id) = open();
    site.script(|script| script.progress = Ok(came(&["i-1"], true)));
    site.status(&id, 1);
    let gone = Instance { state: MachineState::Terminated, reason: Some("broke".to_owned()), ..up("i-1") };
    site.script(|script| {
        script.progress = Ok(Progress { instances: vec![gone.clone()], more: true, reason: None });
    });
    let view = site.status(&id, 2);
    assert_eq!((view.request.state, view.machines[0].ending), (Started, Some(Ending::Reclaimed)));
    let instances = vec![gone, up("i-2"), up("i-3")];
    site.script(|script| script.progress = Ok(Progress { instances, more: true, reason: None }));
    assert_eq!(site.status(&id, 3).request.state, Complete);
}

#[test]
fn what_cannot_be_told_leaves_a_request_as_it_was() {
    let (site, id) = open();
    let error = Error::new(ErrorKind::Unavailable, "throttled");
    site.script(|script| script.progress = Err(error.clone()));
    let (views, errors) = site.broker().status(std::slice::from_ref(&id), at(1)).unwrap();
    assert_eq!(errors, [error]);
    assert_eq!(views[0].as_ref().unwrap().request.state, Started);
}

#[test]
fn many_launches_are_one_question() {
    let site = Site::new();
    site.script(|script| script.launched = Ok(fleet()));
    let open: Vec<_> = ["req-1", "req-2", "req-3"].map(|id| site.request(id, 2, &json!({}))).into();
    site.script(|script| script.progress = Ok(came(&[], true)));
    site.asked();
    site.broker().status(&open, at(1)).unwrap();
    assert_eq!(site.asked(), ["progress fleet-1 2, fleet-1 2, fleet-1 2"]);
    // So they are for the sweep, once they are over.
    site.broker().status(&open, at(TIMEOUT)).unwrap();
    site.asked();
    assert_eq!(site.sweep(TIMEOUT + 20), []);
    let asked = site.asked();
    let question = asked.iter().filter(|asked| asked.starts_with("progress"));
    assert_eq!(question.collect::<Vec<_>>(), ["progress fleet-1 2, fleet-1 2, fleet-1 2"], "{asked:?}");
}

#[test]
fn a_launch_that_was_never_confirmed_is_settled() {
    let site = Site::new();
    let lost = Error::new(ErrorKind::Unavailable, "lost");
    site.script(|script| script.launched = Err(LaunchFailure::Unknown(lost)));
    let id = site.request("req-1", 2, &json!({}));
    assert_eq!(site.status(&id, TIMEOUT).request.state, Failed);
    site.asked();
    assert_eq!(site.sweep(TIMEOUT + 20), []);
    assert_eq!(site.asked(), ["settled ", "progress  2"]);
    assert!(!site.stored(&id).request.open);
}

#[test]
fn a_cancelled_request_is_settled_at_once() {
    let (site, id) = open();
    site.script(|script| script.progress = Ok(came(&["i-1"], true)));
    let (view, errors) = site.broker().cancel(&id, at(1)).unwrap();
    assert_eq!((view.request.state, errors), (RequestState::Cancelled, Vec::new()));
    assert_eq!(site.asked()[..2], ["settled fleet-1", "progress fleet-1 2"]);
    assert_eq!(view.machines[0].ending, Some(Ending::Released));
}
