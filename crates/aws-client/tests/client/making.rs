//! Launches of machines and launch templates on the wire, member by member.

use ohfp_provider_aws::api::Api;
use ohfp_provider_aws::calls::{
    BlockDevice, CreateLaunchTemplate, EbsVolume, IamInstanceProfileSpecification, LaunchData,
    LaunchTemplateSpecification, NetworkInterface, Placement, RunInstances, SpotMarket, Tag,
    TagSpecification, UserDataBytes,
};

use crate::server::{Server, answer, check, within};

pub(crate) fn tags(resource_type: &str) -> Vec<TagSpecification> {
    let tag = Tag { key: "ohfp:request".to_owned(), value: "req-1".to_owned() };
    vec![TagSpecification { resource_type: resource_type.to_owned(), tags: vec![tag] }]
}

pub(crate) fn template() -> LaunchTemplateSpecification {
    LaunchTemplateSpecification { launch_template_id: "lt-1".to_owned(), version: "7".to_owned() }
}

/// All members.
fn data() -> LaunchData {
    LaunchData {
        image_id: Some("ami-1".to_owned()),
        instance_type: Some("m6i.large".to_owned()),
        instance_requirements: None,
        key_name: Some("key".to_owned()),
        security_group_ids: vec!["sg-1".to_owned()],
        user_data: Some(UserDataBytes(b"#!/bin/sh\n".to_vec())),
        iam_instance_profile: Some(IamInstanceProfileSpecification::Name("role".to_owned())),
        block_device_mappings: vec![BlockDevice {
            device_name: "/dev/xvda".to_owned(),
            ebs: EbsVolume { volume_size: Some(20), volume_type: Some("gp3".to_owned()), iops: Some(3_000) },
        }],
        ebs_optimized: Some(true),
        network_interfaces: vec![NetworkInterface {
            device_index: 1,
            network_card_index: 2,
            interface_type: Some("efa".to_owned()),
            subnet_id: Some("subnet-2".to_owned()),
            groups: vec!["sg-2".to_owned()],
        }],
        placement: Some(Placement {
            group_name: Some("pg".to_owned()),
            tenancy: Some("dedicated".to_owned()),
        }),
        instance_market_options: Some(SpotMarket::one_time(Some("0.1".to_owned()))),
        tag_specifications: tags("instance"),
    }
}

/// What [`data`] is on the wire, below a prefix.
fn data_members(prefix: &str) -> Vec<String> {
    [
        "BlockDeviceMapping.1.DeviceName=/dev/xvda",
        "BlockDeviceMapping.1.Ebs.Iops=3000",
        "BlockDeviceMapping.1.Ebs.VolumeSize=20",
        "BlockDeviceMapping.1.Ebs.VolumeType=gp3",
        "EbsOptimized=true",
        "IamInstanceProfile.Name=role",
        "ImageId=ami-1",
        "InstanceMarketOptions.MarketType=spot",
        "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior=terminate",
        "InstanceMarketOptions.SpotOptions.MaxPrice=0.1",
        "InstanceMarketOptions.SpotOptions.SpotInstanceType=one-time",
        "InstanceType=m6i.large",
        "KeyName=key",
        "NetworkInterface.1.DeviceIndex=1",
        "NetworkInterface.1.InterfaceType=efa",
        "NetworkInterface.1.NetworkCardIndex=2",
        "NetworkInterface.1.SecurityGroupId.1=sg-2",
        "NetworkInterface.1.SubnetId=subnet-2",
        "Placement.GroupName=pg",
        "Placement.Tenancy=dedicated",
        "SecurityGroupId.1=sg-1",
        "TagSpecification.1.ResourceType=instance",
        "TagSpecification.1.Tag.1.Key=ohfp:request",
        "TagSpecification.1.Tag.1.Value=req-1",
        "UserData=IyEvYmluL3NoCg==",
    ]
    .map(|member| format!("{prefix}{member}"))
    .to_vec()
}

#[test]
fn machines() {
    let server = Server::start([answer(
        "RunInstances",
        "<instancesSet><item><instanceId>i-1</instanceId><instanceState><code>0</code><name>pending</name>\
         </instanceState><privateDnsName/><privateIpAddress>10.0.0.1</privateIpAddress>\
         <instanceType>m6i.large</instanceType><subnetId>subnet-1</subnetId>\
         <instanceLifecycle>spot</instanceLifecycle><spotInstanceRequestId>sir-1</spotInstanceRequestId>\
         <placement><availabilityZone>eu-central-1a</availabilityZone></placement>\
         <cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>\
         <launchTime>2026-11-27T10:00:00.000Z</launchTime>\
         <tagSet><item><key>ohfp:request</key><value>req-1</value></item></tagSet></item></instancesSet>",
    )]);
    let call = RunInstances {
        client_token: "token".to_owned(),
        min_count: 1,
        max_count: 5,
        subnet_id: Some("subnet-1".to_owned()),
        launch_template: Some(template()),
        data: data(),
    };
    let machines = server.client().run_instances(&call, within(20)).unwrap();
    let [machine] = machines.as_slice() else { panic!("{machines:?}") };
    assert_eq!((machine.id.as_str(), machine.state.as_str()), ("i-1", "pending"));
    assert_eq!((&machine.private_dns_name, machine.private_ip.as_deref()), (&None, Some("10.0.0.1")));
    assert_eq!((machine.is_spot, machine.spot_request_id.as_deref()), (true, Some("sir-1")));
    assert_eq!(
        (machine.zone.as_deref(), machine.subnet_id.as_deref()),
        (Some("eu-central-1a"), Some("subnet-1"))
    );
    assert_eq!((machine.cores, machine.threads_per_core), (Some(1), Some(2)));
    assert_eq!(machine.launched.seconds(), 1_795_773_600);
    assert_eq!(machine.tags.get("ohfp:request").map(String::as_str), Some("req-1"));
    let own = [
        "Action=RunInstances",
        "ClientToken=token",
        "LaunchTemplate.LaunchTemplateId=lt-1",
        "LaunchTemplate.Version=7",
        "MaxCount=5",
        "MinCount=1",
        "SubnetId=subnet-1",
    ];
    check(&server, own.map(str::to_owned).into_iter().chain(data_members("")));
    let received = server.received();
    let headers = received[0].headers.join("\n");
    assert!(headers.contains("Credential=AKIDTEST/") && headers.contains("/eu-central-1/ec2/"), "{headers}");
}

#[test]
fn launch_templates() {
    let server = Server::start([answer(
        "CreateLaunchTemplate",
        "<launchTemplate><launchTemplateId>lt-9</launchTemplateId><latestVersionNumber>1</latestVersionNumber>\
         </launchTemplate>",
    )]);
    let call = CreateLaunchTemplate {
        client_token: "token".to_owned(),
        launch_template_name: "ohfp-t".to_owned(),
        tag_specifications: tags("launch-template"),
        launch_template_data: data(),
    };
    let made = server.client().create_launch_template(&call, within(20)).unwrap();
    assert_eq!((made.launch_template_id.as_str(), made.version.as_str()), ("lt-9", "1"));
    let own = [
        "Action=CreateLaunchTemplate",
        "ClientToken=token",
        "LaunchTemplateName=ohfp-t",
        "TagSpecification.1.ResourceType=launch-template",
        "TagSpecification.1.Tag.1.Key=ohfp:request",
        "TagSpecification.1.Tag.1.Value=req-1",
    ];
    check(&server, own.map(str::to_owned).into_iter().chain(data_members("LaunchTemplateData.")));
}
