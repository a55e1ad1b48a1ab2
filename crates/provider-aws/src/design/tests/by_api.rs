//! The same fields of a template for each API.

use serde_json::{Value, json};

use super::*;

const ROLE: &str = "arn:aws:iam::1:role/f";

fn with(base: &Value, more: &Value) -> Value {
    let mut fields = base.as_object().unwrap().clone();
    fields.extend(more.as_object().unwrap().clone());
    Value::Object(fields)
}

/// On-demand machines of each API: `vmType` is one override, or in the launch template of a group.
#[test]
fn on_demand_machines_by_api() {
    let (role, one) = (ROLE, on_demand());
    field(
        &with(&one, &json!({ "providerApi": "EC2Fleet" })),
        &json!({}),
        &[
            ("CreateFleet", "/TargetCapacitySpecification/DefaultTargetCapacityType", json!("on-demand")),
            ("CreateFleet", "/TargetCapacitySpecification/OnDemandTargetCapacity", Value::Null),
            ("CreateFleet", "/LaunchTemplateConfigs/0/Overrides/0/InstanceType", json!("m5.large")),
            ("CreateFleet", "/LaunchTemplateConfigs/0/Overrides/0/WeightedCapacity", Value::Null),
            ("CreateFleet", "/SpotOptions", Value::Null),
            ("CreateLaunchTemplate", "/LaunchTemplateData/InstanceMarketOptions", Value::Null),
        ],
    );
    let config = "/SpotFleetRequestConfig";
    field(
        &with(&one, &json!({ "providerApi": "SpotFleet", "fleetRole": role, "spotPrice": "0.5" })),
        &json!({ "priceType": "ondemand", "spotPrice": null }),
        &[
            ("RequestSpotFleet", &format!("{config}/TargetCapacity"), json!(10)),
            ("RequestSpotFleet", &format!("{config}/OnDemandTargetCapacity"), json!(10)),
            ("RequestSpotFleet", &format!("{config}/SpotPrice"), Value::Null),
        ],
    );
    field(
        &with(&one, &json!({ "providerApi": "ASG" })),
        &json!({ "fleetRole": role }),
        &[
            ("CreateAutoScalingGroup", "/ServiceLinkedRoleARN", json!(role)),
            ("CreateAutoScalingGroup", "/MixedInstancesPolicy", Value::Null),
            (
                "CreateAutoScalingGroup",
                "/LaunchTemplate",
                json!({ "LaunchTemplateId": "lt-1", "Version": "1" }),
            ),
        ],
    );
}

/// Strategies are written in the way of each API, and pools are counted with the lowest price.
#[test]
fn strategies_by_api() {
    let config = "/SpotFleetRequestConfig";
    let cheap = json!({ "allocationStrategy": "lowestPrice", "poolsCount": 3 });
    let base = fleet(&json!({ "fleetRole": ROLE }));
    field(
        &base,
        &cheap,
        &[
            ("RequestSpotFleet", &format!("{config}/AllocationStrategy"), json!("lowestPrice")),
            ("RequestSpotFleet", &format!("{config}/InstancePoolsToUseCount"), json!(3)),
        ],
    );
    field(
        &with(&base, &json!({ "providerApi": "ASG" })),
        &cheap,
        &[(
            "CreateAutoScalingGroup",
            "/MixedInstancesPolicy/InstancesDistribution/SpotInstancePools",
            json!(3),
        )],
    );
    let mixed = json!({ "priceType": "heterogeneous", "onDemandCapacity": 4, "allocationStrategyOnDemand": "lowestPrice" });
    field(
        &base,
        &mixed,
        &[
            ("RequestSpotFleet", &format!("{config}/OnDemandTargetCapacity"), json!(4)),
            ("RequestSpotFleet", &format!("{config}/OnDemandAllocationStrategy"), json!("lowestPrice")),
        ],
    );
    field(
        &with(&base, &json!({ "providerApi": "ASG" })),
        &mixed,
        &[
            (
                "CreateAutoScalingGroup",
                "/MixedInstancesPolicy/InstancesDistribution/OnDemandBaseCapacity",
                json!(4),
            ),
            (
                "CreateAutoScalingGroup",
                "/MixedInstancesPolicy/InstancesDistribution/OnDemandAllocationStrategy",
                json!("lowest-price"),
            ),
        ],
    );
}

/// LSF's names mean the same; a price is that of a machine, and what is made is tagged by the call that makes it.
#[test]
fn prices_times_and_tags_by_api() {
    let config = "/SpotFleetRequestConfig";
    let base = fleet(&json!({ "fleetRole": ROLE }));
    field(
        &with(&base, &json!({ "spotPrice": "0.25", "requestValidity": "1:30" })),
        &json!({}),
        &[
            ("RequestSpotFleet", &format!("{config}/SpotPrice"), json!("0.25")),
            ("RequestSpotFleet", &format!("{config}/ValidUntil"), json!(1_000 + 5_400)),
        ],
    );
    field(
        &with(&base, &json!({ "providerApi": "EC2Fleet", "priceType": "heterogeneous" })),
        &json!({ "onDemandTargetCapacityRatio": 0.25 }),
        &[
            ("CreateFleet", "/TargetCapacitySpecification/OnDemandTargetCapacity", json!(3)),
            ("CreateFleet", "/TargetCapacitySpecification/SpotTargetCapacity", json!(7)),
        ],
    );
    // A budget of a whole fleet is never set: the price is of a machine.
    field(
        &with(&base, &json!({ "providerApi": "EC2Fleet" })),
        &json!({ "maxSpotPrice": 0.1 }),
        &[
            ("CreateFleet", "/SpotOptions", Value::Null),
            ("CreateFleet", "/LaunchTemplateConfigs/0/Overrides/3/MaxPrice", json!("0.1")),
        ],
    );
    // Everything that is made is tagged by the call that makes it.
    field(
        &with(&base, &json!({ "fleetType": "maintain" })),
        &json!({}),
        &[
            ("CreateLaunchTemplate", "/TagSpecifications/0/ResourceType", json!("launch-template")),
            (
                "CreateLaunchTemplate",
                "/LaunchTemplateData/TagSpecifications",
                ["instance", "volume", "network-interface", "spot-instances-request"]
                    .iter()
                    .map(|kind| json!({ "ResourceType": kind, "Tags": [{ "Key": "k", "Value": "v" }] }))
                    .collect(),
            ),
        ],
    );
}
