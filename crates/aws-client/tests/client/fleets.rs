//! Fleets, spot fleets and Auto Scaling groups on the wire, member by member.

use ohfp_provider_aws::api::Api;
use ohfp_provider_aws::calls::{
    CreateAutoScalingGroup, CreateFleet, DecimalRange, FleetLaunchTemplateConfig, FleetOverride, GroupTag,
    InstanceRequirementsRequest, InstancesDistribution, MixedInstancesPolicy, MixedLaunchTemplate,
    MixedOverride, OnDemandOptions, RequestSpotFleet, SpotFleetConfig, SpotFleetOverride,
    SpotFleetTemplateConfig, SpotOptions, TargetCapacity, WholeRange,
};
use ohfp_provider_aws::failure::{Failure, NotSent};

use crate::making::{tags, template};
use crate::server::{Reply, Server, answer, check, within};

/// All members.
fn requirements() -> InstanceRequirementsRequest {
    let whole = Some(WholeRange { min: Some(2), max: Some(8) });
    let decimal = Some(DecimalRange { min: serde_json::Number::from_f64(0.5), max: None });
    let one = |name: &str| vec![name.to_owned()];
    InstanceRequirementsRequest {
        v_cpu_count: whole,
        memory_mib: Some(WholeRange { min: Some(4_096), max: None }),
        memory_gib_per_v_cpu: decimal.clone(),
        cpu_manufacturers: one("intel"),
        excluded_instance_types: one("t2.*"),
        allowed_instance_types: one("m6i.*"),
        instance_generations: one("current"),
        spot_max_price_percentage_over_lowest_price: Some(100),
        max_spot_price_as_percentage_of_optimal_on_demand_price: Some(50),
        on_demand_max_price_percentage_over_lowest_price: Some(20),
        bare_metal: Some("excluded".to_owned()),
        burstable_performance: Some("included".to_owned()),
        require_hibernate_support: Some(false),
        require_encryption_in_transit: None,
        network_interface_count: whole,
        network_bandwidth_gbps: decimal.clone(),
        local_storage: Some("required".to_owned()),
        local_storage_types: one("ssd"),
        total_local_storage_gb: decimal,
        baseline_ebs_bandwidth_mbps: whole,
        accelerator_types: one("gpu"),
        accelerator_count: whole,
        accelerator_manufacturers: one("nvidia"),
        accelerator_names: one("a100"),
        accelerator_total_memory_mib: whole,
    }
}

/// How an API calls the lists of requirements.
#[derive(Clone, Copy)]
enum Lists {
    Fleet,
    SpotFleet,
    Group,
}

/// What [`requirements`] is on the wire below a prefix; members of lists are `LIST.1` or `LIST.member.1`.
fn requirement_members(prefix: &str, lists: Lists) -> Vec<String> {
    let list = |ec2: &str, plural: &str| match lists {
        Lists::Fleet => format!("{ec2}.1"),
        Lists::SpotFleet => format!("{ec2}Set.1"),
        Lists::Group => format!("{plural}.member.1"),
    };
    let mut members: Vec<String> = [
        "VCpuCount.Min=2",
        "VCpuCount.Max=8",
        "MemoryMiB.Min=4096",
        "MemoryGiBPerVCpu.Min=0.5",
        "SpotMaxPricePercentageOverLowestPrice=100",
        "MaxSpotPriceAsPercentageOfOptimalOnDemandPrice=50",
        "OnDemandMaxPricePercentageOverLowestPrice=20",
        "BareMetal=excluded",
        "BurstablePerformance=included",
        "RequireHibernateSupport=false",
        "NetworkInterfaceCount.Min=2",
        "NetworkInterfaceCount.Max=8",
        "NetworkBandwidthGbps.Min=0.5",
        "LocalStorage=required",
        "TotalLocalStorageGB.Min=0.5",
        "BaselineEbsBandwidthMbps.Min=2",
        "BaselineEbsBandwidthMbps.Max=8",
        "AcceleratorCount.Min=2",
        "AcceleratorCount.Max=8",
        "AcceleratorTotalMemoryMiB.Min=2",
        "AcceleratorTotalMemoryMiB.Max=8",
    ]
    .map(str::to_owned)
    .to_vec();
    for (ec2, plural, value) in [
        ("CpuManufacturer", "CpuManufacturers", "intel"),
        ("ExcludedInstanceType", "ExcludedInstanceTypes", "t2.*"),
        ("AllowedInstanceType", "AllowedInstanceTypes", "m6i.*"),
        ("InstanceGeneration", "InstanceGenerations", "current"),
        ("LocalStorageType", "LocalStorageTypes", "ssd"),
        ("AcceleratorType", "AcceleratorTypes", "gpu"),
        ("AcceleratorManufacturer", "AcceleratorManufacturers", "nvidia"),
        ("AcceleratorName", "AcceleratorNames", "a100"),
    ] {
        members.push(format!("{}={value}", list(ec2, plural)));
    }
    members.into_iter().map(|member| format!("{prefix}{member}")).collect()
}

