//! Machines that the scheduler names and the store does not know: from an earlier plug-in, from pruned history,
//! from before a restore. Unknown to the store is not absent in the cloud, so they are looked up at the
//! providers.

use super::pass::Pass;
use super::side_by_side::side_by_side;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, MachineRef};
use crate::provider::{Existence, Releasing};
use crate::text::quoted;

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

impl Pass<'_> {
    /// Looks strangers up at all providers, side by side. One that several have counts for the first of them.
    pub(super) fn look_for(&self, strangers: &[MachineRef]) -> Found {
        let mut found = Found { missing: strangers.to_vec(), ..Found::default() };
        if strangers.is_empty() {
            return found;
        }
        let (providers, now, deadline) = (self.broker.providers, self.now, self.broker.deadline);
        let names = providers.names();
        if names.is_empty() {
            found.silent = Some(Error::new(ErrorKind::Unavailable, "no provider is enabled"));
        }
        let mut asked = Vec::with_capacity(names.len());
        for name in names {
            match providers.get(&name) {
                Ok(provider) => asked.push((name, provider)),
                Err(error) => {
                    found.silent.get_or_insert(error);
                }
            }
        }
        let answers = side_by_side(&asked, |provider| provider.exists(strangers, now, deadline));
        for ((name, _), answer) in asked.into_iter().zip(answers) {
            let existing = match answer.flatten() {
                Ok(existing) => existing,
                Err(error) => {
                    found.silent.get_or_insert(error);
                    continue;
                }
            };
            let mut ids = Vec::new();
            for Existence { machine, found: id } in existing {
                let Some(id) = id else { continue };
                let before = found.missing.len();
                found.missing.retain(|wanted| *wanted != machine);
                if found.missing.len() < before && !ids.contains(&id) {
                    ids.push(id);
                }
            }
            if !ids.is_empty() {
                found.existing.push((name, ids));
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
    pub(super) fn end_strangers(&self, strangers: &[MachineRef]) -> Result<usize> {
        let Found { existing, silent, .. } = self.look_for(strangers);
        let (mut ended, mut failure) = (0, silent);
        for (name, ids) in existing {
            match self.broker.providers.get(&name).and_then(|provider| {
                let releasing: Vec<Releasing<'_>> = ids.iter().map(Releasing::of_id).collect();
                provider.release(&releasing, self.now, self.broker.deadline)
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
