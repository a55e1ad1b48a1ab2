//! Machines of AWS, from the cloud for tests: launched once, known by their tags, returned exactly, and nothing of ours
//! left behind.

#![expect(clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::{Host, Random, document, hosts, size, text, wanted};
use serde_json::{Value, json};

/// Each way to launch, with the fields of its template.
fn ways() -> Vec<(&'static str, Value)> {
    let types = json!({ "m5.large": 1, "m5.xlarge": 1 });
    let role = "arn:aws:iam::123456789012:role/ohfp-fleet-role";
    vec![
        ("run", json!({})),
        ("run-spot", json!({ "providerApi": "RunInstances", "priceType": "spot" })),
        ("instant", json!({ "providerApi": "EC2Fleet" })),
        ("instant-spot", json!({ "vmType": null, "vmTypes": types, "priceType": "spot" })),
        (
            "instant-mixed",
            json!({ "vmType": null, "vmTypes": types, "priceType": "heterogeneous", "percentOnDemand": 40 }),
        ),
        ("request", json!({ "vmType": null, "vmTypes": types, "priceType": "spot", "fleetType": "request" })),
        (
            "maintain",
            json!({ "vmType": null, "vmTypes": types, "priceType": "spot", "fleetType": "maintain" }),
        ),
        ("spot-fleet", json!({ "vmType": null, "vmTypes": types, "priceType": "spot", "fleetRole": role })),
        (
            "spot-fleet-maintain",
            json!({ "vmType": null, "vmTypes": types, "priceType": "spot", "fleetRole": role, "fleetType": "maintain" }),
        ),
        ("group", json!({ "providerApi": "ASG" })),
        (
            "group-spot",
            json!({ "vmType": null, "vmTypes": types, "providerApi": "ASG", "priceType": "spot" }),
        ),
    ]
}

/// Ids of the machines that live, but for those of others.
fn living(site: &AwsSite) -> Vec<String> {
    let living = site.cloud.living();
    let ours = living.iter().filter(|machine| machine["tags"]["owner"] != "another");
    let mut ids: Vec<String> = ours.map(|machine| text(&machine["id"])).collect();
    ids.sort();
    ids
}

fn ids(hosts: &[Host]) -> Vec<String> {
    let mut ids: Vec<String> = hosts.iter().map(|host| host.id.clone()).collect();
    ids.sort();
    ids
}

/// Requests, returns a part, returns the rest; what exists is exact after each step, and a machine of another owner
/// lives through all of it.
fn life(site: &AwsSite, template: &str, count: u64) {
    let status = site.grid.settled(&site.grid.request(template, count));
    assert_eq!(status["status"], "complete", "{template}: {status}");
    let all = hosts(&status);
    assert_eq!((all.len() as u64, living(site)), (count, ids(&all)), "{template}");
    for machine in site.cloud.living() {
        if machine["tags"]["owner"] != "another" {
            for tag in ["ohfp:request", "ohfp:token", "ohfp:template", "ohfp:provider", "ohfp:store", "Name"]
            {
                assert!(machine["tags"][tag].is_string(), "{template}: {tag} of {machine}");
            }
            assert_eq!(machine["tags"]["ohfp:template"], template);
        }
    }
    let (part, rest) = all.split_at(all.len() / 2);
    if !part.is_empty() {
        assert_eq!(site.grid.settled(&site.grid.give_back(part))["status"], "complete", "{template}");
        // Nothing is replaced: the request is over.
        site.cloud.advance(60.0);
        assert_eq!(living(site), ids(rest), "{template}");
    }
    assert_eq!(site.grid.settled(&site.grid.give_back(rest))["status"], "complete", "{template}");
    site.cloud.advance(60.0);
    assert_eq!(living(site), Vec::<String>::new(), "{template}");
    site.until_tidy();
}

fn whole_life(names: &[&str], counts: &[u64]) {
    let ways: Vec<(&str, Value)> = ways().into_iter().filter(|(name, _)| names.contains(name)).collect();
    let Some(site) = AwsSite::new(&ways, &json!({})) else { return };
    site.cloud
        .control("foreign", Some(&json!({ "count": 1, "tags": { "owner": "another", "ohfp:store": "x" } })));
    for (name, _) in &ways {
        for count in counts {
            life(&site, name, *count);
        }
    }
    let others = site.cloud.living();
    assert_eq!(others.len(), 1, "the machine of another owner is gone");
}

#[test]
fn machines_by_run_instances() {
    whole_life(&["run", "run-spot"], &[1, 10]);
}

#[test]
fn machines_by_instant_fleets() {
    whole_life(&["instant", "instant-spot", "instant-mixed"], &[1, 10]);
}

#[test]
fn machines_by_fleets_that_go_on() {
    whole_life(&["request", "maintain"], &[1, 10]);
}

