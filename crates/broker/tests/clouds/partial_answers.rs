//! A provider that can tell of some machines and launches, and not of others.

use ohfp_broker::provider::{Detail, Launched};
use ohfp_broker::{Ending, MachineState, RequestId, RequestState};
use serde_json::json;

use crate::scripted::{Site, at, came, fleet, ids, unclear, up};

/// A request of three machines that are up.
fn three(site: &Site) -> RequestId {
    let instances: Vec<_> = ["i-1", "i-2", "i-3"].map(up).into();
    site.script(|script| script.launched = Ok(Launched { instances, ..Launched::default() }));
    let id = site.request("req-1", 3, &json!({}));
    site.asked();
    id
}

/// `i-1` is gone, `i-2` is not to be told of, and `i-3` goes on.
#[test]
fn machines_of_which_it_cannot_tell_stay_as_they_were() {
    let site = Site::new();
    let id = three(&site);
    site.script(|script| {
        script.instances = vec![up("i-3")];
        script.unclear = vec!["i-2".to_owned()];
    });
    let (views, errors) = site.broker().status(std::slice::from_ref(&id), at(60)).unwrap();
    assert_eq!(errors, [unclear()]);
    let told: Vec<_> =
        views[0].as_ref().unwrap().machines.iter().map(|one| (one.state, one.ending)).collect();
    let gone = (MachineState::Terminated, Some(Ending::Reclaimed));
    assert_eq!(told, [gone, (MachineState::Running, None), (MachineState::Running, None)]);
    let (machines, errors) =
        site.broker().refresh_machines(site.stored(&id).machines, Detail::State, at(61)).unwrap();
    assert_eq!((machines[1].state, errors), (MachineState::Running, vec![unclear()]));
    // A machine that could not be observed is not reclaimed, and the scheduler asks again.
    assert_eq!(site.broker().reclaimed(None, at(62)).unwrap_err(), unclear());
    site.script(|script| script.unclear.clear());
    assert_eq!(site.status(&id, 63).machines[1].state, MachineState::Terminated);
}

#[test]
fn a_launch_of_which_it_cannot_tell_waits_and_the_others_go_on() {
    let site = Site::new();
    let open = |id: &str, resource: &str, count: u64| {
        let launched = Launched { resource_ids: vec![resource.to_owned()], ..fleet() };
        site.script(|script| script.launched = Ok(launched));
        site.request(id, count, &json!({}))
    };
    let waiting = [open("req-1", "fleet-1", 1), open("req-2", "fleet-2", 2)];
    site.script(|script| {
        script.progress = Ok(came(&["i-1"], false));
        script.unclear = vec!["fleet-2".to_owned()];
    });
    let (views, errors) = site.broker().status(&waiting, at(1)).unwrap();
    let found: Vec<_> =
        views.iter().flatten().map(|view| (view.request.state, ids(&view.machines))).collect();
    assert_eq!(found, [(RequestState::Complete, vec!["i-1"]), (RequestState::Started, vec![])]);
    assert_eq!(errors, [unclear()]);
    let request = site.stored(&waiting[1]).request;
    assert_eq!((request.open, request.reason), (true, None));
    // Machines that it does have are asked about one by one, and the same error is told once.
    site.script(|script| {
        script.unclear = vec![];
        script.progress = Ok(came(&["i-2"], true));
    });
    site.status(&waiting[1], 2);
    site.asked();
    site.script(|script| script.unclear = vec!["fleet-2".to_owned(), "i-2".to_owned()]);
    let (_, errors) = site.broker().status(&waiting[1..], at(60)).unwrap();
    assert_eq!(errors, [unclear()]);
    assert!(site.sweep(900).contains(&unclear()));
}
