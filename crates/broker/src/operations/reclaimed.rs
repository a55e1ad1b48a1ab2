//! Machines that the provider has taken, or is about to take.

use std::collections::{HashMap, HashSet};

use super::Broker;
use super::strangers::Found;
use crate::error::Result;
use crate::id::{MachineId, MachineRef};
use crate::machine::{Ending, Machine};
use crate::store::{Doubt, Lookup};
use crate::time::Timestamp;

/// A machine that the scheduler shall give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reclaim {
    /// Its host name as the scheduler writes it, or what else the scheduler calls it.
    pub name: String,
    /// The provider's id, where known.
    pub id: Option<String>,
    /// Seconds until it is gone; 0 when it is.
    pub grace_seconds: u64,
    /// Why.
    pub reason: String,
}

/// The machines that the scheduler shall give up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reclaims {
    /// Each host name once.
    pub machines: Vec<Reclaim>,
    /// What is not among them because another machine could be harmed by it.
    pub doubtful: Vec<Doubt>,
}

impl Broker<'_> {
    /// Which machines the provider took or is about to take. `known` are the machines that the scheduler
    /// knows; `None` means all of ours.
    ///
    /// # Errors
    /// An error of a provider is an error of the whole answer: a machine that could not be seen has not
    /// been taken, and one that is not stored is gone only when every provider says so.
    pub fn reclaimed(&self, known: Option<&[MachineRef]>, now: Timestamp) -> Result<Reclaims> {
        let mut reclaims = Reclaims::default();
        let mut strangers = Vec::new();
        let mut asked = Vec::new();
        let mut machines = Vec::new();
        match known {
            None => {
                machines = self.store.watched_machines()?;
                asked.extend(machines.iter().map(|machine| (MachineRef::from(machine), key(machine))));
            }
            Some(known) => {
                for (wanted, found) in known.iter().zip(self.store.find_machines(known)?) {
                    let wanted = wanted.clone();
                    match found {
                        Lookup::Known(machine) => {
                            asked.push((wanted, key(&machine)));
                            machines.push(machine);
                        }
                        Lookup::Unknown => strangers.push(wanted),
                        Lookup::Doubtful(why) => reclaims.doubtful.push(Doubt { wanted, why }),
                    }
                }
            }
        }
        let (machines, errors) = self.refresh_machines(machines, now)?;
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let seen: HashMap<_, _> =
            machines.iter().map(|machine| ((&machine.provider, &machine.id), machine)).collect();
        for (wanted, (provider, id)) in &asked {
            // One that was cleared away this moment is a stranger the next time.
            let machine = seen.get(&(provider, id)).copied();
            reclaims
                .machines
                .extend(machine.and_then(|machine| reclaim(wanted, machine, known.is_some(), now)));
        }
        reclaims.machines.extend(self.vanished(&strangers, now)?);
        let mut named = HashSet::new();
        reclaims.machines.retain(|reclaim| named.insert(reclaim.name.clone()));
        self.spare_successors(&mut reclaims)?;
        Ok(reclaims)
    }

    /// What only the scheduler knows of, and no provider has.
    fn vanished(&self, strangers: &[MachineRef], now: Timestamp) -> Result<Vec<Reclaim>> {
        let Found { missing, silent, .. } = self.look_for(strangers, now);
        match silent {
            Some(error) if !missing.is_empty() => Err(error),
            _ => Ok(missing
                .iter()
                .map(|stranger| Reclaim {
                    name: stranger.name.clone().unwrap_or_else(|| stranger.to_string()),
                    id: stranger.id.as_ref().map(ToString::to_string),
                    grace_seconds: 0,
                    reason: "no provider has this machine".to_owned(),
                })
                .collect()),
        }
    }

    /// A scheduler gives up whichever host has the name that it is told. So the name of a machine that has
    /// gone is not told as long as another one that is alive has it: clouds use addresses again.
    fn spare_successors(&self, reclaims: &mut Reclaims) -> Result<()> {
        if reclaims.machines.is_empty() {
            return Ok(());
        }
        let names: Vec<MachineRef> =
            reclaims.machines.iter().map(|reclaim| MachineRef::of_name(reclaim.name.as_str())).collect();
        let mut found = self.store.find_machines(&names)?.into_iter();
        let mut doubtful = Vec::new();
        reclaims.machines.retain(|reclaim| {
            let why = match found.next() {
                Some(Lookup::Known(other))
                    if !other.is_gone() && reclaim.id.as_deref() != Some(other.id.as_str()) =>
                {
                    format!("{} has this name now", other.id)
                }
                Some(Lookup::Doubtful(why)) => why,
                _ => return true,
            };
            let id = reclaim.id.as_deref().map(MachineId::new);
            doubtful.push(Doubt { wanted: MachineRef { name: Some(reclaim.name.clone()), id }, why });
            false
        });
        reclaims.doubtful.extend(doubtful);
        Ok(())
    }
}

/// What tells a machine from all others.
fn key(machine: &Machine) -> (String, MachineId) {
    (machine.provider.clone(), machine.id.clone())
}

/// Whether the scheduler must be told about a machine, and how long it has. What the scheduler gave back
/// itself is never among them.
fn reclaim(wanted: &MachineRef, machine: &Machine, scheduler_knows: bool, now: Timestamp) -> Option<Reclaim> {
    if machine.returned_by.is_some() {
        return None;
    }
    let (grace, default_reason) = match (machine.ending, machine.reclaim_at) {
        (Some(Ending::Reclaimed), _) => (0, "the provider has taken this machine"),
        // Given up or never up: only of interest to a scheduler that still believes in it.
        (Some(Ending::Released | Ending::FailedToStart), _) if scheduler_knows => {
            (0, "this machine is no longer provided")
        }
        (Some(_), _) | (None, None) => return None,
        (None, Some(at)) => {
            let left = u64::try_from(at.millis_since(now).max(0)).unwrap_or(0);
            (left.div_ceil(1_000), "the provider takes this machine")
        }
    };
    let name = wanted.name.as_ref().or(machine.name.as_ref());
    Some(Reclaim {
        name: name.cloned().unwrap_or_else(|| machine.id.to_string()),
        id: Some(machine.id.to_string()),
        grace_seconds: grace,
        reason: machine.message.clone().unwrap_or_else(|| default_reason.to_owned()),
    })
}
