//! Machines that the provider has reclaimed or will reclaim.

use std::collections::{HashMap, HashSet};

use super::Broker;
use super::strangers::Found;
use crate::error::Result;
use crate::id::{MachineId, MachineRef};
use crate::machine::{Ending, Machine};
use crate::provider::Detail;
use crate::store::{Doubt, Lookup};
use crate::time::Timestamp;

/// A machine that the scheduler must give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reclaim {
    /// Its host name as in the scheduler's input, or its id there.
    pub name: String,
    /// The provider's id, if known.
    pub id: Option<String>,
    /// Seconds until it is terminated; 0 if it is already.
    pub grace_seconds: u64,
    /// The reason.
    pub reason: String,
}

/// The machines that the scheduler must give up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reclaims {
    /// Each host name once.
    pub machines: Vec<Reclaim>,
    /// References that are left out because another machine could be affected.
    pub doubtful: Vec<Doubt>,
}

impl Broker<'_> {
    /// Lists machines that the provider has reclaimed or will reclaim. `known` are the machines that the
    /// scheduler knows; `None` means all machines of the store.
    ///
    /// # Errors
    /// `Unavailable` if a provider cannot be reached: a machine that could not be observed is not reclaimed,
    /// and an unknown one is gone only if every provider says so.
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
        let (machines, errors) = self.refresh_machines(machines, Detail::Reclaims, now)?;
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let seen: HashMap<_, _> =
            machines.iter().map(|machine| ((&machine.provider, &machine.id), machine)).collect();
        for (wanted, (provider, id)) in &asked {
            // A machine that was pruned in between is unknown at the next poll.
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

    /// Machines that only the scheduler knows and no provider has.
    fn vanished(&self, strangers: &[MachineRef], now: Timestamp) -> Result<Vec<Reclaim>> {
        let Found { missing, silent, .. } = self.pass(now).look_for(strangers);
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

    /// Removes names of gone machines that a living machine has, since clouds reuse addresses and the scheduler
    /// would give up the living host.
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

/// The unique key of a machine.
fn key(machine: &Machine) -> (String, MachineId) {
    (machine.provider.clone(), machine.id.clone())
}

/// The entry for a machine that the scheduler must give up; `None` for others, including machines that it
/// returned itself.
fn reclaim(wanted: &MachineRef, machine: &Machine, scheduler_knows: bool, now: Timestamp) -> Option<Reclaim> {
    if machine.returned_by.is_some() {
        return None;
    }
    let (grace, default_reason) = match (machine.ending, machine.reclaim_at) {
        (Some(Ending::Reclaimed), _) => (0, "the provider has reclaimed this machine"),
        // Abandoned or never running: reported only to a scheduler that lists it.
        (Some(Ending::Released | Ending::FailedToStart), _) if scheduler_knows => {
            (0, "this machine is no longer provided")
        }
        (Some(_), _) | (None, None) => return None,
        (None, Some(at)) => {
            let left = u64::try_from(at.millis_since(now).max(0)).unwrap_or(0);
            (left.div_ceil(1_000), "the provider is reclaiming this machine")
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
