//! What is stored and printed, member by member, and that it is read back as it was.

use serde_json::{Value, json};

use super::*;

fn tags(resource_type: &str) -> TagSpecification {
    let tag = Tag { key: "ohfp:request".to_owned(), value: "req-1".to_owned() };
    TagSpecification { resource_type: resource_type.to_owned(), tags: vec![tag] }
}

fn check(call: &Making, written: &Value) {
    let text = serde_json::to_string(&call).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ call.action(): written }));
    assert_eq!(serde_json::from_str::<Making>(&text).unwrap(), *call);
}

#[test]
fn machines() {
    let call = RunInstances {
        client_token: "t".to_owned(),
        min_count: 1,
        max_count: 5,
        subnet_id: Some("subnet-1".to_owned()),
        launch_template: None,
        data: LaunchData {
            image_id: Some("ami-1".to_owned()),
            instance_type: Some("m6i.large".to_owned()),
            key_name: Some("key".to_owned()),
            security_group_ids: vec!["sg-1".to_owned()],
            user_data: Some(UserDataBytes(b"#!/bin/sh\n".to_vec())),
            iam_instance_profile: Some(IamInstanceProfileSpecification::Name("role".to_owned())),
            block_device_mappings: vec![BlockDevice {
                device_name: "/dev/xvda".to_owned(),
                ebs: EbsVolume {
                    volume_size: Some(20),
                    volume_type: Some("gp3".to_owned()),
                    iops: Some(3_000),
                },
            }],
            ebs_optimized: Some(true),
            placement: Some(Placement { group_name: Some("pg".to_owned()), tenancy: None }),
            instance_market_options: Some(SpotMarket::one_time(Some("0.1".to_owned()))),
            tag_specifications: vec![tags("instance")],
            ..LaunchData::default()
        },
    };
    check(
        &Making::RunInstances(call),
        &json!({
            "ClientToken": "t", "MinCount": 1, "MaxCount": 5, "SubnetId": "subnet-1", "ImageId": "ami-1",
            "InstanceType": "m6i.large", "KeyName": "key", "SecurityGroupIds": ["sg-1"],
            "UserData": "IyEvYmluL3NoCg==", "IamInstanceProfile": { "Name": "role" },
            "BlockDeviceMappings": [
                { "DeviceName": "/dev/xvda", "Ebs": { "VolumeSize": 20, "VolumeType": "gp3", "Iops": 3000 } }
            ],
            "EbsOptimized": true, "Placement": { "GroupName": "pg" },
            "InstanceMarketOptions": { "MarketType": "spot", "SpotOptions": {
                "MaxPrice": "0.1", "SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"
            } },
            "TagSpecifications": [
                { "ResourceType": "instance", "Tags": [{ "Key": "ohfp:request", "Value": "req-1" }] }
            ]
        }),
    );
}

fn template() -> LaunchTemplateSpecification {
    LaunchTemplateSpecification { launch_template_id: "lt-1".to_owned(), version: "1".to_owned() }
}

fn written() -> Value {
    json!({ "LaunchTemplateId": "lt-1", "Version": "1" })
}

#[test]
fn templates_and_groups() {
    check(
        &Making::CreateLaunchTemplate(CreateLaunchTemplate {
            client_token: "t".to_owned(),
            launch_template_name: "ohfp-t".to_owned(),
            launch_template_data: LaunchData {
                network_interfaces: vec![NetworkInterface {
                    interface_type: Some("efa".to_owned()),
                    groups: vec!["sg-1".to_owned()],
                    ..NetworkInterface::default()
                }],
                instance_requirements: Some(InstanceRequirementsRequest {
                    v_cpu_count: Some(WholeRange { min: Some(2), max: None }),
                    memory_mib: Some(WholeRange { min: Some(4096), max: Some(8192) }),
                    ..InstanceRequirementsRequest::default()
                }),
                ..LaunchData::default()
            },
            ..CreateLaunchTemplate::default()
        }),
        &json!({
            "ClientToken": "t", "LaunchTemplateName": "ohfp-t", "LaunchTemplateData": {
                "InstanceRequirements": { "VCpuCount": { "Min": 2 }, "MemoryMiB": { "Min": 4096, "Max": 8192 } },
                "NetworkInterfaces": [
                    { "DeviceIndex": 0, "NetworkCardIndex": 0, "InterfaceType": "efa", "Groups": ["sg-1"] }
                ]
            }
        }),
    );
    check(
        &Making::CreateAutoScalingGroup(CreateAutoScalingGroup {
            auto_scaling_group_name: "ohfp-t".to_owned(),
            min_size: 0,
            max_size: 3,
            desired_capacity: 3,
            vpc_zone_identifier: Some("subnet-1,subnet-2".to_owned()),
            mixed_instances_policy: Some(MixedInstancesPolicy {
                launch_template: MixedLaunchTemplate {
                    launch_template_specification: template(),
                    overrides: vec![MixedOverride {
                        instance_type: Some("m6i.large".to_owned()),
                        weighted_capacity: Some("2".to_owned()),
                        ..MixedOverride::default()
                    }],
                },
                instances_distribution: InstancesDistribution::default(),
            }),
            tags: vec![GroupTag { key: "k".to_owned(), value: "v".to_owned(), propagate_at_launch: true }],
            ..CreateAutoScalingGroup::default()
        }),
        &json!({
            "AutoScalingGroupName": "ohfp-t", "MinSize": 0, "MaxSize": 3, "DesiredCapacity": 3,
            "VPCZoneIdentifier": "subnet-1,subnet-2",
            "MixedInstancesPolicy": {
                "LaunchTemplate": { "LaunchTemplateSpecification": written(), "Overrides": [
                    { "InstanceType": "m6i.large", "WeightedCapacity": "2" }
                ] },
                "InstancesDistribution": { "OnDemandPercentageAboveBaseCapacity": 0 }
            },
            "Tags": [{ "Key": "k", "Value": "v", "PropagateAtLaunch": true }]
        }),
    );
}

