//! Machines that the scheduler names and the store does not know: those of an earlier plug-in, of cleared
//! history, of a store that was restored. Unknown here is not absent in the cloud, so the providers are asked.

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, MachineRef};
use crate::text::quoted;
use crate::time::Timestamp;

/// What the providers say about strangers.
#[derive(Default)]
pub(super) struct Found {
    /// Those that exist: their ids, by provider.
    pub(super) existing: Vec<(String, Vec<MachineId>)>,
    /// Those that no provider that answered has.
    pub(super) missing: Vec<MachineRef>,
    /// Why one could not be asked: then what is missing may exist all the same.
    pub(super) silent: Option<Error>,
}

impl Broker<'_> {
    /// Asks each provider for strangers, until all are found.
    pub(super) fn look_for(&self, strangers: &[MachineRef], now: Timestamp) -> Found {
        let mut found = Found { missing: strangers.to_vec(), ..Found::default() };
        if strangers.is_empty() {
            return found;
        }
        let names = self.providers.names();
        if names.is_empty() {
            found.silent = Some(Error::new(ErrorKind::Unavailable, "no provider is enabled"));
        }
        for name in names {
            match self.providers.get(&name).and_then(|provider| provider.exists(&found.missing, now)) {
                Ok(sightings) => {
                    let ids: Vec<MachineId> =
                        sightings.iter().filter_map(|sighting| sighting.found.clone()).collect();
                    let there = |wanted: &MachineRef| {
                        sightings
                            .iter()
                            .any(|sighting| sighting.machine == *wanted && sighting.found.is_some())
                    };
                    found.missing.retain(|wanted| !there(wanted));
                    if !ids.is_empty() {
                        found.existing.push((name, ids));
                    }
                }
                Err(error) => {
                    found.silent.get_or_insert(error);
                }
            }
            if found.missing.is_empty() {
                break;
            }
        }
        if let Some(error) = found.silent.take().filter(|_| !found.missing.is_empty()) {
            let shown = |machine: &MachineRef| quoted(&machine.to_string());
            let names: Vec<String> = found.missing.iter().take(3).map(shown).collect();
            let more = if found.missing.len() > names.len() { " and others" } else { "" };
            let what = format!("cannot tell whether {}{more} exist: {}", names.join(", "), error.summary());
            found.silent = Some(error.with_message(what));
        }
        found
    }

    /// Ends strangers; gives how many exist. What no provider has is ended already.
    ///
    /// # Errors
    /// One that could not be looked up or ended, after all the others were.
    pub(super) fn end_strangers(&self, strangers: &[MachineRef], now: Timestamp) -> Result<usize> {
        let Found { existing, silent, .. } = self.look_for(strangers, now);
        let (mut ended, mut failure) = (0, silent);
        for (name, ids) in existing {
            match self.providers.get(&name).and_then(|provider| provider.release(&ids, now)) {
                Ok(()) => ended += ids.len(),
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(ended), Err)
    }
}
