//! From a template to what it offers: machine types and how they are paid for.

use ohfp_broker::Template;
use ohfp_broker::template::{listed_types, weighted_types};

/// What a template offers.
pub(crate) struct Offer {
    /// At least one; machines are spread over them in turn.
    types: Vec<String>,
    pub(crate) price_type: &'static str,
}

impl Offer {
    pub(crate) fn of(template: &Template, default_type: &str) -> Self {
        let mut types: Vec<String> = listed_types(&template.fields).map(str::to_owned).collect();
        if types.is_empty() {
            types = weighted_types(&template.fields).map(|(name, _)| name.to_owned()).collect();
        }
        if types.is_empty() {
            types.push(default_type.to_owned());
        }
        let spot = matches!(template.text("priceType"), Some("spot" | "heterogeneous"));
        Self { types, price_type: if spot { "spot" } else { "ondemand" } }
    }

    /// The types to try for the machine at a place, the one whose turn it is first.
    pub(crate) fn in_turn(&self, place: u32) -> impl Iterator<Item = &str> {
        let first = place as usize % self.types.len().max(1);
        self.types.iter().cycle().skip(first).take(self.types.len()).map(String::as_str)
    }

    /// All types, for a message.
    pub(crate) fn names(&self) -> String {
        self.types.join(", ")
    }

    /// The type of the machine at a place where there is room for all.
    fn machine_type(&self, place: u32) -> &str {
        self.in_turn(place).next().unwrap_or_default()
    }

    /// How many of `count` are of which type, in the order of the template.
    pub(crate) fn shares(&self, count: u32) -> Vec<(&str, u32)> {
        let mut shares: Vec<(&str, u32)> = self.types.iter().map(|name| (name.as_str(), 0)).collect();
        for place in 0..count {
            let name = self.machine_type(place);
            if let Some(share) = shares.iter_mut().find(|share| share.0 == name) {
                share.1 += 1;
            }
        }
        shares.retain(|share| share.1 > 0);
        shares
    }
}
