//! From a template to what it offers: machine types, what they are worth, and how they are paid for.

use ohfp_broker::launch_spec::PriceType;
use ohfp_broker::{Template, Weights};

/// What a template offers.
pub(crate) struct Offer {
    /// At least one; machines are spread over them in turn.
    types: Vec<String>,
    weights: Option<Weights>,
    pub(crate) price_type: &'static str,
    /// Cores of a machine, by the attributes of the template: what the scheduler was promised.
    pub(crate) cores: Option<u32>,
}

impl Offer {
    pub(crate) fn of(template: &Template, default_type: &str) -> Self {
        let spec = template.spec();
        let mut types: Vec<String> = spec.candidates().map(|candidate| candidate.name.to_owned()).collect();
        if types.is_empty() {
            types.push(default_type.to_owned());
        }
        let price_type = if spec.price_type == PriceType::OnDemand { "ondemand" } else { "spot" };
        Self { types, weights: Weights::of(template), price_type, cores: spec.cores() }
    }

    /// The types to try for the machine at a place, the one whose turn it is first.
    pub(crate) fn in_turn(&self, place: u32) -> impl Iterator<Item = &str> {
        let first = place as usize % self.types.len().max(1);
        self.types.iter().cycle().skip(first).take(self.types.len()).map(String::as_str)
    }

    /// What a machine of a type counts for an order.
    pub(crate) fn units(&self, machine_type: &str) -> u32 {
        self.weights.as_ref().map_or(1, |weights| weights.units(Some(machine_type)))
    }

    /// What a machine of a type says that it counts for; `None` where machines are counted.
    pub(crate) fn said_units(&self, machine_type: &str) -> Option<u32> {
        self.weights.as_ref().map(|weights| weights.units(Some(machine_type)))
    }

    /// All types, for a message.
    pub(crate) fn names(&self) -> String {
        self.types.join(", ")
    }

    /// The type of the machine at a place where there is room for all.
    fn machine_type(&self, place: u32) -> &str {
        self.in_turn(place).next().unwrap_or_default()
    }

    /// How many machines of which type make up an order, in the order of the template.
    pub(crate) fn shares(&self, count: u32) -> Vec<(&str, u32)> {
        let mut shares: Vec<(&str, u32)> = self.types.iter().map(|name| (name.as_str(), 0)).collect();
        let (mut place, mut made) = (0, 0_u32);
        while made < count {
            let name = self.machine_type(place);
            if let Some(share) = shares.iter_mut().find(|share| share.0 == name) {
                share.1 += 1;
            }
            made = made.saturating_add(self.units(name));
            place += 1;
        }
        shares.retain(|share| share.1 > 0);
        shares
    }
}
