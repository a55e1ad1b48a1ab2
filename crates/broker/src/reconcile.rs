//! What the store and a provider's listing say of each other. Nothing here is asked or changed.
//!
//! The listing is older than what was read of the store: a launch is in the store before its call is sent, so that
//! whatever is listed and is on its way has a request there.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::id::{MachineId, RequestId};
use crate::keywords;
use crate::machine::Machine;
use crate::owned::{Marks, Owned, OwnedKind, OwnedMachine, OwnedResource};
use crate::provider::Identity;
use crate::request::Request;
use crate::time::Timestamp;

/// Whose machines and resources count as those of this store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileScope {
    /// The id of this store; `None` where there is none.
    pub own: Option<String>,
    /// Ids of stores that are lost: what is marked with them is this store's.
    pub lost: Vec<String>,
    /// Only these providers; `None` means all that are enabled.
    pub providers: Option<Vec<String>>,
}

impl ReconcileScope {
    fn has(&self, store: &str) -> bool {
        self.own.as_deref() == Some(store) || self.lost.iter().any(|lost| lost == store)
    }
}

/// The listing of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'l> {
    /// Its name.
    pub provider: &'l str,
    /// Whose machines it handles.
    pub identity: &'l Identity,
    /// Milliseconds for which a new machine may be invisible.
    pub consistency_millis: i64,
    /// Names of all providers: what is marked with another one's is in that one's listing.
    pub all: &'l [String],
    /// What it has.
    pub owned: &'l Owned,
    /// Whether it lists the machines of this store.
    pub has_own: bool,
    /// When it was asked.
    pub at: Timestamp,
}

/// What was read of the store after the listing.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Machines that the listing names.
    pub machines: HashMap<MachineId, Machine>,
    /// Requests that the marks name.
    pub requests: HashMap<RequestId, Request>,
    /// Machines that exist according to the store.
    pub living: Vec<Machine>,
}

/// Why something does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It carries no request.
    NoRequest,
    /// The store does not have its request.
    UnknownRequest,
    /// Its request was over and is not watched any more, and has not recorded it.
    AfterItsEnd,
    /// The store has it as terminated.
    Ended,
    /// The store has it, and the provider does not.
    Vanished,
}

keywords!(Why {
    NoRequest: "no-request",
    UnknownRequest: "unknown-request",
    AfterItsEnd: "after-its-end",
    Ended: "ended-in-store",
    Vanished: "not-at-provider",
});

/// What mends a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// It becomes a machine of a request, and is returned as any other.
    Adopt,
    /// It is terminated or deleted.
    Release,
    /// The store notes that it is gone.
    Refresh,
}

keywords!(Remedy { Adopt: "adopt", Release: "release", Refresh: "refresh" });

impl Why {
    /// The sentence for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoRequest => "it carries the tag of no request",
            Self::UnknownRequest => "the store does not know its request",
            Self::AfterItsEnd => "it came after its request was over",
            Self::Ended => "the store has it as terminated, and it exists",
            Self::Vanished => "the store has it, and the provider does not",
        }
    }

    /// What is done unless a person says otherwise. What may be in use is kept.
    pub fn remedy(self) -> Remedy {
        match self {
            Self::NoRequest | Self::UnknownRequest => Remedy::Adopt,
            Self::AfterItsEnd | Self::Ended => Remedy::Release,
            Self::Vanished => Remedy::Refresh,
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A machine that the provider has.
    Machine(OwnedMachine),
    /// What a launch made beside machines.
    Resource(OwnedResource),
    /// A machine that only the store has.
    Missing(Machine),
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the provider.
    pub provider: String,
    /// Why.
    pub why: Why,
    /// What.
    pub misfit: Misfit,
}

impl Finding {
    /// What it is.
    pub fn kind(&self) -> OwnedKind {
        match &self.misfit {
            Misfit::Resource(resource) => resource.kind,
            Misfit::Machine(_) | Misfit::Missing(_) => OwnedKind::Machine,
        }
    }

    /// The provider's id.
    pub fn id(&self) -> &str {
        match &self.misfit {
            Misfit::Machine(machine) => machine.instance.id.as_str(),
            Misfit::Resource(resource) => &resource.id,
            Misfit::Missing(machine) => machine.id.as_str(),
        }
    }

    /// What mends it; `machines` is what a person wants for machines that may be in use.
    pub fn remedy(&self, machines: Option<Remedy>) -> Remedy {
        match &self.misfit {
            Misfit::Resource(_) => Remedy::Release,
            Misfit::Machine(_) if self.why != Why::Ended => machines.unwrap_or(self.why.remedy()),
            Misfit::Machine(_) | Misfit::Missing(_) => self.why.remedy(),
        }
    }
}

/// What is marked with the id of another store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherStore {
    /// Machines that exist.
    pub machines: u64,
    /// Those of them that this store knows: it has what that one had.
    pub known: u64,
    /// Fleets, groups and templates.
    pub resources: u64,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What does not fit. [`Why::Vanished`] is a suspicion: a machine may have lost its marks.
    pub findings: Vec<Finding>,
    /// What belongs to other stores, by their ids.
    pub others: BTreeMap<String, OtherStore>,
}

