//! A machine that a provider made for a request.

use serde::{Deserialize, Serialize};

use crate::host;
use crate::id::{MachineId, MachineRef, RequestId};
use crate::provider::Instance;
use crate::request::Request;
use crate::state::MachineState;
use crate::time::Timestamp;

/// Who ended a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// We did: it was returned, cancelled or given up.
    Released,
    /// The provider did, or somebody behind our back.
    Reclaimed,
    /// It never came up.
    FailedToStart,
}

impl Ending {
    /// The word, as stores write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Reclaimed => "reclaimed",
            Self::FailedToStart => "failed_to_start",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Released, Self::Reclaimed, Self::FailedToStart]
            .into_iter()
            .find(|ending| ending.name() == word)
    }
}

/// One machine, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The provider's id.
    pub id: MachineId,
    /// The provider instance it lives at.
    pub provider: String,
    /// The request that made it.
    pub request: RequestId,
    /// Its template.
    pub template_id: String,
    /// Host name: what the scheduler knows it by. Nothing until the provider has given it one.
    pub name: Option<String>,
    /// What it is doing, as far as was last seen.
    pub state: MachineState,
    /// When it was first seen running with a host name.
    #[serde(default)]
    pub came_up: Option<Timestamp>,
    /// Who ended it, once it is ending.
    pub ending: Option<Ending>,
    /// The return that gives it back, once there is one.
    pub returned_by: Option<RequestId>,
    /// Private IPv4 address; kept after its end.
    pub private_ip: Option<String>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// For example `m6i.large`.
    pub instance_type: Option<String>,
    /// `ondemand` or `spot`.
    pub price_type: Option<String>,
    /// What it counts for its request and against `maxNumber`; 1 where machines are counted.
    #[serde(default = "one")]
    pub units: u32,
    /// Cores of its processors.
    #[serde(default)]
    pub cores: Option<u32>,
    /// Threads of each core.
    #[serde(default)]
    pub threads_per_core: Option<u32>,
    /// For whom it was borrowed: LSF's `rc_account`.
    #[serde(default)]
    pub rc_account: Option<String>,
    /// The fleet or reservation that it belongs to.
    #[serde(default)]
    pub resource_id: Option<String>,
    /// `k=v;k=v`, as the template has it.
    pub tags: Option<String>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When the provider will take it, once it has said so.
    pub reclaim_at: Option<Timestamp>,
    /// What went wrong with it.
    pub message: Option<String>,
    /// When it last changed.
    pub updated: Timestamp,
    /// Counts changes; 0 is not stored yet.
    pub version: i64,
}

/// What machines count for that were stored before they were weighed.
fn one() -> u32 {
    1
}

impl Machine {
    /// A machine that a launch has just made.
    pub fn from_instance(instance: &Instance, request: &Request, tags: Option<&str>, now: Timestamp) -> Self {
        let machine_type = instance.instance_type.as_deref();
        let mut machine = Self {
            id: instance.id.clone(),
            provider: request.provider.clone().unwrap_or_default(),
            request: request.id.clone(),
            template_id: request.template_id.clone().unwrap_or_default(),
            name: None,
            state: MachineState::Pending,
            came_up: None,
            ending: None,
            returned_by: None,
            private_ip: None,
            public_ip: None,
            instance_type: None,
            price_type: None,
            units: request.weights.as_ref().map_or(1, |weights| weights.units(machine_type)),
            cores: None,
            threads_per_core: None,
            rc_account: request.rc_account.clone(),
            resource_id: None,
            tags: tags.map(str::to_owned),
            launched: instance.launched,
            reclaim_at: None,
            message: None,
            updated: now,
            version: 0,
        };
        machine.observe(instance, now);
        machine
    }

