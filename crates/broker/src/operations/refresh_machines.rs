//! Refreshing machines, independent of their requests.

use std::iter;

use super::{Broker, TRIES};
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::provider::Detail;
use crate::store::{Applied, Change};
use crate::time::Timestamp;

impl Broker<'_> {
    /// Refreshes machines from their providers, each once, and stores the changes. Also returns the errors of
    /// providers that could not be reached, whose machines keep their state.
    pub fn refresh_machines(
        &self,
        machines: Vec<Machine>,
        detail: Detail,
        now: Timestamp,
    ) -> Result<(Vec<Machine>, Vec<Error>)> {
        let mut machines = machines;
        machines.sort_by(|one, other| (&one.id, &one.provider).cmp(&(&other.id, &other.provider)));
        machines.dedup_by(|one, other| (&one.id, &one.provider) == (&other.id, &other.provider));
        let mut pass = self.pass(now);
        let observations = pass.observe(iter::empty(), machines.iter(), detail);
        for _ in 0..TRIES {
            // If the change cannot be stored, the current row is read.
            let mut changed = Vec::new();
            for machine in &mut machines {
                if observations.apply_to(machine, None, now) {
                    changed.push(machine.clone());
                }
            }
            if changed.is_empty()
                || self.store.apply(&Change { request: None, machines: changed })? == Applied::Stored
            {
                return Ok((machines, pass.errors));
            }
            let ids: Vec<_> = machines.iter().map(|machine| machine.id.clone()).collect();
            machines = self.store.machines_by_id(&ids)?;
        }
        // Other processes keep changing these machines, so their rows are as fresh as our observations.
        Ok((machines, pass.errors))
    }
}
