//! The frames that go out, whole: every field of IBM's tables and of LSF's, present and left out.

use ohfp_broker::operations::{Accepted, Reclaim, ReturnAccepted};
use ohfp_broker::provider::{Identity, Instance};
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{
    Ending, Machine, MachineId, MachineRef, MachineState, Request, RequestId, RequestKind, RequestState,
    RequestWithMachines, Timestamp,
};
use ohfp_wire::{machine_result, of, plain_request_status, read, request_status};
use serde_json::{Value, json};

const LAUNCHED: Timestamp = Timestamp::from_millis(1_734_619_942_999);

fn request(kind: RequestKind, state: RequestState) -> Request {
    let now = Timestamp::from_millis(0);
    Request { state, ..Request::new(RequestId::from_text("req-1"), kind, 2, now, now) }
}

/// A machine of which only its id is known.
fn bare() -> Machine {
    let instance = Instance::new(MachineId::new("i-1"));
    Machine::from_instance(
        &instance,
        &request(RequestKind::Acquire, RequestState::Started),
        &Identity::default(),
        None,
        LAUNCHED,
    )
}

/// One of which everything is.
fn full() -> Machine {
    Machine {
        name: Some("ip-10-0-57-22.ec2.internal".to_owned()),
        state: MachineState::Running,
        private_ip: Some("10.0.57.22".to_owned()),
        public_ip: Some("54.1.2.3".to_owned()),
        instance_type: Some("r5n.2xlarge".to_owned()),
        price_type: Some("ondemand".to_owned()),
        cores: Some(4),
        threads_per_core: Some(2),
        rc_account: Some("projA".to_owned()),
        tags: Some("a=1;b=2".to_owned()),
        launched: LAUNCHED,
        units: 8,
        ..bare()
    }
}

fn view(state: RequestState, reason: Option<&str>, machines: Vec<Machine>) -> RequestWithMachines {
    let reason = reason.map(str::to_owned);
    RequestWithMachines { request: Request { reason, ..request(RequestKind::Acquire, state) }, machines }
}

fn statuses(kind: SchedulerKind, view: RequestWithMachines) -> Value {
    of(kind).write_statuses(&[RequestId::from_text("req-1")], &[Some(view)])
}

#[test]
fn formats_by_name() {
    assert_eq!(of(SchedulerKind::HostFactory).name(), "hostfactory");
    assert_eq!(of(SchedulerKind::Default).name(), "default");
}

/// Inputs are read in both spellings: what a question is does not depend on how it is answered.
#[test]
fn questions_are_read_in_either_spelling() {
    let wanted = read::request(&json!({ "template": { "templateId": "t", "machine_count": 3 } }));
    assert!(wanted.is_ok_and(|wanted| wanted.template_id == "t" && wanted.count == 3));
    let host = MachineRef::of_name("h");
    let machines = json!({ "machines": [{ "name": "h" }] });
    assert_eq!(read::return_machines(&machines).ok(), Some(vec![host.clone()]));
    assert_eq!(read::reclaims(&machines).ok(), Some(Some(vec![host])));
    assert_eq!(read::reclaims(&json!({})).ok(), Some(None));
    let ids = read::status(&json!({ "requests": [{ "request_id": "ret-2" }] }));
    assert_eq!(ids.ok(), Some(vec![RequestId::from_text("ret-2")]));
}

#[test]
fn statuses_in_host_factorys_frames() {
    let known = statuses(SchedulerKind::HostFactory, view(RequestState::Complete, None, vec![full()]));
    assert_eq!(
        known,
        json!({ "requests": [{
            "requestId": "req-1", "status": "complete", "message": "",
            "machines": [{
                "machineId": "i-1", "name": "ip-10-0-57-22.ec2.internal", "result": "succeed", "status": "running",
                "privateIpAddress": "10.0.57.22", "publicIpAddress": "54.1.2.3", "launchtime": 1_734_619_942,
                "priceType": "ondemand", "instanceType": "r5n.2xlarge", "instanceTags": "a=1;b=2",
                "cloudHostId": null, "rcAccount": "projA", "ncores": 4, "nthreads": 2, "message": "",
            }],
        }] })
    );
    // What is mandatory is there before it is known; the rest is left out.
    let machines = vec![
        Machine { launched: Timestamp::from_millis(-1), ..bare() },
        Machine { cores: Some(4), ..bare() },
        Machine { threads_per_core: Some(2), ..bare() },
    ];
    let waits = view(RequestState::Started, Some("waits for capacity"), machines);
    let known = statuses(SchedulerKind::HostFactory, waits);
    let machine = json!({
        "machineId": "i-1", "name": "", "result": "executing", "status": "pending", "privateIpAddress": "",
        "launchtime": 0, "instanceTags": "", "cloudHostId": null, "message": "",
    });
    assert_eq!(
        known,
        json!({ "requests": [{
            "requestId": "req-1", "status": "running", "message": "waits for capacity",
            "machines": [machine, machine, machine],
        }] })
    );
}

