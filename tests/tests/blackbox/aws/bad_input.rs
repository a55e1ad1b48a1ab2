//! What cannot be launched: one line that names template or provider, field, file and line, exit code 1, and nothing
//! sent. `templates validate` finds all that needs no call.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ohfp_tests::aws::{AwsSite, IMAGE};
use ohfp_tests::ended;
use ohfp_tests::grid::wanted;
use serde_json::{Value, json};

const FILE: &str = "awsprov_templates.json";
const ROLE: &str = "arn:aws:iam::123456789012:role/ohfp-fleet-role";

/// A site whose file has this template, which is called `bad`, a line for each field. There is no snapshot of it.
fn site(fields: &Value, options: &Value) -> Option<AwsSite> {
    let site = AwsSite::new(&[("good", json!({}))], options)?;
    let mut template = json!({
        "templateId": "bad", "maxNumber": -1, "imageId": IMAGE, "subnetId": site.cloud.subnets()[0],
        "securityGroupIds": ["sg-0123456789abcdef0"], "vmType": "m5.large"
    });
    template.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    template.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let file = serde_json::to_string_pretty(&json!({ "templates": [template] })).unwrap();
    site.grid.sandbox.write(FILE, file);
    Some(site)
}

/// The line of a field in the template file; that of the template where it does not have the field.
fn line_of(site: &AwsSite, field: &str) -> usize {
    let file = fs::read_to_string(site.grid.sandbox.root().join(FILE)).unwrap();
    let key = format!("\"{}\":", field.split('.').next().unwrap());
    let line = |wanted: &str| file.lines().position(|line| line.trim_start().starts_with(wanted));
    // The list begins on the second line, and its first template on the third.
    line(&key).map_or(3, |place| place + 1)
}

/// Requests machines of a template with these fields: it is refused for `field`, with these words.
#[track_caller]
fn check(fields: &Value, field: &str, words: &[&str]) {
    let Some(site) = site(fields, &json!({})) else { return };
    let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
    let place = format!("{FILE}:{}:", line_of(&site, field));
    let named = [place.as_str(), "template `bad`", &format!("`{field}`")];
    for word in named.iter().chain(words) {
        assert!(refusal.contains(word), "{fields}: `{word}` is not in: {refusal}");
    }
    assert_eq!(site.cloud.counts(), json!({}), "{fields}: something was sent");
    let requests = site.grid.command(&["requests", "list"]);
    assert_eq!(requests["requests"], json!([]), "{fields}");

    let validated = site.grid.sandbox.run("ohfp", &["templates", "validate"]);
    let said = format!("{}{}", validated.text(), validated.stderr);
    assert_ne!(validated.code, 0, "{fields}: {said}");
    for word in named.iter().chain(words) {
        assert!(said.contains(word), "{fields}: `{word}` is not in: {said}");
    }
    assert_eq!(site.cloud.counts(), json!({}), "{fields}: something was sent");
}

