//! Specifications over the calls of a template.

use std::fs;
use std::os::unix::fs::symlink;

use ohfp_broker::Template;
use ohfp_broker::launch_spec::FleetType;
use serde_json::json;

use super::*;

fn template(fields: &Value) -> Template {
    let mut all = json!({ "templateId": "t", "maxNumber": 5 });
    merge(&mut all, fields);
    Template::new(all.as_object().unwrap().clone()).unwrap()
}

fn native(fields: &Value, mode: Option<&str>, way: Way, directory: &Path) -> Result<Native, String> {
    let template = template(fields);
    let reference = Reference {
        request: "req-1",
        provider: "aws",
        template: &template,
        image_id: Some("ami-1"),
        count: 3,
    };
    Native::of(&reference, mode, way, directory).map_err(|error| error.to_string())
}

fn own() -> LaunchData {
    serde_json::from_value(json!({
        "ImageId": "ami-1", "KeyName": "k", "Placement": { "GroupName": "g" },
        "IamInstanceProfile": { "Arn": "arn" }, "SecurityGroupIds": ["sg-1"]
    }))
    .unwrap()
}

#[test]
fn what_machines_are_made_of() {
    let check = |spec: Value, mode: Option<&str>, expected: Value| {
        let fields = json!({ "launch_template_spec": spec });
        let native = native(&fields, mode, Way::RunInstances, Path::new("/nowhere")).unwrap();
        let found = serde_json::to_value(native.launch_data(own())).unwrap();
        assert_eq!(found, expected, "{spec} {mode:?}");
    };
    let merged = |changes: Value| {
        let mut all = serde_json::to_value(own()).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    for mode in [None, Some("merge"), Some("extend")] {
        check(json!({ "InstanceType": "m5.large" }), mode, merged(json!({ "InstanceType": "m5.large" })));
    }
    for mode in ["replace", "override"] {
        check(json!({ "InstanceType": "m5.large" }), Some(mode), json!({ "InstanceType": "m5.large" }));
    }
    check(
        json!({ "Placement": { "Tenancy": "dedicated" }, "IamInstanceProfile": { "Name": "n" } }),
        None,
        merged(json!({
            "Placement": { "GroupName": "g", "Tenancy": "dedicated" }, "IamInstanceProfile": { "Name": "n" }
        })),
    );
    check(
        json!({ "KeyName": "{{ template_id }}-{{ requested_count }}" }),
        None,
        merged(json!({ "KeyName": "t-3" })),
    );
    check(
        json!({ "BlockDeviceMappings": [{ "DeviceName": "x", "Ebs": { "VolumeSize": "{{ requested_count * 10 }}" } }] }),
        None,
        merged(json!({ "BlockDeviceMappings": [{ "DeviceName": "x", "Ebs": { "VolumeSize": 30 } }] })),
    );
    let mut interfaces = merged(json!({ "NetworkInterfaces": [
        { "DeviceIndex": 0, "NetworkCardIndex": 0, "SubnetId": "subnet-1", "Groups": ["sg-1"] }] }));
    interfaces.as_object_mut().unwrap().shift_remove("SecurityGroupIds");
    check(json!({ "NetworkInterfaces": [{ "SubnetId": "subnet-1" }] }), None, interfaces);
}

#[test]
fn what_a_launch_depends_on_stays() {
    let api = json!({
        "ClientToken": "x", "MinCount": 9, "MaxCount": 9, "EbsOptimized": true,
        "TagSpecifications": [{ "ResourceType": "instance", "Tags": [
            { "Key": "Name", "Value": "theirs" }, { "Key": "new", "Value": "{{ request_id }}" }] }]
    });
    let native_of = |api: &Value, mode, way| {
        native(&json!({ "provider_api_spec": api }), mode, way, Path::new("/nowhere")).unwrap()
    };
    let own: RunInstances = serde_json::from_value(json!({
        "ClientToken": "t", "MinCount": 1, "MaxCount": 3,
        "TagSpecifications": [{ "ResourceType": "instance", "Tags": [{ "Key": "Name", "Value": "ours" }] }]
    }))
    .unwrap();
    for mode in ["merge", "replace"] {
        let call = native_of(&api, Some(mode), Way::RunInstances).run_instances(own.clone());
        assert_eq!((call.client_token.as_str(), call.min_count, call.max_count), ("t", 1, 3));
        assert_eq!(call.data.ebs_optimized, Some(true));
        let tags: Vec<(&str, &str)> = call.data.tag_specifications[0]
            .tags
            .iter()
            .map(|tag| (tag.key.as_str(), tag.value.as_str()))
            .collect();
        assert_eq!(tags, [("Name", "ours"), ("new", "req-1")]);
    }
    let fleet = json!({
        "SpotOptions": { "AllocationStrategy": "diversified" },
        "TargetCapacitySpecification": { "TotalTargetCapacity": 99 },
        "TerminateInstancesWithExpiration": true,
        "LaunchTemplateConfigs": [{ "Overrides": [{ "InstanceType": "m5.large" }] }]
    });
    let own: CreateFleet = serde_json::from_value(json!({
        "ClientToken": "t", "Type": "request", "TerminateInstancesWithExpiration": false,
        "TargetCapacitySpecification": { "TotalTargetCapacity": 3, "DefaultTargetCapacityType": "spot" },
        "LaunchTemplateConfigs": [{ "LaunchTemplateSpecification": { "LaunchTemplateId": "lt-1", "Version": "1" } }]
    }))
    .unwrap();
    for mode in ["merge", "replace"] {
        let native = native_of(&fleet, Some(mode), Way::Fleet(FleetType::Request));
        let Making::CreateFleet(call) = native.call(Making::CreateFleet(own.clone())) else {
            panic!("a fleet")
        };
        let config = &call.launch_template_configs[0];
        assert_eq!(config.launch_template_specification.launch_template_id, "lt-1");
        assert_eq!(config.overrides[0].instance_type.as_deref(), Some("m5.large"));
        assert_eq!(call.target_capacity_specification.total_target_capacity, 3);
        assert_eq!(call.terminate_instances_with_expiration, Some(false));
        assert_eq!(call.spot_options.unwrap().allocation_strategy.as_deref(), Some("diversified"));
    }
}

#[test]
fn what_cannot_be_passed_on_is_named() {
    let check = |fields: Value, way: Way, part: &str| {
        let error = native(&fields, None, way, Path::new("/nowhere")).unwrap_err();
        assert!(error.contains(part), "{fields}: {error}");
    };
    let data = |spec: Value| json!({ "launch_template_spec": spec });
    let api = |spec: Value| json!({ "provider_api_spec": spec });
    let (runs, fleet) = (Way::RunInstances, Way::Fleet(FleetType::Instant));
    check(
        data(json!({ "KernelId": "x" })),
        runs,
        "`launch_template_spec` has `KernelId`, which ohfp cannot pass on",
    );
    check(data(json!({ "Placement": { "HostId": "h" } })), runs, "`Placement.HostId`");
    check(data(json!({ "EbsOptimized": "yes" })), runs, "cannot be passed on: ");
    check(data(json!({ "KeyName": "{{ nosuch }}" })), runs, "which is not defined");
    check(data(json!({ "KeyName": "x{{ nosuch }}" })), runs, "undefined");
    check(data(json!({ "KeyName": "{{ 1 +" })), runs, "syntax error");
    check(
        data(
            json!({ "KeyName": "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}" }),
        ),
        runs,
        "fuel",
    );
    check(data(json!({ "KeyName": "{% include 'x' %}" })), runs, "syntax error");
    check(api(json!({ "Context": "c" })), fleet, "`provider_api_spec` has `Context`");
    check(
        api(json!({ "Type": "maintain" })),
        fleet,
        "`Type` maintain, and the template's `fleetType` is instant",
    );
    let both = json!({ "vmType": "m5.large", "launch_template_spec": { "InstanceType": "c5.large" } });
    check(both, runs, "`InstanceType` beside `vmType` or `vmTypes`");
}

#[test]
fn files_are_below_their_directory() {
    let site = tempfile::tempdir().unwrap();
    let specs = site.path().join("specs");
    fs::create_dir_all(specs.join("aws")).unwrap();
    fs::write(specs.join("aws/a.json"), r#"{"KeyName": "{{ template_id }}", "EbsOptimized": true}"#).unwrap();
    fs::write(specs.join("big.json"), vec![b' '; 300_000]).unwrap();
    fs::write(specs.join("broken.json"), "{").unwrap();
    fs::write(site.path().join("secret.json"), r#"{"KeyName": "s"}"#).unwrap();
    symlink(site.path().join("secret.json"), specs.join("link.json")).unwrap();
    symlink("aws/a.json", specs.join("inside.json")).unwrap();
    let of = |name: &str| {
        let fields = json!({ "launch_template_spec_file": name });
        native(&fields, Some("replace"), Way::RunInstances, &specs)
            .map(|native| native.launch_data(own()).key_name.unwrap_or_default())
    };
    assert_eq!(of("aws/a.json").as_deref(), Ok("t"));
    assert_eq!(of("inside.json").as_deref(), Ok("t"));
    for (name, part) in [
        ("../secret.json", "outside of"),
        ("link.json", "outside of"),
        ("/etc/hostname", "outside of"),
        ("nosuch.json", "cannot be read"),
        ("big.json", "no file of at most"),
        ("aws", "no file of at most"),
        ("broken.json", "no JSON"),
    ] {
        let error = of(name).unwrap_err();
        assert!(
            error.starts_with("`launch_template_spec_file` names ") && error.contains(part),
            "{name}: {error}"
        );
    }
}
