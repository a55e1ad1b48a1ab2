//! `CreateFleet` of a template.

use ohfp_broker::launch_spec::FleetType;
use ohfp_broker::launch_spec::{AllocationStrategy, PriceType};
use serde_json::Number;

use super::order::Order;
use crate::calls::{
    CreateFleet, FleetLaunchTemplateConfig, FleetOverride, LaunchTemplateSpecification, OnDemandOptions,
    SpotOptions, TargetCapacity,
};
use crate::requirements::requirements;
use crate::token;

/// The fleet; two where on-demand machines are of types of their own.
pub(super) fn calls(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
) -> Vec<CreateFleet> {
    let spec = order.spec;
    let types = overrides(order, spec.candidates().map(Override::from));
    let (on_demand, spot) = match spec.price_type {
        PriceType::OnDemand => (order.count, 0),
        PriceType::Spot => (0, order.count),
        PriceType::Heterogeneous => order.parts(),
    };
    if spec.price_type == PriceType::Heterogeneous && !spec.machine_types.on_demand.is_empty() {
        let others = spec.machine_types.on_demand.iter().map(|(name, units)| Override {
            name,
            units: *units,
            priority: None,
        });
        let others = overrides(order, others);
        let fleets = [(on_demand, 0, others, "fleet/on-demand"), (0, spot, types, "fleet/spot")];
        let fleets = fleets.into_iter().filter(|(on_demand, spot, _, _)| on_demand + spot > 0);
        return fleets
            .map(|(on_demand, spot, types, step)| call(order, kind, template, (on_demand, spot), types, step))
            .collect();
    }
    vec![call(order, kind, template, (on_demand, spot), types, "fleet")]
}

fn call(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
    (on_demand, spot): (u32, u32),
    overrides: Vec<FleetOverride>,
    step: &str,
) -> CreateFleet {
    let spec = order.spec;
    let is_instant = kind == FleetType::Instant;
    let is_mixed = on_demand > 0 && spot > 0;
    let strategy = |strategy: Option<AllocationStrategy>| strategy.map(|one| one.kebab_case().to_owned());
    let spot_options = SpotOptions {
        allocation_strategy: strategy(spec.fleet.spot_strategy),
        instance_pools_to_use_count: spec.fleet.pools.and_then(|pools| u32::try_from(pools).ok()),
    };
    let on_demand_options = OnDemandOptions { allocation_strategy: strategy(spec.fleet.on_demand_strategy) };
    // An instant fleet tags what it makes; the others tag only themselves.
    let tagged: &[&str] = if is_instant { &["fleet", "instance", "volume"] } else { &["fleet"] };
    CreateFleet {
        client_token: token::of_step(order.token, step),
        kind: kind.name().to_owned(),
        target_capacity_specification: TargetCapacity {
            total_target_capacity: on_demand.saturating_add(spot),
            on_demand_target_capacity: is_mixed.then_some(on_demand),
            spot_target_capacity: is_mixed.then_some(spot),
            default_target_capacity_type: if spot > 0 { "spot" } else { "on-demand" }.to_owned(),
        },
        launch_template_configs: vec![FleetLaunchTemplateConfig {
            launch_template_specification: template.clone(),
            overrides,
        }],
        spot_options: (spot > 0 && spot_options != SpotOptions::default()).then_some(spot_options),
        on_demand_options: (on_demand > 0 && on_demand_options != OnDemandOptions::default())
            .then_some(on_demand_options),
        valid_until: (!is_instant).then(|| order.valid_until()),
        excess_capacity_termination_policy: (kind == FleetType::Maintain)
            .then(|| "no-termination".to_owned()),
        terminate_instances_with_expiration: (!is_instant).then_some(false),
        tag_specifications: order.tagged(tagged),
    }
}

/// A type as a fleet has it.
pub(super) struct Override<'s> {
    pub(super) name: &'s str,
    pub(super) units: u32,
    pub(super) priority: Option<f64>,
}

impl<'s> From<ohfp_broker::launch_spec::Candidate<'s>> for Override<'s> {
    fn from(candidate: ohfp_broker::launch_spec::Candidate<'s>) -> Self {
        Self { name: candidate.name, units: candidate.units, priority: candidate.priority }
    }
}

/// Each type in each subnet; or the requirements in each subnet.
fn overrides<'s>(order: &Order<'s>, types: impl Iterator<Item = Override<'s>>) -> Vec<FleetOverride> {
    let spec = order.spec;
    let price = spec.max_spot_price.get().ok().flatten().map(|price| price.text.to_string());
    let max_price = price.filter(|_| spec.price_type != PriceType::OnDemand);
    let weighs = spec.candidates().any(|candidate| candidate.units != 1);
    let mut kinds: Vec<FleetOverride> = types
        .map(|one| FleetOverride {
            instance_type: Some(one.name.to_owned()),
            weighted_capacity: weighs.then_some(one.units),
            priority: one.priority.and_then(Number::from_f64),
            max_price: max_price.clone(),
            ..FleetOverride::default()
        })
        .collect();
    if let Some(wanted) = &spec.requirements {
        kinds = vec![FleetOverride {
            instance_requirements: requirements(wanted).ok(),
            max_price,
            ..FleetOverride::default()
        }];
    }
    in_subnets(order, kinds, |kind, subnet| kind.subnet_id = Some(subnet))
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
