//! Each field of a template, and where each API has it.

mod by_api;
mod checks;
mod fleet_file;
mod groups;

use ohfp_broker::Timestamp;
use ohfp_broker::launch_spec::{FleetType, LaunchSpec};
use serde_json::{Value, json};

use super::*;
use crate::calls::{LaunchTemplateSpecification, Making, Tag};
use crate::token;

fn tag() -> Tag {
    Tag { key: "k".to_owned(), value: "v".to_owned() }
}

fn spec(fields: &Value) -> LaunchSpec {
    LaunchSpec::parse(fields.as_object().unwrap()).unwrap()
}

fn order(spec: &LaunchSpec, count: u32) -> Order<'_> {
    Order {
        spec,
        count,
        token: "launch-1",
        created: Timestamp::from_millis(1_000_000),
        image_id: spec.image.as_ref().map(|_| "ami-1".to_owned()),
        root_device: Some("/dev/xvda".to_owned()),
        fleet_request: None,
        fleet_role: spec.fleet.role.as_deref().map(str::to_owned),
        user_data: None,
        tags: vec![tag()],
        native: Native::default(),
    }
}

/// All calls of a launch, by action.
fn calls(fields: &Value, count: u32) -> Vec<(String, Value)> {
    let spec = spec(fields);
    let way = Way::of(&spec, None).unwrap();
    assert_eq!(check(&spec, way), [], "{fields}");
    let order = order(&spec, count);
    let made = if way == Way::RunInstances {
        let first = pools(&spec).remove(0);
        vec![Making::RunInstances(order.run_instances(&first, count, "run/0"))]
    } else {
        let template = order.launch_template(way);
        let used = match (&template, order.given_template()) {
            (None, Some(given)) => given,
            _ => {
                LaunchTemplateSpecification { launch_template_id: "lt-1".to_owned(), version: "1".to_owned() }
            }
        };
        template.into_iter().chain(order.by_template(way, &used)).collect()
    };
    made.iter()
        .map(|call| {
            let value = serde_json::to_value(call).unwrap();
            (call.action().to_owned(), value[call.action()].clone())
        })
        .collect()
}

/// The value at a path such as `/a/0/b`; null where there is none.
fn at(value: &Value, path: &str) -> Value {
    value.pointer(path).cloned().unwrap_or_default()
}

/// What a field adds to the call: `[path, value]` pairs of each action.
fn field(base: &Value, extra: &Value, wanted: &[(&str, &str, Value)]) {
    let mut fields = base.as_object().unwrap().clone();
    fields.extend(extra.as_object().unwrap().clone());
    let made = calls(&Value::Object(fields), 10);
    for (action, path, value) in wanted {
        let (_, call) =
            made.iter().find(|(name, _)| name == action).unwrap_or_else(|| panic!("{action}: {made:?}"));
        assert_eq!(at(call, path), *value, "{extra}: {action} {path}");
    }
}

fn on_demand() -> Value {
    json!({ "imageId": "ami-1", "vmType": "m5.large", "subnetId": "subnet-1,subnet-2", "securityGroupIds": ["sg-1"] })
}

fn fleet(more: &Value) -> Value {
    let mut fields = json!({
        "imageId": "ami-1", "vmTypes": { "m5.large": 1, "m5.xlarge": 2 }, "subnetId": ["subnet-1", "subnet-2"],
        "priceType": "spot"
    });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fields
}

