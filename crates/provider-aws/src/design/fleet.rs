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
use crate::{tags, token};

/// The fleet; two where on-demand machines are of types of their own.
pub(super) fn calls(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
) -> Vec<CreateFleet> {
    match &order.fleet_request {
        Some(request) => vec![completed(order, kind, template, request)],
        None => parts(order, "fleet").iter().map(|part| call(order, kind, template, part)).collect(),
    }
}

/// The request of a file with what is of this launch.
fn completed(
    order: &Order<'_>,
    kind: FleetType,
    template: &LaunchTemplateSpecification,
    request: &CreateFleet,
) -> CreateFleet {
    let mut call = CreateFleet {
        client_token: token::of_step(order.token, "fleet"),
        kind: kind.name().to_owned(),
        ..request.clone()
    };
    let capacity = &mut call.target_capacity_specification;
    capacity.total_target_capacity = order.count;
    // Without a share the default type decides.
    let has_share = matches!(order.spec.fleet.on_demand_ratio.get(), Ok(Some(_)));
    let (on_demand, spot) = order.parts();
    capacity.on_demand_target_capacity = has_share.then_some(on_demand);
    capacity.spot_target_capacity = has_share.then_some(spot);
    if capacity.default_target_capacity_type.is_empty() {
        let is_spot = order.spec.price_type != PriceType::OnDemand;
        if is_spot { "spot" } else { "on-demand" }.clone_into(&mut capacity.default_target_capacity_type);
    }
    for config in &mut call.launch_template_configs {
        config.launch_template_specification = template.clone();
    }
    end_as_told(&mut call, order, kind);
    let theirs = std::mem::replace(&mut call.tag_specifications, order.tagged(tagged_by_itself(kind)));
    for specification in theirs {
        tags::add(&mut call.tag_specifications, specification);
    }
    call
}

/// An instant fleet tags what it makes; the others tag only themselves.
fn tagged_by_itself(kind: FleetType) -> &'static [&'static str] {
    if kind == FleetType::Instant { &["fleet", "instance", "volume"] } else { &["fleet"] }
}

/// When a fleet launches no more, and that AWS never chooses machines to end.
fn end_as_told(call: &mut CreateFleet, order: &Order<'_>, kind: FleetType) {
    let is_instant = kind == FleetType::Instant;
    call.valid_until = (!is_instant).then(|| order.valid_until());
    call.excess_capacity_termination_policy =
        (kind == FleetType::Maintain).then(|| "no-termination".to_owned());
    call.terminate_instances_with_expiration = (!is_instant).then_some(false);
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
    let is_mixed = on_demand > 0 && spot > 0;
    let strategy = |strategy: Option<AllocationStrategy>| strategy.map(|one| one.kebab_case().to_owned());
    let spot_options = SpotOptions {
        instance_interruption_behavior: None,
        allocation_strategy: strategy(spec.fleet.spot_strategy),
        instance_pools_to_use_count: spec.fleet.pools.and_then(|pools| u32::try_from(pools).ok()),
    };
    let on_demand_options = OnDemandOptions { allocation_strategy: strategy(spec.fleet.on_demand_strategy) };
    let mut call = CreateFleet {
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
        tag_specifications: order.tagged(tagged_by_itself(kind)),
        ..CreateFleet::default()
    };
    end_as_told(&mut call, order, kind);
    call
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
