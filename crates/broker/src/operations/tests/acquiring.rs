//! Asking for machines.

use serde_json::json;

use super::*;
use crate::provider::{LaunchFailure, Plan};
use crate::template::MaxNumber;
use crate::user_data::UserData;

#[test]
fn an_accepted_request_is_stored_with_its_machines() {
    let site = Site::default();
    let accepted = site.acquire("req-1", 2, seconds(10)).unwrap();
    assert_eq!(accepted, Accepted { id: id("req-1"), state: RequestState::Started, reason: None });
    let RequestWithMachines { request, machines } = site.view("req-1");
    assert_eq!((request.state, request.requested, request.acknowledged), (RequestState::Started, 2, false));
    assert_eq!((request.template_id.as_deref(), request.provider.as_deref()), (Some("t"), Some("sim")));
    assert_eq!((request.created, request.deadline), (moment(10), moment(910)));
    // What only the launch needed is not kept; all came, so none is waited for.
    assert_eq!((request.launch_fields, request.user_data, request.watch_until), (None, None, None));
    assert_eq!(machines.len(), 2);
    for machine in &machines {
        assert_eq!((machine.state, machine.tags.as_deref()), (MachineState::Pending, Some("a=b")));
        assert_eq!((machine.provider.as_str(), machine.template_id.as_str()), ("sim", "t"));
    }
    assert_eq!(site.cloud.state().tokens, ["req1-1"]);
}

/// What a launch comes to, and what the request becomes of it.
#[test]
fn outcomes_of_a_launch() {
    const LATER: Option<Timestamp> = Some(Timestamp::from_millis(3_600_000));
    let error = |kind| Error::new(kind, "why");
    let more = |most: usize, why: Option<&str>| Some((most, why.map(str::to_owned)));
    for (failure, shortfall, prompt, state, reason, watched) in [
        (None, None, true, RequestState::Complete, None, None),
        (None, more(2, Some("no more")), false, RequestState::Started, Some("no more"), LATER),
        (
            None,
            more(2, None),
            true,
            RequestState::Partial,
            Some("2 of 3 machines: the provider made fewer"),
            LATER,
        ),
        (None, more(0, None), false, RequestState::Failed, Some("the provider made no machine"), LATER),
        (None, more(0, Some("sold out")), false, RequestState::Failed, Some("sold out"), LATER),
        (
            Some(LaunchFailure::NoCapacity("none left".to_owned())),
            None,
            false,
            RequestState::Failed,
            Some("none left"),
            None,
        ),
        (
            Some(LaunchFailure::Refused(error(ErrorKind::Input))),
            None,
            false,
            RequestState::Failed,
            Some("why"),
            None,
        ),
        (
            Some(LaunchFailure::Unknown(error(ErrorKind::Unavailable))),
            None,
            false,
            RequestState::Recorded,
            Some("waiting for the provider: why"),
            None,
        ),
    ] {
        let site = Site::default();
        let unknown = matches!(failure, Some(LaunchFailure::Unknown(_)));
        {
            let mut cloud = site.cloud.state();
            (cloud.failure, cloud.shortfall, cloud.prompt) = (failure, shortfall, prompt);
        }
        let accepted = site.acquire("req-1", 3, 0).unwrap();
        assert_eq!((accepted.state, accepted.reason.as_deref()), (state, reason));
        let request = site.view("req-1").request;
        assert_eq!((request.state, request.reason.as_deref(), request.watch_until), (state, reason, watched));
        // A launch that may be tried again keeps what it needs.
        assert_eq!(request.launch_fields.is_some(), unknown, "{reason:?}");
    }
}

/// A provider that was not reached made nothing: the scheduler hears an error and asks again.
#[test]
fn an_unreachable_provider_is_an_error() {
    let site = Site::default();
    site.cloud.state().failure = Some(LaunchFailure::Unreachable(silence()));
    assert_eq!(site.acquire("req-1", 1, 0), Err(silence()));
    let request = site.view("req-1").request;
    assert_eq!((request.state, request.reason.as_deref()), (RequestState::Failed, Some("no answer")));
}

/// A launch of unknown outcome is tried again with its token, its fields and what its machines shall be told.
#[test]
fn a_launch_of_unknown_outcome_is_tried_again() {
    let site = Site::default();
    site.cloud.state().failure = Some(LaunchFailure::Unknown(silence()));
    let data = Some(UserData::new("x"));
    let template = template(10);
    let asked = Acquisition {
        rc_account: Some("a".to_owned()),
        user_data: data.clone(),
        ..asked("req-1", &template, 1)
    };
    site.broker().acquire(&asked, at(0)).unwrap();
    assert_eq!(site.view("req-1").request.user_data, data);
    // That it cannot be reached now says nothing about the first try.
    site.cloud.state().failure = Some(LaunchFailure::Unreachable(silence()));
    let (state, reason, _) = site.status("req-1", seconds(1));
    assert_eq!(
        (state, reason.as_deref()),
        (RequestState::Recorded, Some("waiting for the provider: no answer"))
    );
    let (state, _, machines) = site.status("req-1", seconds(2));
    assert_eq!((state, machines), (RequestState::Started, vec![("i-1".to_owned(), MachineState::Pending)]));
    assert_eq!(site.cloud.state().tokens, ["req1-1", "req1-1", "req1-1"]);
    let view = site.view("req-1");
    assert_eq!((view.request.user_data, view.machines[0].rc_account.as_deref()), (None, Some("a")));
}

