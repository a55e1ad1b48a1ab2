//! Which stored machine a reference means. One rule for every store; a store only looks machines up.
//!
//! An id decides, and the name beside it does not; but where that name is another living machine's, it is doubtful
//! which one is meant. A name alone means the newest living machine that is called so, by the rule of [`stands_for`]
//! with whole names before short ones, and the newest one that is gone where none is alive. A name of several living
//! machines is doubtful.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::error::Result;
use crate::host::{self, stands_for};
use crate::id::{MachineId, MachineRef};
use crate::machine::Machine;
use crate::store::Lookup;

/// A machine with its place in the order that machines were recorded in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Counts up; machines recorded later have greater numbers.
    pub number: i64,
    /// The machine.
    pub machine: Machine,
}

/// How a store looks machines up.
pub trait Candidates {
    /// Machines of this id, one for each provider that has used it.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    fn by_id(&mut self, id: &MachineId) -> Result<Vec<Numbered>>;

    /// Machines that are not gone and whose name has this first [label](host::label), the newest first.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    fn living(&mut self, label: &str) -> Result<Vec<Numbered>>;

    /// The same of machines that are gone; the newest few are enough.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    fn gone(&mut self, label: &str) -> Result<Vec<Numbered>>;
}

/// The machine that is meant.
///
/// # Errors
/// Those of the store.
pub fn find(candidates: &mut dyn Candidates, wanted: &MachineRef) -> Result<Lookup<Numbered>> {
    let mut known = match &wanted.id {
        Some(id) => candidates.by_id(id)?,
        None => Vec::new(),
    };
    // Several providers may use the same id: what exists goes before what is gone, the newest first.
    known.sort_by_key(|found| (found.machine.is_gone(), Reverse(found.number)));
    let both = wanted.name.as_deref().and_then(|name| known.iter().find(|found| found.answers_to(name)));
    if let Some(both) = both {
        return Ok(Lookup::Known(both.clone()));
    }
    match (known.into_iter().next(), wanted.name.as_deref(), wanted.name_to_look_up()) {
        (None, _, Some(name)) => named(candidates, name),
        (None, _, None) => Ok(Lookup::Unknown),
        (Some(found), Some(name), None) if !found.machine.is_gone() => confirm(candidates, found, name),
        (Some(found), _, _) => Ok(Lookup::Known(found)),
    }
}

/// The machine of an id that is called otherwise than the reference says, unless another one is called so.
fn confirm(candidates: &mut dyn Candidates, found: Numbered, name: &str) -> Result<Lookup<Numbered>> {
    let other = match named(candidates, name)? {
        Lookup::Known(other) => format!("machine {}", other.machine.id),
        Lookup::Unknown => return Ok(Lookup::Known(found)),
        Lookup::Doubtful(_) => "several machines".to_owned(),
    };
    let called = found.machine.name.as_deref().map_or("no host name yet".to_owned(), str::to_owned);
    Ok(Lookup::Doubtful(format!("{} is {called}, and {name} is {other}", found.machine.id)))
}

fn named(candidates: &mut dyn Candidates, name: &str) -> Result<Lookup<Numbered>> {
    let label = host::label(name);
    let mut living = candidates.living(&label)?;
    living.retain(|found| found.answers_to(name));
    // A whole name goes before the same name as a short one of others.
    if living.iter().any(|found| found.is_called(name)) {
        living.retain(|found| found.is_called(name));
    }
    let hosts: BTreeSet<(&str, String)> = living.iter().filter_map(Numbered::host).collect();
    if hosts.len() > 1 {
        let names: Vec<String> =
            living.iter().map(|found| MachineRef::from(&found.machine).to_string()).collect();
        return Ok(Lookup::Doubtful(format!("it could be {}", names.join(" or "))));
    }
    // An address is one machine's at a time, so an older one of the same name only seems to be alive.
    if let Some(newest) = living.into_iter().next() {
        return Ok(Lookup::Known(newest));
    }
    let mut gone = candidates.gone(&label)?;
    gone.retain(|found| found.answers_to(name));
    let whole = gone.iter().position(|found| found.is_called(name)).unwrap_or(0);
    Ok(gone.into_iter().nth(whole).map_or(Lookup::Unknown, Lookup::Known))
}

impl Numbered {
    fn is_called(&self, name: &str) -> bool {
        self.machine.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    fn answers_to(&self, name: &str) -> bool {
        self.machine.name.as_deref().is_some_and(|own| stands_for(name, own))
    }

    /// Its provider, within which a name is one machine's at a time, and its name.
    fn host(&self) -> Option<(&str, String)> {
        Some((&self.machine.provider, self.machine.name.as_deref()?.to_ascii_lowercase()))
    }
}
