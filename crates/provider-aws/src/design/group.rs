//! `CreateAutoScalingGroup` of a template.

use ohfp_broker::launch_spec::{AllocationStrategy, PriceType};

use super::order::Order;
use crate::calls::{
    CreateAutoScalingGroup, GroupTag, InstancesDistribution, LaunchTemplateSpecification,
    MixedInstancesPolicy, MixedLaunchTemplate, MixedOverride,
};
use crate::requirements::requirements;
use crate::token;

/// The group. Its name is its token.
pub(super) fn call(order: &Order<'_>, template: &LaunchTemplateSpecification) -> CreateAutoScalingGroup {
    let spec = order.spec;
    let types: Vec<String> = super::order::types_by_preference(order.spec);
    let is_plain = spec.price_type == PriceType::OnDemand && types.len() == 1 && spec.requirements.is_none();
    let tag = |tag: &crate::calls::Tag| GroupTag {
        key: tag.key.clone(),
        value: tag.value.clone(),
        propagate_at_launch: true,
    };
    CreateAutoScalingGroup {
        auto_scaling_group_name: token::resource_name(order.token),
        min_size: 0,
        max_size: order.count,
        desired_capacity: order.count,
        vpc_zone_identifier: (!spec.subnets.is_empty()).then(|| spec.subnets.join(",")),
        launch_template: is_plain.then(|| template.clone()),
        mixed_instances_policy: (!is_plain).then(|| mixed(order, types, template)),
        service_linked_role_arn: spec.fleet.role.as_deref().map(str::to_owned),
        tags: order.tags.iter().map(tag).collect(),
    }
}

fn mixed(
    order: &Order<'_>,
    types: Vec<String>,
    template: &LaunchTemplateSpecification,
) -> MixedInstancesPolicy {
    let spec = order.spec;
    let weighs = order.weighs();
    let units = |name: &str| spec.candidates().find(|candidate| candidate.name == name).map(|one| one.units);
    let mut overrides: Vec<MixedOverride> = types
        .into_iter()
        .map(|name| MixedOverride {
            weighted_capacity: units(&name).filter(|_| weighs).map(|units| units.to_string()),
            instance_type: Some(name),
            instance_requirements: None,
        })
        .collect();
    if let Some(wanted) = &spec.requirements {
        overrides = vec![MixedOverride {
            instance_requirements: requirements(wanted).ok(),
            ..MixedOverride::default()
        }];
    }
    let (on_demand, _) = order.parts();
    let price = order.max_price();
    let strategy = |strategy: Option<AllocationStrategy>| strategy.map(|one| one.kebab_case().to_owned());
    let has_spot = spec.price_type != PriceType::OnDemand;
    MixedInstancesPolicy {
        launch_template: MixedLaunchTemplate { launch_template_specification: template.clone(), overrides },
        instances_distribution: InstancesDistribution {
            on_demand_allocation_strategy: strategy(spec.fleet.on_demand_strategy),
            on_demand_base_capacity: (spec.price_type == PriceType::Heterogeneous).then_some(on_demand),
            on_demand_percentage_above_base_capacity: if has_spot { 0 } else { 100 },
            spot_allocation_strategy: strategy(spec.fleet.spot_strategy.filter(|_| has_spot)),
            spot_instance_pools: spec.fleet.pools.and_then(|pools| u32::try_from(pools).ok()),
            spot_max_price: price.filter(|_| has_spot),
        },
    }
}