#[test]
fn fleets() {
    let server = Server::start([answer(
        "CreateFleet",
        "<fleetId>fleet-1</fleetId><fleetInstanceSet><item><instanceIds><item>i-1</item><item>i-2</item>\
         </instanceIds><instanceType>m6i.large</instanceType><lifecycle>spot</lifecycle></item></fleetInstanceSet>\
         <errorSet><item><launchTemplateAndOverrides><overrides><instanceType>c6i.large</instanceType>\
         <subnetId>subnet-2</subnetId></overrides></launchTemplateAndOverrides><lifecycle>spot</lifecycle>\
         <errorCode>UnfulfillableCapacity</errorCode><errorMessage>none left</errorMessage></item></errorSet>",
    )]);
    let call = CreateFleet {
        client_token: "token".to_owned(),
        kind: "instant".to_owned(),
        target_capacity_specification: TargetCapacity {
            total_target_capacity: 5,
            on_demand_target_capacity: Some(2),
            spot_target_capacity: Some(3),
            default_target_capacity_type: "spot".to_owned(),
        },
        launch_template_configs: vec![FleetLaunchTemplateConfig {
            launch_template_specification: template(),
            overrides: vec![
                FleetOverride {
                    instance_type: Some("m6i.large".to_owned()),
                    instance_requirements: None,
                    subnet_id: Some("subnet-1".to_owned()),
                    availability_zone: Some("eu-central-1a".to_owned()),
                    weighted_capacity: Some(2),
                    priority: Some(1.into()),
                    max_price: Some("0.1".to_owned()),
                },
                FleetOverride { instance_requirements: Some(requirements()), ..FleetOverride::default() },
            ],
        }],
        spot_options: Some(SpotOptions {
            allocation_strategy: Some("price-capacity-optimized".to_owned()),
            instance_interruption_behavior: Some("terminate".to_owned()),
            instance_pools_to_use_count: Some(2),
        }),
        on_demand_options: Some(OnDemandOptions { allocation_strategy: Some("prioritized".to_owned()) }),
        valid_until: Some(1_800_000_000),
        excess_capacity_termination_policy: Some("no-termination".to_owned()),
        terminate_instances_with_expiration: Some(false),
        tag_specifications: tags("fleet"),
    };
    let made = server.client().create_fleet(&call, within(20)).unwrap();
    let machines: Vec<_> =
        made.instances.iter().map(|machine| (machine.id.as_str(), machine.is_spot)).collect();
    assert_eq!((made.fleet_id.as_str(), machines), ("fleet-1", vec![("i-1", true), ("i-2", true)]));
    let [pool] = made.errors.as_slice() else { panic!("{made:?}") };
    assert_eq!((pool.error.code.as_str(), pool.error.status), ("UnfulfillableCapacity", 200));
    assert_eq!(
        (pool.instance_type.as_deref(), pool.subnet_id.as_deref()),
        (Some("c6i.large"), Some("subnet-2"))
    );
    let own = [
        "Action=CreateFleet",
        "ClientToken=token",
        "ExcessCapacityTerminationPolicy=no-termination",
        "LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId=lt-1",
        "LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=7",
        "LaunchTemplateConfigs.1.Overrides.1.AvailabilityZone=eu-central-1a",
        "LaunchTemplateConfigs.1.Overrides.1.InstanceType=m6i.large",
        "LaunchTemplateConfigs.1.Overrides.1.MaxPrice=0.1",
        "LaunchTemplateConfigs.1.Overrides.1.Priority=1.0",
        "LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-1",
        "LaunchTemplateConfigs.1.Overrides.1.WeightedCapacity=2.0",
        "OnDemandOptions.AllocationStrategy=prioritized",
        "SpotOptions.AllocationStrategy=price-capacity-optimized",
        "SpotOptions.InstanceInterruptionBehavior=terminate",
        "SpotOptions.InstancePoolsToUseCount=2",
        "TagSpecification.1.ResourceType=fleet",
        "TagSpecification.1.Tag.1.Key=ohfp:request",
        "TagSpecification.1.Tag.1.Value=req-1",
        "TargetCapacitySpecification.DefaultTargetCapacityType=spot",
        "TargetCapacitySpecification.OnDemandTargetCapacity=2",
        "TargetCapacitySpecification.SpotTargetCapacity=3",
        "TargetCapacitySpecification.TotalTargetCapacity=5",
        "TerminateInstancesWithExpiration=false",
        "Type=instant",
        "ValidUntil=2027-01-15T08:00:00Z",
    ];
    let second =
        requirement_members("LaunchTemplateConfigs.1.Overrides.2.InstanceRequirements.", Lists::Fleet);
    check(&server, own.map(str::to_owned).into_iter().chain(second));
}

