//! The promises of [`Store`](crate::store::Store): what it stores, and what it refuses.

use super::Site;
use super::fixtures::{
    acquire, at, change, fulfil, id, ids, machine, reference, return_machines, return_request, stored, view,
};
use crate::error::{Error, ErrorKind};
use crate::id::RequestKind;
use crate::machine::{Ending, Machine};
use crate::request::Request;
use crate::state::{MachineState, RequestState};
use crate::store::{Admission, Applied, Change, Returning};
use crate::template::MaxNumber;
use crate::user_data::UserData;

/// What was stored is read back in every field.
pub fn what_was_stored_is_read_back_in_every_field(site: &dyn Site) {
    let mut request = acquire("req-1", 2, 100);
    request.watch_until = Some(at(999));
    request.reason = Some("wait: \u{e4}".to_owned());
    request.weights = serde_json::from_str(r#"{"m6i.large":1,"m6i.8xlarge":16}"#).unwrap();
    request.user_data = Some(UserData::new(r#"{"queue":"q1"}"#));
    request.rc_account = Some("projA".to_owned());
    request.provider_api = Some("EC2Fleet".to_owned());
    request.resource_ids = vec!["fleet-1".to_owned(), "fleet-2".to_owned()];
    request.open = true;
    assert_eq!(site.store().admit(&request, MaxNumber::Unlimited).unwrap(), Admission::Admitted);
    request.version = 1;
    assert_eq!(view(site.again().as_ref(), "req-1").request, request);

    let mut machine = machine("i-1", "req-1");
    machine.public_ip = Some("1.2.3.4".to_owned());
    machine.instance_type = Some("m6i.large".to_owned());
    machine.price_type = Some("spot".to_owned());
    machine.units = 16;
    (machine.cores, machine.threads_per_core) = (Some(8), Some(2));
    machine.rc_account = Some("projA".to_owned());
    machine.resource_id = Some("fleet-1".to_owned());
    machine.account = Some("123456789012".to_owned());
    machine.region = Some("eu-north-1".to_owned());
    machine.reclaim_at = Some(at(500));
    machine.message = Some("soon".to_owned());
    stored(site.store(), None, vec![machine.clone()]);
    machine.version = 1;
    assert_eq!(view(site.again().as_ref(), "req-1").machines, [machine]);
    request.open = false;
    stored(site.store(), Some(request), Vec::new());
    assert!(!view(site.again().as_ref(), "req-1").request.open);
}

/// A change is stored by the process that saw the version before.
pub fn a_change_is_stored_where_the_version_before_was_seen(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1"], 100);
    let other = site.again();
    let seen = view(other.as_ref(), "req-1");

    change(site.store(), &["i-1"], |machine| machine.message = Some("first".to_owned()));
    let mut late = seen.machines[0].clone();
    late.message = Some("second".to_owned());
    let mut request = seen.request.clone();
    request.reason = Some("second".to_owned());
    let both = Change { request: Some(request.clone()), machines: vec![late] };
    assert_eq!(other.apply(&both).unwrap(), Applied::Conflict);
    // Nothing of it was stored, so the request alone still goes.
    stored(other.as_ref(), Some(request.clone()), Vec::new());
    assert_eq!(
        site.store().apply(&Change { request: Some(request), machines: Vec::new() }).unwrap(),
        Applied::Conflict
    );
    let now = view(other.as_ref(), "req-1");
    assert_eq!(now.machines[0].message.as_deref(), Some("first"));
    assert_eq!(now.request.reason.as_deref(), Some("second"));

    // So it is where the state machines would not allow the change any more: the process looks again.
    change(site.store(), &["i-1"], |machine| {
        (machine.state, machine.ending) = (MachineState::ShuttingDown, Some(Ending::Reclaimed));
    });
    let stale = Change { request: None, machines: vec![seen.machines[0].clone()] };
    assert_eq!(other.apply(&stale).unwrap(), Applied::Conflict);

    // A machine that another process has recorded is not new.
    let again = Change { request: None, machines: vec![machine("i-1", "req-1")] };
    assert_eq!(site.store().apply(&again).unwrap(), Applied::Conflict);
    // What is not there was cleared away.
    let mut gone = machine("i-9", "req-1");
    gone.version = 3;
    assert_eq!(
        site.store().apply(&Change { request: None, machines: vec![gone] }).unwrap(),
        Applied::Conflict
    );
}

/// What the state machines do not allow is an error.
pub fn what_the_state_machines_do_not_allow_is_an_error(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1", "i-2"], 100);
    change(site.store(), &["i-2"], |machine| {
        machine.ending = Some(Ending::Reclaimed);
        machine.state = MachineState::ShuttingDown;
    });
    return_machines(site.store(), "ret-1", &["/i-1"], 200);

    let request = |alter: fn(&mut Request)| {
        let mut request = view(site.store(), "req-1").request;
        alter(&mut request);
        site.store().apply(&Change { request: Some(request), machines: Vec::new() })
    };
    let machine_at = |place: usize, alter: fn(&mut Machine)| {
        let mut machine = view(site.store(), "req-1").machines.remove(place);
        alter(&mut machine);
        site.store().apply(&Change { request: None, machines: vec![machine] })
    };
    let new = |machines: Vec<Machine>| site.store().apply(&Change { request: None, machines });
    let refused: [(&str, Result<Applied, Error>); 10] = [
        ("final", request(|request| request.state = RequestState::Started)),
        ("kind", request(|request| request.kind = RequestKind::Return)),
        ("template", request(|request| request.template_id = Some("u".to_owned()))),
        ("going", machine_at(1, |machine| machine.state = MachineState::Running)),
        ("ending", machine_at(1, |machine| machine.ending = Some(Ending::Released))),
        ("returned", machine_at(0, |machine| machine.returned_by = None)),
        ("owner", machine_at(0, |machine| machine.request = id("req-2"))),
        ("without a request", new(vec![machine("i-3", "req-none")])),
        ("of a return", new(vec![machine("i-3", "ret-1")])),
        ("twice", new(vec![machine("i-3", "req-1"), machine("i-3", "req-1")])),
    ];
    for (what, outcome) in refused {
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::Refused), "{what}");
    }
    assert_eq!(ids(&view(site.store(), "req-1").machines), ["i-1", "i-2"]);
    // The same request twice, and requests of the wrong kind.
    for outcome in [
        site.store().admit(&acquire("req-1", 1, 100), MaxNumber::Unlimited).map(|_| ()),
        site.store().admit(&return_request("ret-2", 100), MaxNumber::Unlimited).map(|_| ()),
        site.store().admit_return(&return_request("ret-1", 100), &[]).map(|_| ()),
        site.store().admit_return(&acquire("req-3", 1, 100), &[]).map(|_| ()),
    ] {
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::Refused));
    }
}