#[test]
fn statuses_in_plain_frames() {
    let some = view(RequestState::Partial, Some("1 of 2"), vec![full()]);
    assert_eq!(
        statuses(SchedulerKind::Default, some),
        json!({ "requests": [{
            "request_id": "req-1", "status": "partial", "state": "partial", "message": "1 of 2",
            "machines": [{
                "machine_id": "i-1", "name": "ip-10-0-57-22.ec2.internal", "result": "succeed",
                "status": "running", "private_ip_address": "10.0.57.22", "public_ip_address": "54.1.2.3",
                "launch_time": 1_734_619_942, "price_type": "ondemand", "instance_type": "r5n.2xlarge",
                "tags": "a=1;b=2", "units": 8, "rc_account": "projA", "cores": 4, "threads_per_core": 2,
                "message": "",
            }],
        }] })
    );
    let unknown = of(SchedulerKind::Default).write_statuses(&[RequestId::from_text("x")], &[None]);
    assert_eq!(
        unknown,
        json!({ "requests": [{
            "request_id": "x", "status": "failed", "state": "unknown",
            "message": "there is no such request", "machines": [],
        }] })
    );
}

#[test]
fn requests_as_accepted() {
    for (state, reason, message) in [
        (RequestState::Recorded, None, "the request was accepted"),
        (RequestState::Started, None, "the request was accepted"),
        (RequestState::Complete, None, "the request was accepted"),
        (RequestState::Recorded, Some("the provider was not reached"), "the provider was not reached"),
        (RequestState::Failed, Some("no such image"), "no such image"),
        (RequestState::Failed, None, "the request is failed"),
        (RequestState::Cancelled, None, "the request is cancelled"),
    ] {
        let id = RequestId::from_text("req-1");
        let accepted = Accepted { id, state, reason: reason.map(str::to_owned) };
        let frame = of(SchedulerKind::HostFactory).write_accepted(&accepted);
        assert_eq!(frame, json!({ "message": message, "requestId": "req-1" }));
        let frame = of(SchedulerKind::Default).write_accepted(&accepted);
        assert_eq!(frame, json!({ "request_id": "req-1", "state": state.name(), "message": message }));
    }
}

#[test]
fn returns_as_accepted() {
    for (active, unknown, message) in
        [(0, vec![MachineRef::of_name("h")], "No Active VM."), (2, Vec::new(), "Delete VM success.")]
    {
        let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        let id = RequestId::from_text("ret-1");
        let accepted = ReturnAccepted { id, active, unknown, renamed: Vec::new(), errors: Vec::new() };
        let frame = of(SchedulerKind::HostFactory).write_return_accepted(&accepted);
        assert_eq!(frame, json!({ "message": message, "requestId": "ret-1" }));
        let frame = of(SchedulerKind::Default).write_return_accepted(&accepted);
        assert_eq!(
            frame,
            json!({ "request_id": "ret-1", "machines": active, "unknown": names, "message": message })
        );
    }
}

#[test]
fn machines_that_the_provider_takes() {
    let reclaim = |name: &str, id: Option<&str>| Reclaim {
        name: name.to_owned(),
        id: id.map(str::to_owned),
        grace_seconds: 120,
        reason: "spot".to_owned(),
    };
    let (known, unknown) = (reclaim("h", Some("i-1")), reclaim("k", None));
    for (reclaims, message) in [
        (vec![], "no machine is being reclaimed"),
        (vec![known.clone()], "1 machine is being reclaimed"),
        (vec![known, unknown], "2 machines are being reclaimed"),
    ] {
        let entries: Vec<Value> = [
            json!({ "machine": "h", "machineId": "i-1", "gracePeriod": 120, "message": "spot" }),
            json!({ "machine": "k", "gracePeriod": 120, "message": "spot" }),
        ]
        .into_iter()
        .take(reclaims.len())
        .collect();
        assert_eq!(
            of(SchedulerKind::HostFactory).write_reclaims(&reclaims),
            json!({ "status": "complete", "message": message, "requests": entries })
        );
        let entries: Vec<Value> = [("h", Some("i-1")), ("k", None)]
            .map(|(name, id)| json!({ "machine": name, "machine_id": id, "grace_period": 120, "message": "spot" }))
            .into_iter()
            .take(reclaims.len())
            .collect();
        assert_eq!(
            of(SchedulerKind::Default).write_reclaims(&reclaims),
            json!({ "requests": entries, "message": message })
        );
    }
}

