//! Resolution of references to machines. One rule for all stores; a store only looks machines up.
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

/// A machine with its sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Sequence number; machines recorded later have greater ones.
    pub number: i64,
    /// The machine.
    pub machine: Machine,
}

/// The look-ups that a store provides.
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

    /// As [`Self::living`] for machines that are gone; the newest few suffice.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    fn gone(&mut self, label: &str) -> Result<Vec<Numbered>>;
}

/// Resolves a reference.
///
/// # Errors
/// Errors of the store.
pub fn find(candidates: &mut dyn Candidates, wanted: &MachineRef) -> Result<Lookup<Numbered>> {
    let mut known = match &wanted.id {
        Some(id) => candidates.by_id(id)?,
        None => Vec::new(),
    };
    // Several providers may use the same id: existing machines go before gone ones, the newest first.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Machines in the order of their recording.
    struct Site(Vec<Numbered>);

    impl Site {
        /// `ID NAME STATE` each; the provider is the last word where there is a fourth.
        fn new(machines: &[&str]) -> Self {
            let read = |(number, text): (i64, &&str)| {
                let words: Vec<&str> = text.split(' ').collect();
                let machine = json!({
                    "id": words[0], "provider": words.get(3).unwrap_or(&"sim"), "request": "req-1",
                    "template_id": "t", "name": Some(words[1]).filter(|name| *name != "-"), "state": words[2],
                    "ending": null, "returned_by": null, "private_ip": null, "public_ip": null,
                    "instance_type": null, "price_type": null, "tags": null, "launched": 1, "reclaim_at": null,
                    "message": null, "updated": 1, "version": 1,
                });
                Numbered { number, machine: serde_json::from_value(machine).unwrap() }
            };
            Self((0..).zip(machines).map(read).collect())
        }

        fn found(&self, which: impl Fn(&Machine) -> bool) -> Vec<Numbered> {
            let mut found: Vec<Numbered> = self.0.iter().filter(|one| which(&one.machine)).cloned().collect();
            found.reverse();
            found
        }
    }

    impl Candidates for Site {
        fn by_id(&mut self, id: &MachineId) -> Result<Vec<Numbered>> {
            Ok(self.found(|machine| machine.id == *id))
        }

        fn living(&mut self, label: &str) -> Result<Vec<Numbered>> {
            let is = |name: &String| host::label(name) == label;
            Ok(self.found(|machine| !machine.is_gone() && machine.name.as_ref().is_some_and(is)))
        }

        fn gone(&mut self, label: &str) -> Result<Vec<Numbered>> {
            let is = |name: &String| host::label(name) == label;
            Ok(self.found(|machine| machine.is_gone() && machine.name.as_ref().is_some_and(is)))
        }
    }

    /// Who is meant by `NAME`, `/ID` or `NAME/ID`: an id, `unknown`, or why it is doubtful.
    fn check(machines: &[&str], wanted: &str, expected: &str) {
        let (name, id) = wanted.split_once('/').unwrap_or((wanted, ""));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let reference = MachineRef { name: some(name), id: some(id).map(MachineId::new) };
        let found = match find(&mut Site::new(machines), &reference).unwrap() {
            Lookup::Known(found) => found.machine.id.to_string(),
            Lookup::Unknown => "unknown".to_owned(),
            Lookup::Doubtful(why) => why,
        };
        assert_eq!(found, expected, "{wanted} among {machines:?}");
    }

    #[test]
    fn a_name_means_the_newest_living_machine_that_is_called_so() {
        let two = ["i-1 h.a running", "i-2 h.a running"];
        check(&two, "h.a", "i-2");
        check(&two, "H", "i-2");
        check(&two, "x", "unknown");
        check(&["i-1 h.a terminated", "i-2 h.a terminated"], "h.a", "i-2");
        check(&["i-1 h.a running", "i-2 h.a terminated"], "h.a", "i-1");
        check(&["i-1 h terminated", "i-2 h.b terminated"], "h", "i-1");
        check(&["i-1 h.a terminated", "i-2 h.b terminated"], "h", "i-2");
        // A whole name goes before a short one.
        check(&["i-1 h running", "i-2 h.b running"], "h", "i-1");
        check(&["i-1 h.a running", "i-2 h.b running"], "h", "it could be h.b (i-2) or h.a (i-1)");
        check(&["i-1 h.a running", "i-2 h.b running"], "h.a", "i-1");
        // Two providers may have a host of the same name each.
        check(&["i-1 h running", "i-2 h running aws"], "h", "it could be h (i-2) or h (i-1)");
    }

    #[test]
    fn an_id_goes_before_a_name() {
        let some = ["i-1 h running", "i-2 k running", "i-3 m terminated", "i-4 - running"];
        check(&some, "/i-1", "i-1");
        check(&some, "h/i-1", "i-1");
        check(&some, "other/i-1", "i-1");
        check(&some, "h/i-9", "unknown");
        check(&some, "/i-9", "unknown");
        // One text that may be both.
        check(&some, "i-1/i-1", "i-1");
        check(&some, "k/k", "i-2");
        // The name beside it is another living machine's.
        check(&some, "k/i-1", "i-1 is h, and k is machine i-2");
        check(&some, "k/i-4", "i-4 is no host name yet, and k is machine i-2");
        check(&some, "k/i-3", "i-3");
        check(
            &["i-1 h running", "i-2 k.a running", "i-3 k.b running"],
            "k/i-1",
            "i-1 is h, and k is several machines",
        );
    }
}