/// Admission counts what exists and what is on its way.
pub fn admission_counts_what_exists_and_what_is_on_its_way(site: &dyn Site) {
    let admit = |name: &str, count: u32, most: u64| {
        site.store().admit(&acquire(name, count, 100), MaxNumber::AtMost(most)).unwrap()
    };
    assert_eq!(admit("req-1", 4, 3), Admission::Full { existing: 0 });
    assert_eq!(admit("req-1", 3, 3), Admission::Admitted);
    assert_eq!(admit("req-2", 1, 3), Admission::Full { existing: 3 });
    assert_eq!(site.store().demand("t").unwrap(), 3);
    assert_eq!(site.store().demand("other").unwrap(), 0);

    // Once its launch is recorded, machines count instead of what was asked for.
    let mut request = view(site.store(), "req-1").request;
    request.transition_to(RequestState::Started, None, at(101)).unwrap();
    stored(site.store(), Some(request), vec![machine("i-1", "req-1"), machine("i-2", "req-1")]);
    assert_eq!(site.store().demand("t").unwrap(), 2);
    // A machine that is going leaves its place; one that is only marked does not.
    change(site.store(), &["i-1"], |machine| machine.released(None, at(102)));
    assert_eq!(site.store().demand("t").unwrap(), 2);
    change(site.store(), &["i-1"], |machine| machine.state = MachineState::ShuttingDown);
    assert_eq!(site.store().demand("t").unwrap(), 1);
    // It counts what it is worth.
    change(site.store(), &["i-2"], |machine| machine.units = 8);
    assert_eq!(admit("req-2", 2, 9), Admission::Full { existing: 8 });
    change(site.store(), &["i-2"], |machine| machine.units = 1);
    assert_eq!(admit("req-2", 2, 3), Admission::Admitted);
    assert_eq!(admit("req-3", u32::MAX, u64::MAX), Admission::Admitted);
    assert_eq!(
        site.store().admit(&acquire("req-4", 1, 100), MaxNumber::Unlimited).unwrap(),
        Admission::Admitted
    );
}

