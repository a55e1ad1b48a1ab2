//! A template, which describes machines that can be requested, and the values of its fields.
//!
//! It knows Host Factory's and EC2's meaning of them. It must not know files, JSON positions or field names in
//! other formats.

use std::fmt;

use serde_json::{Map, Value};

/// A resolved template, ready to be rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// `templateId`: 1 to 64 of `0-9A-Za-z_-`.
    pub id: String,
    /// `maxNumber`: machines (units for spot and mixed fleets); −1 is unlimited, 0 is none.
    pub max_number: i64,
    /// Every field under its Host Factory name, in file order, `templateId`, `maxNumber` and the
    /// completed `attributes` (typed lists) included.
    pub fields: Map<String, Value>,
}

impl Template {
    /// Rebuilds a template from the fields that are stored with a request.
    pub fn from_fields(fields: Map<String, Value>) -> Option<Self> {
        let id = fields.get("templateId")?.as_str()?.to_owned();
        let max_number = fields.get("maxNumber")?.as_i64()?;
        Some(Self { id, max_number, fields })
    }

    /// The text of a field; `None` if it is missing or no string.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// Maximum number of machines; units if [`Weights::of`](crate::Weights::of) it has some.
    pub fn limit(&self) -> MaxNumber {
        let slots = u64::from(self.slots_per_machine().unwrap_or(1));
        match MaxNumber::from_number(self.max_number) {
            Some(MaxNumber::AtMost(machines)) => MaxNumber::AtMost(machines.saturating_mul(slots)),
            Some(MaxNumber::Unlimited) => MaxNumber::Unlimited,
            None => MaxNumber::AtMost(0),
        }
    }

    /// The slots of one machine, for the templates that LSF counts in slots: those with `ec2FleetConfig`.
    pub fn slots_per_machine(&self) -> Option<u32> {
        self.text("ec2FleetConfig").filter(|file| !file.is_empty())?;
        let ncpus = self.fields.get("attributes")?.get("ncpus")?.get(1)?.as_str()?;
        ncpus.split('.').next()?.parse().ok().filter(|slots| *slots > 0)
    }
}

/// The machine types of `vmType`: one, or several with commas between them, as LSF's spot templates have it.
pub fn listed_types(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let text = fields.get("vmType").and_then(Value::as_str).unwrap_or_default();
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The machine types of `vmTypes` with the units that each machine is worth.
pub fn weighted_types(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, u64)> {
    let types = fields.get("vmTypes").and_then(Value::as_object).into_iter().flatten();
    types.map(|(name, weight)| (name.as_str(), weight.as_u64().unwrap_or(1)))
}

/// Whether LSF's `spotPrice` makes it a spot template: any price above 0 does.
pub fn has_spot_price(fields: &Map<String, Value>) -> bool {
    let price = match fields.get("spotPrice") {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    price.is_some_and(|price: f64| price > 0.0)
}

/// The form of a `templateId`, for messages.
pub const ID_RULE: &str = "1 to 64 of 0-9, A-Z, a-z, _ and -";

/// Whether `id` can be a `templateId`. Host Factory is known to mishandle anything else.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The meaning of `maxNumber`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxNumber {
    /// −1: as many as the provider gives.
    Unlimited,
    /// This many; 0 keeps the template listed and offers nothing.
    AtMost(u64),
}

impl MaxNumber {
    /// The largest number in IBM's documentation; larger ones are passed on.
    pub const DOCUMENTED_MAXIMUM: i64 = 10_000;

    /// The meaning of `number`; `None` if it is invalid.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Unlimited),
            number => u64::try_from(number).ok().map(Self::AtMost),
        }
    }
}

/// `priceType`: the price model, which determines the API call of the launch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceType {
    /// On-demand instances.
    #[default]
    OnDemand,
    /// A fleet of spot instances.
    Spot,
    /// A spot fleet first, the rest on demand.
    Heterogeneous,
}

impl PriceType {
    /// Host Factory's names.
    pub const NAMES: &'static [&'static str] = &["ondemand", "spot", "heterogeneous"];

    /// Parses Host Factory's name.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "ondemand" => Some(Self::OnDemand),
            "spot" => Some(Self::Spot),
            "heterogeneous" => Some(Self::Heterogeneous),
            _ => None,
        }
    }
}

