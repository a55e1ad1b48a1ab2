//! Launches against an AWS that answers as it is told to: what is called, with which token, and what is concluded.

mod scripted;

use std::sync::Arc;

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::provider::{LaunchFailure, LaunchRequest, Launched, Provider as _};
use ohfp_broker::{Deadline, RequestId, Template, Timestamp};
use serde_json::{Value, json};

use self::scripted::{Answer, Scripted, answered, fleet_of, lost, machines};
use crate::account::AwsProvider;
use crate::options::AwsOptions;

/// Several processes of one site: each launch is by a provider of its own.
struct Site {
    api: Arc<Scripted>,
    store: Arc<MemoryStore>,
}

impl Site {
    fn new() -> Self {
        Self { api: Arc::new(Scripted::default()), store: Arc::new(MemoryStore::default()) }
    }

    fn launch(&self, fields: &Value, count: u32, answers: Vec<Answer>) -> Result<Launched, LaunchFailure> {
        self.launch_as("req-1", 0, fields, count, answers)
    }

    fn launch_as(
        &self,
        id: &str,
        now: i64,
        fields: &Value,
        count: u32,
        answers: Vec<Answer>,
    ) -> Result<Launched, LaunchFailure> {
        self.api.expect(answers);
        let (options, _) = AwsOptions::read(&serde_json::Map::new());
        let (api, store) = (Arc::clone(&self.api), Arc::clone(&self.store));
        let provider = AwsProvider::new("aws", options, api, store);
        let mut all = json!({ "templateId": "t", "maxNumber": -1, "imageId": "ami-1" });
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let template = Template::new(all.as_object().unwrap().clone()).unwrap();
        let request = RequestId::from_text(id);
        let token = request.token(1);
        let launch = LaunchRequest {
            request: &request,
            created: Timestamp::from_millis(1_000),
            template: &template,
            count,
            user_data: None,
            rc_account: None,
            token: &token,
        };
        let launched = provider.launch(&launch, Timestamp::from_millis(now * 1_000), Deadline::NONE);
        assert_eq!(self.api.left(), 0, "calls that were not made");
        launched
    }
}

fn ids(launched: &Launched) -> Vec<&str> {
    launched.instances.iter().map(|instance| instance.id.as_str()).collect()
}

fn pools() -> Value {
    json!({ "vmTypes": { "a": 1, "b": 1 }, "subnetId": "s-1,s-2", "providerApi": "RunInstances" })
}

const NO_CAPACITY: &str = "InsufficientInstanceCapacity";

/// Zones say nothing where a quota is used up.
#[test]
fn a_quota_asks_for_no_zones() {
    let site = Site::new();
    site.api.zones(&[("s-1", "z-1")]);
    site.launch(&pools(), 1, vec![answered(400, "VcpuLimitExceeded")]).unwrap_err();
    site.launch_as("req-2", 1, &pools(), 1, vec![machines(&["i-1"])]).unwrap();
    assert_eq!(site.api.made(), ["RunInstances a@s-1 1"; 2]);
}

/// What is short in a zone is short in its other subnets too. The zones are looked up once for all launches.
#[test]
fn a_zone_is_left_with_its_subnets() {
    let site = Site::new();
    site.api.zones(&[("s-1", "z-1"), ("s-2", "z-1"), ("s-3", "z-2")]);
    let fields = json!({ "vmType": "a", "subnetId": "s-1,s-2,s-3", "providerApi": "RunInstances" });
    let none = || answered(500, NO_CAPACITY);
    site.launch(&fields, 1, vec![none(), machines(&["i-1"])]).unwrap();
    let looked = "DescribeSubnets s-1 s-2 s-3";
    assert_eq!(site.api.made(), ["RunInstances a@s-1 1", looked, "RunInstances a@s-3 1"]);
    site.launch_as("req-2", 1, &fields, 1, vec![machines(&["i-2"])]).unwrap();
    assert_eq!(site.api.made()[3..], ["RunInstances a@s-3 1"]);
    // Where all are short, the oldest is tried first, and then all others.
    site.launch_as("req-3", 2, &fields, 1, vec![none(), none(), none()]).unwrap_err();
    assert_eq!(
        site.api.made()[4..],
        ["RunInstances a@s-3 1", "RunInstances a@s-1 1", "RunInstances a@s-2 1"]
    );
}

