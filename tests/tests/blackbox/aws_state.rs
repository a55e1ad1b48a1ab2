//! What a site knows of AWS besides its machines, shared by all processes: throttles, outages, zones, the account; and
//! looks that fail in part.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::net::TcpListener;

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::{document, hosts, text, wanted};
use serde_json::{Value, json};

/// Calls of an action since they were last cleared.
fn count(site: &AwsSite, action: &str) -> u64 {
    site.cloud.counts()[action].as_u64().unwrap_or(0)
}

/// The words for what each machine of a request is doing, by id.
fn words(status: &Value) -> Vec<(String, String)> {
    let machines = status["machines"].as_array().unwrap().iter();
    machines.map(|machine| (text(&machine["machineId"]), text(&machine["status"]))).collect()
}

/// What `providers health` says of the one provider.
fn health(site: &AwsSite) -> String {
    let ended = site.grid.sandbox.run("ohfp", &["providers", "health", "--format", "json"]);
    String::from_utf8(ended.stdout).unwrap()
}

/// A policy that looks at tags denies a call that names one machine: the others are told of.
#[test]
fn a_look_that_fails_in_part_tells_of_the_other_machines() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let id = site.grid.request("run", 3);
    let known = hosts(&site.grid.settled(&id));
    let (gone, denied, lives) = (&known[0].id, &known[1].id, &known[2].id);
    site.cloud.control("end", Some(&json!({ "ids": [gone, denied] })));
    site.cloud.faults(&json!([{
        "action": "DescribeInstances", "when": "before", "kind": "error", "status": 403,
        "code": "UnauthorizedOperation", "message": "no", "text": denied
    }]));
    site.grid.sandbox.run("ohfp", &["machines", "status", gone, denied, lives]);
    let state = |id: &str| text(&site.grid.command(&["machines", "show", id, "--format", "json"])["status"]);
    assert_eq!([state(gone), state(denied), state(lives)], ["terminated", "running", "running"]);
    site.cloud.faults(&json!([]));
    site.grid.reclaims(&json!({}));
    let told = site.grid.command(&["machines", "show", denied, "--format", "json"]).to_string();
    assert!(told.contains("terminated") && told.contains("Server.InternalError"), "{told}");
}

/// A throttle is remembered by its action: the next process does not call, and answers with what is known.
#[test]
fn a_throttled_action_is_left_alone_by_the_next_process() {
    // A question waits for as long as this says after it was throttled.
    let options =
        json!({ "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS": 0, "AWS_DESCRIBE_REQUEST_INTERVAL": 10_000 });
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &options) else { return };
    let id = site.grid.request("run", 2);
    let known = words(&site.grid.settled(&id));
    site.grid.sandbox.set("HF_PROVIDER_ACTION_TIMEOUT", "8");
    site.cloud.faults(&json!([{
        "action": "DescribeInstances", "when": "before", "kind": "error", "status": 503,
        "code": "RequestLimitExceeded", "message": "Request limit exceeded.", "times": 1
    }]));
    site.cloud.clear_calls();
    for _ in 0..3 {
        assert_eq!(words(&site.grid.status(&id)), known);
    }
    assert_eq!(count(&site, "DescribeInstances"), 1);
    assert!(health(&site).contains("AWS throttles DescribeInstances for "), "{}", health(&site));
    // Other actions go on.
    site.grid.request("run", 1);
    assert_eq!(count(&site, "RunInstances"), 1);
}

/// Five failures to connect, and for half a minute no process tries.
#[test]
fn an_endpoint_that_cannot_be_reached_is_left_alone() {
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let id = site.grid.request("run", 1);
    let known = words(&site.grid.settled(&id));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    site.grid.sandbox.set("AWS_ENDPOINT_URL", format!("http://{address}"));
    for _ in 0..2 {
        let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
        assert!(refusal.contains("cannot connect to"), "{refusal}");
    }
    // A server listens there now, and is not called.
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
    assert!(refusal.contains("could not be reached 5 times, and is not called for another "), "{refusal}");
    assert_eq!(words(&site.grid.status(&id)), known, "what is known is told");
    assert!(health(&site).contains("is not called for another "), "{}", health(&site));
    assert!(listener.accept().is_err(), "a call was made");
    // Another endpoint is another matter.
    site.grid.sandbox.set("AWS_ENDPOINT_URL", site.cloud.address());
    let answer = site.grid.answer("requestMachines", &wanted("run", 1));
    assert_eq!(site.grid.settled(&text(&answer["requestId"]))["status"], "complete");
}

