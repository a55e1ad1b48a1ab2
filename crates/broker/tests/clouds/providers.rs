//! What providers are asked, whose machines they are asked about, and what several of them are asked at once.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use ohfp_broker::provider::{Detail, Identity, Instance, Launched};
use ohfp_broker::store::{Change, MachineFilter, Store};
use ohfp_broker::{
    Ending, Error, ErrorKind, Machine, MachineId, MachineRef, MachineState, RequestId, RequestState,
};
use serde_json::json;

use crate::scripted::{Meet, Site, at, ids, up};

/// A request of machines that are up.
fn running(site: &Site, provider: &str, id: &str, names: &[&str]) -> RequestId {
    let instances: Vec<Instance> = names.iter().map(|name| up(name)).collect();
    site.script_of(provider, |script| {
        script.launched = Ok(Launched { instances: instances.clone(), ..Launched::default() });
        script.instances.extend(instances);
    });
    let id = site.request_from(provider, id, names.len() as u64, &json!({}));
    assert_eq!(site.stored(&id).request.state, RequestState::Complete);
    site.asked_of(provider);
    id
}

fn reference(id: &str) -> MachineRef {
    MachineRef::of_id(MachineId::new(id))
}

#[test]
fn only_the_question_for_reclaims_asks_for_notices() {
    let site = Site::new();
    let id = running(&site, "sim", "req-1", &["i-1"]);
    let noticed = Instance { reclaim_at: Some(at(90)), ..up("i-1") };
    site.script(|script| script.instances = vec![noticed]);
    assert_eq!(site.broker().reclaimed(None, at(1)).unwrap().machines.len(), 1);
    assert_eq!(site.asked(), ["describe i-1 Reclaims"]);
    // A look that does not ask for notices takes none back.
    site.script(|script| script.instances = vec![up("i-1")]);
    assert_eq!(site.status(&id, 2).machines[0].reclaim_at, Some(at(90)));
    let machines = site.stored(&id).machines;
    site.broker().refresh_machines(machines, Detail::State, at(3)).unwrap();
    assert_eq!(site.asked(), ["describe i-1 State", "describe i-1 State"]);
    assert_eq!(site.broker().reclaimed(None, at(4)).unwrap().machines, []);
}

#[test]
fn machines_of_another_account_or_region_are_left_alone() {
    let identity = |account: &str, region: &str| Identity {
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
    };
    for (now, is_refused) in [
        (identity("1", "a"), false),
        (identity("2", "a"), true),
        (identity("1", "b"), true),
        (Identity { account: None, region: None }, false),
    ] {
        let site = Site::new();
        site.script(|script| script.identity = identity("1", "a"));
        let id = running(&site, "sim", "req-1", &["i-1"]);
        site.script(|script| {
            script.identity = now.clone();
            script.instances.clear();
        });
        let (views, errors) = site.broker().status(std::slice::from_ref(&id), at(60)).unwrap();
        let state = views[0].as_ref().unwrap().machines[0].state;
        assert_eq!(state == MachineState::Running, is_refused, "{now}: nothing is concluded");
        let asked = site.asked();
        assert_eq!((errors.len(), asked.len()), if is_refused { (1, 0) } else { (0, 1) }, "{now}: {asked:?}");
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Refused);
            for part in ["i-1", "`sim`", "account 1, region a", &now.to_string()] {
                assert!(error.summary().contains(part), "{error}");
            }
        }
        if is_refused {
            assert!(site.broker().reclaimed(None, at(61)).is_err());
            let back = RequestId::from_text("ret-1");
            let taken = site.broker().return_machines(back.clone(), &[reference("i-1")], at(62)).unwrap();
            assert_eq!((taken.errors.len(), site.asked()), (1, Vec::new()));
            let back = site.stored(&back).request;
            assert_eq!(back.state, RequestState::Recorded);
            assert!(back.reason.unwrap().contains("account 1, region a"));
        }
    }
}

