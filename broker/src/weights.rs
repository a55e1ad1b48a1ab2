//! What machines are worth where a template counts units of capacity instead of machines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::template::{PriceType, Template};

/// Units by machine type, as `vmTypes` of a spot template has them. At least one is worth more than 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weights(BTreeMap<String, u32>);

impl Weights {
    /// The weights of a spot or heterogeneous template; `None` where units are machines.
    pub fn of(template: &Template) -> Option<Self> {
        let price = template.text("priceType").and_then(PriceType::parse).unwrap_or_default();
        if price == PriceType::OnDemand {
            return None;
        }
        let mut weights = BTreeMap::new();
        for field in ["vmTypes", "vmTypesOnDemand"] {
            let types = template.fields.get(field).and_then(Value::as_object);
            for (name, weight) in types.into_iter().flatten() {
                weights.entry(name.clone()).or_insert_with(|| units(weight));
            }
        }
        weights.values().any(|weight| *weight > 1).then_some(Self(weights))
    }

    /// What a machine of this type is worth; 1 for a type without a weight.
    pub fn units(&self, machine_type: Option<&str>) -> u32 {
        machine_type.and_then(|name| self.0.get(name)).copied().unwrap_or(1).max(1)
    }
}

fn units(weight: &Value) -> u32 {
    let number = weight.as_u64().or_else(|| weight.as_str().and_then(|text| text.trim().parse().ok()));
    number.map_or(1, |number| u32::try_from(number).unwrap_or(u32::MAX)).max(1)
}

/// "machines", or "units" where they are not the same.
pub fn noun(weights: Option<&Weights>) -> &'static str {
    if weights.is_some() { "units" } else { "machines" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_where_weights_say_so() {
        for (fields, machine_type, worth) in [
            (r#"{"priceType": "spot", "vmTypes": {"a": 1, "b": 8}}"#, "b", Some(8)),
            (r#"{"priceType": "spot", "vmTypes": {"a": 1, "b": "8"}}"#, "b", Some(8)),
            (r#"{"priceType": "spot", "vmTypes": {"a": 1, "b": 8}}"#, "a", Some(1)),
            (r#"{"priceType": "spot", "vmTypes": {"a": 1, "b": 8}}"#, "other", Some(1)),
            (r#"{"priceType": "spot", "vmTypes": {"a": 1, "b": 1}}"#, "a", None),
            (r#"{"priceType": "spot", "vmType": "a"}"#, "a", None),
            (r#"{"vmTypes": {"a": 4}}"#, "a", None),
            (r#"{"priceType": "ondemand", "vmTypes": {"a": 4}}"#, "a", None),
            (
                r#"{"priceType": "heterogeneous", "vmTypes": {"a": 1}, "vmTypesOnDemand": {"a": 3, "c": 2}}"#,
                "c",
                Some(2),
            ),
        ] {
            let fields = serde_json::from_str(fields).unwrap();
            let template = Template { id: "t".to_owned(), max_number: -1, fields };
            let weights = Weights::of(&template);
            assert_eq!(weights.as_ref().map(|weights| weights.units(Some(machine_type))), worth);
            assert!(weights.is_none_or(|weights| weights.units(None) == 1));
        }
    }
}