/// A cloud that says nothing, or says it late, keeps no command from its end.
#[test]
fn a_silent_or_slow_cloud_keeps_no_command() {
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let id = site.grid.request("run", 1);
    let known = words(&site.grid.settled(&id));
    site.grid.sandbox.set("HF_PROVIDER_ACTION_TIMEOUT", "6");
    let faults = |kind: &str, when: &str, seconds: f64| {
        site.cloud.faults(&json!([{ "action": "*", "when": when, "kind": kind, "seconds": seconds }]));
    };
    for when in ["before", "after"] {
        faults("hang", when, 600.0);
        assert_eq!(words(&site.grid.status(&id)), known);
        let refused = site.grid.ask("getReturnRequests", &json!({}));
        assert_eq!(refused.code, 1, "{refused:?}");
        // Anything may have been made, so that the request goes on.
        let launched = text(&site.grid.answer("requestMachines", &wanted("run", 2))["requestId"]);
        assert_eq!(site.grid.status(&launched)["status"], "running");
        site.cloud.faults(&json!([]));
        let status = site.grid.settled(&launched);
        assert_eq!((text(&status["status"]), hosts(&status).len()), ("complete".to_owned(), 2), "{when}");
    }
    assert_eq!(site.cloud.living().len(), 5);
    faults("slow", "before", 0.5);
    assert_eq!(site.grid.machines("run", 1).len(), 1);
}

/// What is short in a zone is short in all its subnets, for all processes. Which zones those are is asked once.
#[test]
fn capacity_is_short_in_a_zone() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let world = site.cloud.control("world", None);
    let first = &world["subnets"][0];
    let twin = "subnet-0fedcba0fedcba012";
    site.cloud.world(&json!({
        "subnets": [{ "id": twin, "zone": first["zone"], "zone_id": first["zone_id"] }]
    }));
    let other = &world["subnets"][1]["id"];
    let templates = json!({ "templates": [{
        "templateId": "run", "maxNumber": -1, "imageId": ohfp_tests::aws::IMAGE, "vmType": "m5.large",
        "subnetId": [first["id"], twin, other], "securityGroupIds": ["sg-0123456789abcdef0"]
    }]});
    site.grid.sandbox.write("awsprov_templates.json", templates.to_string());
    site.cloud.capacity(&json!({ format!("m5.large@{}", text(&first["zone"])): 0 }));
    let in_subnets = || -> Vec<Value> {
        let calls = site.cloud.calls("RunInstances").into_iter();
        let subnets = calls.map(|call| call["params"]["SubnetId"].clone()).collect();
        site.cloud.clear_calls();
        subnets
    };
    site.cloud.clear_calls();
    assert_eq!(site.grid.machines("run", 1).len(), 1);
    assert_eq!(count(&site, "DescribeSubnets"), 1);
    assert_eq!(in_subnets(), [first["id"].clone(), other.clone()]);
    assert_eq!(site.grid.machines("run", 1).len(), 1);
    assert_eq!(count(&site, "DescribeSubnets"), 0);
    assert_eq!(in_subnets(), std::slice::from_ref(other));
}

/// The account is known from the first answer on, without a call for it; machines of another one are left alone.
#[test]
fn machines_of_another_account_are_left_alone() {
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let id = site.grid.request("run", 1);
    assert_eq!(site.grid.settled(&id)["status"], "complete");
    assert_eq!(count(&site, "GetCallerIdentity"), 0);
    // From now on requests go to another account under the same name.
    let Some(other) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    for (name, value) in other.cloud.environment() {
        site.grid.sandbox.set(name, value);
    }
    assert_eq!(site.grid.machines("run", 1).len(), 1);
    let told = words(&site.grid.status(&id));
    assert_eq!(told[0].1, "running", "a machine of another account is not gone: {told:?}");
    assert_eq!(site.cloud.living().len(), 1);
    let refused = site.grid.ask("getReturnRequests", &json!({}));
    assert_eq!(refused.code, 1, "{}", document(&refused));
}

/// A machine that a person or AWS has ended is told of, with the reason that EC2 gives.
#[test]
fn machines_that_others_ended_are_told_with_the_reason() {
    let fields = json!({ "providerApi": "RunInstances", "priceType": "spot" });
    let Some(site) = AwsSite::new(&[("run", json!({})), ("spot", fields)], &json!({})) else { return };
    for (template, code, message) in [
        ("run", "Client.UserInitiatedShutdown", "User initiated (2026-11-27 10:00:00 GMT)"),
        ("run", "Server.InternalError", "Server.InternalError: Internal error"),
        (
            "spot",
            "Server.SpotInstanceTermination",
            "Server.SpotInstanceTermination: Spot instance termination",
        ),
    ] {
        let known = site.grid.machines(template, 1);
        site.cloud.control("end", Some(&json!({ "ids": [known[0].id], "code": code, "message": message })));
        let told = site.grid.reclaims(&json!({}));
        assert!(told.contains(&(known[0].name.clone(), 0)), "{code}: {told:?}");
        let shown = site.grid.command(&["machines", "show", &known[0].id, "--format", "json"]).to_string();
        assert!(shown.contains(message) && shown.contains(code), "{code}: {shown}");
    }
}
