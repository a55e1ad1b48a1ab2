//! The sweep: requests past their deadline, unacknowledged requests, and late machines, independent of polls.

use std::collections::HashSet;

use super::observe::progress;
use super::settle::released;
use super::{Broker, TRIES, WATCH_SECONDS, contended};
use crate::error::{Error, Result};
use crate::id::{MachineId, RequestId, RequestKind};
use crate::machine::Machine;
use crate::provider::{Detail, Identity, Instance};
use crate::request::Request;
use crate::state::RequestState;
use crate::store::{Applied, AttentionQuery, Change};
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// Minimum interval between two sweeps of the same request.
const INTERVAL_MILLIS: i64 = 10_000;

/// The result of a sweep.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Requests that were swept.
    pub requests: Vec<RequestId>,
    /// Errors; the next sweep retries.
    pub errors: Vec<Error>,
}

impl Broker<'_> {
    /// Sweeps at most `limit` requests that need attention.
    pub fn sweep(&self, limit: u32, now: Timestamp) -> Result<Swept> {
        let timeout = i64::try_from(self.policy.unacknowledged_timeout).unwrap_or(i64::MAX);
        let unheard_before = now.plus_millis(timeout.saturating_mul(-1_000));
        let mut swept = Swept::default();
        // Requests that were swept recently are skipped, so that no request starves.
        let untouched_since = now.plus_millis(-INTERVAL_MILLIS);
        let query = AttentionQuery { now, unacknowledged_before: unheard_before, untouched_since, limit };
        let mut current = Vec::new();
        for view in self.store.needing_attention(&query)? {
            swept.requests.push(view.request.id.clone());
            match self.attend(&view.request, unheard_before, now, &mut swept.errors) {
                Ok(view) => current.extend(view),
                Err(error) => swept.errors.push(error),
            }
        }
        // What is over is followed too: machines of it may have turned up.
        let requests = current.iter().map(|view| &view.request);
        let followed = requests.filter(|request| request.waits_for_more() || request.is_watched());
        let machines = current.iter().flat_map(|view| &view.machines);
        let mut observations = self.observe(followed, machines, Detail::State, now);
        swept.errors.append(&mut observations.errors);
        for view in current {
            let done = self
                .bring_up_to_date(view, &observations, false, now, &mut swept.errors)
                .and_then(|view| self.stop_watching(view, now));
            swept.errors.extend(done.err());
        }
        Ok(swept)
    }

    /// Does what is due for one request; gives it where its machines are still to be looked at.
    fn attend(
        &self,
        request: &Request,
        unheard_before: Timestamp,
        now: Timestamp,
        errors: &mut Vec<Error>,
    ) -> Result<Option<RequestWithMachines>> {
        let id = request.id.clone();
        let abandoned =
            request.kind == RequestKind::Acquire && !request.acknowledged && request.created < unheard_before;
        if abandoned {
            return self.abandon(&id, now, errors).map(|()| None);
        }
        let view = self.settle(self.reload(&id)?, now, errors)?;
        self.carry_on(view, now, errors).map(Some)
    }

    /// Ends an unacknowledged request and releases its machines.
    fn abandon(&self, id: &RequestId, now: Timestamp, errors: &mut Vec<Error>) -> Result<()> {
        const WHY: &str = "the scheduler did not receive the id of this request in time";
        if !self.end(id, RequestState::Failed, WHY, now)? {
            self.release_all(id, WHY, now)?;
        }
        self.settle(self.reload(id)?, now, errors)?;
        self.release_late(id, now, errors)?;
        let view = self.reload(id)?;
        self.end_released(&view.machines, now, errors);
        Ok(())
    }

    /// Marks the machines of a finished request as released. The request is acknowledged then: no client will
    /// poll it, and it needs no further attention.
    fn release_all(&self, id: &RequestId, why: &str, now: Timestamp) -> Result<()> {
        for _ in 0..TRIES {
            let RequestWithMachines { mut request, machines } = self.reload(id)?;
            request.acknowledged = true;
            request.watch_until = Some(now.plus_seconds(WATCH_SECONDS));
            request.updated = now;
            let machines = released(machines, why, now);
            if self.store.apply(&Change { request: Some(request), machines })? == Applied::Stored {
                return Ok(());
            }
        }
        Err(contended(id))
    }

    /// Finds machines of a finished request that it did not record.
    pub(super) fn release_late(&self, id: &RequestId, now: Timestamp, errors: &mut Vec<Error>) -> Result<()> {
        let view = self.reload(id)?;
        let name = view.request.provider.as_deref().unwrap_or_default();
        if view.request.kind == RequestKind::Return || name.is_empty() {
            return Ok(());
        }
        let token = view.request.token();
        let pending = [view.request.pending(&token)];
        let found = self.providers.get(name).and_then(|provider| {
            let found = progress(provider.as_ref(), &pending, now, self.deadline)?;
            Ok((provider.identity(), found))
        });
        match found {
            Ok((identity, found)) => {
                let instances: Vec<Instance> = found.into_iter().flat_map(|one| one.instances).collect();
                self.release_latecomers(&view.request, &view.machines, &instances, &identity, now)
            }
            Err(error) => {
                errors.push(error);
                Ok(())
            }
        }
    }

    /// Releases machines that a finished request did not record.
    pub(super) fn release_latecomers(
        &self,
        request: &Request,
        machines: &[Machine],
        instances: &[Instance],
        identity: &Identity,
        now: Timestamp,
    ) -> Result<()> {
        if !request.state.is_final() {
            return Ok(());
        }
        let late = latecomers(request, machines, instances.iter(), identity, now);
        if late.is_empty() {
            return Ok(());
        }
        // A conflict means that another process has just recorded and released them.
        self.store.apply(&Change { request: None, machines: late.clone() })?;
        let mut errors = Vec::new();
        self.end_released(&late, now, &mut errors);
        // A failed release is retried by the next poll, since the machines are recorded.
        Ok(())
    }

    /// Stops watching a finished request once the time is over and no machine of it is left. Otherwise records
    /// the sweep.
    fn stop_watching(&self, view: RequestWithMachines, now: Timestamp) -> Result<()> {
        let RequestWithMachines { mut request, machines } = view;
        let over = request.watch_until.is_some_and(|until| now >= until);
        let left = machines.iter().any(|machine| machine.ending.is_some() && !machine.is_gone());
        if over && !left && !request.open {
            request.watch_until = None;
            request.forget_launch();
        } else if now.millis_since(request.updated) < INTERVAL_MILLIS {
            return Ok(());
        }
        request.updated = now;
        // On conflict another process has already made this change.
        self.store.apply(&Change { request: Some(request), machines: Vec::new() })?;
        Ok(())
    }
}

/// Machines of a launch whose request is over and does not know of them, marked as released.
pub(super) fn latecomers<'i>(
    request: &Request,
    known: &[Machine],
    instances: impl Iterator<Item = &'i Instance>,
    identity: &Identity,
    now: Timestamp,
) -> Vec<Machine> {
    let why = match &request.reason {
        Some(reason) => format!("came after its request was over: {reason}"),
        None => "came after its request was over".to_owned(),
    };
    let known: HashSet<&MachineId> = known.iter().map(|machine| &machine.id).collect();
    instances
        .filter(|instance| !known.contains(&instance.id) && !instance.state.is_ending())
        .map(|instance| {
            let mut machine = Machine::from_instance(instance, request, identity, None, now);
            machine.released(Some(&why), now);
            machine
        })
        .collect()
}
