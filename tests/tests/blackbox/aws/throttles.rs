//! AWS says how long an action is not to be called: every process of the site does so, and calls others meanwhile.

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::wanted;
use serde_json::{Value, json};

/// `RunInstances` is throttled once, and may be called after so many milliseconds.
fn throttle(site: &AwsSite, millis: u64) {
    site.cloud.clear_calls();
    site.cloud.faults(&json!([{
        "action": "RunInstances", "kind": "error", "status": 503, "code": "RequestLimitExceeded", "times": 1,
        "message": "Request limit exceeded.", "retry_after": millis
    }]));
}

/// Seconds between its two calls, by the clock of the cloud.
fn between(site: &AwsSite) -> f64 {
    let calls = site.cloud.calls("RunInstances");
    assert_eq!(calls.len(), 2, "{calls:?}");
    let at = |call: &Value| call["at"].as_f64().unwrap();
    at(&calls[1]) - at(&calls[0])
}

#[test]
fn a_stated_wait_counts_in_every_process_for_its_action() {
    let options = json!({ "AWS_REQUEST_RETRY_ATTEMPTS": 0 });
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &options) else { return };
    site.grid.machines("run", 1);
    throttle(&site, 9_000);
    let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
    assert!(refusal.contains("RequestLimitExceeded"), "{refusal}");

    // A process without so much time says so, and does not call. 15 s of what it has are kept to end in.
    site.grid.sandbox.set("HF_PROVIDER_ACTION_TIMEOUT", "17");
    let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
    assert!(refusal.contains("RunInstances: AWS throttles this action"), "{refusal}");
    site.grid.answer("getReturnRequests", &json!({}));
    site.grid.sandbox.unset("HF_PROVIDER_ACTION_TIMEOUT");
    let counts = site.cloud.counts();
    assert_eq!(counts["RunInstances"], 1, "{counts}");
    assert!(counts["DescribeInstances"].as_u64().unwrap() >= 1, "another action was kept waiting: {counts}");

    // One that has the time waits until then.
    assert_eq!(site.grid.settled(&site.grid.request("run", 1))["status"], "complete");
    assert!(between(&site) >= 9.0, "{} s", between(&site));
}

#[test]
fn a_stated_wait_counts_between_attempts() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    throttle(&site, 1_500);
    assert_eq!(site.grid.settled(&site.grid.request("run", 1))["status"], "complete");
    assert!(between(&site) >= 1.5, "{} s", between(&site));
}
