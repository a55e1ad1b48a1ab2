//! The cloud for tests, as a test of the AWS provider reaches it. What it corrects of EC2 it tests by itself, in
//! Python; here is that the Rust side starts, isolates and reads it.

use ohfp_tests::Sandbox;
use ohfp_tests::cloud::Cloud;
use serde_json::json;

const LAUNCH: &str = "Action=RunInstances&Version=2016-11-15&ImageId=ami-0abcdef1234567890&InstanceType=m5.large\
                      &MinCount=1&MaxCount=3&ClientToken=t";

#[test]
fn a_test_sees_its_machines_and_calls() {
    let Some(cloud) = Cloud::start() else { return };
    assert!(cloud.query(LAUNCH).starts_with("HTTP/1.1 200"));
    assert!(cloud.query(LAUNCH).starts_with("HTTP/1.1 200"));
    assert_eq!(cloud.living().len(), 3);
    assert_eq!(cloud.counts(), json!({ "RunInstances": 2 }));
    let calls = cloud.calls("RunInstances");
    assert_eq!(calls[0]["body"], calls[1]["body"]);
    assert_eq!(calls[0]["token"], "t");
    assert_eq!(calls[0]["params"]["MaxCount"], 3);
    cloud.reset();
    assert_eq!(cloud.living().len(), 0);
}

#[test]
fn tests_are_tenants_apart() {
    let (Some(one), Some(other)) = (Cloud::start(), Cloud::start()) else { return };
    one.query(LAUNCH);
    assert_eq!((one.living().len(), other.living().len()), (3, 0));
}

#[test]
fn faults_capacity_and_time_are_set_by_a_test() {
    let Some(cloud) = Cloud::start() else { return };
    cloud.settings(&json!({ "boot": 60 }));
    cloud.capacity(&json!({ "m5.large": 2 }));
    cloud.faults(&json!([{ "action": "RunInstances", "when": "after", "kind": "close", "times": 1 }]));
    assert_eq!(cloud.query(LAUNCH), "", "the effect is done, and nothing is said of it");
    assert_eq!(cloud.living().len(), 2);
    assert_eq!(cloud.living()[0]["state"], "pending");
    cloud.advance(61.0);
    assert_eq!(cloud.living()[0]["state"], "running");
}

#[test]
fn a_cloud_serves_https_beside_http() {
    let directory = Sandbox::empty();
    let Some((cloud, secure)) = Cloud::start_with_tls(&directory.path) else { return };
    assert!(secure.starts_with("https://127.0.0.1:"), "{secure}");
    assert!(directory.path.join("ca.pem").is_file());
    assert_eq!(cloud.living().len(), 0);
}
