//! What AWS answers, and what Host Factory is told: each code of the provider's error table, with the number of calls.

use ohfp_tests::aws::{AwsSite, WAYS, Way, ids, templates};
use ohfp_tests::grid::{hosts, text, wanted};
use serde_json::{Value, json};

/// What Host Factory is told of a launch.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// The request is over without machines, and its reason has the code.
    Over,
    /// Nothing was requested, exit code 1, and one line that has the code, and this.
    NotNow(&'static str),
    /// It goes on, and is complete once the cloud is well: by the same token, so that nothing is made twice.
    GoesOn,
}

use Told::{GoesOn, NotNow, Over};

const CREDENTIALS: Told = NotNow("credentials of provider `aws`");
const THROTTLED: Told = NotNow("provider `aws`");

/// A message that only AWS can read to its end.
const DENIED: &str = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not authorized \
                      to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:1:instance/*. Encoded \
                      authorization failure message: AbCdEf0123456789";

/// Every code: HTTP status, code, how often a launch over two pools calls, and what is told.
const CODES: &[(u16, &str, u64, Told)] = &[
    // No capacity: each pool is asked once, whatever the status.
    (500, "InsufficientInstanceCapacity", 2, Over),
    (500, "InsufficientReservedInstanceCapacity", 2, Over),
    (500, "ReservationCapacityExceeded", 2, Over),
    (400, "InsufficientHostCapacity", 2, Over),
    (400, "InsufficientCapacityOnHost", 2, Over),
    (400, "UnfulfillableCapacity", 2, Over),
    (400, "SpotMaxPriceTooLow", 2, Over),
    (400, "InsufficientFreeAddressesInSubnet", 2, Over),
    (400, "Unsupported", 2, Over),
    // Quotas are of all pools.
    (400, "InstanceLimitExceeded", 1, Over),
    (400, "VcpuLimitExceeded", 1, Over),
    (400, "MaxSpotInstanceCountExceeded", 1, Over),
    (400, "MaxFleetCountExceeded", 1, Over),
    (400, "VolumeLimitExceeded", 1, Over),
    (400, "MaxIOPSLimitExceeded", 1, Over),
    (400, "SpotFleetRequestLimitExceeded", 1, Over),
    (400, "PendingVerification", 1, Over),
    // Throttled: surely nothing was made.
    (503, "RequestLimitExceeded", 1, THROTTLED),
    (400, "Throttling", 1, THROTTLED),
    (400, "ThrottlingException", 1, THROTTLED),
    (503, "EC2ThrottledException", 1, THROTTLED),
    (429, "TooManyRequestsException", 1, THROTTLED),
    (503, "SlowDown", 1, THROTTLED),
    // Anything may have been made.
    (500, "InternalError", 1, GoesOn),
    (500, "InternalFailure", 1, GoesOn),
    (503, "ServiceUnavailable", 1, GoesOn),
    (503, "Unavailable", 1, GoesOn),
    (500, "SomethingNew", 1, GoesOn),
    (504, "GatewayTimeout", 1, GoesOn),
    (400, "IdempotentParameterMismatch", 1, GoesOn),
    (409, "IdempotentCallInProgressException", 1, GoesOn),
    // Refused.
    (403, "UnauthorizedOperation", 1, Over),
    (403, "AccessDenied", 1, Over),
    (401, "OptInRequired", 1, Over),
    (403, "Blocked", 1, Over),
    (403, "AuthFailure.ServiceLinkedRoleCreationNotPermitted", 1, Over),
    // An operator repairs it; the request must not die of it.
    (401, "AuthFailure", 1, CREDENTIALS),
    (403, "InvalidClientTokenId", 1, CREDENTIALS),
    (403, "SignatureDoesNotMatch", 1, CREDENTIALS),
    (403, "ExpiredToken", 1, CREDENTIALS),
    (400, "RequestExpired", 1, CREDENTIALS),
    (403, "MissingAuthenticationToken", 1, CREDENTIALS),
    // The request is wrong.
    (400, "InvalidAMIID.NotFound", 1, Over),
    (400, "InvalidAMIID.Malformed", 1, Over),
    (400, "InvalidAMIID.Unavailable", 1, Over),
    (400, "InvalidSubnetID.NotFound", 1, Over),
    (400, "InvalidGroup.NotFound", 1, Over),
    (400, "InvalidKeyPair.NotFound", 1, Over),
    (400, "InvalidInstanceType", 1, Over),
    (400, "InvalidLaunchTemplateId.NotFound", 1, Over),
    (400, "InvalidPlacementGroup.Unknown", 1, Over),
    (400, "InvalidParameter", 1, Over),
    (400, "InvalidParameterValue", 1, Over),
    (400, "InvalidParameterCombination", 1, Over),
    (400, "InvalidUserData.Malformed", 1, Over),
    (400, "InvalidBlockDeviceMapping", 1, Over),
    (400, "MissingParameter", 1, Over),
    (400, "UnknownParameter", 1, Over),
    (400, "UnsupportedOperation", 1, Over),
    (400, "ValidationError", 1, Over),
    (400, "SomethingNew", 1, Over),
];

fn way(name: &str) -> Way {
    WAYS.into_iter().find(|way| way.name == name).unwrap()
}

/// A site that repeats no call by itself.
fn site(name: &str) -> Option<AwsSite> {
    AwsSite::new(&templates(&[way(name)]), &json!({ "AWS_REQUEST_RETRY_ATTEMPTS": 0 }))
}

/// Requests three machines while `fault` strikes each call of `action`. `says` is in what is told.
fn check(name: &str, action: &str, fault: &Value, says: &str, calls: u64, told: Told) {
    // Of its own for each: what one failure is remembered for shall not reach the next.
    let Some(site) = site(name) else { return };
    let case = format!("{name} {fault}");
    let mut rule = fault.clone();
    rule["action"] = json!(action);
    site.cloud.faults(&json!([rule]));
    let asked = site.grid.ask("requestMachines", &wanted(name, 3));
    assert_eq!(site.cloud.counts()[action], calls, "{case}: {asked:?}");
    if let NotNow(words) = told {
        let refusal = ohfp_tests::grid::refused(&asked);
        assert!(refusal.contains(says) && refusal.contains(words), "{case}: {refusal}");
        site.cloud.faults(&json!([]));
        site.cloud.advance(60.0);
        site.grid.answer("getReturnRequests", &json!({}));
        assert_eq!(site.living(), Vec::<String>::new(), "{case}");
        return;
    }
    let id = text(&ohfp_tests::grid::answered("requestMachines", &asked)["requestId"]);
    if let Over = told {
        let status = site.grid.status(&id);
        assert_eq!(status["status"], "complete_with_error", "{case}: {status}");
        let message = text(&status["message"]);
        assert!(message.contains(says), "{case}: {message}");
        assert!(!message.contains("AbCdEf"), "{case}: a text for AWS alone: {message}");
        assert_eq!(site.cloud.counts()[action], calls, "{case}: the request is over");
        assert_eq!(site.living(), Vec::<String>::new(), "{case}");
        return;
    }
    assert_eq!(site.grid.status(&id)["status"], "running", "{case}");
    site.cloud.faults(&json!([]));
    let status = site.grid.settled(&id);
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete"), 3), "{case}: {status}");
    assert_eq!(site.living(), ids(&hosts(&status)), "{case}");
    let made = site.cloud.truth()["machines"].as_array().unwrap().len();
    assert_eq!(made, 3, "{case}: launched twice");
}

#[test]
fn codes_of_a_launch() {
    for (status, code, calls, told) in CODES {
        let message = if *code == "UnauthorizedOperation" { DENIED } else { "said by the cloud" };
        let fault = json!({ "kind": "error", "status": status, "code": code, "message": message });
        check("run", "RunInstances", &fault, code, *calls, *told);
    }
}

/// The code alone does not tell: a zone does not have the type, and others may.
#[test]
fn a_type_that_a_zone_does_not_have() {
    let message = "The requested configuration is currently not supported. Your requested instance type (m5.large) is \
                   not supported in your requested Availability Zone (us-east-1e).";
    let fault =
        json!({ "kind": "error", "status": 400, "code": "InvalidParameterValue", "message": message });
    check("run", "RunInstances", &fault, "InvalidParameterValue", 2, Over);
}

/// The same classes, where a fleet or a group launches, and where the launch template is made before.
#[test]
fn codes_of_fleets_and_groups() {
    let error = |status: u16, code: &str| json!({ "kind": "error", "status": status, "code": code });
    for (name, action) in [
        ("instant-spot", "CreateFleet"),
        ("maintain", "CreateFleet"),
        ("spot-fleet-spot", "RequestSpotFleet"),
        ("group", "CreateAutoScalingGroup"),
        ("request", "CreateLaunchTemplate"),
    ] {
        for (status, code, told) in [
            (400, "VcpuLimitExceeded", Over),
            (403, "UnauthorizedOperation", Over),
            (400, "InvalidFleetConfig", Over),
            (503, "RequestLimitExceeded", THROTTLED),
            (401, "AuthFailure", CREDENTIALS),
            (500, "InternalError", GoesOn),
            (503, "Unavailable", GoesOn),
        ] {
            check(name, action, &error(status, code), code, 1, told);
        }
    }
    // A launch template of ours is seconds old, and not everywhere yet.
    for code in ["InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound"] {
        for (name, action) in [("instant", "CreateFleet"), ("spot-fleet", "RequestSpotFleet")] {
            check(name, action, &error(400, code), code, 1, GoesOn);
        }
    }
    check("group", "CreateAutoScalingGroup", &error(400, "Throttling"), "Throttling", 1, THROTTLED);
    check("group", "CreateAutoScalingGroup", &error(400, "ValidationError"), "ValidationError", 1, Over);
    check(
        "spot-fleet",
        "RequestSpotFleet",
        &error(400, "InvalidSpotFleetRequestConfig"),
        "InvalidSpotFleetRequestConfig",
        1,
        Over,
    );
}

/// No answer, half of one, or one that is none: before the effect and after it.
#[test]
fn answers_that_do_not_come() {
    for (name, action) in [("run", "RunInstances"), ("instant", "CreateFleet")] {
        for (kind, when) in [
            ("reset", "before"),
            ("reset", "after"),
            ("close", "before"),
            ("close", "after"),
            ("html", "before"),
            ("html", "after"),
            ("cut", "after"),
        ] {
            check(name, action, &json!({ "kind": kind, "when": when }), "", 1, GoesOn);
        }
        let error = json!({ "kind": "error", "when": "after", "status": 500, "code": "InternalError" });
        check(name, action, &error, "", 1, GoesOn);
    }
}

/// A request that arrives twice makes its machines once.
#[test]
fn a_request_that_arrives_twice() {
    for way in WAYS {
        let Some(site) = site(way.name) else { return };
        site.cloud.faults(&json!([{ "action": "*", "kind": "twice" }]));
        let status = site.grid.settled(&site.grid.request(way.name, 3));
        assert_eq!(status["status"], "complete", "{}: {status}", way.name);
        assert_eq!(site.living(), ids(&hosts(&status)), "{}", way.name);
        site.grid.settled(&site.grid.give_back(&hosts(&status)));
        assert_eq!(site.living(), Vec::<String>::new(), "{}", way.name);
        site.until_tidy();
    }
}

/// Another process has made something else under the token: what carries it is found.
#[test]
fn a_token_that_was_used_with_other_parameters() {
    let fault =
        json!({ "kind": "error", "when": "after", "status": 400, "code": "IdempotentParameterMismatch" });
    for (name, action) in [
        ("run", "RunInstances"),
        ("instant", "CreateFleet"),
        ("request", "CreateFleet"),
        ("spot-fleet-spot", "RequestSpotFleet"),
        ("request", "CreateLaunchTemplate"),
    ] {
        let Some(site) = site(name) else { return };
        let mut rule = fault.clone();
        rule["action"] = json!(action);
        site.cloud.faults(&json!([rule]));
        let status = site.grid.settled(&site.grid.request(name, 3));
        assert_eq!(status["status"], "complete", "{name} {action}: {status}");
        assert_eq!(site.living(), ids(&hosts(&status)), "{name} {action}");
        assert_eq!(site.cloud.counts()[action], 1, "{name} {action}");
    }
}

/// No connection: nothing was sent, and Host Factory asks again.
#[test]
fn no_connection() {
    let Some(mut site) = site("run") else { return };
    let plain = site.cloud.address().to_owned();
    for (endpoint, says) in [
        ("http://127.0.0.1:9".to_owned(), "cannot connect to http://127.0.0.1:9"),
        ("https://ec2.no-such-host.invalid".to_owned(), "cannot connect to https://ec2.no-such-host.invalid"),
        // It speaks no TLS.
        (plain.replace("http:", "https:"), "cannot connect to https://127.0.0.1"),
    ] {
        site.grid.sandbox.set("AWS_ENDPOINT_URL", &endpoint);
        let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
        assert!(refusal.contains("provider `aws`") && refusal.contains(says), "{endpoint}: {refusal}");
        assert_eq!(site.cloud.calls("*").len(), 0, "{endpoint}");
    }
}

/// A server that says nothing is given up within Host Factory's time for a script, and the launch goes on.
#[test]
fn silence() {
    for when in ["before", "after"] {
        let Some(mut site) = site("run") else { return };
        // Of this 15 s are kept to end in, so that the launch has two.
        site.grid.sandbox.set("HF_PROVIDER_ACTION_TIMEOUT", "17");
        site.cloud.faults(&json!([{ "action": "RunInstances", "kind": "hang", "when": when, "times": 1 }]));
        let id = site.grid.request("run", 2);
        site.grid.sandbox.unset("HF_PROVIDER_ACTION_TIMEOUT");
        let status = site.grid.settled(&id);
        assert_eq!(status["status"], "complete", "{when}: {status}");
        assert_eq!(site.living(), ids(&hosts(&status)), "{when}");
        assert_eq!(site.cloud.counts()["RunInstances"], 2, "{when}");
    }
}

/// Calls that are repeated by themselves, with their number where all of them fail.
#[test]
fn calls_are_repeated_as_often_as_configured() {
    for (attempts, calls) in [(0, 1), (2, 3)] {
        let way = way("run");
        let options = json!({ "AWS_REQUEST_RETRY_ATTEMPTS": attempts });
        let Some(site) = AwsSite::new(&templates(&[way]), &options) else { return };
        let fault = |status: u16, code: &str| {
            site.cloud.faults(
                &json!([{ "action": "RunInstances", "kind": "error", "status": status, "code": code }]),
            );
            site.cloud.clear_calls();
        };
        // EC2 says with status 500 that there is no capacity: that is no fault that passes.
        fault(500, "InsufficientInstanceCapacity");
        site.grid.settled(&site.grid.request("run", 1));
        assert_eq!(site.cloud.counts()["RunInstances"], 2, "one for each pool");
        fault(503, "Unavailable");
        site.grid.request("run", 1);
        assert_eq!(site.cloud.counts()["RunInstances"], calls);
    }
}
