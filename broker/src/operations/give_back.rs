//! Giving machines back.

use super::{Broker, TRIES, contended, settle};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineRef, RequestId, RequestKind};
use crate::machine::Machine;
use crate::request::{Request, View};
use crate::state::RequestState;
use crate::store::{Applied, Change};
use crate::time::Timestamp;

/// A return that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// Its id.
    pub id: RequestId,
    /// How many machines it ends; 0 when all were gone or unknown.
    pub active: usize,
    /// What no machine answers to.
    pub unknown: Vec<MachineRef>,
    /// Providers that could not be told yet; later looks tell them again.
    pub errors: Vec<Error>,
}

impl Broker<'_> {
    /// Gives machines back. Idempotent: machines that are gone or unknown are no error.
    pub fn give_back(&self, id: RequestId, machines: &[MachineRef], now: Timestamp) -> Result<GivenBack> {
        if machines.is_empty() {
            return Err(Error::new(ErrorKind::Input, "no machines to return are named"));
        }
        let deadline = now.plus_seconds(self.policy.return_timeout);
        let request = Request::new(id.clone(), RequestKind::Return, 0, now, deadline);
        let returning = self.store.admit_return(&request, machines)?;
        let active = returning.machines.iter().filter(|machine| !machine.state.is_ending()).count();
        let view = self.reload(&id)?;
        let mut errors = Vec::new();
        self.release_recorded(view, now, &mut errors)?;
        Ok(GivenBack { id, active, unknown: returning.unknown, errors })
    }

    /// Which machines a return of these would end, and which names mean nothing. Changes nothing.
    pub fn rehearse_return(&self, machines: &[MachineRef]) -> Result<(Vec<Machine>, Vec<MachineRef>)> {
        let found = self.store.find_machines(machines)?;
        let unknown = machines
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(wanted, _)| wanted.clone());
        let unknown = unknown.collect();
        let mut active: Vec<Machine> =
            found.into_iter().flatten().filter(|machine| !machine.state.is_ending()).collect();
        active.sort_by(|left, right| left.id.cmp(&right.id));
        active.dedup_by(|left, right| left.id == right.id);
        Ok((active, unknown))
    }

    /// Tells the providers of a recorded return, and stores that they were told.
    pub(super) fn release_recorded(
        &self,
        view: View,
        now: Timestamp,
        errors: &mut Vec<Error>,
    ) -> Result<View> {
        let before = errors.len();
        self.end_released(&view.machines, now, errors);
        let failure = errors.get(before).map(Error::summary);
        let id = view.request.id.clone();
        let mut view = view;
        for _ in 0..TRIES {
            let mut request = view.request.clone();
            if request.state != RequestState::Recorded {
                return Ok(view);
            }
            let late = now >= request.deadline;
            let end = settle::give_back(&request, &view.machines, late);
            match (end, &failure) {
                (Some((state, reason)), _) => request.become_state(state, reason, now)?,
                (None, None) => request.become_state(RequestState::Started, None, now)?,
                (None, Some(why)) if request.reason.as_ref() == Some(why) => return Ok(view),
                (None, Some(why)) => {
                    request.reason = Some(why.clone());
                    request.updated = now;
                }
            }
            let stored = self.store.apply(&Change { request: Some(request), machines: Vec::new() })?;
            view = self.reload(&id)?;
            if stored == Applied::Stored {
                return Ok(view);
            }
        }
        Err(contended(&id))
    }
}
