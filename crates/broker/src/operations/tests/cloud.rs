//! A cloud that does what a test says. Machines are `i-1`, `i-2` and so on, in the order of their launches.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use super::silence;
use crate::deadline::Deadline;
use crate::error::Result;
use crate::id::{MachineId, MachineRef};
use crate::owned::{Owned, OwnedResource, Whose};
use crate::provider::{
    Capabilities, Described, Detail, Existence, Followed, Health, Identity, Instance, LaunchFailure,
    LaunchRequest, Launched, Pending, Plan, Progress, Provider, Releasing,
};
use crate::state::MachineState;
use crate::template::Template;
use crate::time::Timestamp;

/// For how long a new machine may be invisible.
pub(super) const CONSISTENCY_MILLIS: i64 = 5_000;
/// The largest launch.
pub(super) const LARGEST: u32 = 50;

#[derive(Default)]
pub(super) struct Cloud(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    pub(super) machines: BTreeMap<MachineId, Instance>,
    /// What each token made.
    pub(super) launches: BTreeMap<String, Vec<MachineId>>,
    /// The tokens of all launches, in order.
    pub(super) tokens: Vec<String>,
    /// What was to be ended, in order.
    pub(super) released: Vec<String>,
    /// The tokens of launches that shall make no more machines.
    pub(super) settled: Vec<String>,
    /// What the next launch comes to instead.
    pub(super) failure: Option<LaunchFailure>,
    /// At most so many machines are made, and why.
    pub(super) shortfall: Option<(usize, Option<String>)>,
    /// Others may still come, and these resources make them.
    pub(super) more: Option<Vec<String>>,
    /// Machines are up as soon as they are launched.
    pub(super) prompt: bool,
    /// What it lists, and what it was told to claim.
    pub(super) owned: Owned,
    pub(super) claimed: Vec<String>,
    /// Nothing is answered but launches.
    pub(super) silent: bool,
}

impl Cloud {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Changes a machine behind the broker's back.
    pub(super) fn set(&self, id: &str, change: impl FnOnce(&mut Instance)) {
        change(self.state().machines.get_mut(&MachineId::new(id)).unwrap());
    }

    /// Has a machine up.
    pub(super) fn boot(&self, id: &str) {
        self.set(id, up);
    }

    pub(super) fn end(&self, id: &str) {
        self.set(id, |machine| machine.state = MachineState::Terminated);
    }

    pub(super) fn forget(&self, id: &str) {
        self.state().machines.remove(&MachineId::new(id));
    }

    pub(super) fn released(&self) -> Vec<String> {
        self.state().released.clone()
    }

    fn answering(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.silent { Err(silence()) } else { Ok(state) }
    }
}

fn up(machine: &mut Instance) {
    machine.state = MachineState::Running;
    machine.name = Some(format!("host-{}", machine.id));
}

impl Provider for Cloud {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn kind(&self) -> &'static str {
        "sim"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { reclaims: true, consistency_millis: CONSISTENCY_MILLIS, largest_launch: LARGEST }
    }

    fn plan(&self, template: &Template, count: u32) -> Result<Plan> {
        Ok(Plan { steps: vec![format!("launch {count} of {}", template.id())] })
    }

    fn identity(&self) -> Identity {
        Identity::default()
    }

    fn launch(
        &self,
        request: &LaunchRequest<'_>,
        now: Timestamp,
        _: Deadline,
    ) -> Result<Launched, LaunchFailure> {
        let mut state = self.state();
        state.tokens.push(request.token.to_owned());
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        let (most, why) = state.shortfall.clone().unwrap_or((usize::MAX, None));
        let wanted = usize::try_from(request.count).unwrap().min(most);
        if !state.launches.contains_key(request.token) {
            let first = state.machines.len() + 1;
            let ids: Vec<MachineId> =
                (first..first + wanted).map(|number| MachineId::new(format!("i-{number}"))).collect();
            for id in &ids {
                let mut machine = Instance { launched: now, ..Instance::new(id.clone()) };
                if state.prompt {
                    up(&mut machine);
                }
                state.machines.insert(id.clone(), machine);
            }
            state.launches.insert(request.token.to_owned(), ids);
        }
        let instances = state.of_token(request.token);
        Ok(Launched {
            instances,
            shortfall: why,
            more: state.more.is_some(),
            resource_ids: state.more.clone().unwrap_or_default(),
        })
    }

    fn progress(&self, pending: &[Pending<'_>], _: Timestamp, _: Deadline) -> Result<Followed> {
        let state = self.answering()?;
        let progress = |one: &Pending<'_>| Progress {
            instances: state.of_token(one.token),
            more: state.more.is_some(),
            reason: None,
        };
        Ok(pending.iter().map(progress).collect::<Vec<_>>().into())
    }

    fn settled(&self, pending: &Pending<'_>, _: Timestamp, _: Deadline) -> Result<()> {
        self.answering()?.settled.push(pending.token.to_owned());
        Ok(())
    }

    fn tidy(&self, alive: &dyn Fn(&str) -> bool, _: u32, _: Timestamp, _: Deadline) -> Result<u32> {
        let resources = self.answering()?.more.clone().unwrap_or_default();
        Ok(u32::try_from(resources.iter().filter(|one| !alive(one)).count()).unwrap())
    }

    fn describe(&self, ids: &[MachineId], _: Detail, _: Timestamp, _: Deadline) -> Result<Described> {
        let state = self.answering()?;
        Ok(ids.iter().filter_map(|id| state.machines.get(id).cloned()).collect::<Vec<_>>().into())
    }

    fn release(&self, machines: &[Releasing<'_>], _: Timestamp, _: Deadline) -> Result<()> {
        let mut state = self.answering()?;
        for id in machines.iter().map(|machine| machine.id) {
            state.released.push(id.to_string());
            if let Some(machine) = state.machines.get_mut(id) {
                machine.state = MachineState::ShuttingDown;
            }
        }
        Ok(())
    }

    fn exists(&self, machines: &[MachineRef], _: Timestamp, _: Deadline) -> Result<Vec<Existence>> {
        let state = self.answering()?;
        let found = |wanted: &MachineRef| {
            let alive = state.machines.values().filter(|machine| !machine.state.is_ending());
            let mut same = alive.filter(|machine| match &wanted.id {
                Some(id) => *id == machine.id,
                None => wanted.name == machine.name,
            });
            same.next().map(|machine| machine.id.clone())
        };
        Ok(machines
            .iter()
            .map(|machine| Existence { machine: machine.clone(), found: found(machine) })
            .collect())
    }

    fn owned(&self, _: Whose<'_>, _: Timestamp, _: Deadline) -> Result<Owned> {
        Ok(self.answering()?.owned.clone())
    }

    fn claim(
        &self,
        machines: &[MachineId],
        resources: &[OwnedResource],
        _: Timestamp,
        _: Deadline,
    ) -> Result<()> {
        let mut state = self.answering()?;
        state.claimed.extend(machines.iter().map(ToString::to_string));
        state.claimed.extend(resources.iter().map(|resource| resource.id.clone()));
        Ok(())
    }

    fn health(&self, _: Timestamp, _: Deadline) -> Health {
        Health { healthy: true, detail: String::new() }
    }
}

impl State {
    fn of_token(&self, token: &str) -> Vec<Instance> {
        let ids = self.launches.get(token).into_iter().flatten();
        ids.filter_map(|id| self.machines.get(id).cloned()).collect()
    }
}
