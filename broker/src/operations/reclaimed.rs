//! Machines that the provider has taken, or is about to take.

use std::collections::HashSet;

use super::Broker;
use crate::error::Result;
use crate::id::MachineRef;
use crate::machine::{Ending, Machine};
use crate::time::Timestamp;

/// A machine that the scheduler shall give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reclaim {
    /// Its host name, or what else the scheduler calls it.
    pub name: String,
    /// The provider's id, where known.
    pub id: Option<String>,
    /// Seconds until it is gone; 0 when it is.
    pub grace_seconds: u64,
    /// Why.
    pub reason: String,
}

impl Broker<'_> {
    /// Which machines the provider took or is about to take. `known` are the machines that the scheduler
    /// knows; nothing means all of ours.
    ///
    /// An error of a provider is an error of the whole answer: a machine that could not be seen has not
    /// been taken.
    pub fn reclaimed(&self, known: Option<&[MachineRef]>, now: Timestamp) -> Result<Vec<Reclaim>> {
        let (machines, strangers) = match known {
            None => (self.store.watched_machines()?, Vec::new()),
            Some(known) => {
                let found = self.store.find_machines(known)?;
                let strangers = known.iter().zip(&found).filter(|(_, found)| found.is_none());
                let strangers: Vec<MachineRef> = strangers.map(|(wanted, _)| wanted.clone()).collect();
                (found.into_iter().flatten().collect(), strangers)
            }
        };
        let (machines, errors) = self.look_at(machines, now)?;
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let mut reclaims: Vec<Reclaim> =
            machines.iter().filter_map(|machine| reclaim(machine, known.is_some(), now)).collect();
        reclaims.extend(self.vanished(&strangers, now)?);
        let mut named = HashSet::new();
        reclaims.retain(|reclaim| named.insert(reclaim.name.clone()));
        Ok(reclaims)
    }

    /// What only the scheduler knows of, and no provider has.
    fn vanished(&self, strangers: &[MachineRef], now: Timestamp) -> Result<Vec<Reclaim>> {
        if strangers.is_empty() {
            return Ok(Vec::new());
        }
        let mut alive = HashSet::new();
        for name in self.providers.names() {
            let sightings = self.providers.get(&name)?.sight(strangers, now)?;
            let existing = sightings.into_iter().filter(|sighting| sighting.exists);
            alive.extend(existing.map(|sighting| sighting.machine.to_string()));
        }
        let gone = strangers.iter().filter(|stranger| !alive.contains(&stranger.to_string()));
        Ok(gone
            .map(|stranger| Reclaim {
                name: stranger.name.clone().unwrap_or_else(|| stranger.to_string()),
                id: stranger.id.as_ref().map(ToString::to_string),
                grace_seconds: 0,
                reason: "no provider has this machine".to_owned(),
            })
            .collect())
    }
}

/// Whether the scheduler must be told about a machine, and how long it has. What the scheduler gave back
/// itself is never among them.
fn reclaim(machine: &Machine, scheduler_knows: bool, now: Timestamp) -> Option<Reclaim> {
    if machine.returned_by.is_some() {
        return None;
    }
    let (grace, default_reason) = match (machine.ending, machine.reclaim_at) {
        (Some(Ending::Reclaimed), _) => (0, "the provider has taken this machine"),
        // Given up or never up: only of interest to a scheduler that still believes in it.
        (Some(Ending::Released | Ending::Stillborn), _) if scheduler_knows => {
            (0, "this machine is no longer provided")
        }
        (Some(_), _) | (None, None) => return None,
        (None, Some(at)) => {
            let left = u64::try_from(at.millis_since(now).max(0)).unwrap_or(0);
            (left.div_ceil(1_000), "the provider takes this machine")
        }
    };
    Some(Reclaim {
        name: machine.name.clone().unwrap_or_else(|| machine.id.to_string()),
        id: Some(machine.id.to_string()),
        grace_seconds: grace,
        reason: machine.message.clone().unwrap_or_else(|| default_reason.to_owned()),
    })
}