/// A return takes each machine once and marks those that no return has yet.
pub fn a_return_takes_each_machine_once_and_marks_those_not_returned_yet(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1", "i-2", "i-3"], 100);
    change(site.store(), &["i-3"], |machine| machine.lost(at(150)));
    let first = return_machines(site.store(), "ret-1", &["host-i-1", "/i-1", "ghost", "/i-3"], 200);
    assert_eq!(ids(&first.machines), ["i-1", "i-3"]);
    assert_eq!(first.unknown, [reference("ghost")]);
    assert_eq!(first.machines, view(site.again().as_ref(), "ret-1").machines);
    let marks = |returning: &Returning| -> Vec<_> {
        returning.machines.iter().map(|machine| (machine.returned_by.clone(), machine.ending)).collect()
    };
    // What the provider took stays taken.
    let by = |name: &str, ending| (Some(id(name)), Some(ending));
    assert_eq!(marks(&first), [by("ret-1", Ending::Released), by("ret-1", Ending::Reclaimed)]);

    let second = return_machines(site.store(), "ret-2", &["/i-2", "/i-1"], 300);
    assert_eq!(ids(&second.machines), ["i-2", "i-1"]);
    assert_eq!(marks(&second), [by("ret-2", Ending::Released), by("ret-1", Ending::Released)]);
    assert_eq!(second.machines[1], first.machines[0]);
    assert_eq!(view(site.store(), "ret-1").request.requested, 2);
    // A return of nothing that is known is stored when it is certain that there is nothing.
    assert!(return_machines(site.store(), "ret-3", &["ghost"], 300).machines.is_empty());
    assert_eq!(site.store().views(&[id("ret-3")]).unwrap(), [None]);
    assert!(return_machines(site.store(), "ret-3", &[], 300).machines.is_empty());
    assert_eq!(view(site.store(), "ret-3").request.requested, 0);
    // Called otherwise, they are returned all the same; what could be two is not.
    let odd = return_machines(site.store(), "ret-4", &["ghost/i-1", "host-i-1/i-2"], 300);
    assert_eq!(
        odd.renamed.iter().map(|doubt| doubt.wanted.clone()).collect::<Vec<_>>(),
        [reference("ghost/i-1")]
    );
    assert_eq!((ids(&odd.machines), odd.doubtful.len()), (vec!["i-1"], 1));
}

/// An acknowledgement conflicts with no change and is never taken back.
pub fn an_acknowledgement_conflicts_with_no_change_and_is_never_taken_back(site: &dyn Site) {
    site.store().admit(&acquire("req-1", 1, 100), MaxNumber::Unlimited).unwrap();
    let mut seen = view(site.store(), "req-1").request;
    site.again().acknowledge(&[id("req-1")]).unwrap();
    seen.transition_to(RequestState::Failed, None, at(200)).unwrap();
    stored(site.store(), Some(seen), Vec::new());
    let now = view(site.store(), "req-1").request;
    assert!(now.acknowledged);
    assert_eq!((now.state, now.version), (RequestState::Failed, 2));
}

/// A request and machines that it did not make are stored together, and only where none of them is there.
pub fn what_is_adopted_is_stored_as_a_whole_or_not_at_all(site: &dyn Site) {
    let adopted = |name: &str, machines: &[&str]| {
        let mut request = acquire(name, u32::try_from(machines.len()).unwrap(), 100);
        request.transition_to(RequestState::Complete, Some("adopted".to_owned()), at(200)).unwrap();
        request.acknowledged = true;
        let machines: Vec<Machine> =
            machines.iter().map(|machine_name| machine(machine_name, name)).collect();
        site.store().adopt(&request, &machines).unwrap()
    };
    fulfil(site.store(), "req-1", &["i-1"], 100);
    assert_eq!(adopted("req-2", &["i-2", "i-3"]), Applied::Stored);
    let there = view(site.again().as_ref(), "req-2");
    assert_eq!(ids(&there.machines), ["i-2", "i-3"]);
    assert_eq!((there.request.state, there.request.acknowledged), (RequestState::Complete, true));
    assert_eq!((there.request.version, there.machines[0].version), (1, 1));
    // Neither a second time, nor what another request has made.
    assert_eq!(adopted("req-2", &["i-4"]), Applied::Conflict);
    assert_eq!(adopted("req-3", &["i-5", "i-1"]), Applied::Conflict);
    let absent = site.again().machines_by_id(&["i-4", "i-5"].map(crate::id::MachineId::new)).unwrap();
    assert_eq!(absent, []);
    assert_eq!(site.again().views(&[id("req-3")]).unwrap(), [None]);
    // They are as any other: they count, and can be returned.
    assert_eq!(site.store().demand("t").unwrap(), 3);
    let returned = return_machines(site.store(), "ret-1", &["/i-2"], 300);
    assert_eq!(ids(&returned.machines), ["i-2"]);
}
