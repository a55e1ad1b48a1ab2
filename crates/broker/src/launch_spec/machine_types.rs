//! Machine types and what a machine of each is worth.

use serde_json::{Map, Value};

use super::read::{Fault, Read, decimal, split, unsigned};

/// Machine types with a number each.
pub type Named<T> = Box<[(Box<str>, T)]>;

/// The machine types of a template. Names are in the order of the file, and none is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineTypes {
    /// `vmType`: one type, or several with commas between them, as LSF's spot templates have it.
    pub listed: Box<[Box<str>]>,
    /// `vmTypes`: with the units that each machine is worth, from 1.
    pub weighted: Named<u32>,
    /// `vmTypesOnDemand`: the same for the on-demand part of a heterogeneous template.
    pub on_demand: Named<u32>,
    /// `vmTypesPriority`: the lowest number is preferred.
    pub priorities: Named<f64>,
}

/// A machine type to launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'s> {
    /// For example `m5.large`.
    pub name: &'s str,
    /// Units that a machine is worth; 1 without a weight.
    pub units: u32,
    /// Its priority; the lowest number is preferred.
    pub priority: Option<f64>,
}

impl MachineTypes {
    pub(super) fn candidates(&self, weighted_first: bool) -> impl Iterator<Item = Candidate<'_>> {
        let use_weighted = !self.weighted.is_empty() && (weighted_first || self.listed.is_empty());
        let weighted = self.weighted.iter().filter(move |_| use_weighted).map(|(name, units)| (name, *units));
        let listed = self.listed.iter().filter(move |_| !use_weighted).map(|name| (name, 1));
        weighted.chain(listed).map(|(name, units)| {
            let priority = self.priorities.iter().find(|(other, _)| other == name);
            Candidate { name, units, priority: priority.map(|(_, number)| *number) }
        })
    }
}

/// The names in `vmType`.
pub fn listed(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    split(fields.get("vmType").and_then(Value::as_str).unwrap_or_default())
}

/// The names in `vmTypes`.
pub fn weighted(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let types = fields.get("vmTypes").and_then(Value::as_object).into_iter().flatten();
    types.map(|(name, _)| name.as_str())
}

pub(super) fn weights(value: &Value) -> Read<Named<u32>> {
    const WEIGHT: &str = "a whole number from 1";
    let object = value.as_object().ok_or_else(|| {
        Fault::new(value, "an object of machine types with whole weights from 1, like {\"m5.large\": 1}")
    })?;
    let weight = |(name, weight): (&String, &Value)| match unsigned(weight).filter(|number| *number > 0) {
        Some(number) => Ok((name.as_str().into(), u32::try_from(number).unwrap_or(u32::MAX))),
        None => Err(Fault::new(weight, WEIGHT).in_member(name)),
    };
    object.iter().map(weight).collect()
}

pub(super) fn priorities(value: &Value) -> Read<Named<f64>> {
    let object = value.as_object().ok_or_else(|| {
        Fault::new(value, "an object of machine types with numbers, like {\"m5.large\": 1}")
    })?;
    let priority = |(name, priority): (&String, &Value)| match (decimal(priority), priority) {
        (Some(number), _) => Ok((name.as_str().into(), number)),
        // A number that no `f64` holds.
        (None, Value::Number(_)) => Ok((name.as_str().into(), f64::MAX)),
        _ => Err(Fault::new(priority, "a number").in_member(name)),
    };
    object.iter().map(priority).collect()
}
