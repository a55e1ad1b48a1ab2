//! Auto Scaling groups.

use serde_json::json;

use super::*;

#[test]
fn groups() {
    let plain =
        json!({ "imageId": "ami-1", "vmType": "m5.large", "subnetId": "s-1,s-2", "providerApi": "ASG" });
    field(
        &plain,
        &json!({}),
        &[
            ("CreateAutoScalingGroup", "/AutoScalingGroupName", json!(token::resource_name("launch-1"))),
            ("CreateAutoScalingGroup", "/MinSize", json!(0)),
            ("CreateAutoScalingGroup", "/MaxSize", json!(10)),
            ("CreateAutoScalingGroup", "/DesiredCapacity", json!(10)),
            ("CreateAutoScalingGroup", "/VPCZoneIdentifier", json!("s-1,s-2")),
            (
                "CreateAutoScalingGroup",
                "/Tags/0",
                json!({ "Key": "k", "Value": "v", "PropagateAtLaunch": true }),
            ),
            ("CreateLaunchTemplate", "/LaunchTemplateData/InstanceType", json!("m5.large")),
        ],
    );
    let spot =
        fleet(&json!({ "providerApi": "ASG", "maxSpotPrice": 0.3, "allocationStrategy": "lowestPrice" }));
    let policy = "/MixedInstancesPolicy";
    field(
        &spot,
        &json!({}),
        &[
            (
                "CreateAutoScalingGroup",
                &format!("{policy}/LaunchTemplate/Overrides/1"),
                json!({ "InstanceType": "m5.xlarge", "WeightedCapacity": "2" }),
            ),
            (
                "CreateAutoScalingGroup",
                &format!("{policy}/InstancesDistribution"),
                json!({
                    "OnDemandPercentageAboveBaseCapacity": 0, "SpotAllocationStrategy": "lowest-price", "SpotMaxPrice": "0.3"
                }),
            ),
        ],
    );
    field(
        &spot,
        &json!({ "priceType": "heterogeneous", "percentOnDemand": 30 }),
        &[(
            "CreateAutoScalingGroup",
            &format!("{policy}/InstancesDistribution/OnDemandBaseCapacity"),
            json!(3),
        )],
    );
}
