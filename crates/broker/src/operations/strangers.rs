//! Machines that the scheduler names and the store does not know: from an earlier plug-in, from pruned history,
//! from before a restore. Unknown to the store is not absent in the cloud, so they are looked up at the
//! providers.

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, MachineRef};
use crate::provider::Releasing;
use crate::text::quoted;
use crate::time::Timestamp;

/// The result of the look-up.
#[derive(Default)]
pub(super) struct Found {
    /// Ids of existing machines, by provider.
    pub(super) existing: Vec<(String, Vec<MachineId>)>,
    /// Machines that no answering provider has.
    pub(super) missing: Vec<MachineRef>,
    /// The error of a provider that could not be reached; then `missing` machines may exist.
    pub(super) silent: Option<Error>,
}

impl Broker<'_> {
    /// Looks strangers up at each provider, until all are found.
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
            match self
                .providers
                .get(&name)
                .and_then(|provider| provider.exists(&found.missing, now, self.deadline))
            {
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

    /// Terminates strangers and returns the number of existing ones. Machines that no provider has are gone already.
    ///
    /// # Errors
    /// The first failed look-up or release, after all others were tried.
    pub(super) fn end_strangers(&self, strangers: &[MachineRef], now: Timestamp) -> Result<usize> {
        let Found { existing, silent, .. } = self.look_for(strangers, now);
        let (mut ended, mut failure) = (0, silent);
        for (name, ids) in existing {
            match self.providers.get(&name).and_then(|provider| {
                let releasing: Vec<Releasing<'_>> = ids.iter().map(Releasing::of_id).collect();
                provider.release(&releasing, now, self.deadline)
            }) {
                Ok(()) => ended += ids.len(),
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(ended), Err)
    }
}