#[test]
fn units_are_what_the_provider_says_where_units_are_counted() {
    let weighted = json!({ "priceType": "spot", "vmTypes": { "large": 4 } });
    for (fields, said, machine_type, units, state) in [
        (&weighted, Some(8), Some("large"), 8, RequestState::Complete),
        (&weighted, None, Some("large"), 4, RequestState::Partial),
        (&weighted, None, None, 1, RequestState::Partial),
        (&json!({}), Some(8), Some("large"), 1, RequestState::Partial),
    ] {
        let site = Site::new();
        let machine = Instance { units: said, instance_type: machine_type.map(str::to_owned), ..up("i-1") };
        let launched = Launched { instances: vec![machine], ..Launched::default() };
        site.script(|script| script.launched = Ok(launched));
        let view = site.stored(&site.request("req-1", 8, fields));
        assert_eq!((view.machines[0].units, view.request.state), (units, state), "{said:?} {machine_type:?}");
        let taken = site.broker().return_machines(RequestId::from_text("ret-1"), &[reference("i-1")], at(1));
        assert_eq!(taken.unwrap().active, 1);
        assert_eq!(site.asked()[1..], [format!("release i-1/fleet-1/{units}")]);
    }
    // A launch that tells no type is put right by the next look.
    let site = Site::new();
    let starting = Instance { state: MachineState::Pending, name: None, ..up("i-1") };
    let launched = Launched { instances: vec![starting], ..Launched::default() };
    site.script(|script| script.launched = Ok(launched));
    let id = site.request("req-1", 4, &weighted);
    assert_eq!(site.stored(&id).machines[0].units, 1);
    site.script(|script| {
        script.instances = vec![Instance { instance_type: Some("large".to_owned()), ..up("i-1") }];
    });
    let view = site.status(&id, 1);
    assert_eq!((view.machines[0].units, view.request.state), (4, RequestState::Complete));
}

/// Lets each of the two providers answer only once the other is asked as well.
fn have_them_meet(site: &Site) {
    let (first, second) = (mpsc::channel(), mpsc::channel());
    for (provider, here, there) in [("sim", first.0, second.1), ("other", second.0, first.1)] {
        let there = Mutex::new(there);
        let meet: Meet = Box::new(move || {
            here.send(()).unwrap();
            let met = there.lock().unwrap().recv_timeout(Duration::from_secs(20));
            met.map_err(|_| Error::new(ErrorKind::Unavailable, "the other was not asked"))
        });
        site.script_of(provider, |script| script.meet = Some(Arc::new(meet)));
    }
}

#[test]
fn providers_are_asked_side_by_side() {
    let site = Site::new();
    let requests = [running(&site, "sim", "req-1", &["i-1"]), running(&site, "other", "req-2", &["i-2"])];
    have_them_meet(&site);
    let (_, errors) = site.broker().status(&requests, at(1)).unwrap();
    assert_eq!(errors, []);
}

#[test]
fn machines_that_no_request_knows_are_looked_up_side_by_side() {
    let site = Site::new();
    site.script(|script| script.instances = vec![up("i-1"), up("i-2")]);
    // Both providers see `i-2`, as two of one account do; `i-1` is named in two ways, and `i-9` does not exist.
    site.script_of("other", |script| script.instances = vec![up("i-2"), up("i-3")]);
    have_them_meet(&site);
    let wanted = [
        reference("i-1"),
        reference("i-2"),
        MachineRef::of_name("host-i-1"),
        reference("i-3"),
        reference("i-9"),
    ];
    let back = RequestId::from_text("ret-1");
    let taken = site.broker().return_machines(back, &wanted, at(1)).unwrap();
    assert_eq!((taken.active, taken.unknown.len(), taken.errors), (3, 5, vec![]));
    let look = "exists i-1 i-2 host-i-1 i-3 i-9";
    assert_eq!(site.asked(), [look, "release i-1/-/1"]);
    assert_eq!(site.asked_of("other"), [look, "release i-2/-/1 i-3/-/1"]);
    have_them_meet(&site);
    let gone = site.broker().reclaimed(Some(&wanted), at(2)).unwrap().machines;
    assert_eq!(gone.iter().map(|reclaim| reclaim.name.as_str()).collect::<Vec<_>>(), ["i-9"]);
}

