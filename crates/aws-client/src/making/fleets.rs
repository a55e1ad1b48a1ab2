//! Fleets and spot fleets.

use aws_sdk_ec2::operation::create_fleet::builders::CreateFleetFluentBuilder;
use aws_sdk_ec2::types::builders as ec2;
use aws_sdk_ec2::types::{SpotFleetRequestConfigData, TargetCapacitySpecificationRequest};
use aws_smithy_types::DateTime;
use ohfp_provider_aws::calls::{
    CreateFleet, FleetLaunchTemplateConfig, FleetOverride, LaunchTemplateSpecification, SpotFleetConfig,
    SpotFleetOverride, SpotFleetTemplateConfig, TargetCapacity,
};
use serde_json::Number;

use super::members::{count, counts, list, tags};
use super::requirements;

/// Members of `CreateFleet`.
pub(super) fn fleet(request: CreateFleetFluentBuilder, call: &CreateFleet) -> CreateFleetFluentBuilder {
    let CreateFleet {
        client_token,
        kind,
        target_capacity_specification,
        launch_template_configs,
        spot_options,
        on_demand_options,
        valid_until,
        excess_capacity_termination_policy,
        terminate_instances_with_expiration,
        tag_specifications,
    } = call;
    let configs = list(launch_template_configs, |config| {
        let FleetLaunchTemplateConfig { launch_template_specification, overrides } = config;
        let LaunchTemplateSpecification { launch_template_id, version } = launch_template_specification;
        let template = ec2::FleetLaunchTemplateSpecificationRequestBuilder::default()
            .launch_template_id(launch_template_id)
            .version(version);
        ec2::FleetLaunchTemplateConfigRequestBuilder::default()
            .launch_template_specification(template.build())
            .set_overrides(list(overrides, fleet_override))
            .build()
    });
    let spot = spot_options.as_ref().map(|options| {
        ec2::SpotOptionsRequestBuilder::default()
            .set_allocation_strategy(options.allocation_strategy.as_deref().map(Into::into))
            .set_instance_interruption_behavior(
                options.instance_interruption_behavior.as_deref().map(Into::into),
            )
            .set_instance_pools_to_use_count(counts(options.instance_pools_to_use_count))
            .build()
    });
    let on_demand = on_demand_options.as_ref().map(|options| {
        ec2::OnDemandOptionsRequestBuilder::default()
            .set_allocation_strategy(options.allocation_strategy.as_deref().map(Into::into))
            .build()
    });
    request
        .client_token(client_token)
        .r#type(kind.as_str().into())
        .target_capacity_specification(capacity(target_capacity_specification))
        .set_launch_template_configs(configs)
        .set_spot_options(spot)
        .set_on_demand_options(on_demand)
        .set_valid_until(valid_until.map(DateTime::from_secs))
        .set_excess_capacity_termination_policy(excess_capacity_termination_policy.as_deref().map(Into::into))
        .set_terminate_instances_with_expiration(*terminate_instances_with_expiration)
        .set_tag_specifications(tags(tag_specifications))
}

fn capacity(target: &TargetCapacity) -> TargetCapacitySpecificationRequest {
    let TargetCapacity {
        total_target_capacity,
        on_demand_target_capacity,
        spot_target_capacity,
        default_target_capacity_type,
    } = target;
    let default = Some(default_target_capacity_type.as_str()).filter(|kind| !kind.is_empty());
    ec2::TargetCapacitySpecificationRequestBuilder::default()
        .total_target_capacity(count(*total_target_capacity))
        .set_on_demand_target_capacity(counts(*on_demand_target_capacity))
        .set_spot_target_capacity(counts(*spot_target_capacity))
        .set_default_target_capacity_type(default.map(Into::into))
        .build()
}

fn fleet_override(pool: &FleetOverride) -> aws_sdk_ec2::types::FleetLaunchTemplateOverridesRequest {
    let FleetOverride {
        instance_type,
        instance_requirements,
        subnet_id,
        availability_zone,
        weighted_capacity,
        priority,
        max_price,
    } = pool;
    ec2::FleetLaunchTemplateOverridesRequestBuilder::default()
        .set_instance_type(instance_type.as_deref().map(Into::into))
        .set_instance_requirements(instance_requirements.as_ref().map(requirements::of_request))
        .set_subnet_id(subnet_id.clone())
        .set_availability_zone(availability_zone.clone())
        .set_weighted_capacity(weighted_capacity.map(f64::from))
        .set_priority(priority.as_ref().and_then(Number::as_f64))
        .set_max_price(max_price.clone())
        .build()
}

/// Members of `SpotFleetRequestConfigData`.
pub(super) fn spot_fleet(config: &SpotFleetConfig) -> SpotFleetRequestConfigData {
    let SpotFleetConfig {
        client_token,
        kind,
        iam_fleet_role,
        target_capacity,
        on_demand_target_capacity,
        launch_template_configs,
        allocation_strategy,
        on_demand_allocation_strategy,
        instance_pools_to_use_count,
        spot_price,
        valid_until,
        excess_capacity_termination_policy,
        terminate_instances_with_expiration,
        tag_specifications,
    } = config;
    let configs = list(launch_template_configs, |config| {
        let SpotFleetTemplateConfig { launch_template_specification, overrides } = config;
        let LaunchTemplateSpecification { launch_template_id, version } = launch_template_specification;
        let template = ec2::FleetLaunchTemplateSpecificationBuilder::default()
            .launch_template_id(launch_template_id)
            .version(version);
        ec2::LaunchTemplateConfigBuilder::default()
            .launch_template_specification(template.build())
            .set_overrides(list(overrides, spot_fleet_override))
            .build()
    });
    ec2::SpotFleetRequestConfigDataBuilder::default()
        .client_token(client_token)
        .r#type(kind.as_str().into())
        .iam_fleet_role(iam_fleet_role)
        .target_capacity(count(*target_capacity))
        .set_on_demand_target_capacity(counts(*on_demand_target_capacity))
        .set_launch_template_configs(configs)
        .set_allocation_strategy(allocation_strategy.as_deref().map(Into::into))
        .set_on_demand_allocation_strategy(on_demand_allocation_strategy.as_deref().map(Into::into))
        .set_instance_pools_to_use_count(counts(*instance_pools_to_use_count))
        .set_spot_price(spot_price.clone())
        .set_valid_until(valid_until.map(DateTime::from_secs))
        .set_excess_capacity_termination_policy(excess_capacity_termination_policy.as_deref().map(Into::into))
        .terminate_instances_with_expiration(*terminate_instances_with_expiration)
        .set_tag_specifications(tags(tag_specifications))
        .build()
}

fn spot_fleet_override(pool: &SpotFleetOverride) -> aws_sdk_ec2::types::LaunchTemplateOverrides {
    let SpotFleetOverride {
        instance_type,
        instance_requirements,
        subnet_id,
        weighted_capacity,
        priority,
        spot_price,
    } = pool;
    ec2::LaunchTemplateOverridesBuilder::default()
        .set_instance_type(instance_type.as_deref().map(Into::into))
        .set_instance_requirements(instance_requirements.as_ref().map(requirements::of_spot_fleet))
        .set_subnet_id(subnet_id.clone())
        .set_weighted_capacity(weighted_capacity.map(f64::from))
        .set_priority(priority.as_ref().and_then(Number::as_f64))
        .set_spot_price(spot_price.clone())
        .build()
}
