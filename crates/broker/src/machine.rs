//! A machine that a provider launched for a request.

use serde::{Deserialize, Serialize};

use crate::host;
use crate::id::{MachineId, MachineRef, RequestId};
use crate::keywords;
use crate::provider::{Detail, Identity, Instance, Releasing};
use crate::request::Request;
use crate::state::MachineState;
use crate::time::Timestamp;
use crate::weights::Weights;

/// Why a machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Released by ohfp: returned, cancelled or abandoned.
    Released,
    /// Terminated by the provider, or by another client of the cloud.
    Reclaimed,
    /// It has never been running.
    FailedToStart,
}

keywords!(Ending { Released: "released", Reclaimed: "reclaimed", FailedToStart: "failed_to_start" });

/// One machine, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The provider's id.
    pub id: MachineId,
    /// Name of its provider instance.
    pub provider: String,
    /// The request that launched it.
    pub request: RequestId,
    /// Its template.
    pub template_id: String,
    /// Host name, by which the scheduler identifies it; `None` until the provider has assigned one.
    pub name: Option<String>,
    /// The last observed state.
    pub state: MachineState,
    /// When it was first observed running with a host name; `None` before that.
    #[serde(default)]
    pub came_up: Option<Timestamp>,
    /// When its request was made; `None` where that was not kept.
    #[serde(default)]
    pub asked: Option<Timestamp>,
    /// Why it ends; `None` while it does not.
    pub ending: Option<Ending>,
    /// When `ending` was decided.
    #[serde(default)]
    pub ended: Option<Timestamp>,
    /// When it was first found terminated.
    #[serde(default)]
    pub gone: Option<Timestamp>,
    /// The return that it belongs to; `None` before it is returned.
    pub returned_by: Option<RequestId>,
    /// Private IPv4 address; kept after its end.
    pub private_ip: Option<String>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// For example `m6i.large`.
    pub instance_type: Option<String>,
    /// `ondemand` or `spot`.
    pub price_type: Option<String>,
    /// Its weight in units, for its request and against `maxNumber`; 1 if machines are counted.
    #[serde(default = "one")]
    pub units: u32,
    /// Cores of its processors.
    #[serde(default)]
    pub cores: Option<u32>,
    /// Threads of each core.
    #[serde(default)]
    pub threads_per_core: Option<u32>,
    /// LSF's `rc_account` of the request.
    #[serde(default)]
    pub rc_account: Option<String>,
    /// The fleet or reservation that it belongs to.
    #[serde(default)]
    pub resource_id: Option<String>,
    /// The provider's account that it was launched in, where the provider said so.
    #[serde(default)]
    pub account: Option<String>,
    /// The region that it was launched in, where the provider said so.
    #[serde(default)]
    pub region: Option<String>,
    /// `k=v;k=v`, as the template has it.
    pub tags: Option<String>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When the provider will reclaim it; `None` without a notice.
    pub reclaim_at: Option<Timestamp>,
    /// Why it failed or ended.
    pub message: Option<String>,
    /// When it last changed.
    pub updated: Timestamp,
    /// Row version for compare-and-swap; 0 means not stored yet.
    pub version: i64,
}

/// Weight of machines that were stored before weights existed.
fn one() -> u32 {
    1
}

impl Machine {
    /// A machine that a launch of a provider with this identity has made.
    pub fn from_instance(
        instance: &Instance,
        request: &Request,
        identity: &Identity,
        tags: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let mut machine = Self {
            id: instance.id.clone(),
            provider: request.provider.clone().unwrap_or_default(),
            request: request.id.clone(),
            template_id: request.template_id.clone().unwrap_or_default(),
            name: None,
            state: MachineState::Pending,
            came_up: None,
            asked: Some(request.created),
            ending: None,
            ended: None,
            gone: None,
            returned_by: None,
            private_ip: None,
            public_ip: None,
            instance_type: None,
            price_type: None,
            units: 1,
            cores: None,
            threads_per_core: None,
            rc_account: request.rc_account.clone(),
            resource_id: None,
            account: identity.account.clone(),
            region: identity.region.clone(),
            tags: tags.map(str::to_owned),
            launched: instance.launched,
            reclaim_at: None,
            message: None,
            updated: now,
            version: 0,
        };
        machine.observe(instance, Detail::Reclaims, now);
        machine.weigh(instance, request.weights.as_ref(), now);
        machine
    }

