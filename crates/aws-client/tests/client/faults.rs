//! Faults of a server: what each means for a launch and for a question, and how many calls it costs.

use std::time::{Duration, Instant};

use ohfp_aws_client::{Client, ClientConfig, Retries};
use ohfp_provider_aws::api::{Api, Called};
use ohfp_provider_aws::calls::RunInstances;
use ohfp_provider_aws::class::{self, Class, Purpose, Shortage, Trouble};
use ohfp_provider_aws::failure::{Failure, NotSent};

use crate::server::{Reply, Server, answer, client, config, error, within};

fn launch(client: &Client, seconds: u64) -> Called<usize> {
    let call = RunInstances {
        client_token: "0123456789abcdef".to_owned(),
        min_count: 1,
        max_count: 2,
        ..RunInstances::default()
    };
    client.run_instances(&call, within(seconds)).map(|machines| machines.len())
}

fn question(client: &Client, seconds: u64) -> Called<usize> {
    client.instances(&["i-1".to_owned()], within(seconds)).map(|machines| machines.len())
}

fn html() -> Reply {
    Reply::Answer(502, "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>".to_owned())
}

fn half() -> Reply {
    let Reply::Answer(status, body) = answer("RunInstances", "<instancesSet/>") else { unreachable!() };
    Reply::Half(status, body)
}

