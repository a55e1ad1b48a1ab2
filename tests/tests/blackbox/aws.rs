//! Machines of AWS, from the cloud for tests: launched once, known by their tags, returned exactly, and nothing of ours
//! left behind.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot run must say so"
)]

mod bad_input;
mod calls;
mod costs;
mod failures;
mod life;
mod orphans;
mod spared;
mod storm;
mod throttles;

use ohfp_tests::aws::{AwsSite, WAYS, ids, templates};
use ohfp_tests::grid::{hosts, text, wanted};
use serde_json::json;

/// Every answer of a launch may be lost, and the launch be repeated by another process: the machines are made once.
#[test]
fn a_lost_answer_launches_nothing_twice() {
    for way in WAYS {
        let name = way.name;
        let Some(site) = AwsSite::new(&templates(&[way]), &json!({})) else { return };
        for kind in ["close", "reset", "cut"] {
            let making = [
                "RunInstances",
                "CreateLaunchTemplate",
                "CreateFleet",
                "RequestSpotFleet",
                "CreateAutoScalingGroup",
            ];
            site.cloud.faults(&json!([{ "action": making, "when": "after", "kind": kind, "times": 1 }]));
            let status = site.grid.settled(&site.grid.request(name, 3));
            assert_eq!(status["status"], "complete", "{name} {kind}: {status}");
            assert_eq!(site.living(), ids(&hosts(&status)), "{name} {kind}");
            site.grid.settled(&site.grid.give_back(&hosts(&status)));
            assert_eq!(site.living(), Vec::<String>::new(), "{name} {kind}");
        }
        // Every call that makes something carries a token, and a repetition the same bytes.
        let mut bodies = std::collections::BTreeMap::new();
        for call in site.cloud.calls("*") {
            let action = text(&call["action"]);
            if action.starts_with("Create")
                || action.starts_with("Re") && action.ends_with("Fleet")
                || action == "RunInstances"
            {
                if action == "CreateAutoScalingGroup" {
                    continue;
                }
                let token = text(&call["token"]);
                assert_eq!(token.len(), 32, "{action}: {token}");
                let body = bodies.entry((action, token)).or_insert_with(|| call["body"].clone());
                assert_eq!(*body, call["body"], "{name}");
            }
        }
    }
}

/// What AWS answers, and what Host Factory is told.
#[test]
fn failures_of_a_launch_are_told_as_what_they_are() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({ "AWS_REQUEST_RETRY_ATTEMPTS": 0 })) else {
        return;
    };
    let fault = |status: u64, code: &str| {
        site.cloud.faults(&json!([{
            "action": "RunInstances", "when": "before", "kind": "error", "status": status, "code": code,
            "message": "said by the cloud"
        }]));
        site.cloud.clear_calls();
    };
    // An operator repairs it, and Host Factory asks again: no request is made.
    for (status, code, says) in [
        (403, "ExpiredToken", "credentials of provider `aws`"),
        (401, "AuthFailure", "credentials of provider `aws`"),
        (503, "RequestLimitExceeded", "RequestLimitExceeded"),
    ] {
        fault(status, code);
        let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
        assert!(refusal.contains(says), "{code}: {refusal}");
    }
    // No retry helps: the request is over, with the reason; and the cloud was asked once for each pool.
    for (status, code, calls) in [
        (400, "InvalidAMIID.NotFound", 1),
        (403, "UnauthorizedOperation", 1),
        (400, "VcpuLimitExceeded", 1),
        (500, "InsufficientInstanceCapacity", 2),
    ] {
        fault(status, code);
        let status = site.grid.settled(&site.grid.request("run", 1));
        assert_eq!(status["status"], "complete_with_error", "{code}: {status}");
        assert!(text(&status["message"]).contains(code), "{code}: {status}");
        assert_eq!(site.cloud.counts()["RunInstances"], calls, "{code}");
    }
    // Anything may have happened: the request goes on, and succeeds once the cloud is well.
    for (status, code) in [(500, "InternalError"), (503, "Unavailable")] {
        fault(status, code);
        let id = site.grid.request("run", 1);
        assert_eq!(site.grid.status(&id)["status"], "running", "{code}");
        site.cloud.faults(&json!([]));
        let status = site.grid.settled(&id);
        assert_eq!(status["status"], "complete", "{code}: {status}");
        site.grid.settled(&site.grid.give_back(&hosts(&status)));
    }
    assert_eq!(site.living(), Vec::<String>::new());
}

/// A pool that has too little gives what it has, and the next one the rest.
#[test]
fn what_one_pool_lacks_comes_from_another() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let subnets = site.cloud.subnets();
    site.cloud.capacity(&json!({ format!("m5.large@{}", subnets[0]): 2 }));
    let status = site.grid.settled(&site.grid.request("run", 5));
    assert_eq!(status["status"], "complete", "{status}");
    assert_eq!(site.living(), ids(&hosts(&status)));
    assert_eq!(site.cloud.counts()["RunInstances"], 2);
}

/// Spot takes a machine back: it is told with the time that is left, and when it is gone.
#[test]
fn interruptions_are_announced() {
    let fields = json!({ "providerApi": "RunInstances", "priceType": "spot" });
    let Some(site) = AwsSite::new(&[("spot", fields)], &json!({})) else { return };
    let known = site.grid.machines("spot", 2);
    assert_eq!(site.grid.reclaims(&json!({})), []);
    site.cloud.interrupt(&[known[0].id.clone()]);
    let told = site.grid.reclaims(&json!({}));
    assert_eq!((told.len(), &told[0].0), (1, &known[0].name), "{told:?}");
    assert!((60..=120).contains(&told[0].1), "{told:?}");
    site.cloud.advance(130.0);
    assert_eq!(site.grid.reclaims(&json!({})), [(known[0].name.clone(), 0)]);
}
