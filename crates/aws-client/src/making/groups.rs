//! Auto Scaling groups.

use aws_sdk_autoscaling::operation::create_auto_scaling_group::builders::CreateAutoScalingGroupFluentBuilder;
use aws_sdk_autoscaling::types::builders;
use aws_sdk_autoscaling::types::{self as api};
use ohfp_provider_aws::calls::{
    CreateAutoScalingGroup, GroupTag, InstancesDistribution, LaunchTemplateSpecification,
    MixedInstancesPolicy, MixedLaunchTemplate, MixedOverride,
};
use ohfp_provider_aws::failure::NotSent;

use super::members::{count, counts, list};
use super::requirements;

/// Members of `CreateAutoScalingGroup`.
pub(super) fn group(
    request: CreateAutoScalingGroupFluentBuilder,
    call: &CreateAutoScalingGroup,
) -> Result<CreateAutoScalingGroupFluentBuilder, NotSent> {
    let CreateAutoScalingGroup {
        auto_scaling_group_name,
        min_size,
        max_size,
        desired_capacity,
        vpc_zone_identifier,
        launch_template,
        mixed_instances_policy,
        service_linked_role_arn,
        tags,
    } = call;
    let tags = list(tags, |GroupTag { key, value, propagate_at_launch }| {
        builders::TagBuilder::default()
            .key(key)
            .value(value)
            .propagate_at_launch(*propagate_at_launch)
            // As the API documents it, though it accepts a tag without them.
            .resource_id(auto_scaling_group_name)
            .resource_type("auto-scaling-group")
            .build()
    });
    Ok(request
        .auto_scaling_group_name(auto_scaling_group_name)
        .min_size(count(*min_size))
        .max_size(count(*max_size))
        .desired_capacity(count(*desired_capacity))
        .set_vpc_zone_identifier(vpc_zone_identifier.clone())
        .set_launch_template(launch_template.as_ref().map(template))
        .set_mixed_instances_policy(mixed_instances_policy.as_ref().map(mixed).transpose()?)
        .set_service_linked_role_arn(service_linked_role_arn.clone())
        .set_tags(tags))
}

fn template(specification: &LaunchTemplateSpecification) -> api::LaunchTemplateSpecification {
    let LaunchTemplateSpecification { launch_template_id, version } = specification;
    builders::LaunchTemplateSpecificationBuilder::default()
        .launch_template_id(launch_template_id)
        .version(version)
        .build()
}

fn mixed(policy: &MixedInstancesPolicy) -> Result<api::MixedInstancesPolicy, NotSent> {
    let MixedInstancesPolicy { launch_template, instances_distribution } = policy;
    let MixedLaunchTemplate { launch_template_specification, overrides } = launch_template;
    let required = |pool: &MixedOverride| {
        pool.instance_requirements
            .as_ref()
            .and_then(|requirements| requirements.require_encryption_in_transit)
    };
    if overrides.iter().any(|pool| required(pool) == Some(true)) {
        return Err(NotSent::Configuration {
            why: "Auto Scaling cannot choose machine types by RequireEncryptionInTransit: use EC2Fleet"
                .to_owned(),
        });
    }
    let overrides =
        list(overrides, |MixedOverride { instance_type, instance_requirements, weighted_capacity }| {
            builders::LaunchTemplateOverridesBuilder::default()
                .set_instance_type(instance_type.clone())
                .set_instance_requirements(instance_requirements.as_ref().map(requirements::of_group))
                .set_weighted_capacity(weighted_capacity.clone())
                .build()
        });
    let InstancesDistribution {
        on_demand_allocation_strategy,
        on_demand_base_capacity,
        on_demand_percentage_above_base_capacity,
        spot_allocation_strategy,
        spot_instance_pools,
        spot_max_price,
    } = instances_distribution;
    let distribution = builders::InstancesDistributionBuilder::default()
        .set_on_demand_allocation_strategy(on_demand_allocation_strategy.clone())
        .set_on_demand_base_capacity(counts(*on_demand_base_capacity))
        .on_demand_percentage_above_base_capacity(count(*on_demand_percentage_above_base_capacity))
        .set_spot_allocation_strategy(spot_allocation_strategy.clone())
        .set_spot_instance_pools(counts(*spot_instance_pools))
        .set_spot_max_price(spot_max_price.clone());
    let launch_template = builders::LaunchTemplateBuilder::default()
        .launch_template_specification(template(launch_template_specification))
        .set_overrides(overrides);
    Ok(builders::MixedInstancesPolicyBuilder::default()
        .launch_template(launch_template.build())
        .instances_distribution(distribution.build())
        .build())
}