    /// Takes over what the provider says; gives whether anything changed. What is known of a machine that
    /// has gone stays, and a machine that is ending never comes back.
    pub fn observe(&mut self, seen: &Instance, now: Timestamp) -> bool {
        let mut changed = newer(&mut self.name, seen.name.as_ref());
        changed |= newer(&mut self.private_ip, seen.private_ip.as_ref());
        changed |= newer(&mut self.public_ip, seen.public_ip.as_ref());
        changed |= newer(&mut self.instance_type, seen.instance_type.as_ref());
        changed |= newer(&mut self.price_type, seen.price_type.as_ref());
        changed |= newer(&mut self.cores, seen.cores.as_ref());
        changed |= newer(&mut self.threads_per_core, seen.threads_per_core.as_ref());
        if self.state == MachineState::Pending || self.launched == Timestamp::default() {
            changed |= put(&mut self.launched, seen.launched);
        }
        if self.ending.is_none() {
            changed |= put(&mut self.reclaim_at, seen.reclaim_at);
        }
        if self.state.can_transition_to(seen.state) {
            if seen.state.is_ending() && self.ending.is_none() {
                let failed_to_start = self.state == MachineState::Pending && !seen.reclaimed;
                self.ending = Some(if failed_to_start { Ending::FailedToStart } else { Ending::Reclaimed });
                newer(&mut self.message, seen.reason.as_ref());
                changed = true;
            }
            changed |= put(&mut self.state, seen.state);
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

    /// Marks a machine that the provider no longer knows.
    pub fn lost(&mut self, now: Timestamp) {
        self.state = MachineState::Terminated;
        if self.ending.is_none() {
            self.ending = Some(Ending::Reclaimed);
            self.message = Some("the provider no longer has this machine".to_owned());
        }
        self.updated = now;
    }

    /// Marks a machine that we end ourselves, and why.
    pub fn released(&mut self, why: Option<&str>, now: Timestamp) {
        if self.ending.is_none() {
            self.ending = Some(Ending::Released);
            if let Some(why) = why {
                self.message = Some(why.to_owned());
            }
        }
        self.updated = now;
    }

    /// What is odd about how the scheduler names it: another host name beside its id.
    pub fn disagreement(&self, wanted: &MachineRef) -> Option<String> {
        let name = wanted.name.as_deref().filter(|_| wanted.name_to_look_up().is_none())?;
        match &self.name {
            Some(own) if host::stands_for(name, own) => None,
            Some(own) => Some(format!("{} is called {own}", self.id)),
            None => Some(format!("{} has no host name yet", self.id)),
        }
    }

    /// Whether its request got it: it can be used, or it came up and was given back.
    pub fn is_delivered(&self) -> bool {
        self.is_usable() || self.came_up.is_some() && self.returned_by.is_some()
    }

    /// Whether the request that made it can use it.
    pub fn is_usable(&self) -> bool {
        self.state == MachineState::Running && self.name.is_some() && self.ending.is_none()
    }

    /// Whether it is still to be waited for.
    pub fn is_starting(&self) -> bool {
        self.ending.is_none()
            && (self.state == MachineState::Pending
                || self.state == MachineState::Running && self.name.is_none())
    }

    /// Whether it is no longer there.
    pub fn is_gone(&self) -> bool {
        self.state == MachineState::Terminated
    }
}

impl From<&Machine> for MachineRef {
    fn from(machine: &Machine) -> Self {
        Self { name: machine.name.clone(), id: Some(machine.id.clone()) }
    }
}

/// Takes over what is said, if anything is; whether that changed something.
fn newer<T: Clone + PartialEq>(known: &mut Option<T>, said: Option<&T>) -> bool {
    let changed = said.is_some() && known.as_ref() != said;
    if changed {
        *known = said.cloned();
    }
    changed
}

/// Puts a value in place of another; whether it is another one.
fn put<T: PartialEq>(known: &mut T, seen: T) -> bool {
    let changed = *known != seen;
    *known = seen;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RequestKind;

    fn instance(state: MachineState) -> Instance {
        Instance { state, name: Some("ip-10-0-0-1.internal".into()), ..Instance::new(MachineId::new("i-1")) }
    }

    fn machine(state: MachineState) -> Machine {
        let (id, now) = (RequestId::from_text("req-1"), Timestamp::from_millis(5));
        let request = Request::new(id, RequestKind::Acquire, 1, now, now);
        Machine::from_instance(&instance(state), &request, None, now)
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
            assert!(machine.observe(&seen, Timestamp::from_millis(9)));
            assert_eq!((machine.state, machine.ending), (MachineState::Terminated, Some(ending)));
            assert!(!machine.observe(&instance(MachineState::Running), Timestamp::from_millis(10)));
        }
    }

    #[test]
    fn what_was_known_of_a_machine_outlives_it() {
        let mut machine = machine(MachineState::Running);
        machine.released(None, Timestamp::from_millis(6));
        let bare = Instance { state: MachineState::Terminated, ..Instance::new(MachineId::new("i-1")) };
        machine.observe(&bare, Timestamp::from_millis(7));
        assert_eq!(machine.name.as_deref(), Some("ip-10-0-0-1.internal"));
        assert_eq!(machine.ending, Some(Ending::Released));
    }
}
