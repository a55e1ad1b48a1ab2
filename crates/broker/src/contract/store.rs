//! The promises of [`Store`](crate::store::Store).

use super::Site;
use super::fixtures::{
    acquire, at, change, fulfil, id, ids, machine, reference, return_machines, return_request, stored, view,
};
use crate::error::{Error, ErrorKind};
use crate::id::RequestKind;
use crate::machine::{Ending, Machine};
use crate::request::Request;
use crate::state::{MachineState, RequestState};
use crate::store::{
    Admission, Applied, AttentionQuery, Change, Lookup, MachineFilter, RequestFilter, Returning,
};
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

/// A resource has machines as long as one of them is not terminated.
pub fn a_resource_is_in_use_until_its_last_machine_has_gone(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1", "i-2", "i-3"], 100);
    change(site.store(), &["i-1", "i-2"], |machine| machine.resource_id = Some("fleet-1".to_owned()));
    let has = |provider: &str, resource: &str| site.again().has_machine_of(provider, resource).unwrap();
    assert_eq!([has("sim", "fleet-1"), has("sim", "fleet-2"), has("other", "fleet-1")], [true, false, false]);
    change(site.store(), &["i-1"], |machine| machine.lost(at(200)));
    assert!(has("sim", "fleet-1"));
    change(site.store(), &["i-2"], |machine| {
        (machine.state, machine.ending) = (MachineState::ShuttingDown, Some(Ending::Released));
    });
    assert!(has("sim", "fleet-1"));
    change(site.store(), &["i-2"], |machine| machine.lost(at(300)));
    assert!(!has("sim", "fleet-1"));
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

/// Machines are found by id before name and alive before gone.
pub fn machines_are_found_by_id_before_name_and_alive_before_gone(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1", "i-2", "i-3", "i-4"], 100);
    // i-1 and i-2 had the same name one after the other, as i-3 and i-4 have, which are both gone. Of i-5 and
    // i-6 nothing has been seen since i-6 got the name. i-7 and i-8 have the same short name.
    fulfil(site.store(), "req-2", &["i-5", "i-6", "i-7", "i-8", "i-ip"], 100);
    let call = |ids: &[&str], name: &str| {
        change(site.store(), ids, |machine| machine.name = Some(name.to_owned()));
    };
    call(&["i-1", "i-2"], "shared.a.example");
    call(&["i-3", "i-4"], "old.a.example");
    call(&["i-5", "i-6"], "again.a.example");
    call(&["i-7"], "both.a.example");
    call(&["i-8"], "Both.b.example");
    call(&["i-ip"], "10.0.0.7");
    change(site.store(), &["i-2", "i-3", "i-4"], |machine| machine.lost(at(300)));
    for (wanted, found) in [
        ("/i-1", "i-1"),
        ("/i-2", "i-2"),
        ("/i-9", ""),
        ("shared.a.example", "i-1"),
        ("SHARED.a.Example", "i-1"),
        ("shared", "i-1"),
        ("Shared.A", "i-1"),
        ("old.a.example", "i-4"),
        ("OLD", "i-4"),
        ("unknown", ""),
        ("share", ""),
        ("10", ""),
        ("10.0.0", ""),
        ("10.0.0.7", "i-ip"),
        ("again", "i-6"),
        ("again.a.example", "i-6"),
        ("both", "?"),
        ("both.b", "i-8"),
        ("both.a.example", "i-7"),
        // An id decides, whatever is called so.
        ("shared/i-1", "i-1"),
        ("shared/i-2", "i-2"),
        ("again/i-5", "i-5"),
        ("both/i-7", "i-7"),
        ("unknown/i-1", "i-1"),
        ("shared/i-9", ""),
        ("unknown/i-9", ""),
        ("shared/i-3", "i-3"),
        // Both are known, and are not the same machine.
        ("old/i-1", "?"),
        ("again/i-1", "?"),
        ("both/i-1", "?"),
        // As a person names a machine.
        ("i-1/i-1", "i-1"),
        ("shared/shared", "i-1"),
        ("both/both", "?"),
        ("unknown/unknown", ""),
        ("", ""),
    ] {
        let found_now = match site.store().find_machines(&[reference(wanted)]).unwrap().remove(0) {
            Lookup::Known(machine) => machine.id.as_str().to_owned(),
            Lookup::Unknown => String::new(),
            Lookup::Doubtful(_) => "?".to_owned(),
        };
        assert_eq!(found_now, found, "{wanted}");
    }
    // Where two providers use the same addresses, a name alone says nothing.
    let mut elsewhere = machine("i-1", "req-2");
    (elsewhere.provider, elsewhere.name) = ("other".to_owned(), Some("shared.a.example".to_owned()));
    stored(site.store(), None, vec![elsewhere]);
    let found = site.store().find_machines(&[reference("shared.a.example")]).unwrap().remove(0);
    assert!(matches!(found, Lookup::Doubtful(why) if why.contains("i-1")));
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

/// Views come in the order asked.
pub fn views_come_in_the_order_asked(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-2", "i-1"], 100);
    fulfil(site.store(), "req-2", &[], 100);
    let views = site.store().views(&["req-2", "none", "req-1", "req-2"].map(id)).unwrap();
    let seen: Vec<Option<(&str, usize)>> = views
        .iter()
        .map(|view| view.as_ref().map(|view| (view.request.id.as_str(), view.machines.len())))
        .collect();
    assert_eq!(seen, [Some(("req-2", 0)), None, Some(("req-1", 2)), Some(("req-2", 0))]);
    // In the order they were recorded.
    assert_eq!(ids(&views[2].as_ref().unwrap().machines), ["i-2", "i-1"]);
}

/// Lists come newest first, filtered and in parts.
pub fn lists(site: &dyn Site) {
    use MachineState::{Running, Stopped, Terminated};
    use RequestState::{Complete, Partial, Recorded, Started};

    fulfil(site.store(), "req-1", &["i-1", "i-2"], 100);
    fulfil(site.store(), "req-2", &["i-3"], 200);
    site.store().admit(&acquire("req-3", 1, 300), MaxNumber::Unlimited).unwrap();
    return_machines(site.store(), "ret-1", &["/i-1"], 400);
    change(site.store(), &["i-2"], |machine| machine.lost(at(500)));
    let mut other = acquire("req-4", 1, 50);
    other.template_id = Some("u".to_owned());
    site.store().admit(&other, MaxNumber::Unlimited).unwrap();

    let all = RequestFilter::default;
    for (filter, found) in [
        (all(), &["ret-1", "req-3", "req-2", "req-1", "req-4"] as &[&str]),
        (RequestFilter { kind: Some(RequestKind::Return), ..all() }, &["ret-1"]),
        (RequestFilter { states: vec![Recorded, Started], ..all() }, &["ret-1", "req-3", "req-4"]),
        (RequestFilter { states: vec![Started], ..all() }, &[]),
        (RequestFilter { states: vec![Complete, Partial], ..all() }, &["req-2", "req-1"]),
        (RequestFilter { states: vec![Complete, Recorded], limit: Some(2), ..all() }, &["ret-1", "req-3"]),
        (RequestFilter { template_id: Some("u".to_owned()), ..all() }, &["req-4"]),
        (RequestFilter { template_id: Some("t".to_owned()), states: vec![Recorded], ..all() }, &["req-3"]),
        (RequestFilter { limit: Some(2), offset: 1, ..all() }, &["req-3", "req-2"]),
        (RequestFilter { offset: 4, ..all() }, &["req-4"]),
        (RequestFilter { offset: u64::MAX, limit: Some(u64::MAX), ..all() }, &[]),
    ] {
        let views = site.store().requests(&filter).unwrap();
        let names: Vec<&str> = views.iter().map(|view| view.request.id.as_str()).collect();
        assert_eq!(names, found, "{filter:?}");
    }

    let all = MachineFilter::default;
    for (filter, found) in [
        (all(), &["i-3", "i-2", "i-1"] as &[&str]),
        (MachineFilter { states: vec![Running], ..all() }, &["i-3", "i-1"]),
        (MachineFilter { states: vec![Terminated, Running], ..all() }, &["i-3", "i-2", "i-1"]),
        (MachineFilter { states: vec![Stopped], ..all() }, &[]),
        (MachineFilter { request: Some(id("req-1")), ..all() }, &["i-2", "i-1"]),
        (MachineFilter { request: Some(id("req-1")), states: vec![Running], ..all() }, &["i-1"]),
        (MachineFilter { template_id: Some("t".to_owned()), limit: Some(1), offset: 1, ..all() }, &["i-2"]),
        (MachineFilter { template_id: Some("u".to_owned()), states: vec![Running], ..all() }, &[]),
    ] {
        assert_eq!(ids(&site.store().machines(&filter).unwrap()), found, "{filter:?}");
    }
}

/// Watched are machines the scheduler may not know the end of.
pub fn watched_are_machines_the_scheduler_may_not_know_the_end_of(site: &dyn Site) {
    fulfil(
        site.store(),
        "req-1",
        &["up", "down", "taken", "failed_to_start", "abandoned", "back", "both"],
        100,
    );
    let end = |name: &str, ending: Ending, state: MachineState| {
        change(site.store(), &[name], |machine| (machine.ending, machine.state) = (Some(ending), state));
    };
    end("down", Ending::Reclaimed, MachineState::ShuttingDown);
    end("taken", Ending::Reclaimed, MachineState::Terminated);
    end("failed_to_start", Ending::FailedToStart, MachineState::Terminated);
    end("abandoned", Ending::Released, MachineState::Running);
    end("both", Ending::Reclaimed, MachineState::Terminated);
    return_machines(site.store(), "ret-1", &["/back", "/both"], 200);
    assert_eq!(ids(&site.store().watched_machines().unwrap()), ["up", "down", "taken", "abandoned"]);
}

/// Due is what needs attention although no scheduler asks.
pub fn needing_attention_is_what_no_scheduler_polls(site: &dyn Site) {
    let admit = |name: &str, created: i64, acknowledged: bool, watch_until: Option<i64>| {
        let mut request = acquire(name, 1, created);
        request.acknowledged = acknowledged;
        request.watch_until = watch_until.map(at);
        site.store().admit(&request, MaxNumber::Unlimited).unwrap();
    };
    let finish = |name: &str| {
        let mut request = view(site.store(), name).request;
        request.transition_to(RequestState::Failed, None, request.updated).unwrap();
        stored(site.store(), Some(request), Vec::new());
    };
    admit("late", 1_000, true, None);
    admit("young", 5_000, true, None);
    admit("unheard", 4_000, false, None);
    admit("unheard, young", 5_001, false, None);
    admit("unheard, over", 1_001, false, None);
    finish("unheard, over");
    fulfil(site.store(), "unheard, has", &["i-1"], 1_002);
    fulfil(site.store(), "unheard, had", &["i-2"], 1_003);
    change(site.store(), &["i-2"], |machine| machine.lost(at(1_004)));
    admit("watched", 1_005, true, Some(2_000));
    finish("watched");
    fulfil(site.store(), "heard", &["i-3"], 1_006);
    site.store().acknowledge(&[id("heard"), id("unknown")]).unwrap();
    return_machines(site.store(), "return", &["/i-3"], 5_500);
    return_machines(site.store(), "returned", &["/i-3"], 1_007);
    let mut returned = view(site.store(), "returned").request;
    returned.transition_to(RequestState::Complete, None, at(1_007)).unwrap();
    stored(site.store(), Some(returned), Vec::new());

    let due = |now: i64, unheard: i64, untouched: i64, limit: u32| -> Vec<String> {
        let views = site
            .store()
            .needing_attention(&AttentionQuery {
                now: at(now),
                unacknowledged_before: at(unheard),
                untouched_since: at(untouched),
                limit,
            })
            .unwrap();
        views.iter().map(|view| view.request.id.to_string()).collect()
    };
    let everything = ["late", "unheard, has", "watched", "unheard", "return"];
    assert_eq!(due(5_500, 5_000, 9_000, 100), everything);
    assert_eq!(due(5_500, 5_000, 9_000, 2), everything[..2]);
    assert_eq!(due(5_500, 5_000, 9_000, 0), [""; 0]);
    assert_eq!(due(5_500, 5_000, 4_000, 100), everything[..4]);
    assert_eq!(due(4_900, 1_000, 9_000, 100), ["late", "watched", "return"]);
    assert_eq!(due(1_500, 1_000, 9_000, 100), ["watched", "return"]);
    assert_eq!(
        due(6_000, 5_001, 9_000, 100),
        ["late", "unheard, has", "watched", "unheard", "young", "return"]
    );
}

/// A request that is over and open is due at once: its provider is to be told.
pub fn what_is_over_and_open_is_due_at_once(site: &dyn Site) {
    for (name, state, open) in [
        ("open", RequestState::Complete, true),
        ("closed", RequestState::Complete, false),
        ("waiting", RequestState::Started, true),
    ] {
        let mut request = acquire(name, 1, 100);
        request.acknowledged = true;
        request.watch_until = Some(at(9_000));
        site.store().admit(&request, MaxNumber::Unlimited).unwrap();
        let mut request = view(site.store(), name).request;
        request.transition_to(state, None, at(500)).unwrap();
        request.open = open;
        stored(site.store(), Some(request), Vec::new());
    }
    let due = |untouched: i64| -> Vec<String> {
        let query = AttentionQuery {
            now: at(600),
            unacknowledged_before: at(0),
            untouched_since: at(untouched),
            limit: 9,
        };
        let views = site.store().needing_attention(&query).unwrap();
        views.iter().map(|view| view.request.id.to_string()).collect()
    };
    assert_eq!(due(499), ["open"]);
    assert_eq!(due(500), ["open", "closed", "waiting"]);
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