/// One silent provider matters for machines that no other one has, and for nothing else.
#[test]
fn a_silent_provider_leaves_it_open_whether_a_machine_exists() {
    let site = Site::new();
    site.script(|script| script.instances = vec![up("i-1")]);
    let silent: Meet = Box::new(|| Err(Error::new(ErrorKind::Unavailable, "no answer in time")));
    site.script_of("other", |script| script.meet = Some(Arc::new(silent)));
    let back = |id: &str, machines: &[MachineRef]| {
        site.broker().return_machines(RequestId::from_text(id), machines, at(1))
    };
    assert_eq!(back("ret-1", &[reference("i-1")]).unwrap().active, 1);
    let error = back("ret-2", &[reference("i-1"), reference("i-2")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.summary(), "cannot tell whether `i-2` exist: no answer in time");
    // What is known to exist is ended all the same.
    assert_eq!(site.asked().last().unwrap(), "release i-1/-/1");
}

#[test]
fn a_provider_that_is_silent_or_fails_inside_changes_nothing() {
    let silent: Meet = Box::new(|| Err(Error::new(ErrorKind::Unavailable, "no answer in time")));
    let broken: Meet = Box::new(|| panic!("a fault of the provider"));
    for meet in [silent, broken] {
        let site = Site::new();
        let requests = [running(&site, "sim", "req-1", &["i-1"]), running(&site, "other", "req-2", &["i-2"])];
        site.script(|script| script.meet = Some(Arc::new(meet)));
        site.script_of("other", |script| script.instances.clear());
        let (views, errors) = site.broker().status(&requests, at(1)).unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let states: Vec<_> = views.iter().map(|view| view.as_ref().unwrap().machines[0].state).collect();
        assert_eq!(states, [MachineState::Running, MachineState::Terminated]);
    }
}

/// A machine that another process records while a provider is asked was not asked about, so it is not missing.
#[test]
fn only_what_was_asked_about_can_be_missing() {
    let site = Site::new();
    let id = running(&site, "sim", "req-1", &["i-1"]);
    let store = site.store.clone();
    let request = site.stored(&id).request;
    let meet: Meet = Box::new(move || {
        let mut machines = store.machines(&MachineFilter::default()).unwrap();
        if machines.len() == 1 {
            machines[0].message = Some("changed".to_owned());
            let new = Machine::from_instance(&up("i-2"), &request, &Identity::default(), None, at(0));
            machines.push(new);
            store.apply(&Change { request: None, machines }).unwrap();
        }
        Ok(())
    });
    site.script(|script| {
        script.meet = Some(Arc::new(meet));
        script.instances.clear();
    });
    let view = site.status(&id, 60);
    let endings: Vec<_> = view.machines.iter().map(|machine| machine.ending).collect();
    assert_eq!((ids(&view.machines), endings), (vec!["i-1", "i-2"], vec![Some(Ending::Reclaimed), None]));
}

#[test]
fn providers_are_told_which_resources_have_machines() {
    let site = Site::new();
    running(&site, "sim", "req-1", &["i-1"]);
    let (deleted, errors) = site.broker().tidy(5, at(1));
    // `fleet-1` of `sim` has a machine, and that of `other` has none.
    assert_eq!((deleted, errors.len()), (1, 0));
    assert_eq!(
        (site.asked_of("other"), site.asked()),
        (vec!["tidy 5".to_owned()], vec!["tidy 4".to_owned()])
    );
}
