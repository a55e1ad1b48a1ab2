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
use crate::shortfall::ShortfallKind;
use crate::store::{Applied, AttentionQuery, Change};
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// Minimum interval between two sweeps of the same request.
const INTERVAL_MILLIS: i64 = 10_000;

/// Most requests that one sweep only watches: each look describes all machines of them.
const WATCHED: u32 = 4;

/// The result of a sweep.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Requests that were swept.
    pub requests: Vec<RequestId>,
    /// Errors; the next sweep retries.
    pub errors: Vec<Error>,
}

impl Broker<'_> {
    /// Sweeps at most `limit` requests that need attention, and some that are only watched. All of them are looked at
    /// together, and what is left of them is ended together.
    pub fn sweep(&self, limit: u32, now: Timestamp) -> Result<Swept> {
        let timeout = i64::try_from(self.policy.unacknowledged_timeout).unwrap_or(i64::MAX);
        let unheard_before = now.plus_millis(timeout.saturating_mul(-1_000));
        let (mut pass, mut requests) = (self.pass(now), Vec::new());
        // Requests that were swept recently are skipped, so that no request starves.
        let untouched_since = now.plus_millis(-INTERVAL_MILLIS);
        let query = AttentionQuery {
            now,
            unacknowledged_before: unheard_before,
            untouched_since,
            limit,
            watched_limit: limit.min(WATCHED),
        };
        let mut current = Vec::new();
        for view in self.store.needing_attention(&query)? {
            requests.push(view.request.id.clone());
            let attended = pass.attend(&view.request, unheard_before);
            current.extend(pass.noted(attended));
        }
        // What is over is followed too: machines of it may have turned up.
        let followed = current
            .iter()
            .map(|(view, _)| &view.request)
            .filter(|request| request.waits_for_more() || request.is_watched());
        let machines = current.iter().flat_map(|(view, _)| &view.machines);
        let observations = pass.observe(followed, machines, Detail::State);
        let mut done = Vec::with_capacity(current.len());
        for (view, is_told) in current {
            let view = pass.bring_up_to_date(view, &observations, false);
            let Some(view) = pass.noted(view) else { continue };
            let closes = is_told && observations.news_of(&view.request).is_some();
            let noted = pass.note_sweep(&view, closes);
            pass.noted(noted);
            done.push(view);
        }
        pass.end_released(done.iter().flat_map(|view| &view.machines));
        Ok(Swept { requests, errors: pass.errors })
    }
}

impl Pass<'_> {
    /// Does what is due for one request, but for what follows a look at its machines. Gives it, and whether its provider
    /// was told that it is over.
    fn attend(
        &mut self,
        request: &Request,
        unheard_before: Timestamp,
    ) -> Result<(RequestWithMachines, bool)> {
        let id = &request.id;
        let abandoned =
            request.kind == RequestKind::Acquire && !request.acknowledged && request.created < unheard_before;
        if abandoned {
            self.abandon(id)?;
        }
        let view = self.broker.reload(id)?;
        let is_told = self.settle(&view.request);
        Ok((self.carry_on(view)?, is_told))
    }

    /// Ends an unacknowledged request and marks its machines as released.
    fn abandon(&self, id: &RequestId) -> Result<()> {
        const WHY: &str = "the scheduler did not receive the id of this request in time";
        if !self.end(id, ShortfallKind::Unacknowledged, WHY)? {
            self.release_all(id, WHY)?;
        }
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

    /// Finds machines of a finished request that it did not record; whether that could be told.
    pub(super) fn release_late(&mut self, id: &RequestId) -> Result<bool> {
        let view = self.broker.reload(id)?;
        let name = view.request.provider.as_deref().unwrap_or_default();
        if view.request.kind == RequestKind::Return || name.is_empty() {
            return Ok(true);
        }
        let token = view.request.token();
        let pending = [view.request.pending(&token)];
        let found = self.broker.providers.get(name).and_then(|provider| {
            let found = progress(provider.as_ref(), &pending, self.now, self.broker.deadline)?;
            Ok((provider.identity(), found))
        });
        let Some((identity, Followed { launches, error })) = self.noted(found) else { return Ok(false) };
        self.errors.extend(error);
        let is_told = launches.iter().all(Option::is_some);
        let instances: Vec<Instance> = launches.into_iter().flatten().flat_map(|one| one.instances).collect();
        self.release_latecomers(&view.request, &view.machines, &instances, &identity)?;
        Ok(is_told)
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

    /// Records the sweep of a request. One that `closes` is not open any more. Once the time is over and no machine is
    /// left, it is not watched any more.
    fn note_sweep(&self, view: &RequestWithMachines, closes: bool) -> Result<()> {
        let now = self.now;
        let RequestWithMachines { request, machines } = view;
        let mut request = request.clone();
        let closes = closes && request.is_to_be_settled();
        request.open &= !closes;
        let over = request.watch_until.is_some_and(|until| now >= until);
        let left = machines.iter().any(|machine| machine.ending.is_some() && !machine.is_gone());
        if over && !left && !request.open {
            request.watch_until = None;
            request.forget_launch();
        } else if !closes && now.millis_since(request.updated) < INTERVAL_MILLIS {
            return Ok(());
        }
        request.updated = now;
        // On conflict another process has already made this change.
        self.broker.store.apply(&Change { request: Some(request), machines: Vec::new() })?;
        Ok(())
    }
}

/// What the message of a late machine begins with.
pub const LATE: &str = "came after its request was over";

/// Machines of a launch whose request is over and does not know of them, marked as released.
pub(super) fn latecomers<'i>(
    request: &Request,
    known: &[Machine],
    instances: impl Iterator<Item = &'i Instance>,
    identity: &Identity,
    now: Timestamp,
) -> Vec<Machine> {
    let why = match &request.reason {
        Some(reason) => format!("{LATE}: {reason}"),
        None => LATE.to_owned(),
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
