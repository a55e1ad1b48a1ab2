//! The sweep: requests past their deadline, unacknowledged requests, and late machines, independent of polls.

use std::collections::HashSet;

use super::observe::progress;
use super::pass::Pass;
use super::settle::released;
use super::{Broker, TRIES, WATCH_SECONDS, contended};
use crate::error::{Error, Result};
use crate::id::{MachineId, RequestId, RequestKind};
use crate::machine::Machine;
use crate::provider::{Detail, Followed, Identity, Instance};
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
        let (mut pass, mut requests) = (self.pass(now), Vec::new());
        // Requests that were swept recently are skipped, so that no request starves.
        let untouched_since = now.plus_millis(-INTERVAL_MILLIS);
        let query = AttentionQuery { now, unacknowledged_before: unheard_before, untouched_since, limit };
        let mut current = Vec::new();
        for view in self.store.needing_attention(&query)? {
            requests.push(view.request.id.clone());
            let attended = pass.attend(&view.request, unheard_before);
            current.extend(pass.noted(attended).flatten());
        }
        // What is over is followed too: machines of it may have turned up.
        let followed = current
            .iter()
            .map(|view| &view.request)
            .filter(|request| request.waits_for_more() || request.is_watched());
        let machines = current.iter().flat_map(|view| &view.machines);
        let observations = pass.observe(followed, machines, Detail::State);
        for view in current {
            let done =
                pass.bring_up_to_date(view, &observations, false).and_then(|view| pass.stop_watching(view));
            pass.noted(done);
        }
        Ok(Swept { requests, errors: pass.errors })
    }
}

impl Pass<'_> {
    /// Does what is due for one request; gives it where its machines are still to be looked at.
    fn attend(
        &mut self,
        request: &Request,
        unheard_before: Timestamp,
    ) -> Result<Option<RequestWithMachines>> {
        let id = request.id.clone();
        let abandoned =
            request.kind == RequestKind::Acquire && !request.acknowledged && request.created < unheard_before;
        if abandoned {
            return self.abandon(&id).map(|()| None);
        }
        let view = self.settle(self.broker.reload(&id)?)?;
        self.carry_on(view).map(Some)
    }

    /// Ends an unacknowledged request and releases its machines.
    fn abandon(&mut self, id: &RequestId) -> Result<()> {
        const WHY: &str = "the scheduler did not receive the id of this request in time";
        if !self.end(id, RequestState::Failed, WHY)? {
            self.release_all(id, WHY)?;
        }
        self.settle(self.broker.reload(id)?)?;
        self.release_late(id)?;
        let view = self.broker.reload(id)?;
        self.end_released(&view.machines);
        Ok(())
    }

    /// Marks the machines of a finished request as released. The request is acknowledged then: no client will
    /// poll it, and it needs no further attention.
    fn release_all(&self, id: &RequestId, why: &str) -> Result<()> {
        for _ in 0..TRIES {
            let RequestWithMachines { mut request, machines } = self.broker.reload(id)?;
            request.acknowledged = true;
            request.watch_until = Some(self.now.plus_seconds(WATCH_SECONDS));
            request.updated = self.now;
            let machines = released(machines, why, self.now);
            if self.broker.store.apply(&Change { request: Some(request), machines })? == Applied::Stored {
                return Ok(());
            }
        }
        Err(contended(id))
    }

    /// Finds machines of a finished request that it did not record.
    pub(super) fn release_late(&mut self, id: &RequestId) -> Result<()> {
        let view = self.broker.reload(id)?;
        let name = view.request.provider.as_deref().unwrap_or_default();
        if view.request.kind == RequestKind::Return || name.is_empty() {
            return Ok(());
        }
        let token = view.request.token();
        let pending = [view.request.pending(&token)];
        let found = self.broker.providers.get(name).and_then(|provider| {
            let found = progress(provider.as_ref(), &pending, self.now, self.broker.deadline)?;
            Ok((provider.identity(), found))
        });
        let Some((identity, Followed { launches, error })) = self.noted(found) else { return Ok(()) };
        self.errors.extend(error);
        let instances: Vec<Instance> = launches.into_iter().flatten().flat_map(|one| one.instances).collect();
        self.release_latecomers(&view.request, &view.machines, &instances, &identity)
    }

    /// Releases machines that a finished request did not record.
    pub(super) fn release_latecomers(
        &self,
        request: &Request,
        machines: &[Machine],
        instances: &[Instance],
        identity: &Identity,
    ) -> Result<()> {
        if !request.state.is_final() {
            return Ok(());
        }
        let late = latecomers(request, machines, instances.iter(), identity, self.now);
        if late.is_empty() {
            return Ok(());
        }
        // A conflict means that another process has just recorded and released them.
        self.broker.store.apply(&Change { request: None, machines: late.clone() })?;
        // A failed release is retried by the next poll, since the machines are recorded.
        self.broker.pass(self.now).end_released(&late);
        Ok(())
    }

    /// Stops watching a finished request once the time is over and no machine of it is left. Otherwise records
    /// the sweep.
    fn stop_watching(&self, view: RequestWithMachines) -> Result<()> {
        let now = self.now;
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
        self.broker.store.apply(&Change { request: Some(request), machines: Vec::new() })?;
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
