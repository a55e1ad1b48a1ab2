//! What a machine's record takes over from its provider, and what it means to its request.

use super::*;
use crate::id::RequestKind;

fn instance(state: MachineState) -> Instance {
    Instance { state, name: Some("ip-10-0-0-1.internal".into()), ..Instance::new(MachineId::new("i-1")) }
}

fn machine(state: MachineState) -> Machine {
    let (id, now) = (RequestId::from_text("req-1"), Timestamp::from_millis(5));
    let request = Request::new(id, RequestKind::Acquire, 1, now, now);
    Machine::from_instance(&instance(state), &request, &Identity::default(), None, now)
}

#[test]
fn a_machine_that_ends_by_itself_was_reclaimed_or_never_came_up() {
    for (from, reclaimed, ending) in [
        (MachineState::Running, false, Ending::Reclaimed),
        (MachineState::Pending, false, Ending::FailedToStart),
        (MachineState::Pending, true, Ending::Reclaimed),
    ] {
        let mut machine = machine(from);
        let seen = Instance { reclaimed, ..instance(MachineState::Terminated) };
        assert!(machine.observe(&seen, Detail::State, Timestamp::from_millis(9)));
        assert_eq!((machine.state, machine.ending), (MachineState::Terminated, Some(ending)));
        assert!(!machine.observe(
            &instance(MachineState::Running),
            Detail::State,
            Timestamp::from_millis(10)
        ));
    }
}

#[test]
fn what_was_known_of_a_machine_outlives_it() {
    let mut machine = machine(MachineState::Running);
    machine.released(None, Timestamp::from_millis(6));
    let bare = Instance { state: MachineState::Terminated, ..Instance::new(MachineId::new("i-1")) };
    machine.observe(&bare, Detail::State, Timestamp::from_millis(7));
    assert_eq!(machine.name.as_deref(), Some("ip-10-0-0-1.internal"));
    assert_eq!(machine.ending, Some(Ending::Released));
}

/// A machine, and whether its request got it, can use it, waits for it, and whether it is gone.
#[test]
fn what_a_machine_is_to_its_request() {
    let now = Timestamp::from_millis(9);
    let up = || machine(MachineState::Running);
    let returned = || Some(RequestId::from_text("ret-1"));
    for (machine, delivered, usable, starting, gone) in [
        (machine(MachineState::Pending), false, false, true, false),
        (up(), true, true, false, false),
        (Machine { name: None, ..up() }, false, false, true, false),
        (Machine { ending: Some(Ending::Released), ..up() }, false, false, false, false),
        (
            Machine { ending: Some(Ending::Released), ..machine(MachineState::Pending) },
            false,
            false,
            false,
            false,
        ),
        (Machine { state: MachineState::Stopped, ..up() }, false, false, false, false),
        (Machine { state: MachineState::Terminated, ..up() }, false, false, false, true),
        (
            Machine { state: MachineState::Terminated, came_up: Some(now), returned_by: returned(), ..up() },
            true,
            false,
            false,
            true,
        ),
        (
            Machine { state: MachineState::Terminated, came_up: None, returned_by: returned(), ..up() },
            false,
            false,
            false,
            true,
        ),
    ] {
        let found = (machine.is_delivered(), machine.is_usable(), machine.is_starting(), machine.is_gone());
        assert_eq!(found, (delivered, usable, starting, gone), "{machine:?}");
    }
}

/// Each thing that a provider says changes the machine once, and alone is enough to be told.
#[test]
fn what_is_seen_is_taken_over_once() {
    let now = Timestamp::from_millis(9);
    let text = || Some("x".to_owned());
    let seen = || instance(MachineState::Running);
    for seen in [
        Instance { name: text(), ..seen() },
        Instance { private_ip: text(), ..seen() },
        Instance { public_ip: text(), ..seen() },
        Instance { instance_type: text(), ..seen() },
        Instance { price_type: text(), ..seen() },
        Instance { resource_id: text(), ..seen() },
        Instance { cores: Some(1), ..seen() },
        Instance { threads_per_core: Some(1), ..seen() },
        Instance { reclaim_at: Some(now), ..seen() },
        Instance { state: MachineState::Stopping, ..seen() },
    ] {
        let mut machine = machine(MachineState::Running);
        assert!(!machine.observe(&instance(MachineState::Running), Detail::Reclaims, now), "nothing is new");
        assert_eq!(machine.updated, Timestamp::from_millis(5));
        assert!(machine.observe(&seen, Detail::Reclaims, now), "{seen:?}");
        assert_eq!(machine.updated, now);
        assert!(!machine.observe(&seen, Detail::Reclaims, now), "{seen:?}");
    }
    // When it was launched is not known before it runs, and does not change afterwards.
    let mut machine = machine(MachineState::Pending);
    let launched = |millis, state| Instance { launched: Timestamp::from_millis(millis), ..instance(state) };
    for (seen, expected) in [
        (launched(3, MachineState::Pending), 3),
        (launched(4, MachineState::Running), 4),
        (launched(5, MachineState::Running), 4),
    ] {
        machine.observe(&seen, Detail::Reclaims, now);
        assert_eq!(machine.launched, Timestamp::from_millis(expected));
    }
    // A machine that is ending is not reclaimed by the provider.
    machine.released(None, now);
    machine.observe(
        &Instance { reclaim_at: Some(now), ..instance(MachineState::Running) },
        Detail::Reclaims,
        now,
    );
    assert_eq!(machine.reclaim_at, None);
}

#[test]
fn the_first_reason_for_an_end_stays() {
    let now = Timestamp::from_millis(9);
    let mut lost = machine(MachineState::Running);
    lost.lost(now);
    assert_eq!(
        (lost.state, lost.ending, lost.updated),
        (MachineState::Terminated, Some(Ending::Reclaimed), now)
    );
    assert_eq!(lost.message.as_deref(), Some("the provider no longer has this machine"));
    lost.released(Some("later"), now);
    assert_eq!(lost.ending, Some(Ending::Reclaimed));
    let mut released = machine(MachineState::Running);
    released.released(Some("why"), now);
    assert_eq!((released.ending, released.message.as_deref()), (Some(Ending::Released), Some("why")));
    released.lost(now);
    assert_eq!((released.ending, released.message.as_deref()), (Some(Ending::Released), Some("why")));
    let mut failed = machine(MachineState::Pending);
    let seen = Instance { reason: Some("no disk".to_owned()), ..instance(MachineState::Terminated) };
    failed.observe(&seen, Detail::Reclaims, now);
    assert_eq!(failed.message.as_deref(), Some("no disk"));
}

#[test]
fn names_that_do_not_fit_the_id() {
    let up = machine(MachineState::Running);
    let nameless = Machine { name: None, ..up.clone() };
    let both = |name: &str| MachineRef { name: Some(name.to_owned()), id: Some(up.id.clone()) };
    for (machine, wanted, expected) in [
        (&up, both("ip-10-0-0-1.internal"), None),
        (&up, both("IP-10-0-0-1"), None),
        (&up, both("other"), Some("i-1 is called ip-10-0-0-1.internal")),
        (&nameless, both("other"), Some("i-1 has no host name yet")),
        (&up, MachineRef::of_name("other"), None),
        (&up, MachineRef::of_id(up.id.clone()), None),
    ] {
        assert_eq!(machine.disagreement(&wanted).as_deref(), expected, "{wanted}");
    }
    assert_eq!(MachineRef::from(&up), both("ip-10-0-0-1.internal"));
}