#[test]
fn machines_by_spot_fleets() {
    whole_life(&["spot-fleet", "spot-fleet-maintain"], &[1, 10]);
}

#[test]
fn machines_by_groups() {
    whole_life(&["group", "group-spot"], &[1, 10]);
}

/// Every answer of a launch may be lost, and the launch be repeated by another process: the machines are made once.
#[test]
fn a_lost_answer_launches_nothing_twice() {
    for (name, fields) in ways() {
        let Some(site) = AwsSite::new(&[(name, fields)], &json!({})) else { return };
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
            assert_eq!(living(&site), ids(&hosts(&status)), "{name} {kind}");
            site.grid.settled(&site.grid.give_back(&hosts(&status)));
            assert_eq!(living(&site), Vec::<String>::new(), "{name} {kind}");
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
    assert_eq!(living(&site), Vec::<String>::new());
}

/// A pool that has too little gives what it has, and the next one the rest.
#[test]
fn what_one_pool_lacks_comes_from_another() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let subnets = site.cloud.subnets();
    site.cloud.capacity(&json!({ format!("m5.large@{}", subnets[0]): 2 }));
    let status = site.grid.settled(&site.grid.request("run", 5));
    assert_eq!(status["status"], "complete", "{status}");
    assert_eq!(living(&site), ids(&hosts(&status)));
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

/// Few calls, whatever the number of machines.
#[test]
fn polls_and_returns_take_few_calls() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let requests: Vec<String> = (0..4).map(|_| site.grid.request("run", 50)).collect();
    let statuses: Vec<Value> = requests.iter().map(|id| site.grid.settled(id)).collect();
    let all: Vec<Host> = statuses.iter().flat_map(hosts).collect();
    assert_eq!(all.len(), 200);
    site.cloud.clear_calls();
    let ids: Vec<Value> = requests.iter().map(|id| json!({ "requestId": id })).collect();
    site.grid.answer("getRequestStatus", &json!({ "requests": ids }));
    assert!(site.cloud.calls("*").len() <= 3, "{}", site.cloud.counts());
    site.cloud.clear_calls();
    site.grid.give_back(&all);
    assert_eq!(site.cloud.counts(), json!({ "TerminateInstances": 1 }));
}

/// A sick cloud: a fifth of all calls fail in any way, before or after their effect. Once it is well, every request is
/// over, and soon exactly the machines exist that Host Factory was told of.
#[test]
fn a_storm_doubles_nothing_and_loses_nothing() {
    let rounds = size("OHFP_STORM", 4);
    let mut random = Random(11);
    for (name, fields) in ways() {
        let Some(site) = AwsSite::new(&[(name, fields)], &json!({ "AWS_REQUEST_RETRY_ATTEMPTS": 1 })) else {
            return;
        };
        site.cloud.control("foreign", Some(&json!({ "count": 1, "tags": { "owner": "another" } })));
        let (mut requests, mut returned) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let seed = random.below(1 << 30);
            site.cloud.faults(&json!([{ "action": "*", "kind": "any", "p": 0.2, "seed": seed }]));
            let asked = site.grid.ask("requestMachines", &wanted(name, 1 + random.below(6)));
            if asked.code == 0 {
                requests.push(text(&document(&asked)["requestId"]));
            }
            for id in &requests {
                let status = site.grid.ask("getRequestStatus", &json!({ "requests": [{ "requestId": id }] }));
                let Some(machines) = (status.code == 0).then(|| hosts(&document(&status)["requests"][0]))
                else {
                    continue;
                };
                // Some of what is known goes back in the middle of it.
                if let Some(host) = machines.into_iter().find(|host| !returned.contains(host)) {
                    let back = json!({ "machines": [{ "name": host.name, "machineId": host.id }] });
                    site.grid.ask("requestReturnMachines", &back);
                    returned.push(host);
                }
            }
        }
        site.cloud.faults(&json!([]));
        let mut known = Vec::new();
        for id in &requests {
            let status = site.grid.settled(id);
            assert_ne!(status["status"], "running", "{name}: {status}");
            let machines = status["machines"].as_array().unwrap().iter();
            let up = machines.filter(|machine| machine["status"] == "running");
            known.extend(up.map(|machine| text(&machine["machineId"])));
        }
        for host in &returned {
            site.grid.ask(
                "requestReturnMachines",
                &json!({ "machines": [{ "machineId": host.id, "name": host.name }] }),
            );
            known.retain(|id| *id != host.id);
        }
        known.sort();
        // What a fault has kept from being stopped or released is looked after every ten seconds.
        for _ in 0..60 {
            site.cloud.advance(61.0);
            site.grid.answer("getReturnRequests", &json!({}));
            if living(&site) == known {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        assert_eq!(living(&site), known, "{name}: Host Factory knows other machines than there are");
        assert_eq!(
            site.cloud.living().len(),
            known.len() + 1,
            "{name}: the machine of another owner is gone"
        );
    }
}
