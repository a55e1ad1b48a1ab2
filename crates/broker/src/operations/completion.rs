//! Decides when a request is finished, and gives the reason for a shortfall. Pure functions.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::id::RequestKind;
use crate::machine::{Ending, Machine};
use crate::request::Request;
use crate::shortfall::ShortfallKind;
use crate::state::RequestState;
use crate::time::Timestamp;

/// Ends a started request; one of machines notes what it got.
pub(super) fn end(
    request: &mut Request,
    machines: &[Machine],
    (state, reason): (RequestState, Option<String>),
    now: Timestamp,
) -> Result<()> {
    request.transition_to(state, reason, now)?;
    if request.kind == RequestKind::Acquire {
        request.fell_short(delivered(machines), shortfall(u64::from(request.requested), machines));
    }
    Ok(())
}

/// The main reason why the machines of a request are less than `requested`: that of most units; of several alike, the
/// first one of the enum.
fn shortfall(requested: u64, machines: &[Machine]) -> ShortfallKind {
    use ShortfallKind::{Capacity, Deadline, FailedToStart, Reclaimed, Returned};

    let made: u64 = machines.iter().map(|machine| u64::from(machine.units)).sum();
    let mut most = (Capacity, requested.saturating_sub(made));
    for kind in [FailedToStart, Reclaimed, Deadline, Returned] {
        let of_kind = machines.iter().filter(|machine| !machine.is_delivered() && lost_to(machine) == kind);
        let units = of_kind.map(|machine| u64::from(machine.units)).sum();
        if units > most.1 {
            most = (kind, units);
        }
    }
    most.0
}

/// Why a machine was not delivered.
fn lost_to(machine: &Machine) -> ShortfallKind {
    match machine.ending {
        Some(Ending::FailedToStart) => ShortfallKind::FailedToStart,
        Some(Ending::Released) if machine.returned_by.is_some() => ShortfallKind::Returned,
        Some(Ending::Released) | None => ShortfallKind::Deadline,
        Some(Ending::Reclaimed) => ShortfallKind::Reclaimed,
    }
}

/// What was delivered, in units.
fn delivered(machines: &[Machine]) -> u64 {
    machines.iter().filter(|machine| machine.is_delivered()).map(|machine| u64::from(machine.units)).sum()
}

/// The end of an acquire request that is started; `None` while machines are starting, or while others may still
/// come and are needed.
pub(super) fn of_acquire(
    request: &Request,
    machines: &[Machine],
    past_deadline: bool,
) -> Option<(RequestState, Option<String>)> {
    if machines.iter().any(Machine::is_starting) {
        return None;
    }
    let delivered = delivered(machines);
    let requested = u64::from(request.requested);
    if delivered >= requested {
        return Some((RequestState::Complete, None));
    }
    if request.open && !past_deadline {
        return None;
    }
    let mut reasons: Vec<String> = request.reason.iter().cloned().collect();
    reasons.extend(reason_of(machines));
    if reasons.is_empty() {
        reasons.push("the provider made fewer".to_owned());
    }
    let reason = format!("{delivered} of {requested} {}: {}", request.noun(), reasons.join("; "));
    let state = if delivered == 0 { RequestState::Failed } else { RequestState::Partial };
    Some((state, Some(reason)))
}

/// The final state of a started return; `None` while machines are ending before the deadline.
pub(super) fn of_return(
    request: &Request,
    machines: &[Machine],
    past_deadline: bool,
) -> Option<(RequestState, Option<String>)> {
    let there = machines.iter().filter(|machine| !machine.is_gone()).count();
    if there == 0 {
        return Some((RequestState::Complete, None));
    }
    if !past_deadline {
        return None;
    }
    let state = if there == machines.len() { RequestState::Failed } else { RequestState::Partial };
    let why = request.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Some((state, Some(format!("{there} of {} machines are still there{why}", machines.len()))))
}

/// The reason of a machine that was returned before it was delivered.
pub const RETURNED_EARLY: &str = "returned before it was up";

/// Why machines are unusable: each reason once, with the number of machines.
///
/// ```
/// assert_eq!(ohfp_broker::operations::reason_of(&[]), None);
/// ```
pub fn reason_of(machines: &[Machine]) -> Option<String> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for machine in machines.iter().filter(|machine| !machine.is_delivered()) {
        let why = machine.message.as_deref().unwrap_or(match machine.ending {
            Some(Ending::Released) if machine.returned_by.is_some() => RETURNED_EARLY,
            Some(Ending::Released) => "abandoned",
            Some(Ending::Reclaimed) => "reclaimed by the provider",
            Some(Ending::FailedToStart) => "failed to start",
            None => "not usable",
        });
        *reasons.entry(why).or_default() += 1;
    }
    let counted: Vec<String> = reasons.into_iter().map(|(why, number)| format!("{number} × {why}")).collect();
    (!counted.is_empty()).then(|| counted.join("; "))
}