/// Fields that machines are made of are in `RunInstances`, or in the launch template of all others.
#[test]
fn what_machines_are_made_of() {
    for (extra, path, value) in [
        (json!({}), "/ImageId", json!("ami-1")),
        (json!({ "keyName": "key" }), "/KeyName", json!("key")),
        (json!({ "securityGroupIds": ["sg-1", "sg-2"] }), "/SecurityGroupIds", json!(["sg-1", "sg-2"])),
        (json!({ "instanceProfile": "role" }), "/IamInstanceProfile", json!({ "Name": "role" })),
        (
            json!({ "instanceProfile": "arn:aws:iam::1:instance-profile/r" }),
            "/IamInstanceProfile",
            json!({ "Arn": "arn:aws:iam::1:instance-profile/r" }),
        ),
        (
            json!({ "rootDeviceVolumeSize": 20, "volumeType": "io1", "iops": 500 }),
            "/BlockDeviceMappings",
            json!([{ "DeviceName": "/dev/xvda", "Ebs": { "VolumeSize": 20, "VolumeType": "io1", "Iops": 500 } }]),
        ),
        (json!({ "ebsOptimized": true }), "/EbsOptimized", json!(true)),
        (
            json!({ "pgrpName": "pg", "tenancy": "dedicated" }),
            "/Placement",
            json!({ "GroupName": "pg", "Tenancy": "dedicated" }),
        ),
    ] {
        field(&on_demand(), &extra, &[("RunInstances", path, value.clone())]);
        let in_template = format!("/LaunchTemplateData{path}");
        for api in ["EC2Fleet", "SpotFleet", "ASG"] {
            let base = fleet(&json!({ "providerApi": api, "fleetRole": "arn:aws:iam::1:role/f" }));
            field(&base, &extra, &[("CreateLaunchTemplate", &in_template, value.clone())]);
        }
    }
    let efa = json!({ "interfaceType": "efa", "efaCount": 2 });
    field(
        &on_demand(),
        &efa,
        &[
            ("RunInstances", "/SecurityGroupIds", Value::Null),
            ("RunInstances", "/SubnetId", Value::Null),
            (
                "RunInstances",
                "/NetworkInterfaces/1",
                json!({
                    "DeviceIndex": 1, "NetworkCardIndex": 1, "InterfaceType": "efa", "SubnetId": "subnet-1", "Groups": ["sg-1"]
                }),
            ),
        ],
    );
}

