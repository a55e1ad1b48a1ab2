//! `CreateFleet` of a template.

use ohfp_broker::launch_spec::{AllocationStrategy, FleetType, PriceType};
use serde_json::Number;

use super::order::Order;
use super::parts::{Override, Part, in_subnets, parts};
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
    parts(order, "fleet").iter().map(|part| call(order, kind, template, part)).collect()
}

fn call(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
    part: &Part<'_>,
) -> CreateFleet {
    let Part { on_demand, spot, types, step } = part;
    let (on_demand, spot) = (*on_demand, *spot);
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
            overrides: overrides(order, types),
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

/// Each type in each subnet; or the requirements in each subnet.
fn overrides(order: &Order<'_>, types: &[Override<'_>]) -> Vec<FleetOverride> {
    let spec = order.spec;
    let max_price = order.max_price().filter(|_| spec.price_type != PriceType::OnDemand);
    let weighs = order.weighs();
    let mut kinds: Vec<FleetOverride> = types
        .iter()
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