#[test]
fn spot_fleets() {
    let server =
        Server::start([answer("RequestSpotFleet", "<spotFleetRequestId>sfr-1</spotFleetRequestId>")]);
    let call = RequestSpotFleet {
        spot_fleet_request_config: SpotFleetConfig {
            client_token: "token".to_owned(),
            kind: "request".to_owned(),
            iam_fleet_role: "arn:aws:iam::1:role/r".to_owned(),
            target_capacity: 3,
            on_demand_target_capacity: Some(1),
            launch_template_configs: vec![SpotFleetTemplateConfig {
                launch_template_specification: template(),
                overrides: vec![
                    SpotFleetOverride {
                        instance_type: Some("m6i.large".to_owned()),
                        instance_requirements: None,
                        subnet_id: Some("subnet-1".to_owned()),
                        weighted_capacity: Some(2),
                        priority: Some(1.into()),
                        spot_price: Some("0.1".to_owned()),
                    },
                    SpotFleetOverride {
                        instance_requirements: Some(requirements()),
                        ..SpotFleetOverride::default()
                    },
                ],
            }],
            allocation_strategy: Some("priceCapacityOptimized".to_owned()),
            on_demand_allocation_strategy: Some("lowestPrice".to_owned()),
            instance_pools_to_use_count: Some(2),
            spot_price: Some("0.2".to_owned()),
            valid_until: Some(1_800_000_000),
            excess_capacity_termination_policy: Some("noTermination".to_owned()),
            terminate_instances_with_expiration: false,
            tag_specifications: tags("spot-fleet-request"),
        },
    };
    assert_eq!(server.client().request_spot_fleet(&call, within(20)), Ok("sfr-1".to_owned()));
    let own = [
        "AllocationStrategy=priceCapacityOptimized",
        "ClientToken=token",
        "ExcessCapacityTerminationPolicy=noTermination",
        "IamFleetRole=arn:aws:iam::1:role/r",
        "InstancePoolsToUseCount=2",
        "LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId=lt-1",
        "LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=7",
        "LaunchTemplateConfigs.1.Overrides.1.InstanceType=m6i.large",
        "LaunchTemplateConfigs.1.Overrides.1.Priority=1.0",
        "LaunchTemplateConfigs.1.Overrides.1.SpotPrice=0.1",
        "LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-1",
        "LaunchTemplateConfigs.1.Overrides.1.WeightedCapacity=2.0",
        "OnDemandAllocationStrategy=lowestPrice",
        "OnDemandTargetCapacity=1",
        "SpotPrice=0.2",
        "TagSpecification.1.ResourceType=spot-fleet-request",
        "TagSpecification.1.Tag.1.Key=ohfp:request",
        "TagSpecification.1.Tag.1.Value=req-1",
        "TargetCapacity=3",
        "TerminateInstancesWithExpiration=false",
        "Type=request",
        "ValidUntil=2027-01-15T08:00:00Z",
    ];
    let own = own.map(|member| format!("SpotFleetRequestConfig.{member}"));
    let second = requirement_members(
        "SpotFleetRequestConfig.LaunchTemplateConfigs.1.Overrides.2.InstanceRequirements.",
        Lists::SpotFleet,
    );
    let action = ["Action=RequestSpotFleet".to_owned()];
    check(&server, own.into_iter().chain(second).chain(action));
}

