//! What no call can be made of, and which API is called.

use serde_json::{Value, json};

use super::*;
use crate::design::order::part;

/// Bad input: the field that is named, and a part of what is said.
#[test]
fn what_an_api_cannot_take() {
    let role = "arn:aws:iam::1:role/f";
    let base = json!({ "imageId": "ami-1", "vmType": "m5.large" });
    let many: Vec<String> = (0..44).map(|number| format!("k{number}=v")).collect();
    for (extra, field, says) in [
        (json!({ "imageId": null }), "imageId", "is missing"),
        (json!({ "vmType": null }), "vmType", "is missing"),
        (
            json!({ "providerApi": "RunInstances", "priceType": "heterogeneous" }),
            "priceType",
            "needs a fleet",
        ),
        (json!({ "vmTypesOnDemand": { "a": 1 } }), "vmTypesOnDemand", "needs a fleet"),
        (json!({ "percentOnDemand": 5 }), "percentOnDemand", "needs a fleet"),
        (json!({ "onDemandCapacity": 5 }), "onDemandCapacity", "needs a fleet"),
        (
            json!({ "abisInstanceRequirements": { "VCpuCount": { "Min": 1 } } }),
            "abisInstanceRequirements",
            "cannot stand beside",
        ),
        (
            json!({ "vmType": null, "abisInstanceRequirements": { "VCpuCount": { "Min": 1 } } }),
            "abisInstanceRequirements",
            "needs a fleet",
        ),
        (
            json!({ "priceType": "spot", "vmType": null, "abisInstanceRequirements": { "cpus": 1 } }),
            "abisInstanceRequirements",
            "no member `cpus`",
        ),
        (json!({ "priceType": "spot", "poolsCount": 2 }), "poolsCount", "lowestPrice"),
        (json!({ "iops": 500, "volumeType": "gp2" }), "iops", "io1, io2 or gp3"),
        (json!({ "priceType": "spot", "providerApi": "SpotFleet" }), "fleetRole", "is missing"),
        (
            json!({ "priceType": "spot", "fleetRole": role, "fleetType": "instant" }),
            "fleetType",
            "not instant",
        ),
        (json!({ "providerApi": "ASG", "vmTypesOnDemand": { "a": 1 } }), "vmTypesOnDemand", "group"),
        (json!({ "providerApi": "ASG", "vmType": null, "vmTypes": { "a": 1000 } }), "vmTypes.a", "1 to 999"),
        (
            json!({ "providerApi": "ASG", "priceType": "spot", "allocationStrategy": "diversified" }),
            "allocationStrategy",
            "diversified",
        ),
        (json!({ "instanceTags": "aws:x=1" }), "instanceTags", "reserved"),
        (json!({ "instanceTags": "ohfp:request=1" }), "instanceTags", "reserved"),
        (json!({ "instanceTags": format!("{}=1", "k".repeat(129)) }), "instanceTags", "128 characters"),
        (json!({ "instanceTags": format!("k={}", "v".repeat(257)) }), "instanceTags", "256 characters"),
        (json!({ "instanceTags": many.join(";") }), "instanceTags", "has 44 tags"),
        (json!({ "tenancy": "shared" }), "tenancy", "must be"),
    ] {
        let mut fields = base.as_object().unwrap().clone();
        fields.extend(extra.as_object().unwrap().clone());
        let spec = spec(&Value::Object(fields));
        let errors = check(&spec, Way::of(&spec, None).unwrap());
        let fits =
            |error: &ohfp_broker::launch_spec::FieldError| *error.field == *field && error.why.contains(says);
        assert!(errors.iter().any(fits), "{extra}: {errors:?}");
    }
    assert!(Way::of(&spec(&json!({ "providerApi": "Lambda" })), None).is_err());
}

#[test]
fn the_api_follows_from_price_and_role() {
    for (fields, way) in [
        (json!({}), Way::RunInstances),
        (json!({ "priceType": "spot" }), Way::Fleet(FleetType::Instant)),
        (json!({ "spotPrice": 0.5 }), Way::Fleet(FleetType::Instant)),
        (json!({ "priceType": "heterogeneous", "fleetType": "request" }), Way::Fleet(FleetType::Request)),
        (json!({ "priceType": "spot", "fleetRole": "r" }), Way::SpotFleet(FleetType::Request)),
        (json!({ "providerApi": "EC2Fleet" }), Way::Fleet(FleetType::Instant)),
        (json!({ "providerApi": "SpotFleet", "fleetType": "maintain" }), Way::SpotFleet(FleetType::Maintain)),
        (json!({ "providerApi": "ASG", "priceType": "spot" }), Way::Group),
    ] {
        assert_eq!(Way::of(&spec(&fields), None), Ok(way), "{fields}");
    }
    let by_file = |fields: &Value| Way::of(&spec(fields), Some(FleetType::Request));
    assert_eq!(by_file(&json!({})), Ok(Way::Fleet(FleetType::Request)));
    assert_eq!(by_file(&json!({ "providerApi": "ec2_fleet" })), Ok(Way::Fleet(FleetType::Request)));
    assert!(by_file(&json!({ "providerApi": "ASG" })).is_err());
}

#[test]
fn parts_are_rounded_up() {
    for (count, share, wanted) in
        [(10, 0.0, 0), (10, 0.25, 3), (10, 0.3, 3), (10, 1.0, 10), (3, 0.34, 2), (1, 0.01, 1), (0, 0.5, 0)]
    {
        assert_eq!(part(count, share), wanted, "{count} {share}");
    }
}