#[test]
fn one_call_where_the_first_pool_has_all() {
    let site = Site::new();
    let launched = site.launch(&pools(), 2, vec![machines(&["i-1", "i-2"])]).unwrap();
    assert_eq!(
        (ids(&launched), launched.more, launched.shortfall.as_deref()),
        (vec!["i-1", "i-2"], false, None)
    );
    assert_eq!(site.api.made(), ["RunInstances a@s-1 2"]);
    let tags = site.api.tags();
    for (key, value) in [
        ("ohfp:request", "req-1"),
        ("ohfp:token", "req1-1"),
        ("ohfp:template", "t"),
        ("ohfp:provider", "aws"),
        ("ohfp:store", "memory"),
        ("Name", "ohfp-t"),
    ] {
        assert!(tags.contains(&format!("{key}={value}")), "{key}: {tags:?}");
    }
}

/// A pool without capacity is asked once, and the next one is asked for what is missing.
#[test]
fn what_is_missing_comes_from_the_next_pools() {
    let site = Site::new();
    let answers = vec![machines(&["i-1"]), answered(500, NO_CAPACITY), machines(&["i-2", "i-3"])];
    let launched = site.launch(&pools(), 3, answers).unwrap();
    assert_eq!(ids(&launched), ["i-1", "i-2", "i-3"]);
    assert_eq!(site.api.made(), ["RunInstances a@s-1 3", "RunInstances a@s-2 2", "RunInstances b@s-1 2"]);
    // Every call has a token of its own.
    let mut tokens = site.api.tokens();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
    // The next launch begins where nothing was short; a minute later it is still remembered.
    let launched = site.launch_as("req-2", 60, &pools(), 1, vec![machines(&["i-4"])]).unwrap();
    assert_eq!(
        (ids(&launched), site.api.made().last().unwrap().as_str()),
        (vec!["i-4"], "RunInstances b@s-1 1")
    );
    site.launch_as("req-3", 200, &pools(), 1, vec![machines(&["i-5"])]).unwrap();
    assert_eq!(site.api.made().last().unwrap(), "RunInstances a@s-1 1");
}

#[test]
fn no_pool_has_any() {
    let site = Site::new();
    let answers = vec![answered(500, NO_CAPACITY); 4];
    let Err(LaunchFailure::NoCapacity(why)) = site.launch(&pools(), 3, answers) else { panic!("no reason") };
    assert!(why.contains(NO_CAPACITY), "{why}");
    // All are remembered: the oldest is tried first.
    site.launch_as("req-2", 60, &pools(), 1, vec![machines(&["i-1"])]).unwrap();
    assert_eq!(site.api.made().last().unwrap(), "RunInstances a@s-1 1");
}

#[test]
fn a_quota_ends_the_launch_at_once() {
    let site = Site::new();
    let launched =
        site.launch(&pools(), 3, vec![machines(&["i-1"]), answered(400, "VcpuLimitExceeded")]).unwrap();
    assert_eq!(ids(&launched), ["i-1"]);
    assert!(launched.shortfall.unwrap().contains("VcpuLimitExceeded"));
    let alone = Site::new().launch(&pools(), 3, vec![answered(400, "VcpuLimitExceeded")]);
    assert!(matches!(alone, Err(LaunchFailure::NoCapacity(_))), "{alone:?}");
}

/// What a failure of the first call means for the scheduler.
#[test]
fn failures_of_a_launch() {
    let check = |answer: Answer, class: &str| {
        let failure = Site::new().launch(&pools(), 1, vec![answer]).unwrap_err();
        let found = match failure {
            LaunchFailure::Refused(_) => "refused",
            LaunchFailure::NoCapacity(_) => "no capacity",
            LaunchFailure::Unreachable(_) => "unreachable",
            LaunchFailure::Unknown(_) => "unknown",
        };
        assert_eq!(found, class);
    };
    check(answered(400, "InvalidAMIID.NotFound"), "refused");
    check(answered(403, "UnauthorizedOperation"), "refused");
    check(answered(503, "RequestLimitExceeded"), "unreachable");
    check(answered(403, "ExpiredToken"), "unreachable");
    check(answered(500, "InternalError"), "unknown");
    check(answered(502, ""), "unknown");
    check(lost(), "unknown");
}

