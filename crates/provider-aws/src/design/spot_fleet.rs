//! `RequestSpotFleet` of a template.

use ohfp_broker::launch_spec::FleetType;
use ohfp_broker::launch_spec::{AllocationStrategy, PriceType};
use serde_json::Number;

use super::fleet::{Override, in_subnets};
use super::order::Order;
use crate::calls::{
    LaunchTemplateSpecification, RequestSpotFleet, SpotFleetConfig, SpotFleetOverride,
    SpotFleetTemplateConfig,
};
use crate::requirements::requirements;
use crate::token;

/// The spot fleet; two where on-demand machines are of types of their own.
pub(super) fn calls(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
) -> Vec<RequestSpotFleet> {
    let spec = order.spec;
    let types: Vec<Override<'_>> = spec.candidates().map(Override::from).collect();
    let (on_demand, spot) = match spec.price_type {
        PriceType::OnDemand => (order.count, 0),
        PriceType::Spot => (0, order.count),
        PriceType::Heterogeneous => order.parts(),
    };
    if spec.price_type == PriceType::Heterogeneous && !spec.machine_types.on_demand.is_empty() {
        let others = spec.machine_types.on_demand.iter();
        let others = others.map(|(name, units)| Override { name, units: *units, priority: None }).collect();
        let fleets = [(on_demand, 0, others, "spot-fleet/on-demand"), (0, spot, types, "spot-fleet/spot")];
        let fleets = fleets.into_iter().filter(|(on_demand, spot, _, _)| on_demand + spot > 0);
        return fleets
            .map(|(on_demand, spot, types, step)| {
                call(order, kind, template, (on_demand, spot), &types, step)
            })
            .collect();
    }
    vec![call(order, kind, template, (on_demand, spot), &types, "spot-fleet")]
}

fn call(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
    (on_demand, spot): (u32, u32),
    types: &[Override<'_>],
    step: &str,
) -> RequestSpotFleet {
    let spec = order.spec;
    let price = spec.max_spot_price.get().ok().flatten().map(|price| price.text.to_string());
    let strategy = |strategy: Option<AllocationStrategy>| strategy.map(|one| one.camel_case().to_owned());
    RequestSpotFleet {
        spot_fleet_request_config: SpotFleetConfig {
            client_token: token::of_step(order.token, step),
            kind: kind.name().to_owned(),
            iam_fleet_role: order.fleet_role.clone().unwrap_or_default(),
            target_capacity: on_demand.saturating_add(spot),
            on_demand_target_capacity: (on_demand > 0).then_some(on_demand),
            launch_template_configs: vec![SpotFleetTemplateConfig {
                launch_template_specification: template.clone(),
                overrides: overrides(order, types),
            }],
            allocation_strategy: strategy(spec.fleet.spot_strategy.filter(|_| spot > 0)),
            on_demand_allocation_strategy: strategy(spec.fleet.on_demand_strategy.filter(|_| on_demand > 0)),
            instance_pools_to_use_count: spec.fleet.pools.and_then(|pools| u32::try_from(pools).ok()),
            spot_price: price.filter(|_| spot > 0),
            valid_until: Some(order.valid_until()),
            excess_capacity_termination_policy: (kind == FleetType::Maintain)
                .then(|| "noTermination".to_owned()),
            terminate_instances_with_expiration: false,
            tag_specifications: order.tagged(&["spot-fleet-request"]),
        },
    }
}

/// Each type in each subnet; or the requirements in each subnet.
fn overrides(order: &Order<'_>, types: &[Override<'_>]) -> Vec<SpotFleetOverride> {
    let spec = order.spec;
    let weighs = spec.candidates().any(|candidate| candidate.units != 1);
    let mut kinds: Vec<SpotFleetOverride> = types
        .iter()
        .map(|one| SpotFleetOverride {
            instance_type: Some(one.name.to_owned()),
            weighted_capacity: weighs.then_some(one.units),
            priority: one.priority.and_then(Number::from_f64),
            ..SpotFleetOverride::default()
        })
        .collect();
    if let Some(wanted) = &spec.requirements {
        kinds = vec![SpotFleetOverride {
            instance_requirements: requirements(wanted).ok(),
            ..SpotFleetOverride::default()
        }];
    }
    in_subnets(order, kinds, |kind, subnet| kind.subnet_id = Some(subnet))
}
