//! The promises of [`Store`](crate::store::Store): what it answers.

use super::Site;
use super::fixtures::{
    acquire, at, change, fulfil, id, ids, machine, reference, return_machines, stored, view,
};
use crate::id::RequestKind;
use crate::machine::Ending;
use crate::state::{MachineState, RequestState};
use crate::store::{AttentionQuery, Lookup, MachineFilter, RequestFilter};
use crate::template::MaxNumber;

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

    let within = |now: i64, unheard: i64, untouched: i64, limit: u32, watched_limit: u32| -> Vec<String> {
        let views = site
            .store()
            .needing_attention(&AttentionQuery {
                now: at(now),
                unacknowledged_before: at(unheard),
                untouched_since: at(untouched),
                limit,
                watched_limit,
            })
            .unwrap();
        views.iter().map(|view| view.request.id.to_string()).collect()
    };
    let due = |now, unheard, untouched, limit| within(now, unheard, untouched, limit, limit);
    let everything = ["late", "unheard, has", "watched", "unheard", "return"];
    assert_eq!(due(5_500, 5_000, 9_000, 100), everything);
    assert_eq!(within(5_500, 5_000, 9_000, 2, 0), everything[..2]);
    assert_eq!(
        within(5_500, 5_000, 9_000, 2, 1),
        everything[..3],
        "what is only watched has a limit of its own"
    );
    assert_eq!(within(5_500, 5_000, 9_000, 0, 9), ["watched"]);
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
    let due = |untouched: i64, limit: u32, watched_limit: u32| -> Vec<String> {
        let query = AttentionQuery {
            now: at(600),
            unacknowledged_before: at(0),
            untouched_since: at(untouched),
            limit,
            watched_limit,
        };
        let views = site.store().needing_attention(&query).unwrap();
        views.iter().map(|view| view.request.id.to_string()).collect()
    };
    assert_eq!(due(499, 9, 9), ["open"]);
    assert_eq!(due(500, 9, 9), ["open", "closed", "waiting"]);
    assert_eq!(due(500, 9, 0), ["open"]);
    assert_eq!(due(500, 0, 9), ["closed", "waiting"], "it takes no place of those that are only watched");

    // However many are watched, and have waited for longer.
    for number in 0..300 {
        let mut request = acquire(&format!("watched-{number}"), 1, 100);
        request.acknowledged = true;
        request.watch_until = Some(at(9_000));
        site.store().admit(&request, MaxNumber::Unlimited).unwrap();
        let mut request = view(site.store(), &format!("watched-{number}")).request;
        request.transition_to(RequestState::Failed, None, at(400)).unwrap();
        stored(site.store(), Some(request), Vec::new());
    }
    assert_eq!(due(450, 9, 1), ["watched-0", "open"]);
    assert_eq!(due(450, 9, 0), ["open"]);
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