/// IBM knows three words for a request; what is over and not whole is one of them.
#[test]
fn words_for_requests() {
    for (state, word) in [
        (RequestState::Recorded, "running"),
        (RequestState::Started, "running"),
        (RequestState::Complete, "complete"),
        (RequestState::Partial, "complete_with_error"),
        (RequestState::Failed, "complete_with_error"),
        (RequestState::Cancelled, "complete_with_error"),
    ] {
        let request = request(RequestKind::Acquire, state);
        assert_eq!(request_status(&request), word);
        let plain = match state {
            RequestState::Recorded => "pending",
            RequestState::Started => "in_progress",
            other => other.name(),
        };
        assert_eq!(plain_request_status(&request), plain);
    }
}

const EXECUTING: (&str, &str) = ("executing", "");
const SUCCEED: (&str, &str) = ("succeed", "");

#[test]
fn what_a_request_got_of_a_machine() {
    let running = || Machine { state: MachineState::Running, name: Some("h".to_owned()), ..bare() };
    let ended = |ending| Machine { state: MachineState::Terminated, ending: Some(ending), ..running() };
    let returned = || Some(RequestId::from_text("ret-1"));
    let (open, over) = (RequestState::Started, RequestState::Partial);
    for (machine, state, expected) in [
        (running(), open, SUCCEED),
        (running(), over, SUCCEED),
        (bare(), open, EXECUTING),
        (bare(), over, ("fail", "unusable")),
        (Machine { name: None, ..running() }, open, EXECUTING),
        (Machine { name: None, ..running() }, over, ("fail", "unusable")),
        (Machine { state: MachineState::Stopping, ..running() }, open, EXECUTING),
        (
            Machine { state: MachineState::Stopping, ..running() },
            over,
            ("fail", "stopped outside of Host Factory"),
        ),
        (
            Machine { state: MachineState::Stopped, ..running() },
            open,
            ("fail", "stopped outside of Host Factory"),
        ),
        (Machine { state: MachineState::ShuttingDown, ..running() }, open, ("fail", "unusable")),
        (ended(Ending::Released), open, ("fail", "abandoned")),
        (
            Machine { returned_by: returned(), ..ended(Ending::Released) },
            open,
            ("fail", "returned before it was up"),
        ),
        (
            Machine { returned_by: returned(), came_up: Some(LAUNCHED), ..ended(Ending::Released) },
            over,
            ("fail", "returned"),
        ),
        (ended(Ending::Reclaimed), open, ("fail", "reclaimed by the provider")),
        (ended(Ending::FailedToStart), open, ("fail", "failed to start")),
        (
            Machine { message: Some("spot interruption".to_owned()), ..ended(Ending::Reclaimed) },
            over,
            ("fail", "spot interruption"),
        ),
    ] {
        let (result, message) = machine_result(&view(state, None, Vec::new()), &machine);
        assert_eq!((result, message.as_str()), expected, "{machine:?} of a {} request", state.name());
    }
}

#[test]
fn what_a_return_got_of_a_machine() {
    for (machine, state, expected) in [
        (MachineState::Running, RequestState::Started, EXECUTING),
        (MachineState::ShuttingDown, RequestState::Started, EXECUTING),
        (MachineState::Terminated, RequestState::Started, SUCCEED),
        (MachineState::Terminated, RequestState::Failed, SUCCEED),
        (MachineState::ShuttingDown, RequestState::Failed, ("fail", "still shutting-down")),
    ] {
        let view = RequestWithMachines { request: request(RequestKind::Return, state), machines: Vec::new() };
        let (result, message) = machine_result(&view, &Machine { state: machine, ..bare() });
        assert_eq!((result, message.as_str()), expected, "{machine:?} of a {} return", state.name());
    }
}