#[test]
fn run_instances() {
    let tags = |kinds: &[&str]| {
        let kinds = kinds.iter();
        kinds
            .map(|kind| json!({ "ResourceType": kind, "Tags": [{ "Key": "k", "Value": "v" }] }))
            .collect::<Value>()
    };
    field(
        &on_demand(),
        &json!({}),
        &[
            ("RunInstances", "/MinCount", json!(1)),
            ("RunInstances", "/MaxCount", json!(10)),
            ("RunInstances", "/InstanceType", json!("m5.large")),
            ("RunInstances", "/SubnetId", json!("subnet-1")),
            ("RunInstances", "/ClientToken", json!(token::of_step("launch-1", "run/0"))),
            ("RunInstances", "/TagSpecifications", tags(&["instance", "volume", "network-interface"])),
            ("RunInstances", "/InstanceMarketOptions", Value::Null),
        ],
    );
    field(
        &on_demand(),
        &json!({ "providerApi": "RunInstances", "priceType": "spot", "maxSpotPrice": 0.1 }),
        &[
            ("RunInstances", "/InstanceMarketOptions/SpotOptions/MaxPrice", json!("0.1")),
            (
                "RunInstances",
                "/TagSpecifications",
                tags(&["instance", "volume", "network-interface", "spot-instances-request"]),
            ),
        ],
    );
    field(
        &on_demand(),
        &json!({ "launchTemplateId": "lt-9", "launchTemplateVersion": "3" }),
        &[("RunInstances", "/LaunchTemplate", json!({ "LaunchTemplateId": "lt-9", "Version": "3" }))],
    );
    let pools = |fields: Value| pools(&spec(&fields)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(pools(on_demand()), ["m5.large in subnet-1", "m5.large in subnet-2"]);
    let by_priority = json!({
        "vmTypes": { "a": 1, "b": 1, "c": 1 }, "vmTypesPriority": { "c": 1, "a": 2 }, "subnetId": "s"
    });
    assert_eq!(pools(by_priority), ["c in s", "a in s", "b in s"]);
    assert_eq!(pools(json!({ "launchTemplateId": "lt-1" })), ["the launch template's type"]);
}

#[test]
fn fleets() {
    let overrides = json!([
        { "InstanceType": "m5.large", "SubnetId": "subnet-1", "WeightedCapacity": 1 },
        { "InstanceType": "m5.large", "SubnetId": "subnet-2", "WeightedCapacity": 1 },
        { "InstanceType": "m5.xlarge", "SubnetId": "subnet-1", "WeightedCapacity": 2 },
        { "InstanceType": "m5.xlarge", "SubnetId": "subnet-2", "WeightedCapacity": 2 },
    ]);
    let base = fleet(&json!({}));
    field(
        &base,
        &json!({}),
        &[
            ("CreateFleet", "/Type", json!("instant")),
            (
                "CreateFleet",
                "/TargetCapacitySpecification",
                json!({ "TotalTargetCapacity": 10, "DefaultTargetCapacityType": "spot" }),
            ),
            ("CreateFleet", "/LaunchTemplateConfigs/0/Overrides", overrides),
            (
                "CreateFleet",
                "/LaunchTemplateConfigs/0/LaunchTemplateSpecification",
                json!({ "LaunchTemplateId": "lt-1", "Version": "1" }),
            ),
            ("CreateFleet", "/TagSpecifications/2/ResourceType", json!("volume")),
            ("CreateFleet", "/ValidUntil", Value::Null),
        ],
    );
    for kind in ["request", "maintain"] {
        field(
            &base,
            &json!({ "fleetType": kind, "spotFleetRequestExpiry": 60 }),
            &[
                ("CreateFleet", "/Type", json!(kind)),
                ("CreateFleet", "/ValidUntil", json!(1_000 + 3_600)),
                ("CreateFleet", "/TerminateInstancesWithExpiration", json!(false)),
                ("CreateFleet", "/TagSpecifications/0/ResourceType", json!("fleet")),
                ("CreateFleet", "/TagSpecifications/1", Value::Null),
                (
                    "CreateLaunchTemplate",
                    "/LaunchTemplateData/TagSpecifications/0/ResourceType",
                    json!("instance"),
                ),
            ],
        );
    }
    field(
        &base,
        &json!({ "fleetType": "maintain" }),
        &[
            ("CreateFleet", "/ExcessCapacityTerminationPolicy", json!("no-termination")),
            ("CreateFleet", "/ValidUntil", json!(1_000 + 1_800)),
        ],
    );
    field(
        &base,
        &json!({ "maxSpotPrice": "0.05", "allocationStrategy": "lowestPrice", "poolsCount": 2,
                          "vmTypesPriority": { "m5.xlarge": 1 } }),
        &[
            ("CreateFleet", "/LaunchTemplateConfigs/0/Overrides/0/MaxPrice", json!("0.05")),
            ("CreateFleet", "/LaunchTemplateConfigs/0/Overrides/2/Priority", json!(1.0)),
            (
                "CreateFleet",
                "/SpotOptions",
                json!({ "AllocationStrategy": "lowest-price", "InstancePoolsToUseCount": 2 }),
            ),
        ],
    );
    let mixed = json!({ "priceType": "heterogeneous", "percentOnDemand": 25, "allocationStrategyOnDemand": "prioritized" });
    field(
        &base,
        &mixed,
        &[
            (
                "CreateFleet",
                "/TargetCapacitySpecification",
                json!({
                    "TotalTargetCapacity": 10, "OnDemandTargetCapacity": 3, "SpotTargetCapacity": 7,
                    "DefaultTargetCapacityType": "spot"
                }),
            ),
            ("CreateFleet", "/OnDemandOptions", json!({ "AllocationStrategy": "prioritized" })),
        ],
    );
    let of_two = fleet(&json!({
        "priceType": "heterogeneous", "onDemandCapacity": 4, "vmTypesOnDemand": { "c5.large": 1 }
    }));
    let made = calls(&of_two, 10);
    let totals: Vec<Value> = made[1..]
        .iter()
        .map(|(_, call)| at(call, "/TargetCapacitySpecification/TotalTargetCapacity"))
        .collect();
    assert_eq!(totals, [4, 6]);
    assert_eq!(at(&made[1].1, "/LaunchTemplateConfigs/0/Overrides/0/InstanceType"), "c5.large");
    assert_ne!(made[1].1["ClientToken"], made[2].1["ClientToken"]);
}

#[test]
fn requirements_in_place_of_types() {
    let fields = json!({
        "imageId": "ami-1", "priceType": "spot", "subnetId": "s-1,s-2", "fleetRole": "arn:aws:iam::1:role/f",
        "abisInstanceRequirements": { "vCpuCount": { "min": 2 }, "memoryMiB": { "min": 1024 } }
    });
    let wanted = json!({ "VCpuCount": { "Min": 2 }, "MemoryMiB": { "Min": 1024 } });
    for (api, action, path) in [
        ("EC2Fleet", "CreateFleet", "/LaunchTemplateConfigs/0/Overrides/1"),
        ("SpotFleet", "RequestSpotFleet", "/SpotFleetRequestConfig/LaunchTemplateConfigs/0/Overrides/1"),
    ] {
        field(
            &fields,
            &json!({ "providerApi": api }),
            &[
                (action, &format!("{path}/InstanceRequirements"), wanted.clone()),
                (action, &format!("{path}/SubnetId"), json!("s-2")),
            ],
        );
    }
    field(
        &fields,
        &json!({ "providerApi": "ASG" }),
        &[(
            "CreateAutoScalingGroup",
            "/MixedInstancesPolicy/LaunchTemplate/Overrides",
            json!([{ "InstanceRequirements": wanted }]),
        )],
    );
}

#[test]
fn spot_fleets() {
    let base = fleet(&json!({ "fleetRole": "arn:aws:iam::1:role/f" }));
    let config = "/SpotFleetRequestConfig";
    field(
        &base,
        &json!({ "maxSpotPrice": 0.2, "allocationStrategy": "capacity-optimized" }),
        &[
            ("RequestSpotFleet", &format!("{config}/Type"), json!("request")),
            ("RequestSpotFleet", &format!("{config}/IamFleetRole"), json!("arn:aws:iam::1:role/f")),
            ("RequestSpotFleet", &format!("{config}/TargetCapacity"), json!(10)),
            ("RequestSpotFleet", &format!("{config}/SpotPrice"), json!("0.2")),
            ("RequestSpotFleet", &format!("{config}/AllocationStrategy"), json!("capacityOptimized")),
            ("RequestSpotFleet", &format!("{config}/TerminateInstancesWithExpiration"), json!(false)),
            ("RequestSpotFleet", &format!("{config}/ValidUntil"), json!(2_800)),
            (
                "RequestSpotFleet",
                &format!("{config}/TagSpecifications/0/ResourceType"),
                json!("spot-fleet-request"),
            ),
            (
                "RequestSpotFleet",
                &format!("{config}/LaunchTemplateConfigs/0/Overrides/3/WeightedCapacity"),
                json!(2),
            ),
        ],
    );
    field(
        &base,
        &json!({ "fleetType": "maintain", "priceType": "heterogeneous", "percentOnDemand": 50 }),
        &[
            (
                "RequestSpotFleet",
                &format!("{config}/ExcessCapacityTerminationPolicy"),
                json!("noTermination"),
            ),
            ("RequestSpotFleet", &format!("{config}/OnDemandTargetCapacity"), json!(5)),
        ],
    );
}

#[test]
fn a_launch_template_of_the_user() {
    let given = json!({ "launchTemplateId": "lt-9", "priceType": "spot" });
    let made = calls(&given, 2);
    assert_eq!(made.len(), 1, "an instant fleet uses it as it is: {made:?}");
    assert_eq!(
        at(&made[0].1, "/LaunchTemplateConfigs/0/LaunchTemplateSpecification"),
        json!({ "LaunchTemplateId": "lt-9", "Version": "$Default" })
    );
    for extra in [json!({ "fleetType": "maintain" }), json!({ "keyName": "key" })] {
        field(
            &given,
            &extra,
            &[
                ("CreateLaunchTemplateVersion", "/LaunchTemplateId", json!("lt-9")),
                ("CreateLaunchTemplateVersion", "/SourceVersion", json!("$Default")),
                ("CreateLaunchTemplateVersion", "/LaunchTemplateData/ImageId", Value::Null),
            ],
        );
    }
}