/// Fields that an older or damaged store has and this version refuses: launched with less it would be another launch.
#[test]
fn a_launch_whose_fields_are_refused_is_given_up() {
    use crate::store::{Change, Store};
    for (fields, why) in [
        (
            Some(r#"{"templateId": "t", "maxNumber": 9, "priceType": "auction"}"#),
            "`priceType` must be one of `ondemand`, `spot`, `heterogeneous`, not \"auction\"",
        ),
        (Some(r#"{"maxNumber": 9}"#), "`templateId` must be a string"),
        (None, "no fields of its template are stored"),
    ] {
        let site = Site::default();
        site.cloud.state().failure = Some(LaunchFailure::Unknown(silence()));
        site.acquire("req-1", 1, 0).unwrap();
        let mut request = site.view("req-1").request;
        request.launch_fields = fields.map(str::to_owned);
        site.store.apply(&Change { request: Some(request), machines: Vec::new() }).unwrap();
        let (state, reason, _) = site.status("req-1", seconds(1));
        let expected = format!("the launch cannot be repeated: {why}");
        assert_eq!((state, reason.as_deref()), (RequestState::Failed, Some(expected.as_str())));
        assert_eq!(site.cloud.state().tokens, ["req1-1"]);
    }
}

#[test]
fn a_launch_that_is_never_confirmed_is_given_up() {
    let site = Site::default();
    site.cloud.state().failure = Some(LaunchFailure::Unknown(silence()));
    site.acquire("req-1", 1, 0).unwrap();
    // One machine was made all the same.
    site.cloud.state().launches.insert("req1-1".to_owned(), vec![MachineId::new("i-9")]);
    let late = crate::provider::Instance::new(MachineId::new("i-9"));
    site.cloud.state().machines.insert(MachineId::new("i-9"), late);
    let (state, reason, machines) = site.status("req-1", seconds(900));
    let why = "the launch was not confirmed in time (waiting for the provider: no answer)";
    assert_eq!((state, reason.as_deref()), (RequestState::Failed, Some(why)));
    assert_eq!(site.view("req-1").request.watch_until, Some(moment(900 + 3_600)));
    assert_eq!(machines.len(), 1);
    assert_eq!(site.machine("i-9").message, Some(format!("came after its request was over: {why}")));
    assert_eq!(site.cloud.released(), ["i-9"]);
    assert_eq!(site.cloud.state().tokens.len(), 1, "after the deadline it is not launched again");
}

#[test]
fn requests_that_cannot_be_are_refused() {
    let check = |template: &Template, provider: &str, count, kind, message: &str| {
        let site = Site::default();
        let asked = Acquisition { provider: provider.to_owned(), ..asked("req-1", template, count) };
        for error in
            [site.broker().acquire(&asked, at(0)).unwrap_err(), site.broker().dry_run(&asked).unwrap_err()]
        {
            assert_eq!((error.kind(), error.summary().as_str()), (kind, message));
        }
        assert!(site.cloud.state().tokens.is_empty());
    };
    let (refused, unlimited) = (ErrorKind::Refused, template(-1));
    check(&unlimited, "sim", 0, ErrorKind::Input, "the number of machines must be at least 1, not 0");
    check(&unlimited, "sim", 101, refused, "a request may ask for at most 100 machines, not 101");
    check(&unlimited, "sim", 51, refused, "provider `sim` launches at most 50 machines at once");
    check(&unlimited, "aws", 1, ErrorKind::NotFound, "there is no provider aws");
    check(&template(0), "sim", 1, refused, "template `t` offers no machines: its maxNumber is 0");
    check(
        &template(10),
        "sim",
        11,
        refused,
        "template `t` allows 10 machines and 0 exist or are on their way: 11 more are too many",
    );
    let slots = |ncpus: &str| {
        of_fields(&json!({
            "templateId": "t", "maxNumber": 5, "ec2FleetConfig": "f.json",
            "attributes": { "ncpus": ["Numeric", ncpus] },
        }))
    };
    check(
        &slots("2"),
        "sim",
        11,
        refused,
        "template `t` allows 10 slots (maxNumber 5 × ncpus 2) and 0 exist or are on their way: 11 more are too many",
    );
    check(
        &slots("1"),
        "sim",
        6,
        refused,
        "template `t` allows 5 machines and 0 exist or are on their way: 6 more are too many",
    );
}

#[test]
fn limits_hold_to_the_last_machine() {
    let site = Site::default();
    site.acquire("req-1", 7, 0).unwrap();
    let limit = template(10);
    let found = site.broker().dry_run(&asked("req-2", &limit, 3)).unwrap();
    assert_eq!((found.existing, found.limit, found.provider.as_str()), (7, MaxNumber::AtMost(10), "sim"));
    assert_eq!(found.plan, Plan { steps: vec!["launch 3 of t".to_owned()] });
    let message = "template `t` allows 10 machines and 7 exist or are on their way: 4 more are too many";
    for error in [
        site.acquire("req-2", 4, 0).unwrap_err(),
        site.broker().dry_run(&asked("req-2", &limit, 4)).unwrap_err(),
    ] {
        assert_eq!(error.summary(), message);
        assert_eq!(error.hint_text(), Some("return machines first, or raise the template's maxNumber"));
    }
    // A dry run stores nothing.
    assert_eq!(site.acquire("req-2", 3, 0).unwrap().state, RequestState::Started);
    let unlimited = template(-1);
    let found = site.broker().dry_run(&asked("req-3", &unlimited, 50)).unwrap();
    assert_eq!((found.existing, found.limit), (10, MaxNumber::Unlimited));
}