/// A fault that stays, in calls of a launch and of a question, with the class of each.
#[test]
fn calls_and_class_of_each_fault() {
    use Class::{Again, NoCapacity, NotFound, Refused, Unknown};
    let service = (Unknown, Again(Trouble::Service));
    for (name, fault, (launched, asked), (launches, questions)) in [
        (
            "no capacity",
            error(
                500,
                "InsufficientInstanceCapacity",
                "We currently do not have sufficient p5.4xlarge capacity",
            ),
            (NoCapacity(Shortage::Pool), NoCapacity(Shortage::Pool)),
            (1, 1),
        ),
        (
            "quota",
            error(400, "VcpuLimitExceeded", "You have requested more vCPU capacity"),
            (NoCapacity(Shortage::Quota), NoCapacity(Shortage::Quota)),
            (1, 1),
        ),
        ("refused", error(400, "InvalidParameterValue", "Invalid value"), (Refused, Refused), (1, 1)),
        (
            "credentials",
            error(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
            (Again(Trouble::Credentials), Again(Trouble::Credentials)),
            (1, 1),
        ),
        ("unknown id", error(400, "InvalidInstanceID.NotFound", "i-1"), (NotFound, NotFound), (1, 1)),
        ("server error", error(500, "InternalError", "An internal error has occurred"), service, (3, 3)),
        ("unavailable", error(503, "Unavailable", "The server is overloaded"), service, (3, 3)),
        ("HTML", html(), service, (3, 3)),
        ("HTML as an answer", Reply::Answer(200, "<html></html>".to_owned()), service, (3, 3)),
        ("closed after sending", Reply::Close, service, (3, 3)),
        ("half an answer", half(), service, (3, 3)),
    ] {
        let check =
            |purpose: Purpose, call: fn(&Client, u64) -> Called<usize>, class: Class, calls: usize| {
                let server = Server::start([fault.clone()]);
                let failure = call(&server.client(), 20).unwrap_err();
                assert_eq!(class::of(&failure, purpose), class, "{name}: {failure:?}");
                assert_eq!(server.calls(), calls, "{name}: {failure:?}");
                assert!(!failure.to_string().contains('<'), "{name}: {failure}");
            };
        check(Purpose::Making, launch, launched, launches);
        check(Purpose::Repeatable, question, asked, questions);
    }
}

#[test]
fn a_call_succeeds_once_a_fault_has_passed_and_its_token_stays() {
    let machines = "<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>";
    for fault in [
        error(503, "RequestLimitExceeded", "Request limit exceeded."),
        error(500, "InternalError", "An internal error has occurred"),
        html(),
        Reply::Close,
        half(),
    ] {
        let server = Server::start([fault.clone(), fault, answer("RunInstances", machines)]);
        assert_eq!(launch(&server.client(), 20), Ok(1));
        let tokens: Vec<_> = server.received().iter().map(|request| request.member("ClientToken")).collect();
        assert_eq!(tokens, vec![Some("0123456789abcdef".to_owned()); 3]);
        let bodies = server.received();
        assert!(bodies.iter().all(|request| request.body == bodies[0].body), "{bodies:?}");
    }
}

#[test]
fn what_aws_says_is_kept() {
    let body = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to \
                perform: ec2:RunInstances on resource: arn:aws:ec2:x:1:instance/*. Encoded authorization failure \
                message: AbCdEf</Message></Error></Errors><RequestID>r-1</RequestID></Response>";
    let server = Server::start([Reply::With(403, "x-amzn-requestid: r-1\r\n", body.to_owned())]);
    let Err(Failure::Answered(answered)) = launch(&server.client(), 20) else { panic!() };
    assert_eq!((answered.action, answered.status), ("RunInstances", 403));
    assert_eq!(answered.code, "UnauthorizedOperation");
    assert!(answered.message.ends_with("instance/*."), "{}", answered.message);
    assert_eq!(answered.request_id.as_deref(), Some("r-1"));
}

#[test]
fn a_silent_server_holds_no_call_beyond_its_deadline() {
    for call in [launch, question] {
        let server = Server::start([Reply::Silence]);
        let start = Instant::now();
        let failure = call(&server.client(), 1).unwrap_err();
        assert!(matches!(failure, Failure::Lost { .. }), "{failure:?}");
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(server.calls(), 1);
    }
}

#[test]
fn a_throttle_is_retried_as_long_as_the_deadline_allows() {
    let server = Server::start([error(503, "RequestLimitExceeded", "Request limit exceeded.")]);
    let failure = launch(&server.client(), 2).unwrap_err();
    assert_eq!(class::of(&failure, Purpose::Making), Class::Again(Trouble::Throttled));
    let calls = server.calls();
    assert!((2..=5).contains(&calls), "{calls}");

    let later = Reply::With(503, "Retry-After: 30\r\n", "<html/>".to_owned());
    let server = Server::start([later]);
    let start = Instant::now();
    question(&server.client(), 5).unwrap_err();
    assert!(server.calls() == 1 && start.elapsed() < Duration::from_secs(5));
}

#[test]
fn configured_retries_count() {
    let server = Server::start([error(503, "RequestLimitExceeded", "Request limit exceeded.")]);
    let retries = Retries { calls: Some(0), questions: Some(1), question_interval: Some(Duration::ZERO) };
    let client = Client::new(ClientConfig { retries, ..config(&server.url()) });
    launch(&client, 20).unwrap_err();
    assert_eq!(server.calls(), 1);
    question(&client, 20).unwrap_err();
    assert_eq!(server.calls(), 3);
}

#[test]
fn no_connection_means_that_nothing_was_sent() {
    let endpoint = format!("http://{}", Server::absent());
    for call in [launch, question] {
        let start = Instant::now();
        let failure = call(&client(&endpoint), 20).unwrap_err();
        let Failure::NotSent(NotSent::Connect { endpoint: named, why }) = &failure else {
            panic!("{failure:?}")
        };
        assert_eq!(*named, endpoint);
        assert!(why.contains("refused"), "{why}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_left_alone() {
    let client = client(&format!("http://{}", Server::absent()));
    for _ in 0..2 {
        assert!(matches!(question(&client, 20), Err(Failure::NotSent(NotSent::Connect { .. }))));
    }
    for call in [question, launch] {
        let failure = call(&client, 20).unwrap_err();
        assert!(matches!(failure, Failure::NotSent(NotSent::Paused { failures: 5, .. })), "{failure:?}");
    }
}

/// What a client was told to leave alone holds for others, and is no error of the server.
#[test]
fn a_throttled_action_is_not_called_without_time_to_wait() {
    let server = Server::start([error(503, "RequestLimitExceeded", "Request limit exceeded.")]);
    let retries =
        Retries { questions: Some(0), question_interval: Some(Duration::from_secs(9)), calls: None };
    let client = Client::new(ClientConfig { retries, ..config(&server.url()) });
    assert!(matches!(question(&client, 20), Err(Failure::Answered(_))));
    let failure = question(&client, 5).unwrap_err();
    assert!(matches!(failure, Failure::NotSent(NotSent::Throttled { .. })), "{failure:?}");
    assert_eq!(server.calls(), 1);
}

#[test]
fn tags_and_zones() {
    let server = Server::start([
        answer("CreateTags", "<return>true</return>"),
        answer(
            "DescribeSubnets",
            "<subnetSet><item><subnetId>s-1</subnetId><availabilityZone>z-1</availabilityZone></item></subnetSet>",
        ),
    ]);
    let client = server.client();
    let things = ["i-1".to_owned(), "vol-1".to_owned()];
    client.tag(&things, "InstanceID", "i-1", within(20)).unwrap();
    let zones = client.zones(&["s-1".to_owned()], within(20)).unwrap();
    assert_eq!(zones, [("s-1".to_owned(), "z-1".to_owned())].into());
    let received = server.received();
    for (member, value) in [
        ("ResourceId.1", "i-1"),
        ("ResourceId.2", "vol-1"),
        ("Tag.1.Key", "InstanceID"),
        ("Tag.1.Value", "i-1"),
    ] {
        assert_eq!(received[0].member(member).as_deref(), Some(value), "{member}");
    }
    assert_eq!(received[1].member("SubnetId.1").as_deref(), Some("s-1"));
}

#[test]
fn a_server_without_tls_behind_https_means_that_nothing_was_sent() {
    let server = Server::start([Reply::Close]);
    let failure = question(&client(&format!("https://{}", server.address)), 5).unwrap_err();
    assert!(matches!(failure, Failure::NotSent(NotSent::Connect { .. })), "{failure:?}");
}

#[test]
fn past_deadlines_send_nothing() {
    let server = Server::start([answer("RunInstances", "")]);
    assert_eq!(launch(&server.client(), 0), Err(NotSent::TooLate.into()));
    assert_eq!(server.calls(), 0);
}

#[test]
fn several_threads_ask_at_once_through_one_client() {
    let machines = "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>\
                    </item></reservationSet>";
    let server = Server::start([answer("DescribeInstances", machines)]);
    let client = server.client();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| question(&client, 20))).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Ok(1)));
    });
    assert_eq!(server.calls(), 8);
}

/// One thread waits for a silent server: the others are not held.
#[test]
fn a_call_that_hangs_holds_no_other() {
    let machines = "<reservationSet/>";
    let server = Server::start([Reply::Silence, answer("DescribeInstances", machines)]);
    let client = server.client();
    std::thread::scope(|scope| {
        let hanging = scope.spawn(|| question(&client, 3));
        while server.calls() == 0 {
            std::thread::yield_now();
        }
        let start = Instant::now();
        assert_eq!(question(&client, 20), Ok(0));
        assert!(start.elapsed() < Duration::from_secs(3));
        assert!(hanging.join().unwrap().is_err());
    });
}

#[test]
fn a_missing_page_is_a_failure_of_the_whole() {
    let page = |machine: &str, next: &str| {
        answer(
            "DescribeInstances",
            &format!(
                "<reservationSet><item><instancesSet><item><instanceId>{machine}</instanceId></item>\
                 </instancesSet></item></reservationSet><nextToken>{next}</nextToken>"
            ),
        )
    };
    let filters = [("tag:ohfp:request".to_owned(), vec!["req-1".to_owned()])];
    let server = Server::start([page("i-1", "two"), page("i-2", "")]);
    let found = server.client().instances_by_filter(&filters, within(20)).unwrap();
    assert_eq!(found.iter().map(|machine| machine.id.as_str()).collect::<Vec<_>>(), ["i-1", "i-2"]);
    assert_eq!(server.received()[1].member("NextToken").as_deref(), Some("two"));

    let server = Server::start([page("i-1", "two"), error(400, "InvalidPaginationToken", "expired")]);
    let failure = server.client().instances_by_filter(&filters, within(20)).unwrap_err();
    assert_eq!(failure.code(), Some("InvalidPaginationToken"));
}
