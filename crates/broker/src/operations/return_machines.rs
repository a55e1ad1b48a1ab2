//! Returning machines.

use super::pass::Pass;
use super::{Broker, completion};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineRef, RequestId, RequestKind};
use crate::machine::Machine;
use crate::request::Request;
use crate::state::RequestState;
use crate::store::{Doubt, Lookup, Returning};
use crate::text::quoted;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// An accepted return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAccepted {
    /// Its id.
    pub id: RequestId,
    /// Number of machines that it terminates; 0 if all were gone or unknown.
    pub active: usize,
    /// Machines that the store does not know. Those that exist at a provider were terminated there.
    pub unknown: Vec<MachineRef>,
    /// Machines whose host name differs from the scheduler's.
    pub renamed: Vec<Doubt>,
    /// Errors of providers that could not be called yet; later polls retry.
    pub errors: Vec<Error>,
}

impl Broker<'_> {
    /// Returns machines. Idempotent: machines that are gone or that no provider has are no error.
    ///
    /// # Errors
    /// `Unavailable` if the store does not know a machine and a provider cannot be reached; `Refused` if a
    /// reference is ambiguous. Known machines are returned nevertheless, and the scheduler, which gets no id,
    /// retries for the rest.
    pub fn return_machines(
        &self,
        id: RequestId,
        machines: &[MachineRef],
        now: Timestamp,
    ) -> Result<ReturnAccepted> {
        if machines.is_empty() {
            return Err(Error::new(ErrorKind::Input, "no machines to return are named"));
        }
        let deadline = now.plus_seconds(self.policy.return_timeout);
        let request = Request::new(id.clone(), RequestKind::Return, 0, now, deadline);
        let returning = self.store.admit_return(&request, machines)?;
        let mut active = returning.machines.iter().filter(|machine| !machine.state.is_ending()).count();
        let mut pass = self.pass(now);
        if !returning.machines.is_empty() {
            pass.release_recorded(self.reload(&id)?)?;
        }
        active += pass.end_strangers(&returning.unknown)?;
        if let Some(error) = doubtful(&returning.doubtful) {
            return Err(error);
        }
        if returning.machines.is_empty() {
            self.store.admit_return(&request, &[])?;
            pass.release_recorded(self.reload(&id)?)?;
        }
        let Returning { unknown, renamed, .. } = returning;
        Ok(ReturnAccepted { id, active, unknown, renamed, errors: pass.errors })
    }

    /// The machines that a return would terminate, and those that the store does not know. Changes no state.
    ///
    /// # Errors
    /// `Refused` if a reference is ambiguous.
    pub fn rehearse_return(&self, machines: &[MachineRef]) -> Result<(Vec<Machine>, Vec<MachineRef>)> {
        let (mut active, mut unknown, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
        for (wanted, found) in machines.iter().zip(self.store.find_machines(machines)?) {
            match found {
                Lookup::Known(machine) if machine.state.is_ending() => {}
                Lookup::Known(machine) => active.push(machine),
                Lookup::Unknown => unknown.push(wanted.clone()),
                Lookup::Doubtful(why) => doubts.push(Doubt { wanted: wanted.clone(), why }),
            }
        }
        if let Some(error) = doubtful(&doubts) {
            return Err(error);
        }
        active.sort_by(|left, right| left.id.cmp(&right.id));
        active.dedup_by(|left, right| left.id == right.id);
        Ok((active, unknown))
    }
}

impl Pass<'_> {
    /// Calls the providers of a recorded return, and stores that it has started.
    pub(super) fn release_recorded(&mut self, view: RequestWithMachines) -> Result<RequestWithMachines> {
        let (now, before) = (self.now, self.errors.len());
        self.end_released(&view.machines);
        let failure = self.errors.get(before).map(Error::summary);
        self.broker.change_request(view, |view| {
            let mut request = view.request.clone();
            if request.state != RequestState::Recorded {
                return Ok(None);
            }
            let late = now >= request.deadline;
            let end = completion::of_return(&request, &view.machines, late);
            match (end, &failure) {
                (Some((state, reason)), _) => request.transition_to(state, reason, now)?,
                (None, None) => request.transition_to(RequestState::Started, None, now)?,
                (None, Some(why)) if request.reason.as_ref() == Some(why) => return Ok(None),
                (None, Some(why)) => {
                    request.reason = Some(why.clone());
                    request.updated = now;
                }
            }
            Ok(Some(request))
        })
    }
}

/// The error for ambiguous references.
pub(super) fn doubtful(doubts: &[Doubt]) -> Option<Error> {
    if doubts.is_empty() {
        return None;
    }
    let named: Vec<String> = doubts
        .iter()
        .take(3)
        .map(|doubt| format!("{}: {}", quoted(&doubt.wanted.to_string()), doubt.why))
        .collect();
    let what = format!("ambiguous machine references, so no machine is terminated: {}", named.join("; "));
    Some(
        Error::new(ErrorKind::Refused, what)
            .hint("name machines by their ids; `ohfp machines list` has them"),
    )
}