/// The answer was lost: the same bytes are sent again, by another process and at another time.
#[test]
fn an_unknown_outcome_is_repeated_and_nothing_is_launched_twice() {
    let site = Site::new();
    for now in [0, 30] {
        let failure = site.launch_as("req-1", now, &pools(), 2, vec![lost()]).unwrap_err();
        assert!(matches!(failure, LaunchFailure::Unknown(_)), "{failure:?}");
    }
    let launched = site.launch_as("req-1", 60, &pools(), 2, vec![machines(&["i-1", "i-2"])]).unwrap();
    assert_eq!(ids(&launched), ["i-1", "i-2"]);
    let calls = site.api.calls();
    assert_eq!((calls.len(), calls[0] == calls[1] && calls[1] == calls[2]), (3, true), "{calls:?}");
    // Once more: it is known by now, and AWS is not asked.
    let again = site.launch_as("req-1", 90, &pools(), 2, vec![]).unwrap();
    assert_eq!(ids(&again), ["i-1", "i-2"]);
}

/// Killed between two steps: the first is not repeated, and the second is as it would have been.
#[test]
fn a_launch_goes_on_where_it_ended() {
    let site = Site::new();
    site.launch(&pools(), 3, vec![machines(&["i-1"]), lost()]).unwrap_err();
    let launched = site.launch(&pools(), 3, vec![machines(&["i-2", "i-3"])]).unwrap();
    assert_eq!(ids(&launched), ["i-1", "i-2", "i-3"]);
    let made = site.api.made();
    assert_eq!(made, ["RunInstances a@s-1 3", "RunInstances a@s-2 2", "RunInstances a@s-2 2"]);
}

/// Something was made under the token by other parameters: the machines are found by their tag.
#[test]
fn a_mismatch_is_resolved_by_tags() {
    let site = Site::new();
    let answers = vec![answered(400, "IdempotentParameterMismatch"), machines(&["i-1", "i-2"])];
    let launched = site.launch(&pools(), 2, answers).unwrap();
    assert_eq!(ids(&launched), ["i-1", "i-2"]);
    assert_eq!(site.api.made()[1], "DescribeInstances tag:ohfp:token=req1-1");
    // Where none are seen yet, it stays open.
    let answers = vec![answered(400, "IdempotentParameterMismatch"), machines(&[])];
    let failure = Site::new().launch(&pools(), 2, answers).unwrap_err();
    assert!(matches!(failure, LaunchFailure::Unknown(_)), "{failure:?}");
}

fn spot() -> Value {
    json!({ "vmTypes": { "a": 1, "b": 1 }, "subnetId": "s-1", "priceType": "spot" })
}

#[test]
fn an_instant_fleet_has_all_in_its_answer() {
    let site = Site::new();
    let answers = vec![Answer::Template("lt-1"), fleet_of("fleet-1", &["i-1", "i-2"], &[("a", NO_CAPACITY)])];
    let launched = site.launch(&spot(), 3, answers).unwrap();
    assert_eq!((ids(&launched), launched.more, &launched.resource_ids), (vec!["i-1", "i-2"], false, &vec![]));
    assert!(launched.shortfall.unwrap().contains(NO_CAPACITY));
    assert_eq!(launched.instances[0].resource_id.as_deref(), Some("fleet-1"));
    assert_eq!(site.api.made(), ["CreateLaunchTemplate ohfp-", "CreateFleet instant 3"]);
    // Neither is created again.
    let again = site.launch(&spot(), 3, vec![]).unwrap();
    assert_eq!(ids(&again), ["i-1", "i-2"]);
}

#[test]
fn an_instant_fleet_without_machines() {
    let check = |errors: &[(&'static str, &'static str)], is_refused: bool| {
        let answers = vec![Answer::Template("lt-1"), fleet_of("fleet-1", &[], errors)];
        let failure = Site::new().launch(&spot(), 3, answers).unwrap_err();
        assert_eq!(matches!(failure, LaunchFailure::Refused(_)), is_refused, "{failure:?}");
        assert_eq!(matches!(failure, LaunchFailure::NoCapacity(_)), !is_refused, "{failure:?}");
    };
    check(&[("a", NO_CAPACITY), ("b", "UnfulfillableCapacity")], false);
    check(&[("a", NO_CAPACITY), ("b", "InvalidAMIID.NotFound")], true);
    check(&[("a", "UnauthorizedOperation")], true);
    check(&[], false);
}