/// Compares one listing with the store.
pub fn compare(listing: &Listing<'_>, stored: &Stored, scope: &ReconcileScope) -> Compared {
    let mut compared = Compared::default();
    let mut listed: HashSet<&MachineId> = HashSet::new();
    let finding = |why, misfit| Finding { provider: listing.provider.to_owned(), why, misfit };
    for machine in &listing.owned.machines {
        let id = &machine.instance.id;
        listed.insert(id);
        let is_known = stored.machines.contains_key(id);
        let Some(store) = listing.store_of(&machine.marks) else { continue };
        if !scope.has(store) {
            let other = compared.others.entry(store.to_owned()).or_default();
            other.machines += 1;
            other.known += u64::from(is_known);
        } else if let Some(why) = stored.doubt_about(machine, listing.at) {
            compared.findings.push(finding(why, Misfit::Machine(machine.clone())));
        }
    }
    for resource in &listing.owned.resources {
        let Some(store) = listing.store_of(&resource.marks) else { continue };
        if !scope.has(store) {
            compared.others.entry(store.to_owned()).or_default().resources += 1;
        } else if let Some(why) = stored.left_over(&resource.marks).filter(|_| !resource.is_kept) {
            compared.findings.push(finding(why, Misfit::Resource(resource.clone())));
        }
    }
    let is_listed =
        listing.has_own && !listing.owned.unlisted.iter().any(|(kind, _)| *kind == OwnedKind::Machine);
    let missing = stored.living.iter().filter(|machine| is_listed && listing.misses(machine, &listed));
    compared.findings.extend(missing.map(|machine| finding(Why::Vanished, Misfit::Missing(machine.clone()))));
    compared
}

impl Listing<'_> {
    /// The store that something is marked with, unless another provider lists it, too.
    fn store_of<'m>(&self, marks: &'m Marks) -> Option<&'m str> {
        let is_elsewhere = marks
            .provider
            .as_ref()
            .is_some_and(|provider| provider != self.provider && self.all.contains(provider));
        marks.store.as_deref().filter(|_| !is_elsewhere)
    }

    /// Whether a machine of the store must be in the listing, and is not.
    fn misses(&self, machine: &Machine, listed: &HashSet<&MachineId>) -> bool {
        machine.provider == self.provider
            && machine.is_of(self.identity)
            && !machine.state.is_ending()
            // What was released is followed to its end by its return, or by the sweep.
            && machine.ending.is_none()
            && machine.updated < self.at
            && self.at.millis_since(machine.launched) > self.consistency_millis
            && !listed.contains(&machine.id)
    }
}

impl Stored {
    /// What is wrong with a machine that exists.
    fn doubt_about(&self, machine: &OwnedMachine, listed: Timestamp) -> Option<Why> {
        if machine.instance.state.is_ending() {
            return None;
        }
        match self.machines.get(&machine.instance.id) {
            // It may have ended since it was listed.
            Some(known) => {
                let has_ended = known.is_gone() && known.gone.is_none_or(|gone| gone < listed);
                has_ended.then_some(Why::Ended)
            }
            None => self.left_over(&machine.marks),
        }
    }

    /// Why no request will ever record or delete what has these marks.
    fn left_over(&self, marks: &Marks) -> Option<Why> {
        let Some(request) = &marks.request else { return Some(Why::NoRequest) };
        let Some(request) = self.requests.get(request) else { return Some(Why::UnknownRequest) };
        let may_still_record = !request.state.is_final() || request.open || request.watch_until.is_some();
        (!may_still_record).then_some(Why::AfterItsEnd)
    }
}

#[cfg(test)]
mod tests;
