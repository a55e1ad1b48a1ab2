//! Weights of machines, if a template counts units of capacity instead of machines.
//!
//! Spot templates weigh their machine types. LSF's EC2 Fleet templates count slots: each machine is worth its
//! `ncpus`, and `maxNumber` × `ncpus` slots may exist (LSF's reference of `awsprov_templates.json`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::launch_spec::PriceType;
use crate::template::Template;

/// Units by machine type, as in `vmTypes` of a spot template, or one number for all types. At least one weight
/// is above 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weights(BTreeMap<String, u32>);

/// Key for all machine types without a weight of their own; no type has this name.
const ANY: &str = "*";

impl Weights {
    /// The weights of a spot or heterogeneous template, or of one that counts slots; `None` if units are
    /// machines.
    pub fn of(template: &Template) -> Option<Self> {
        let spec = template.spec();
        if let Some(slots) = spec.slots_per_machine() {
            return (slots > 1).then(|| Self(BTreeMap::from([(ANY.to_owned(), slots)])));
        }
        if spec.price_type == PriceType::OnDemand {
            return None;
        }
        let types = &spec.machine_types;
        let mut weights = BTreeMap::new();
        for (name, units) in types.weighted.iter().chain(&types.on_demand) {
            weights.entry(name.to_string()).or_insert(*units);
        }
        weights.values().any(|weight| *weight > 1).then_some(Self(weights))
    }

    /// The weight of a machine of this type; 1 for a type without a weight.
    pub fn units(&self, machine_type: Option<&str>) -> u32 {
        let own = machine_type.and_then(|name| self.0.get(name));
        own.or_else(|| self.0.get(ANY)).copied().unwrap_or(1).max(1)
    }

    /// Whether the units are slots.
    fn are_slots(&self) -> bool {
        self.0.contains_key(ANY)
    }
}

/// "machines", or "units" or "slots" if weights apply.
pub fn noun(weights: Option<&Weights>) -> &'static str {
    match weights {
        None => "machines",
        Some(weights) if weights.are_slots() => "slots",
        Some(_) => "units",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::MaxNumber;

    fn template(fields: &str, max_number: i64) -> Template {
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(fields).unwrap();
        fields.insert("templateId".to_owned(), "t".into());
        fields.insert("maxNumber".to_owned(), max_number.into());
        Template::new(fields).unwrap()
    }

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
            let template = template(fields, -1);
            let weights = Weights::of(&template);
            assert_eq!(weights.as_ref().map(|weights| weights.units(Some(machine_type))), worth);
            assert!(weights.is_none_or(|weights| weights.units(None) == 1));
        }
    }

    #[test]
    fn ec2_fleet_templates_count_slots() {
        let check = |fields: &str, max_number: i64, worth: Option<u32>, limit: MaxNumber| {
            let template = template(fields, max_number);
            let weights = Weights::of(&template);
            let found = weights.as_ref().map(|weights| weights.units(Some("any")));
            assert_eq!((found, template.limit()), (worth, limit), "{template:?}");
            assert_eq!(noun(weights.as_ref()), if worth.is_some() { "slots" } else { "machines" });
        };
        let four = r#""attributes": {"ncpus": ["Numeric", "4"]}"#;
        let fleet = r#""ec2FleetConfig": "fleet.json""#;
        let at_most = MaxNumber::AtMost;
        check(&format!("{{{fleet}, {four}}}"), 16, Some(4), at_most(64));
        check(&format!("{{{fleet}, {four}}}"), 0, Some(4), at_most(0));
        check(&format!("{{{fleet}, {four}}}"), -1, Some(4), MaxNumber::Unlimited);
        check(&format!("{{{fleet}, {four}}}"), i64::MAX, Some(4), at_most(u64::MAX));
        check(
            &format!("{{{fleet}, \"attributes\": {{\"ncpus\": [\"Numeric\", \"1\"]}}}}"),
            16,
            None,
            at_most(16),
        );
        check(&format!("{{{fleet}}}"), 16, None, at_most(16));
        check(&format!("{{\"ec2FleetConfig\": \"\", {four}}}"), 16, None, at_most(16));
        check(&format!("{{\"ec2FleetConfig\": null, {four}}}"), 16, None, at_most(16));
        check(&format!("{{{four}}}"), 16, None, at_most(16));
        // Slots go before weights: LSF knows no weights.
        let spot = r#""priceType": "spot", "vmTypes": {"any": 8}"#;
        check(&format!("{{{fleet}, {spot}, {four}}}"), 16, Some(4), at_most(64));
    }
}
