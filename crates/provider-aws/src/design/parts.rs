//! What fleets and spot fleets have in common: how much of what is ordered, and in which pools.

use ohfp_broker::launch_spec::{Candidate, PriceType};

use super::order::Order;

/// What one fleet is to launch.
pub(super) struct Part<'s> {
    /// On-demand machines or units.
    pub(super) on_demand: u32,
    /// Spot machines or units.
    pub(super) spot: u32,
    /// Machine types.
    pub(super) types: Vec<Override<'s>>,
    /// The name of its step.
    pub(super) step: String,
}

/// The fleet of an order; two where on-demand machines are of types of their own. `step` names it.
pub(super) fn parts<'s>(order: &Order<'s>, step: &str) -> Vec<Part<'s>> {
    let spec = order.spec;
    let types = spec.candidates().map(Override::from).collect();
    let (on_demand, spot) = match spec.price_type {
        PriceType::OnDemand => (order.count, 0),
        PriceType::Spot => (0, order.count),
        PriceType::Heterogeneous => order.parts(),
    };
    let others = &spec.machine_types.on_demand;
    if spec.price_type != PriceType::Heterogeneous || others.is_empty() {
        return vec![Part { on_demand, spot, types, step: step.to_owned() }];
    }
    let others =
        others.iter().map(|(name, units)| Override { name, units: *units, priority: None }).collect();
    let mut parts = vec![
        Part { on_demand, spot: 0, types: others, step: format!("{step}/on-demand") },
        Part { on_demand: 0, spot, types, step: format!("{step}/spot") },
    ];
    parts.retain(|part| part.on_demand + part.spot > 0);
    parts
}

/// A type as a fleet has it.
pub(super) struct Override<'s> {
    pub(super) name: &'s str,
    pub(super) units: u32,
    pub(super) priority: Option<f64>,
}

impl<'s> From<Candidate<'s>> for Override<'s> {
    fn from(candidate: Candidate<'s>) -> Self {
        Self { name: candidate.name, units: candidate.units, priority: candidate.priority }
    }
}

/// Each of these in each subnet of the template.
pub(super) fn in_subnets<K: Clone + Default>(
    order: &Order<'_>,
    kinds: Vec<K>,
    place: impl Fn(&mut K, String),
) -> Vec<K> {
    let subnets = &order.spec.subnets;
    if subnets.is_empty() {
        return kinds;
    }
    let kinds = if kinds.is_empty() { vec![K::default()] } else { kinds };
    let mut placed = Vec::with_capacity(kinds.len() * subnets.len());
    for kind in &kinds {
        for subnet in subnets {
            let mut kind = kind.clone();
            place(&mut kind, subnet.to_string());
            placed.push(kind);
        }
    }
    placed
}