    /// Takes over what the provider says; gives whether anything changed. What is known of a machine that
    /// has gone stays, and a machine that is ending never comes back.
    pub fn observe(&mut self, seen: &Instance, detail: Detail, now: Timestamp) -> bool {
        let mut changed = newer(&mut self.name, seen.name.as_ref());
        changed |= newer(&mut self.private_ip, seen.private_ip.as_ref());
        changed |= newer(&mut self.public_ip, seen.public_ip.as_ref());
        changed |= newer(&mut self.instance_type, seen.instance_type.as_ref());
        changed |= newer(&mut self.price_type, seen.price_type.as_ref());
        changed |= newer(&mut self.resource_id, seen.resource_id.as_ref());
        changed |= newer(&mut self.cores, seen.cores.as_ref());
        changed |= newer(&mut self.threads_per_core, seen.threads_per_core.as_ref());
        if self.state == MachineState::Pending || self.launched == Timestamp::default() {
            changed |= put(&mut self.launched, seen.launched);
        }
        // Without a look at reclaims, one that is not mentioned is not off.
        if self.ending.is_none() && (detail == Detail::Reclaims || seen.reclaim_at.is_some()) {
            changed |= put(&mut self.reclaim_at, seen.reclaim_at);
        }
        if self.state.can_transition_to(seen.state) {
            if seen.state.is_ending() && self.ending.is_none() {
                let failed_to_start = self.state == MachineState::Pending && !seen.reclaimed;
                self.end(if failed_to_start { Ending::FailedToStart } else { Ending::Reclaimed }, now);
                newer(&mut self.message, seen.reason.as_ref());
                changed = true;
            }
            changed |= put(&mut self.state, seen.state);
            self.note_gone(now);
        }
        if self.came_up.is_none() && self.is_usable() {
            self.came_up = Some(now);
            changed = true;
        }
        if changed {
            self.updated = now;
        }
        changed
    }

    /// What it counts where its request counts units: as the provider says, else by its type. Gives whether that
    /// changed; the launch may have told neither.
    pub fn weigh(&mut self, seen: &Instance, weights: Option<&Weights>, now: Timestamp) -> bool {
        let Some(weights) = weights else { return false };
        let by_type = || weights.units(self.instance_type.as_deref());
        let units = seen.units.filter(|units| *units > 0).unwrap_or_else(by_type);
        let changed = put(&mut self.units, units);
        if changed {
            self.updated = now;
        }
        changed
    }

    /// Whether a provider of this identity has it. What is not known of either is no difference.
    pub fn is_of(&self, identity: &Identity) -> bool {
        let same = |own: &Option<String>, theirs: &Option<String>| match (own, theirs) {
            (Some(own), Some(theirs)) => own == theirs,
            _ => true,
        };
        same(&self.account, &identity.account) && same(&self.region, &identity.region)
    }

    /// Marks a machine that the provider no longer knows.
    pub fn lost(&mut self, now: Timestamp) {
        self.state = MachineState::Terminated;
        self.note_gone(now);
        if self.ending.is_none() {
            self.end(Ending::Reclaimed, now);
            self.message = Some("the provider no longer has this machine".to_owned());
        }
        self.updated = now;
    }

    /// Decides why it ends, unless that is decided.
    pub fn end(&mut self, ending: Ending, now: Timestamp) {
        if self.ending.is_none() {
            (self.ending, self.ended) = (Some(ending), Some(now));
        }
    }

    fn note_gone(&mut self, now: Timestamp) {
        if self.is_gone() {
            self.gone.get_or_insert(now);
        }
    }

    /// Marks a machine as released, with the reason.
    pub fn released(&mut self, why: Option<&str>, now: Timestamp) {
        if self.ending.is_none() {
            self.end(Ending::Released, now);
            if let Some(why) = why {
                self.message = Some(why.to_owned());
            }
        }
        self.updated = now;
    }

    /// Describes a host name in the reference that is not the machine's; `None` if it agrees.
    pub fn disagreement(&self, wanted: &MachineRef) -> Option<String> {
        let name = wanted.name.as_deref().filter(|_| wanted.name_to_look_up().is_none())?;
        match &self.name {
            Some(own) if host::stands_for(name, own) => None,
            Some(own) => Some(format!("{} is called {own}", self.id)),
            None => Some(format!("{} has no host name yet", self.id)),
        }
    }

    /// Whether it was delivered to its request: it is usable, or was running before it was returned.
    pub fn is_delivered(&self) -> bool {
        self.is_usable() || self.came_up.is_some() && self.returned_by.is_some()
    }

    /// Whether the request that made it can use it.
    pub fn is_usable(&self) -> bool {
        self.state == MachineState::Running && self.name.is_some() && self.ending.is_none()
    }

    /// Whether it may still become usable.
    pub fn is_starting(&self) -> bool {
        self.ending.is_none()
            && (self.state == MachineState::Pending
                || self.state == MachineState::Running && self.name.is_none())
    }

    /// Whether it does not exist any more.
    pub fn is_gone(&self) -> bool {
        self.state == MachineState::Terminated
    }
}

impl<'m> From<&'m Machine> for Releasing<'m> {
    fn from(machine: &'m Machine) -> Self {
        Self { id: &machine.id, resource_id: machine.resource_id.as_deref(), units: machine.units }
    }
}

impl From<&Machine> for MachineRef {
    fn from(machine: &Machine) -> Self {
        Self { name: machine.name.clone(), id: Some(machine.id.clone()) }
    }
}

/// Replaces a value by a reported one, if any; returns whether it has changed.
fn newer<T: Clone + PartialEq>(known: &mut Option<T>, said: Option<&T>) -> bool {
    let changed = said.is_some() && known.as_ref() != said;
    if changed {
        *known = said.cloned();
    }
    changed
}

/// Replaces a value; returns whether it has changed.
fn put<T: PartialEq>(known: &mut T, seen: T) -> bool {
    let changed = *known != seen;
    *known = seen;
    changed
}

#[cfg(test)]
mod tests;
