//! `RequestSpotFleet` of a template.

use ohfp_broker::launch_spec::{AllocationStrategy, FleetType};
use serde_json::Number;

use super::order::Order;
use super::parts::{Override, Part, in_subnets, parts};
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
    parts(order, "spot-fleet").iter().map(|part| call(order, kind, template, part)).collect()
}

fn call(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
    part: &Part<'_>,
) -> RequestSpotFleet {
    let Part { on_demand, spot, types, step } = part;
    let (on_demand, spot) = (*on_demand, *spot);
    let spec = order.spec;
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
            spot_price: order.max_price().filter(|_| spot > 0),
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
    let weighs = order.weighs();
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