#[test]
fn fleets() {
    check(
        &Making::CreateFleet(CreateFleet {
            client_token: "t".to_owned(),
            kind: "maintain".to_owned(),
            target_capacity_specification: TargetCapacity {
                total_target_capacity: 4,
                default_target_capacity_type: "spot".to_owned(),
                ..TargetCapacity::default()
            },
            launch_template_configs: vec![FleetLaunchTemplateConfig {
                launch_template_specification: template(),
                overrides: vec![FleetOverride {
                    instance_type: Some("m6i.large".to_owned()),
                    weighted_capacity: Some(2),
                    priority: Some(1.into()),
                    max_price: Some("0.1".to_owned()),
                    ..FleetOverride::default()
                }],
            }],
            spot_options: Some(SpotOptions {
                allocation_strategy: Some("price-capacity-optimized".to_owned()),
                ..SpotOptions::default()
            }),
            valid_until: Some(1_800_000_000),
            excess_capacity_termination_policy: Some("no-termination".to_owned()),
            terminate_instances_with_expiration: Some(false),
            tag_specifications: vec![tags("fleet")],
            ..CreateFleet::default()
        }),
        &json!({
            "ClientToken": "t", "Type": "maintain",
            "TargetCapacitySpecification": { "TotalTargetCapacity": 4, "DefaultTargetCapacityType": "spot" },
            "LaunchTemplateConfigs": [{ "LaunchTemplateSpecification": written(), "Overrides": [
                { "InstanceType": "m6i.large", "WeightedCapacity": 2, "Priority": 1, "MaxPrice": "0.1" }
            ] }],
            "SpotOptions": { "AllocationStrategy": "price-capacity-optimized" },
            "ValidUntil": 1_800_000_000, "ExcessCapacityTerminationPolicy": "no-termination",
            "TerminateInstancesWithExpiration": false,
            "TagSpecifications": [
                { "ResourceType": "fleet", "Tags": [{ "Key": "ohfp:request", "Value": "req-1" }] }
            ]
        }),
    );
    check(
        &Making::RequestSpotFleet(RequestSpotFleet {
            spot_fleet_request_config: SpotFleetConfig {
                client_token: "t".to_owned(),
                kind: "request".to_owned(),
                iam_fleet_role: "arn:aws:iam::1:role/r".to_owned(),
                target_capacity: 3,
                launch_template_configs: vec![SpotFleetTemplateConfig {
                    launch_template_specification: template(),
                    overrides: Vec::new(),
                }],
                ..SpotFleetConfig::default()
            },
        }),
        &json!({ "SpotFleetRequestConfig": {
            "ClientToken": "t", "Type": "request", "IamFleetRole": "arn:aws:iam::1:role/r", "TargetCapacity": 3,
            "LaunchTemplateConfigs": [{ "LaunchTemplateSpecification": written() }],
            "TerminateInstancesWithExpiration": false
        } }),
    );
}

#[test]
fn user_data_is_not_shown() {
    let data = LaunchData {
        user_data: Some(UserDataBytes(b"export PASSWORD=secret".to_vec())),
        ..LaunchData::default()
    };
    let shown = format!("{data:?}");
    assert!(shown.contains("22 bytes") && !shown.contains("secret"), "{shown}");
}