#[test]
fn other_fleets_and_groups_go_on_after_their_answer() {
    let role = "arn:aws:iam::1:role/f";
    for (extra, answer, call, id) in [
        (
            json!({ "fleetType": "request" }),
            fleet_of("fleet-1", &[], &[]),
            "CreateFleet request 3",
            "fleet-1",
        ),
        (
            json!({ "fleetType": "maintain" }),
            fleet_of("fleet-1", &[], &[]),
            "CreateFleet maintain 3",
            "fleet-1",
        ),
        (json!({ "fleetRole": role }), Answer::SpotFleet("sfr-1"), "RequestSpotFleet request 3", "sfr-1"),
        (json!({ "providerApi": "ASG" }), Answer::Done, "CreateAutoScalingGroup ohfp- 3", "ohfp-"),
    ] {
        let mut fields = spot();
        fields.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let site = Site::new();
        let launched = site.launch(&fields, 3, vec![Answer::Template("lt-1"), answer]).unwrap();
        assert!(launched.more && launched.instances.is_empty(), "{launched:?}");
        assert!(launched.resource_ids[0].starts_with(id), "{launched:?}");
        assert_eq!(site.api.made(), ["CreateLaunchTemplate ohfp-", call], "{extra}");
        let again = site.launch(&fields, 3, vec![]).unwrap();
        assert_eq!((again.more, again.resource_ids), (true, launched.resource_ids));
    }
}

/// Killed after the template: it is not made twice, and the fleet uses it.
#[test]
fn a_template_is_made_once() {
    let site = Site::new();
    site.launch(&spot(), 1, vec![Answer::Template("lt-1"), lost()]).unwrap_err();
    let launched = site.launch(&spot(), 1, vec![fleet_of("fleet-1", &["i-1"], &[])]).unwrap();
    assert_eq!(ids(&launched), ["i-1"]);
    assert_eq!(site.api.made()[1..], ["CreateFleet instant 1", "CreateFleet instant 1"]);
    // A template that is seconds old is not everywhere yet; that is no refusal.
    let site = Site::new();
    let answers = vec![Answer::Template("lt-1"), answered(400, "InvalidLaunchTemplateId.NotFound")];
    let failure = site.launch(&spot(), 1, answers).unwrap_err();
    assert!(matches!(failure, LaunchFailure::Unknown(_)), "{failure:?}");
    // A group whose name is taken is ours, since its name is its token.
    let mut group = spot();
    group["providerApi"] = json!("ASG");
    let answers = vec![Answer::Template("lt-1"), answered(400, "AlreadyExists")];
    assert!(Site::new().launch(&group, 1, answers).unwrap().more);
}

#[test]
fn images_are_looked_up_once_in_an_hour() {
    let site = Site::new();
    let mut fields = pools();
    fields["imageId"] = json!("ssm:/golden");
    fields["rootDeviceVolumeSize"] = json!(20);
    let answers = vec![Answer::Parameter("ami-7"), Answer::RootDevice("/dev/sda1"), machines(&["i-1"])];
    site.launch(&fields, 1, answers).unwrap();
    assert_eq!(site.api.made()[..2], ["GetParameters /golden", "DescribeImages ami-7"]);
    let call = site.api.calls().pop().unwrap();
    assert!(call.contains("\"ami-7\"") && call.contains("/dev/sda1"), "{call}");
    site.launch_as("req-2", 3_599, &fields, 1, vec![machines(&["i-2"])]).unwrap();
    let answers = vec![Answer::Parameter("ami-8"), Answer::RootDevice("/dev/sda1"), machines(&["i-3"])];
    site.launch_as("req-3", 3_601, &fields, 1, answers).unwrap();
    assert!(site.api.calls().pop().unwrap().contains("\"ami-8\""));
    let missing = Site::new().launch(&fields, 1, vec![Answer::NoParameter]).unwrap_err();
    let LaunchFailure::Unreachable(error) = missing else { panic!("{missing:?}") };
    assert_eq!(
        error.summary(),
        "template `t`: `imageId` names the SSM parameter /golden, which does not exist in this region"
    );
}
