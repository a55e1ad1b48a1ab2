//! Machines as they are now, whichever request made them.

use super::{Broker, TRIES};
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::store::{Applied, Change};
use crate::time::Timestamp;

impl Broker<'_> {
    /// The machines as their providers see them now, each once, stored where that changed them. The errors
    /// are those of providers that could not be asked: their machines stay as they were.
    pub fn refresh_machines(
        &self,
        machines: Vec<Machine>,
        now: Timestamp,
    ) -> Result<(Vec<Machine>, Vec<Error>)> {
        let mut machines = machines;
        machines.sort_by(|one, other| (&one.id, &one.provider).cmp(&(&other.id, &other.provider)));
        machines.dedup_by(|one, other| (&one.id, &one.provider) == (&other.id, &other.provider));
        let sightings = self.observe(machines.iter(), now);
        let errors: Vec<Error> = sightings.silent.values().cloned().collect();
        for _ in 0..TRIES {
            // Where this cannot be stored, what is stored by then is read.
            let mut changed = Vec::new();
            for machine in &mut machines {
                if sightings.apply_to(machine, now) {
                    changed.push(machine.clone());
                }
            }
            if changed.is_empty()
                || self.store.apply(&Change { request: None, machines: changed })? == Applied::Stored
            {
                return Ok((machines, errors));
            }
            let ids: Vec<_> = machines.iter().map(|machine| machine.id.clone()).collect();
            machines = self.store.machines_by_id(&ids)?;
        }
        // Others keep changing these machines, so what they store is as fresh as what we saw.
        Ok((machines, errors))
    }
}
