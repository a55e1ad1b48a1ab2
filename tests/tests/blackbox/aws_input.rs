//! What is wrong with templates, configuration and credentials: one line with the place, exit code 1, and no machine is
//! asked for.

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::{document, text, wanted};
use serde_json::{Value, json};

/// Templates that cannot be launched: fields, the field that is at fault, what is said of it. `templates validate` finds
/// it, a request says the same, and nothing is sent.
#[test]
fn templates_that_cannot_be_launched() {
    let many: String = (0..44).map(|number| format!("k{number}=v;")).collect();
    let spot = |more: Value| {
        let mut fields = json!({ "priceType": "spot" });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    for (fields, field, says) in [
        (json!({ "vmTypesOnDemand": { "m5.large": 1 } }), "vmTypesOnDemand", "RunInstances"),
        (json!({ "percentOnDemand": 30 }), "percentOnDemand", "RunInstances"),
        (json!({ "providerApi": "SpotFleet" }), "fleetRole", "is missing"),
        (spot(json!({ "fleetRole": "r", "fleetType": "instant" })), "fleetType", "not instant"),
        (spot(json!({ "poolsCount": 2 })), "poolsCount", "lowestPrice"),
        (json!({ "iops": 500, "volumeType": "gp2" }), "iops", "io1, io2 or gp3"),
        (
            json!({ "providerApi": "ASG", "vmType": null, "vmTypes": { "m5.large": 1000 } }),
            "vmTypes",
            "1 to 999",
        ),
        (json!({ "userDataScript": "/no/such/script" }), "userDataScript", "/no/such/script"),
        (json!({ "userData": format!("A={}", "x".repeat(16_400)) }), "userData", "at most 16384"),
        (json!({ "instanceTags": many }), "instanceTags", "44 tags"),
        (json!({ "instanceTags": format!("{}=v", "k".repeat(129)) }), "instanceTags", "128 characters"),
        (json!({ "instanceTags": format!("k={}", "v".repeat(257)) }), "instanceTags", "256 characters"),
        (json!({ "instanceTags": "aws:x=1" }), "instanceTags", "reserved"),
        (json!({ "imageId": null }), "imageId", "is missing"),
        (json!({ "providerApi": "Lambda" }), "providerApi", "Lambda"),
    ] {
        let Some(site) = AwsSite::new(&[("bad", fields.clone())], &json!({})) else { return };
        let ended = site.grid.sandbox.run("ohfp", &["templates", "validate", "--format", "json"]);
        assert_eq!(ended.code, 1, "{fields}: {ended:?}");
        let findings = document(&ended)["findings"].clone();
        let found = text(&findings[0]["message"]);
        let refusal = site.grid.refusal("requestMachines", &wanted("bad", 1));
        for message in [&found, &refusal] {
            for part in ["awsprov_templates.json:1:", "template `bad`", &format!("`{field}"), says] {
                assert!(message.contains(part), "{part}: {message}");
            }
        }
        assert_eq!(site.cloud.counts(), json!({}), "{fields}");
    }
}

/// What has no effect is said beside what is wrong.
#[test]
fn warnings_stand_behind_the_errors() {
    let settings = json!({ "logging": { "max_file_size": 10 } });
    let bad = [("bad", json!({ "imageId": null }))];
    let Some(site) = AwsSite::with_settings(&bad, &json!({}), &settings) else { return };
    let ended = site.grid.sandbox.run("ohfp", &["config", "validate", "--format", "json"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let findings = document(&ended)["findings"].clone();
    assert_eq!(findings[0]["severity"], "error", "{findings}");
    let dead =
        findings.as_array().unwrap().iter().find(|one| text(&one["message"]).contains("max_file_size"));
    assert!(dead.is_some_and(|one| one["severity"] == "warning"), "{findings}");
}

/// More than an API launches at once.
#[test]
fn requests_that_are_too_large() {
    let fields = json!({ "vmType": null, "vmTypes": { "m5.large": 2 }, "priceType": "spot" });
    let Some(site) = AwsSite::new(&[("run", json!({})), ("fleet", fields)], &json!({})) else { return };
    for (template, count, says) in
        [("run", 1_001, "at most 1000 machines"), ("fleet", 10_001, "at most 10000 ")]
    {
        let refusal = site.grid.refusal("requestMachines", &wanted(template, count));
        assert!(refusal.contains(says), "{refusal}");
    }
    assert_eq!(site.cloud.counts(), json!({}));
}

/// What only AWS knows, or the environment: the machines' call is not made.
#[test]
fn images_regions_and_credentials_that_do_not_exist() {
    let image = json!({ "imageId": "ssm:/no/such/image" });
    let templates = [("run", json!({})), ("image", image)];
    let Some(mut site) = AwsSite::new(&templates, &json!({ "region": null })) else { return };
    let refusal = site.grid.refusal("requestMachines", &wanted("image", 1));
    for part in ["awsprov_templates.json:1:", "template `image`", "`imageId`", "/no/such/image"] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
    let home = site.grid.sandbox.path.join("home");
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        site.grid.sandbox.set(name, &home);
    }
    let environment = site.cloud.environment();
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID"] {
        site.grid.sandbox.unset(name);
        let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
        let parts: &[&str] = match name {
            "AWS_REGION" => &["config.json", "provider `aws`", "no region"],
            _ => &[
                "credentials of provider `aws`",
                "environment: ",
                "profile `default`: ",
                "web identity: ",
                "container: ",
                "instance metadata: AWS_EC2_METADATA_DISABLED is true",
            ],
        };
        let mut rest = refusal.as_str();
        for part in parts {
            let place = rest.find(part).unwrap_or(usize::MAX);
            assert_ne!(place, usize::MAX, "{part}, in this order: {refusal}");
            rest = &rest[place..];
        }
        let (_, value) = environment.iter().find(|(known, _)| *known == name).unwrap();
        site.grid.sandbox.set(name, value.as_str());
    }
    assert_eq!(site.cloud.counts()["RunInstances"], Value::Null);
}

/// Credentials that have expired, by AWS's word and by a clock that is off.
#[test]
fn credentials_that_aws_refuses() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    for (code, status, hint) in [
        ("ExpiredToken", 403, "renew the credentials"),
        ("RequestExpired", 400, "providers health"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("InvalidClientTokenId", 403, "providers health"),
    ] {
        site.cloud.faults(&json!([{
            "action": "*", "kind": "error", "status": status, "code": code, "message": "said by the cloud"
        }]));
        site.cloud.clear_calls();
        let ended = site.grid.ask("requestMachines", &wanted("run", 1));
        assert_eq!(ended.code, 1, "{ended:?}");
        let refusal = text(&document(&ended)["message"]);
        assert!(refusal.contains("credentials of provider `aws`") && refusal.contains(code), "{refusal}");
        assert!(ended.stderr.contains(hint), "{code}: {}", ended.stderr);
        assert_eq!(site.cloud.counts(), json!({ "RunInstances": 1 }), "{code}");
    }
}

/// An unknown option of the provider, and an unknown field of a template, with the nearest that is known.
#[test]
fn unknown_names_are_told_with_the_nearest() {
    let Some(site) = AwsSite::new(&[("run", json!({ "subnetIdd": "x" }))], &json!({ "regon": "x" })) else {
        return;
    };
    let ended = site.grid.sandbox.run("ohfp", &["config", "validate", "--format", "json"]);
    let told = document(&ended)["findings"].to_string();
    for part in ["`regon`", "`region`", "`subnetIdd`", "did you mean `subnetId", "config.json:1:"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
