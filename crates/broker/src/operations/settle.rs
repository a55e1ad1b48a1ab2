//! What is left to do once a request is over: its provider adds no more machines for it, and deletes what was
//! created beside machines once they are gone.

use super::pass::Pass;
use super::{Broker, WATCH_SECONDS};
use crate::error::{Error, Result};
use crate::id::RequestKind;
use crate::machine::Machine;
use crate::provider::Pending;
use crate::request::Request;
use crate::state::RequestState;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

impl Request {
    /// Its launch, as providers are asked about it. `token` is that of the request.
    pub(super) fn pending<'a>(&'a self, token: &'a str) -> Pending<'a> {
        Pending { token, resource_ids: &self.resource_ids, expected: self.requested }
    }

    /// Whether it is started and others of its machines may still come.
    pub(super) fn waits_for_more(&self) -> bool {
        self.open && self.state == RequestState::Started
    }

    /// Whether it is over, and machines of it may still turn up.
    pub(super) fn is_watched(&self) -> bool {
        self.kind == RequestKind::Acquire && self.state.is_final() && self.watch_until.is_some()
    }

    /// Whether its provider must be told that it is over.
    pub(super) fn is_to_be_settled(&self) -> bool {
        self.open && self.state.is_final()
    }
}

/// Prepares what follows the end of a request. It is `watched` where machines may turn up that the provider did not
/// confirm.
pub(super) fn wind_up(request: &mut Request, watched: bool, now: Timestamp) {
    request.forget_launch();
    request.open |= !request.resource_ids.is_empty();
    if watched || request.open {
        request.watch_until = Some(now.plus_seconds(WATCH_SECONDS));
    }
}

/// Those of the machines that have no ending yet, marked as released.
pub(super) fn released(machines: Vec<Machine>, why: &str, now: Timestamp) -> Vec<Machine> {
    let mut machines = machines;
    machines.retain(|machine| machine.ending.is_none());
    for machine in &mut machines {
        machine.released(Some(why), now);
    }
    machines
}

impl Pass<'_> {
    /// Tells the provider of a request that is over to add no more machines; whether it was told now. It stays open
    /// until a look after that has shown which machines it has: else those that came before would be found late, as the
    /// next sweep looks first after what is open.
    pub(super) fn settle(&mut self, request: &Request) -> bool {
        if !request.is_to_be_settled() {
            return false;
        }
        let token = request.token();
        let name = request.provider.as_deref().unwrap_or_default();
        let settled =
            self.broker.providers.get(name).and_then(|provider| {
                provider.settled(&request.pending(&token), self.now, self.broker.deadline)
            });
        self.noted(settled).is_some()
    }

    /// Notes that the provider of a request was told, and that its machines were looked for since.
    pub(super) fn close(&self, view: RequestWithMachines) -> Result<RequestWithMachines> {
        self.broker.change_request(view, |view| {
            let mut request = view.request.clone();
            if !request.is_to_be_settled() {
                return Ok(None);
            }
            request.open = false;
            request.updated = self.now;
            Ok(Some(request))
        })
    }
}

impl Broker<'_> {
    /// Lets providers delete at most `limit` resources whose machines are gone. Gives how many were deleted, and the
    /// errors of providers that could not.
    pub fn tidy(&self, limit: u32, now: Timestamp) -> (u32, Vec<Error>) {
        let (mut deleted, mut pass) = (0_u32, self.pass(now));
        for name in self.providers.names() {
            // What cannot be looked up is kept.
            let alive = |resource: &str| self.store.has_machine_of(&name, resource).unwrap_or(true);
            let left = limit.saturating_sub(deleted);
            let tidied = self
                .providers
                .get(&name)
                .and_then(|provider| provider.tidy(&alive, left, now, self.deadline));
            deleted = deleted.saturating_add(pass.noted(tidied).unwrap_or(0));
        }
        (deleted, pass.errors)
    }
}
