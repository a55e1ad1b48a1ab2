//! The request for a fleet that a file has.

use serde_json::{Value, json};

use super::{check, order, spec};
use crate::calls::{CreateFleet, LaunchTemplateSpecification, Making};
use crate::design::{Order, Way};
use crate::token;
use ohfp_broker::launch_spec::FleetType;

/// LSF's file is the request: capacities, token, tags and the end are put in, and the rest stays.
#[test]
fn the_request_of_a_file() {
    let request: CreateFleet = serde_json::from_value(json!({
        "Type": "request",
        "SpotOptions": { "AllocationStrategy": "price-capacity-optimized" },
        "LaunchTemplateConfigs": [{
            "LaunchTemplateSpecification": { "LaunchTemplateId": "lt-7", "Version": "3" },
            "Overrides": [{ "InstanceType": "c5.xlarge", "SubnetId": "s-1", "WeightedCapacity": 2, "Priority": 1 }]
        }],
        "TargetCapacitySpecification": { "TotalTargetCapacity": 0, "DefaultTargetCapacityType": "spot" },
        "TagSpecifications": [
            { "ResourceType": "fleet", "Tags": [{ "Key": "k", "Value": "theirs" }, { "Key": "a", "Value": "b" }] }
        ]
    }))
    .unwrap();
    let made = |fields: Value, kind: FleetType| {
        let mut all = json!({ "ec2FleetConfig": "f.json" });
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let spec = spec(&all);
        assert_eq!(check(&spec, Way::Fleet(kind)), [], "{all}");
        let order = Order { fleet_request: Some(request.clone()), ..order(&spec, 5) };
        let template = order.launch_template(Way::Fleet(kind));
        let used =
            LaunchTemplateSpecification { launch_template_id: "lt-7".to_owned(), version: "4".to_owned() };
        let mut calls = order.by_template(Way::Fleet(kind), &used);
        assert_eq!(calls.len(), 1);
        let Making::CreateFleet(call) = calls.remove(0) else { panic!("{calls:?}") };
        (template, call)
    };
    let (template, call) = made(json!({ "requestValidity": "2:00" }), FleetType::Request);
    let Some(Making::CreateLaunchTemplateVersion(version)) = template else { panic!("{template:?}") };
    assert_eq!((version.launch_template_id.as_str(), version.source_version.as_str()), ("lt-7", "3"));
    assert_eq!(
        serde_json::to_value(&call).unwrap(),
        json!({
            "ClientToken": token::of_step("launch-1", "fleet"),
            "Type": "request",
            "TargetCapacitySpecification": { "TotalTargetCapacity": 5, "DefaultTargetCapacityType": "spot" },
            "LaunchTemplateConfigs": [{
                "LaunchTemplateSpecification": { "LaunchTemplateId": "lt-7", "Version": "4" },
                "Overrides": [
                    { "InstanceType": "c5.xlarge", "SubnetId": "s-1", "WeightedCapacity": 2, "Priority": 1 }
                ]
            }],
            "SpotOptions": { "AllocationStrategy": "price-capacity-optimized" },
            "ValidUntil": 8_200,
            "TerminateInstancesWithExpiration": false,
            "TagSpecifications": [
                { "ResourceType": "fleet", "Tags": [{ "Key": "k", "Value": "v" }, { "Key": "a", "Value": "b" }] }
            ]
        })
    );
    // An instant fleet tags what it makes, so that the template serves as it is.
    let (template, call) = made(json!({ "onDemandTargetCapacityRatio": 0.5 }), FleetType::Instant);
    assert_eq!(template, None);
    let capacity = call.target_capacity_specification;
    assert_eq!((capacity.on_demand_target_capacity, capacity.spot_target_capacity), (Some(3), Some(2)));
    assert_eq!((call.valid_until, call.terminate_instances_with_expiration), (None, None));
    assert_eq!(call.tag_specifications.len(), 3);
    let (template, _) = made(json!({ "userData": "A=1", "keyName": "k" }), FleetType::Instant);
    assert!(matches!(template, Some(Making::CreateLaunchTemplateVersion(_))), "{template:?}");
}
