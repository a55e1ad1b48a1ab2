//! Machines: the members of `RunInstances`, and those of `LaunchTemplateData`, which are the same under other types.

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::builders as ec2;
use aws_sdk_ec2::types::{LaunchTemplateTagSpecificationRequest, RequestLaunchTemplateData};
use ohfp_provider_aws::calls::{
    IamInstanceProfileSpecification, LaunchData, Placement, RunInstances, SpotMarketOptions,
    TagSpecification, UserDataBytes,
};

use super::members::{count, counts, list, tag, tags};
use super::requirements;

/// Members of `RunInstances`.
pub(super) fn run(request: RunInstancesFluentBuilder, call: &RunInstances) -> RunInstancesFluentBuilder {
    let RunInstances { client_token, min_count, max_count, subnet_id, launch_template, data } = call;
    let LaunchData {
        image_id,
        instance_type,
        // Of launch templates only: EC2 chooses no type for RunInstances.
        instance_requirements: _,
        key_name,
        security_group_ids,
        user_data,
        iam_instance_profile,
        block_device_mappings,
        ebs_optimized,
        network_interfaces,
        placement,
        instance_market_options,
        tag_specifications,
    } = data;
    let template = launch_template.as_ref().map(|template| {
        ec2::LaunchTemplateSpecificationBuilder::default()
            .launch_template_id(&template.launch_template_id)
            .version(&template.version)
            .build()
    });
    let profile = iam_instance_profile.as_ref().map(|profile| {
        let builder = ec2::IamInstanceProfileSpecificationBuilder::default();
        match profile {
            IamInstanceProfileSpecification::Arn(arn) => builder.arn(arn),
            IamInstanceProfileSpecification::Name(name) => builder.name(name),
        }
        .build()
    });
    let volumes = list(block_device_mappings, |device| {
        let volume = ec2::EbsBlockDeviceBuilder::default()
            .set_volume_size(counts(device.ebs.volume_size))
            .set_volume_type(device.ebs.volume_type.as_deref().map(Into::into))
            .set_iops(counts(device.ebs.iops));
        ec2::BlockDeviceMappingBuilder::default().device_name(&device.device_name).ebs(volume.build()).build()
    });
    let interfaces = list(network_interfaces, |interface| {
        ec2::InstanceNetworkInterfaceSpecificationBuilder::default()
            .device_index(count(interface.device_index))
            .network_card_index(count(interface.network_card_index))
            .set_interface_type(interface.interface_type.clone())
            .set_subnet_id(interface.subnet_id.clone())
            .set_groups(list(&interface.groups, String::clone))
            .build()
    });
    let market = instance_market_options.as_ref().map(|market| {
        let SpotMarketOptions { max_price, spot_instance_type, instance_interruption_behavior } =
            &market.spot_options;
        let spot = ec2::SpotMarketOptionsBuilder::default()
            .set_max_price(max_price.clone())
            .spot_instance_type(spot_instance_type.as_str().into())
            .instance_interruption_behavior(instance_interruption_behavior.as_str().into());
        ec2::InstanceMarketOptionsRequestBuilder::default()
            .market_type(market.market_type.as_str().into())
            .spot_options(spot.build())
            .build()
    });
    let placement = placement.as_ref().map(|Placement { group_name, tenancy }| {
        ec2::PlacementBuilder::default()
            .set_group_name(group_name.clone())
            .set_tenancy(tenancy.as_deref().map(Into::into))
            .build()
    });
    request
        .client_token(client_token)
        .min_count(count(*min_count))
        .max_count(count(*max_count))
        .set_subnet_id(subnet_id.clone())
        .set_launch_template(template)
        .set_image_id(image_id.clone())
        .set_instance_type(instance_type.as_deref().map(Into::into))
        .set_key_name(key_name.clone())
        .set_security_group_ids(list(security_group_ids, String::clone))
        .set_user_data(user_data.as_ref().map(UserDataBytes::base64))
        .set_iam_instance_profile(profile)
        .set_block_device_mappings(volumes)
        .set_ebs_optimized(*ebs_optimized)
        .set_network_interfaces(interfaces)
        .set_placement(placement)
        .set_instance_market_options(market)
        .set_tag_specifications(tags(tag_specifications))
}

