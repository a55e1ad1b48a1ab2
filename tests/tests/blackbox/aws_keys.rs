//! Keys of IBM's and LSF's files that have something done with machines, and LSF's request for a fleet in a file.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot run must say so"
)]

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::{hosts, text};
use serde_json::{Value, json};

/// Calls of an action since they were last cleared.
fn count(site: &AwsSite, action: &str) -> u64 {
    site.cloud.counts()[action].as_u64().unwrap_or(0)
}

/// `AWS_TAG_InstanceID`: machines and their volumes have a tag with the machine's id; each is tagged once.
#[test]
fn machines_are_tagged_with_their_ids() {
    for is_on in [true, false] {
        let options = json!({ "AWS_TAG_InstanceID": is_on });
        let Some(site) = AwsSite::new(&[("run", json!({}))], &options) else { return };
        let id = site.grid.request("run", 3);
        let known = hosts(&site.grid.settled(&id));
        for machine in site.cloud.living() {
            let told = machine["tags"]["InstanceID"].as_str().map(str::to_owned);
            assert_eq!(told, is_on.then(|| text(&machine["id"])));
            for volume in machine["volumes"].as_array().unwrap() {
                assert_eq!(volume["tags"]["InstanceID"], machine["tags"]["InstanceID"], "{volume}");
            }
        }
        let calls = if is_on { known.len() as u64 } else { 0 };
        site.grid.status(&id);
        assert_eq!(count(&site, "CreateTags"), calls);
    }
}

/// `AWS_SPOT_TERMINATE_ON_RECLAIM`: a machine is ended with the notice, instead of two minutes later.
#[test]
fn spot_machines_are_ended_at_the_notice_where_that_is_wanted() {
    for is_on in [true, false] {
        let fields = json!({ "providerApi": "RunInstances", "priceType": "spot" });
        let options = json!({ "AWS_SPOT_TERMINATE_ON_RECLAIM": is_on });
        let Some(site) = AwsSite::new(&[("spot", fields)], &options) else { return };
        let known = site.grid.machines("spot", 2);
        site.cloud.interrupt(&[known[0].id.clone()]);
        let told = site.grid.reclaims(&json!({}));
        assert_eq!((told.len(), &told[0].0, told[0].1 == 0), (1, &known[0].name, is_on), "{told:?}");
        assert_eq!(site.cloud.living().len(), if is_on { 1 } else { 2 });
    }
}

/// Makes a launch template as its owner would; its id.
fn launch_template(site: &AwsSite) -> String {
    let answer = site.cloud.query(&format!(
        "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName=theirs&LaunchTemplateData.ImageId={}",
        ohfp_tests::aws::IMAGE
    ));
    let (_, rest) = answer.split_once("<launchTemplateId>").unwrap_or_else(|| panic!("{answer}"));
    rest.split('<').next().unwrap().to_owned()
}

/// `ec2FleetConfig`: the file is the request, with LSF's placeholders; slots are ordered, and machines of two slots come.
#[test]
fn a_file_is_the_request_for_a_fleet() {
    let fields = json!({
        "vmType": null, "subnetId": null, "securityGroupIds": null, "imageId": null, "maxNumber": 100,
        "ec2FleetConfig": "fleet.json", "onDemandTargetCapacityRatio": 0.5,
        "attributes": { "type": ["String", "X86_64"], "ncpus": ["Numeric", "2"], "nram": ["Numeric", "8192"] }
    });
    for (kind, keeps) in [("instant", true), ("request", false)] {
        let Some(site) = AwsSite::new(&[("fleet", fields.clone())], &json!({})) else { return };
        let template = launch_template(&site);
        let file = format!(
            r#"{{
                "LaunchTemplateConfigs": [{{
                    "LaunchTemplateSpecification": {{ "LaunchTemplateId": "{template}", "Version": 1 }},
                    "Overrides": [{{ "InstanceType": "m5.large", "SubnetId": "{}", "WeightedCapacity": 2 }}]
                }}],
                "TargetCapacitySpecification": {{
                    "TotalTargetCapacity": $LSF_TOTAL_TARGET_CAPACITY,
                    "OnDemandTargetCapacity": $LSF_ONDEMAND_TARGET_CAPACITY,
                    "SpotTargetCapacity": $LSF_SPOT_TARGET_CAPACITY,
                    "DefaultTargetCapacityType": "spot"
                }},
                "Type": "{kind}"
            }}"#,
            site.cloud.subnets()[0]
        );
        site.grid.sandbox.write("fleet.json", file);
        let status = site.grid.settled(&site.grid.request("fleet", 8));
        assert_eq!(status["status"], "complete", "{kind}: {status}");
        let known = hosts(&status);
        let truth = site.cloud.living();
        assert_eq!((known.len(), truth.len()), (4, 4), "{kind}");
        assert!(truth.iter().all(|machine| machine["tags"]["ohfp:template"] == "fleet"), "{kind}: {truth:?}");
        let call = &site.cloud.calls("CreateFleet")[0]["params"];
        let capacity = &call["TargetCapacitySpecification"];
        assert_eq!(
            [
                &capacity["TotalTargetCapacity"],
                &capacity["OnDemandTargetCapacity"],
                &capacity["SpotTargetCapacity"]
            ],
            [8, 4, 4]
        );
        let used = &call["LaunchTemplateConfigs"][0]["LaunchTemplateSpecification"];
        assert_eq!(text(&used["LaunchTemplateId"]), template);
        assert_eq!(
            used["Version"] == "1",
            keeps,
            "{kind}: a fleet that tags no machines takes a version of it"
        );
        site.grid.settled(&site.grid.give_back(&known));
        assert_eq!(site.cloud.living(), Vec::<Value>::new());
    }
}

/// What is wrong with such a file is told before anything is called.
#[test]
fn a_file_that_is_no_request_is_named() {
    let fields = json!({
        "vmType": null, "subnetId": null, "securityGroupIds": null, "imageId": null, "ec2FleetConfig": "fleet.json",
        "attributes": { "type": ["String", "X86_64"], "ncpus": ["Numeric", "2"], "nram": ["Numeric", "8192"] }
    });
    let Some(site) = AwsSite::new(&[("fleet", fields)], &json!({})) else { return };
    let check = |file: Option<&str>, says: &str| {
        if let Some(file) = file {
            site.grid.sandbox.write("fleet.json", file);
        }
        let asked = json!({ "template": { "templateId": "fleet", "machineCount": 1 } });
        let refusal = site.grid.refusal("requestMachines", &asked);
        for part in ["`fleet`", "ec2FleetConfig", "fleet.json", says] {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    };
    check(None, "cannot be read");
    check(Some("{"), "line 1");
    check(Some("{}"), "`LaunchTemplateConfigs` must name one launch template");
    check(Some(r#"{"Context": "x"}"#), "`Context` is not supported");
    assert_eq!(site.cloud.counts(), json!({}));
}