#[test]
fn fields_that_an_api_cannot_take() {
    let spot_fleet = |more: Value| {
        let mut fields = json!({ "providerApi": "SpotFleet", "priceType": "spot", "fleetRole": ROLE });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    let run = "RunInstances";
    check(&json!({ "providerApi": run, "vmTypesOnDemand": { "m5.large": 1 } }), "vmTypesOnDemand", &[run]);
    check(&json!({ "providerApi": run, "percentOnDemand": 40 }), "percentOnDemand", &[run]);
    check(&json!({ "providerApi": run, "onDemandCapacity": 4 }), "onDemandCapacity", &[run]);
    check(&json!({ "providerApi": run, "priceType": "heterogeneous" }), "priceType", &[run]);
    check(&spot_fleet(json!({ "fleetType": "instant" })), "fleetType", &["instant"]);
    check(&spot_fleet(json!({ "fleetRole": null })), "fleetRole", &["missing"]);
    let requirements = json!({ "VCpuCount": { "Min": 2 }, "MemoryMiB": { "Min": 1024 } });
    check(
        &json!({ "providerApi": "EC2Fleet", "abisInstanceRequirements": requirements }),
        "abisInstanceRequirements",
        &["vmType"],
    );
    check(
        &json!({ "vmType": null, "providerApi": run, "abisInstanceRequirements": requirements }),
        "abisInstanceRequirements",
        &[run],
    );
    check(&spot_fleet(json!({ "poolsCount": 2 })), "poolsCount", &["lowestPrice"]);
    check(
        &spot_fleet(json!({ "poolsCount": 2, "allocationStrategy": "diversified" })),
        "poolsCount",
        &["lowestPrice"],
    );
    check(&json!({ "iops": 4_000, "volumeType": "gp2" }), "iops", &["io1, io2 or gp3"]);
    check(&json!({ "iops": 4_000 }), "iops", &["io1, io2 or gp3"]);
    let weights = json!({ "m5.large": 1, "m5.xlarge": 1_000 });
    check(
        &json!({ "providerApi": "ASG", "vmType": null, "vmTypes": weights }),
        "vmTypes.m5.xlarge",
        &["1 to 999"],
    );
}

#[test]
fn tags_beyond_what_ec2_takes() {
    let tags = |count: usize| (0..count).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(";");
    check(&json!({ "instanceTags": tags(51) }), "instanceTags", &["51"]);
    check(&json!({ "instanceTags": format!("{}=v", "k".repeat(129)) }), "instanceTags", &["128"]);
    check(&json!({ "instanceTags": format!("k={}", "v".repeat(257)) }), "instanceTags", &["256"]);
    check(&json!({ "instanceTags": "aws:k=v" }), "instanceTags", &["aws:k"]);
    check(&json!({ "instanceTags": "ohfp:request=v" }), "instanceTags", &["ohfp:request"]);
}

#[test]
fn user_data_that_cannot_be_sent() {
    check(&json!({ "userDataScript": "/no/such/script" }), "userDataScript", &["/no/such/script"]);
    check(&json!({ "userDataScript": "/" }), "userDataScript", &["cannot be read"]);
    check(&json!({ "userDataScript": format!("#{}", "x".repeat(16_384)) }), "userDataScript", &["16384"]);
}

/// More machines than an API launches at once.
#[test]
fn too_many_machines() {
    for (fields, count, says) in [
        (json!({}), 1_001, ["RunInstances", "1000 machines", "1001"]),
        (json!({ "providerApi": "EC2Fleet" }), 1_001, ["EC2Fleet", "1000 machines", "1001"]),
        (
            json!({ "providerApi": "EC2Fleet", "priceType": "spot", "vmType": null, "vmTypes": { "m5.large": 2 } }),
            10_001,
            ["aws", "10000", "at once"],
        ),
    ] {
        let Some(site) = site(&fields, &json!({})) else { return };
        let refusal = site.grid.refusal("requestMachines", &wanted("bad", count));
        assert!(says.iter().all(|word| refusal.contains(word)), "{fields}: {refusal}");
        assert_eq!(site.cloud.counts(), json!({}), "{fields}");
    }
}

/// Only AWS can say that there is no such parameter. Nothing is launched.
#[test]
fn an_image_parameter_that_does_not_exist() {
    let Some(site) = site(&json!({ "imageId": "ssm:/no/such/image" }), &json!({})) else { return };
    let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
    for word in [FILE, "template `bad`", "`imageId`", "/no/such/image"] {
        assert!(refusal.contains(word), "{word}: {refusal}");
    }
    assert_eq!(site.cloud.counts(), json!({ "GetParameters": 1 }));
}

#[test]
fn no_region() {
    let Some(mut site) = site(&json!({}), &json!({ "region": null })) else { return };
    site.grid.sandbox.unset("AWS_REGION");
    let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
    for word in ["provider `aws`", "region", "config.json:1:"] {
        assert!(refusal.contains(word), "{word}: {refusal}");
    }
    assert_eq!(site.cloud.counts(), json!({}));
}

/// All places where credentials were looked for, in their order.
#[test]
fn no_credentials() {
    let Some(mut site) = site(&json!({}), &json!({})) else { return };
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        site.grid.sandbox.unset(name);
    }
    let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
    assert!(refusal.contains("credentials of provider `aws`"), "{refusal}");
    let places = ["environment", "profile `default`", "web identity", "container", "instance metadata"];
    let found: Vec<Option<usize>> = places.iter().map(|place| refusal.find(place)).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{refusal}");
    assert_eq!(site.cloud.counts(), json!({}));
}

#[test]
fn credentials_that_have_expired() {
    let Some(mut site) = site(&json!({}), &json!({})) else { return };
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        site.grid.sandbox.unset(name);
    }
    let keys = json!({
        "Version": 1, "AccessKeyId": site.cloud.access_key(), "SecretAccessKey": "secret", "SessionToken": "t",
        "Expiration": "2020-03-01T12:00:00Z"
    });
    let script = site.grid.sandbox.input("keys.sh", format!("#!/bin/sh\necho '{keys}'\n"));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let home = site.grid.sandbox.path.join("home/.aws");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("config"), format!("[default]\ncredential_process = {}\n", script.display()))
        .unwrap();
    let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
    for word in ["credentials of provider `aws`", "expired", "2020-03-01T12:00:00Z", "profile `default`"] {
        assert!(refusal.contains(word), "{word}: {refusal}");
    }
    assert!(!refusal.contains("secret"), "{refusal}");
    assert_eq!(site.cloud.counts(), json!({}));
}

/// AWS refuses signatures whose time is off; its answer tells by how much.
#[test]
fn a_clock_that_is_off() {
    for (skew, says) in [(600, "s behind"), (-600, "s ahead of")] {
        let Some(site) = site(&json!({}), &json!({})) else { return };
        site.cloud.settings(&json!({ "skew": skew, "skew_refused": true }));
        let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
        for word in ["credentials of provider `aws`", "clock", says] {
            assert!(refusal.contains(word), "{skew}: {word}: {refusal}");
        }
        // 599 or 601 where a second has begun meanwhile.
        assert!(["599", "600", "601"].iter().any(|number| refusal.contains(number)), "{refusal}");
        assert_eq!(site.cloud.counts(), json!({ "RunInstances": 1 }));
        assert_eq!(site.living(), Vec::<String>::new());
    }
}

/// A name that is none is a warning with the nearest one, in the template file and among the options of the provider.
#[test]
fn unknown_names() {
    let Some(site) = site(&json!({ "alocationStrategy": "lowestPrice" }), &json!({})) else { return };
    let validated = site.grid.sandbox.run("ohfp", &["templates", "validate"]);
    let said = format!("{}{}", validated.text(), validated.stderr);
    let place = format!("{FILE}:{}:", line_of(&site, "alocationStrategy"));
    for word in [place.as_str(), "alocationStrategy", "allocationStrategy"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(validated.code, 0, "{said}");
    site.grid.sandbox.write(
        "config.json",
        r#"{"provider": {"providers": [{"name": "aws", "type": "aws", "config": {"region": "us-east-1", "profil": "p"}}]}}"#,
    );
    let validated =
        ended(site.grid.sandbox.command(ohfp_tests::program("ohfp")).args(["config", "validate"]));
    let said = format!("{}{}", validated.text(), validated.stderr);
    for word in ["config.json:1:", "profil", "`profile`"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}