/// Members of `LaunchTemplateData`.
pub(super) fn template(data: &LaunchData) -> RequestLaunchTemplateData {
    let LaunchData {
        image_id,
        instance_type,
        instance_requirements,
        key_name,
        security_group_ids,
        user_data,
        iam_instance_profile,
        block_device_mappings,
        ebs_optimized,
        network_interfaces,
        placement,
        instance_market_options,
        tag_specifications,
    } = data;
    let profile = iam_instance_profile.as_ref().map(|profile| {
        let builder = ec2::LaunchTemplateIamInstanceProfileSpecificationRequestBuilder::default();
        match profile {
            IamInstanceProfileSpecification::Arn(arn) => builder.arn(arn),
            IamInstanceProfileSpecification::Name(name) => builder.name(name),
        }
        .build()
    });
    let volumes = list(block_device_mappings, |device| {
        let volume = ec2::LaunchTemplateEbsBlockDeviceRequestBuilder::default()
            .set_volume_size(counts(device.ebs.volume_size))
            .set_volume_type(device.ebs.volume_type.as_deref().map(Into::into))
            .set_iops(counts(device.ebs.iops));
        ec2::LaunchTemplateBlockDeviceMappingRequestBuilder::default()
            .device_name(&device.device_name)
            .ebs(volume.build())
            .build()
    });
    let interfaces = list(network_interfaces, |interface| {
        ec2::LaunchTemplateInstanceNetworkInterfaceSpecificationRequestBuilder::default()
            .device_index(count(interface.device_index))
            .network_card_index(count(interface.network_card_index))
            .set_interface_type(interface.interface_type.clone())
            .set_subnet_id(interface.subnet_id.clone())
            .set_groups(list(&interface.groups, String::clone))
            .build()
    });
    let market = instance_market_options.as_ref().map(|market| {
        let SpotMarketOptions { max_price, spot_instance_type, instance_interruption_behavior } =
            &market.spot_options;
        let spot = ec2::LaunchTemplateSpotMarketOptionsRequestBuilder::default()
            .set_max_price(max_price.clone())
            .spot_instance_type(spot_instance_type.as_str().into())
            .instance_interruption_behavior(instance_interruption_behavior.as_str().into());
        ec2::LaunchTemplateInstanceMarketOptionsRequestBuilder::default()
            .market_type(market.market_type.as_str().into())
            .spot_options(spot.build())
            .build()
    });
    let placement = placement.as_ref().map(|Placement { group_name, tenancy }| {
        ec2::LaunchTemplatePlacementRequestBuilder::default()
            .set_group_name(group_name.clone())
            .set_tenancy(tenancy.as_deref().map(Into::into))
            .build()
    });
    ec2::RequestLaunchTemplateDataBuilder::default()
        .set_image_id(image_id.clone())
        .set_instance_type(instance_type.as_deref().map(Into::into))
        .set_instance_requirements(instance_requirements.as_ref().map(requirements::of_request))
        .set_key_name(key_name.clone())
        .set_security_group_ids(list(security_group_ids, String::clone))
        .set_user_data(user_data.as_ref().map(UserDataBytes::base64))
        .set_iam_instance_profile(profile)
        .set_block_device_mappings(volumes)
        .set_ebs_optimized(*ebs_optimized)
        .set_network_interfaces(interfaces)
        .set_placement(placement)
        .set_instance_market_options(market)
        .set_tag_specifications(template_tags(tag_specifications))
        .build()
}

fn template_tags(specifications: &[TagSpecification]) -> Option<Vec<LaunchTemplateTagSpecificationRequest>> {
    list(specifications, |TagSpecification { resource_type, tags }| {
        ec2::LaunchTemplateTagSpecificationRequestBuilder::default()
            .resource_type(resource_type.as_str().into())
            .set_tags(list(tags, tag))
            .build()
    })
}