impl fmt::Display for PriceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnDemand => "ondemand",
            Self::Spot => "spot",
            Self::Heterogeneous => "heterogeneous",
        })
    }
}

/// Allocation strategy of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationStrategy {
    /// The cheapest pools.
    LowestPrice,
    /// Spread over all pools.
    Diversified,
    /// The pools least likely to be interrupted.
    CapacityOptimized,
    /// As `CapacityOptimized`, respecting priorities if possible.
    CapacityOptimizedPrioritized,
    /// Capacity first, price second.
    PriceCapacityOptimized,
    /// By priority; for on-demand capacity.
    Prioritized,
}

impl AllocationStrategy {
    /// The names for spot capacity.
    pub const SPOT_NAMES: &'static [&'static str] = &[
        "lowestPrice",
        "diversified",
        "capacityOptimized",
        "capacityOptimizedPrioritized",
        "priceCapacityOptimized",
    ];

    /// The names for on-demand capacity.
    pub const ON_DEMAND_NAMES: &'static [&'static str] = &["lowestPrice", "prioritized"];

    /// Parses any of the spellings in use: `lowestPrice`, `lowest-price`, `lowest_price`.
    pub fn parse(word: &str) -> Option<Self> {
        let plain: String = word
            .chars()
            .filter(|letter| !matches!(letter, '-' | '_'))
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        match plain.as_str() {
            "lowestprice" => Some(Self::LowestPrice),
            "diversified" => Some(Self::Diversified),
            "capacityoptimized" => Some(Self::CapacityOptimized),
            "capacityoptimizedprioritized" => Some(Self::CapacityOptimizedPrioritized),
            "pricecapacityoptimized" => Some(Self::PriceCapacityOptimized),
            "prioritized" => Some(Self::Prioritized),
            _ => None,
        }
    }

    /// Whether it applies to spot capacity.
    pub fn is_for_spot(self) -> bool {
        self != Self::Prioritized
    }

    /// Whether it applies to on-demand capacity.
    pub fn is_for_on_demand(self) -> bool {
        matches!(self, Self::LowestPrice | Self::Prioritized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (id, good) in [
            ("a", true),
            ("Small_2-x", true),
            ("", false),
            ("a b", false),
            ("ä", false),
            ("a.b", false),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(is_id(id), good, "{id}");
        }
    }

    #[test]
    fn max_numbers() {
        assert_eq!(MaxNumber::from_number(-1), Some(MaxNumber::Unlimited));
        assert_eq!(MaxNumber::from_number(0), Some(MaxNumber::AtMost(0)));
        assert_eq!(MaxNumber::from_number(7), Some(MaxNumber::AtMost(7)));
        assert_eq!(MaxNumber::from_number(-2), None);
    }

    #[test]
    fn machine_types_and_spot_prices() {
        let check = |fields: &str, listed: &[&str], weighted: &[(&str, u64)], spot: bool| {
            let fields: Map<String, Value> = serde_json::from_str(fields).unwrap();
            assert_eq!(listed_types(&fields).collect::<Vec<_>>(), listed, "{fields:?}");
            assert_eq!(weighted_types(&fields).collect::<Vec<_>>(), weighted, "{fields:?}");
            assert_eq!(has_spot_price(&fields), spot, "{fields:?}");
        };
        check(r#"{"vmType": "m5.large"}"#, &["m5.large"], &[], false);
        check(r#"{"vmType": " a, b,,c ,", "spotPrice": "0.6"}"#, &["a", "b", "c"], &[], true);
        check(
            r#"{"vmType": "", "vmTypes": {"a": 1, "b": 8}, "spotPrice": 0.01}"#,
            &[],
            &[("a", 1), ("b", 8)],
            true,
        );
        for price in ["0", "\"0.0\"", "\"\"", "\"much\"", "null", "-1"] {
            check(&format!(r#"{{"vmType": null, "vmTypes": null, "spotPrice": {price}}}"#), &[], &[], false);
        }
    }

    #[test]
    fn words() {
        for name in PriceType::NAMES {
            assert_eq!(PriceType::parse(name).map(|price| price.to_string()).as_deref(), Some(*name));
        }
        for name in AllocationStrategy::SPOT_NAMES {
            assert!(AllocationStrategy::parse(name).is_some_and(AllocationStrategy::is_for_spot), "{name}");
        }
        for name in AllocationStrategy::ON_DEMAND_NAMES {
            assert!(
                AllocationStrategy::parse(name).is_some_and(AllocationStrategy::is_for_on_demand),
                "{name}"
            );
        }
        assert_eq!(
            AllocationStrategy::parse("capacity-optimized_prioritized"),
            Some(AllocationStrategy::CapacityOptimizedPrioritized)
        );
        assert_eq!(AllocationStrategy::parse("cheapest"), None);
    }

    #[test]
    fn templates_from_their_fields() {
        let read = |fields: &str| Template::from_fields(serde_json::from_str(fields).unwrap());
        let template =
            read(r#"{"templateId": "t", "maxNumber": -1, "vmType": "m5.large", "userData": 5}"#).unwrap();
        assert_eq!((template.id.as_str(), template.max_number), ("t", -1));
        assert_eq!(
            (template.text("vmType"), template.text("userData"), template.text("none")),
            (Some("m5.large"), None, None)
        );
        for lacking in [
            r#"{"maxNumber": 1}"#,
            r#"{"templateId": 1, "maxNumber": 1}"#,
            r#"{"templateId": "t"}"#,
            r#"{"templateId": "t", "maxNumber": "1"}"#,
        ] {
            assert_eq!(read(lacking), None, "{lacking}");
        }
    }

    #[test]
    fn slots_of_a_machine() {
        let check = |config: &str, ncpus: &str, slots: Option<u32>, limit: u64| {
            let fields = format!(
                r#"{{"templateId": "t", "maxNumber": 3, "ec2FleetConfig": {config}, "attributes": {{"ncpus": {ncpus}}}}}"#
            );
            let template = Template::from_fields(serde_json::from_str(&fields).unwrap()).unwrap();
            assert_eq!(
                (template.slots_per_machine(), template.limit()),
                (slots, MaxNumber::AtMost(limit)),
                "{fields}"
            );
        };
        check(r#""f.json""#, r#"["Numeric", "4"]"#, Some(4), 12);
        check(r#""f.json""#, r#"["Numeric", "4.0"]"#, Some(4), 12);
        check(r#""f.json""#, r#"["Numeric", "1"]"#, Some(1), 3);
        check(r#""f.json""#, r#"["Numeric", "0"]"#, None, 3);
        check(r#""f.json""#, r#"["Numeric", "x"]"#, None, 3);
        check(r#""f.json""#, "4", None, 3);
        check(r#""""#, r#"["Numeric", "4"]"#, None, 3);
        let negative = Template { id: "t".to_owned(), max_number: -2, fields: Map::new() };
        assert_eq!(negative.limit(), MaxNumber::AtMost(0));
    }

    #[test]
    fn each_strategy_has_its_words_and_its_capacity() {
        use AllocationStrategy as Strategy;
        for (word, strategy, spot, on_demand) in [
            ("lowestPrice", Strategy::LowestPrice, true, true),
            ("lowest-price", Strategy::LowestPrice, true, true),
            ("diversified", Strategy::Diversified, true, false),
            ("capacity_optimized", Strategy::CapacityOptimized, true, false),
            ("capacityOptimizedPrioritized", Strategy::CapacityOptimizedPrioritized, true, false),
            ("priceCapacityOptimized", Strategy::PriceCapacityOptimized, true, false),
            ("prioritized", Strategy::Prioritized, false, true),
        ] {
            assert_eq!(Strategy::parse(word), Some(strategy), "{word}");
            assert_eq!((strategy.is_for_spot(), strategy.is_for_on_demand()), (spot, on_demand), "{word}");
        }
    }

    #[test]
    fn a_weight_that_is_no_number_is_one() {
        let fields: Map<String, Value> = serde_json::from_str(r#"{"vmTypes": {"a": "x", "b": 3}}"#).unwrap();
        assert_eq!(weighted_types(&fields).collect::<Vec<_>>(), [("a", 1), ("b", 3)]);
    }
}
