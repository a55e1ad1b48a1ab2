//! When a request is over, and why it is not all that was asked for.

use super::*;
use crate::contract::fixtures::{acquire, machine};
use crate::machine::Ending;
use crate::operations::{completion, reason_of};

/// `up`, `starting`, `returned`, `returned early`, `abandoned`, `taken`, `lost`, or any message.
fn of(what: &str) -> Machine {
    let up = machine("i", "req-1");
    let ended = |ending| Machine {
        state: MachineState::Terminated,
        ending: Some(ending),
        came_up: None,
        ..up.clone()
    };
    let returned_by = Some(id("ret-1"));
    match what {
        "up" => up,
        "starting" => Machine { state: MachineState::Pending, came_up: None, ..up },
        "stopped" => Machine { state: MachineState::Stopped, came_up: None, ..up },
        "returned" => Machine { returned_by, came_up: Some(at(1)), ..ended(Ending::Released) },
        "returned early" => Machine { returned_by, ..ended(Ending::Released) },
        "abandoned" => ended(Ending::Released),
        "taken" => ended(Ending::Reclaimed),
        "failed" => ended(Ending::FailedToStart),
        message => Machine { message: Some(message.to_owned()), ..ended(Ending::Reclaimed) },
    }
}

fn all(what: &[&str]) -> Vec<Machine> {
    what.iter().map(|what| of(what)).collect()
}

#[test]
fn reasons_are_counted() {
    for (what, reason) in [
        (&["up", "returned"][..], None),
        (&["taken", "taken"], Some("2 × reclaimed by the provider")),
        (&["abandoned", "returned early"], Some("1 × abandoned; 1 × returned before it was up")),
        (&["failed", "stopped", "disk full"], Some("1 × failed to start; 1 × disk full; 1 × not usable")),
    ] {
        let reason: Option<&str> = reason;
        let sorted = |text: &str| {
            let mut parts: Vec<String> = text.split("; ").map(str::to_owned).collect();
            parts.sort_unstable();
            parts
        };
        assert_eq!(reason_of(&all(what)).as_deref().map(sorted), reason.map(sorted), "{what:?}");
    }
}

#[test]
fn the_end_of_a_request() {
    for (count, why, what, expected) in [
        (1, None, &["starting"][..], None),
        (1, None, &["up", "starting"], None),
        (1, None, &["up"], Some((RequestState::Complete, None))),
        (1, None, &["up", "taken"], Some((RequestState::Complete, None))),
        (1, None, &["returned"], Some((RequestState::Complete, None))),
        (2, None, &["up"], Some((RequestState::Partial, Some("1 of 2 machines: the provider made fewer")))),
        (
            2,
            Some("no more"),
            &["up", "taken"],
            Some((RequestState::Partial, Some("1 of 2 machines: no more; 1 × reclaimed by the provider"))),
        ),
        (1, None, &["failed"], Some((RequestState::Failed, Some("0 of 1 machines: 1 × failed to start")))),
    ] {
        let mut request = acquire("req-1", count, 0);
        request.reason = why.map(str::to_owned);
        let found = completion::of_acquire(&request, &all(what), false);
        let expected = expected.map(|(state, why): (_, Option<&str>)| (state, why.map(str::to_owned)));
        assert_eq!(found, expected, "{count}: {what:?}");
    }
    // A machine may be worth several units.
    let large = Machine { units: 3, ..of("up") };
    assert_eq!(
        completion::of_acquire(&acquire("req-1", 3, 0), &[large], false),
        Some((RequestState::Complete, None))
    );
}

#[test]
fn the_end_of_a_return() {
    for (what, past, expected) in [
        (&["taken"][..], false, Some((RequestState::Complete, None))),
        (&[], false, Some((RequestState::Complete, None))),
        (&["up"], false, None),
        (&["up"], true, Some((RequestState::Failed, Some("1 of 1 machines are still there: why")))),
        (&["up", "taken"], true, Some((RequestState::Partial, Some("1 of 2 machines are still there: why")))),
    ] {
        let mut request = crate::contract::fixtures::return_request("ret-1", 0);
        request.reason = Some("why".to_owned());
        let found = completion::of_return(&request, &all(what), past);
        let expected = expected.map(|(state, why): (_, Option<&str>)| (state, why.map(str::to_owned)));
        assert_eq!(found, expected, "{what:?}");
    }
}

#[test]
fn the_main_reason_of_a_shortfall_is_noted() {
    use crate::shortfall::ShortfallKind::{Capacity, Deadline, FailedToStart, Reclaimed, Returned};

    for (count, what, delivered, kind) in [
        (1, &["up"][..], 1, None),
        (3, &["up"], 1, Some(Capacity)),
        (2, &["failed", "up"], 1, Some(FailedToStart)),
        (4, &["taken", "failed", "taken", "up"], 1, Some(Reclaimed)),
        (2, &["abandoned", "abandoned"], 0, Some(Deadline)),
        (2, &["returned early", "returned"], 1, Some(Returned)),
        (3, &["failed"], 0, Some(Capacity)),
    ] {
        let mut request = acquire("req-1", count, 1);
        let machines = all(what);
        request.transition_to(RequestState::Started, None, at(2)).unwrap();
        let end = completion::of_acquire(&request, &machines, true).unwrap();
        completion::end(&mut request, &machines, end, at(3)).unwrap();
        assert_eq!((request.delivered, request.shortfall), (delivered, kind), "{what:?}");
        assert_eq!(request.finished, Some(at(3)));
    }
}