fn group() -> CreateAutoScalingGroup {
    CreateAutoScalingGroup {
        auto_scaling_group_name: "ohfp-t".to_owned(),
        min_size: 0,
        max_size: 3,
        desired_capacity: 3,
        vpc_zone_identifier: Some("subnet-1,subnet-2".to_owned()),
        launch_template: Some(template()),
        mixed_instances_policy: Some(MixedInstancesPolicy {
            launch_template: MixedLaunchTemplate {
                launch_template_specification: template(),
                overrides: vec![
                    MixedOverride {
                        instance_type: Some("m6i.large".to_owned()),
                        weighted_capacity: Some("2".to_owned()),
                        ..MixedOverride::default()
                    },
                    MixedOverride { instance_requirements: Some(requirements()), ..MixedOverride::default() },
                ],
            },
            instances_distribution: InstancesDistribution {
                on_demand_allocation_strategy: Some("prioritized".to_owned()),
                on_demand_base_capacity: Some(1),
                on_demand_percentage_above_base_capacity: 0,
                spot_allocation_strategy: Some("price-capacity-optimized".to_owned()),
                spot_instance_pools: Some(2),
                spot_max_price: Some("0.1".to_owned()),
            },
        }),
        service_linked_role_arn: Some("arn:aws:iam::1:role/r".to_owned()),
        tags: vec![GroupTag { key: "k".to_owned(), value: "v".to_owned(), propagate_at_launch: true }],
    }
}

#[test]
fn groups() {
    let body = "<CreateAutoScalingGroupResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
                <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></CreateAutoScalingGroupResponse>";
    let server = Server::start([Reply::Answer(200, body.to_owned())]);
    server.client().create_auto_scaling_group(&group(), within(20)).unwrap();
    let policy = "MixedInstancesPolicy.LaunchTemplate";
    let own = [
        "Action=CreateAutoScalingGroup",
        "AutoScalingGroupName=ohfp-t",
        "DesiredCapacity=3",
        "LaunchTemplate.LaunchTemplateId=lt-1",
        "LaunchTemplate.Version=7",
        "MaxSize=3",
        "MinSize=0",
        "MixedInstancesPolicy.InstancesDistribution.OnDemandAllocationStrategy=prioritized",
        "MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity=1",
        "MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity=0",
        "MixedInstancesPolicy.InstancesDistribution.SpotAllocationStrategy=price-capacity-optimized",
        "MixedInstancesPolicy.InstancesDistribution.SpotInstancePools=2",
        "MixedInstancesPolicy.InstancesDistribution.SpotMaxPrice=0.1",
        "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId=lt-1",
        "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.Version=7",
        "MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceType=m6i.large",
        "MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.WeightedCapacity=2",
        "ServiceLinkedRoleARN=arn:aws:iam::1:role/r",
        "Tags.member.1.Key=k",
        "Tags.member.1.PropagateAtLaunch=true",
        "Tags.member.1.ResourceId=ohfp-t",
        "Tags.member.1.ResourceType=auto-scaling-group",
        "Tags.member.1.Value=v",
        "VPCZoneIdentifier=subnet-1,subnet-2",
    ];
    let second =
        requirement_members(&format!("{policy}.Overrides.member.2.InstanceRequirements."), Lists::Group);
    check(&server, own.map(str::to_owned).into_iter().chain(second));
}

#[test]
fn what_a_group_cannot_have_is_not_left_out_in_silence() {
    let server = Server::start([Reply::Close]);
    let mut call = group();
    let policy = call.mixed_instances_policy.as_mut().unwrap();
    let requirements = policy.launch_template.overrides[1].instance_requirements.as_mut().unwrap();
    requirements.require_encryption_in_transit = Some(true);
    let failure = server.client().create_auto_scaling_group(&call, within(20)).unwrap_err();
    assert!(matches!(failure, Failure::NotSent(NotSent::Configuration { .. })), "{failure:?}");
    assert_eq!(server.calls(), 0);
}
