//! Machines and requests in every form.

use ohfp_broker::provider::{Identity, Instance};
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{
    Machine, MachineId, MachineState, Request, RequestId, RequestKind, RequestState, RequestWithMachines,
    Timestamp,
};
use ohfp_cli::{GlobalOptions, ListOptions, MachineStatus, RequestStatus, RequestType, TimestampFormat};
use ohfp_render::{Format, documents};
use serde_json::{Value, json};

use super::look::Look;
use super::page::Page;
use super::progress::Standing;
use super::rows::{INSTANCES, MACHINES, REQUESTS, document, show_request, statuses};

use SchedulerKind::{Default as Plain, HostFactory};

fn machine(number: u8, state: MachineState) -> Machine {
    let instance = Instance {
        name: Some(format!("ip-10-0-0-{number}.sim.internal")),
        state,
        private_ip: Some(format!("10.0.0.{number}")),
        instance_type: Some("m6i.large".to_owned()),
        launched: Timestamp::from_millis(1_795_527_477_999),
        ..Instance::new(MachineId::new(format!("i-{number}")))
    };
    let start = Timestamp::from_millis(0);
    let mut request = Request::new(RequestId::from_text("req-1"), RequestKind::Acquire, 1, start, start);
    (request.template_id, request.provider) = (Some("small".to_owned()), Some("sim".to_owned()));
    Machine::from_instance(&instance, &request, &Identity::default(), Some("team=a"), start)
}

fn view(kind: RequestKind, state: RequestState, machines: Vec<Machine>) -> RequestWithMachines {
    let (created, deadline) = (Timestamp::from_millis(1_000), Timestamp::from_millis(301_000));
    let mut request = Request::new(RequestId::from_text("req-1"), kind, 2, created, deadline);
    request.state = state;
    request.template_id = Some("small".to_owned());
    request.reason = Some("no capacity".to_owned());
    RequestWithMachines { request, machines }
}

fn two() -> Vec<Machine> {
    vec![machine(1, MachineState::Running), machine(2, MachineState::Pending)]
}

fn look(style: SchedulerKind, format: Format) -> Look {
    Look::of(&GlobalOptions::default(), style, format)
}

fn list(style: SchedulerKind, format: Format, options: &ListOptions) -> String {
    let rendered = MACHINES.list(&two(), options, Page::of(options), &look(style, format)).unwrap();
    String::from_utf8(rendered.bytes(false)).unwrap()
}

fn options(filters: &[&str], long: bool) -> ListOptions {
    ListOptions { filter: filters.iter().map(ToString::to_string).collect(), long, ..ListOptions::default() }
}

#[test]
fn tables_are_short_or_long() {
    let short = list(HostFactory, Format::Table, &options(&[], false));
    let expected = "\
MACHINE  NAME                     STATUS   TEMPLATE  TYPE       PRIVATE IP  LAUNCHED
i-1      ip-10-0-0-1.sim.internal running  small     m6i.large  10.0.0.1    2026-11-24T13:37:57Z
i-2      ip-10-0-0-2.sim.internal pending  small     m6i.large  10.0.0.2    2026-11-24T13:37:57Z
";
    let squeezed = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(squeezed(&short), squeezed(expected));
    assert_eq!(list(Plain, Format::Table, &options(&[], false)), short);
    let long = list(HostFactory, Format::Table, &options(&[], true));
    for heading in MACHINES.headings() {
        assert!(long.lines().next().unwrap().contains(heading), "{heading}");
    }
    let none = list(HostFactory, Format::Table, &options(&["status=stopped"], false));
    assert_eq!(squeezed(&none), squeezed(short.lines().next().unwrap()));
}

#[test]
fn documents_have_every_field_in_the_style_asked_for() {
    for (style, id, time, tags) in [
        (HostFactory, "machineId", "launchtime", "instanceTags"),
        (Plain, "machine_id", "launch_time", "tags"),
    ] {
        let document: Value = serde_json::from_str(&list(style, Format::Json, &options(&[], false))).unwrap();
        let machine = &document["machines"][0];
        assert_eq!(machine.as_object().unwrap().len(), MACHINES.headings().count());
        assert_eq!(machine[id], "i-1");
        assert_eq!(machine[time], 1_795_527_477);
        assert_eq!(machine[tags], "team=a");
        assert_eq!(machine["message"], Value::Null);
    }
    assert!(list(Plain, Format::Yaml, &options(&[], false)).starts_with("machines:\n- machine_id: i-1\n"));
    let blocks = list(HostFactory, Format::List, &options(&["machine_id=i-2"], false));
    assert!(blocks.starts_with("machineId: i-2\nname: ip-10-0-0-2.sim.internal\n"), "{blocks}");
    assert!(blocks.ends_with("launchtime: 2026-11-24T13:37:57Z\n"), "{blocks}");
    assert_eq!(
        list(HostFactory, Format::Json, &options(&["name~nosuch"], false)),
        "{\n  \"machines\": []\n}\n"
    );
}

#[test]
fn filters_take_the_names_of_both_styles() {
    for style in [HostFactory, Plain] {
        for filter in ["instanceTags=team=a", "tags~team", "launchtime=1795527477", "launch_time~179"] {
            let kept = list(style, Format::Json, &options(&[filter, "status=running"], false));
            assert!(kept.contains("i-1") && !kept.contains("i-2"), "{filter}: {kept}");
        }
    }
    let options = options(&["sattus=running"], false);
    let error = MACHINES.list(&[], &options, Page::default(), &look(HostFactory, Format::Json)).unwrap_err();
    assert!(error.hint_text().unwrap().contains("did you mean `status`?"), "{error}");
}

#[test]
fn requests() {
    let view = view(RequestKind::Acquire, RequestState::Partial, two());
    let options = options(&["state=partial", "machineIds=i-2", "createTime=1"], false);
    let table = REQUESTS
        .list(std::slice::from_ref(&view), &options, Page::default(), &look(HostFactory, Format::Table))
        .unwrap();
    let table = String::from_utf8(table.bytes(false)).unwrap();
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    let expected =
        ["req-1", "acquire", "partial", "small", "2", "2", "1970-01-01T00:00:01Z", "no", "capacity"];
    assert_eq!(row, expected);
    let shown: Value =
        serde_json::from_slice(&show_request(&view, &look(Plain, Format::Json)).bytes(false)).unwrap();
    assert_eq!((&shown["status"], &shown["state"]), (&json!("partial"), &json!("partial")));
    assert_eq!(shown["machines"][1]["machine_id"], "i-2");
    let text = String::from_utf8(show_request(&view, &look(HostFactory, Format::List)).bytes(false)).unwrap();
    assert!(text.contains("machineIds: i-1, i-2\n") && text.contains("deadline: 1970-01-01T00:05:01Z\n"));
    let empty = RequestWithMachines { machines: Vec::new(), ..view };
    let text =
        String::from_utf8(show_request(&empty, &look(HostFactory, Format::Table)).bytes(false)).unwrap();
    assert!(text.contains("machineIds") && text.starts_with("FIELD"), "{text}");
}

#[test]
fn statuses_are_counted_for_people() {
    let view = view(RequestKind::Acquire, RequestState::Started, two());
    let ids = [RequestId::from_text("req-1"), RequestId::from_text("x")];
    for style in [HostFactory, Plain] {
        let wire = ohfp_wire::of(style).write_statuses(&ids, &[Some(view.clone()), None]);
        let table = String::from_utf8(statuses(&wire, Format::Table).bytes(false)).unwrap();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["REQUEST", "STATUS", "SUCCEEDED", "EXECUTING", "FAILED", "MESSAGE"]);
        let open = if style == Plain { "in_progress" } else { "running" };
        assert_eq!(rows[1], ["req-1", open, "1", "1", "0", "no", "capacity"]);
        let unknown = if style == Plain { "failed" } else { "complete_with_error" };
        assert_eq!(rows[2][..5], ["x", unknown, "0", "0", "0"]);
        assert_eq!(statuses(&wire, Format::Json), documents::render(&wire, Format::Json));
    }
}

#[test]
fn times_and_order_are_chosen() {
    let shown = |format, options: &GlobalOptions| {
        let look = Look::of(options, HostFactory, format);
        let rendered = MACHINES.list(&two(), &ListOptions::default(), Page::default(), &look).unwrap();
        String::from_utf8(rendered.bytes(false)).unwrap()
    };
    let iso = GlobalOptions { timestamp_format: TimestampFormat::Iso, ..GlobalOptions::default() };
    let unix = GlobalOptions { timestamp_format: TimestampFormat::Unix, ..GlobalOptions::default() };
    assert!(shown(Format::Json, &iso).contains("\"launchtime\": \"2026-11-24T13:37:57Z\""));
    assert!(shown(Format::Json, &unix).contains("\"launchtime\": 1795527477"));
    assert!(shown(Format::Table, &unix).contains("  1795527477\n"));
    for (by, first) in [
        ("machineId", "i-1"),
        ("-machine_id", "i-2"),
        ("STATUS", "i-2"),
        ("-status", "i-1"),
        ("-private-ip", "i-2"),
    ] {
        let sorted = GlobalOptions { sort_by: Some(by.to_owned()), ..GlobalOptions::default() };
        let table = shown(Format::Table, &sorted);
        assert!(table.lines().nth(1).unwrap().starts_with(first), "{by}: {table}");
    }
    let wrong = GlobalOptions { sort_by: Some("x".to_owned()), ..GlobalOptions::default() };
    let look = Look::of(&wrong, HostFactory, Format::Json);
    let error = MACHINES.list(&two(), &ListOptions::default(), Page::default(), &look).unwrap_err();
    assert!(error.hint_text().unwrap().contains("machineId"), "{error}");
}

#[test]
fn instances() {
    let instance = Instance {
        reclaim_at: Some(Timestamp::from_millis(60_000)),
        ..Instance::new(MachineId::new("sim-1"))
    };
    let shown = |style, format| INSTANCES.show(&instance, &look(style, format)).bytes(false);
    let document: Value = serde_json::from_slice(&shown(Plain, Format::Json)).unwrap();
    assert_eq!((&document["machine_id"], &document["reclaim_time"]), (&json!("sim-1"), &json!(60)));
    let text = String::from_utf8(shown(HostFactory, Format::List)).unwrap();
    assert!(text.contains("reclaimTime: 1970-01-01T00:01:00Z\n"), "{text}");
}

#[test]
fn documents_for_people() {
    for (value, table, list) in [
        (json!({ "live": 2 }), "FIELD  VALUE\nlive   2\n", "live: 2\n"),
        (json!({ "requests": [] }), "FIELD     VALUE\nrequests  -\n", "requests: -\n"),
        (
            json!({ "steps": ["a", "b"], "unknown": [] }),
            "FIELD    VALUE\nsteps    a, b\nunknown  -\n",
            "steps: a, b\nunknown: -\n",
        ),
        (json!({ "dryRun": true, "machines": [{ "name": "m" }], "unknown": [] }), "NAME\nm\n", "name: m\n"),
    ] {
        for (format, expected) in [(Format::Table, table), (Format::List, list)] {
            assert_eq!(String::from_utf8(document(&value, format).bytes(false)).unwrap(), expected);
        }
        assert_eq!(document(&value, Format::Json), documents::render(&value, Format::Json));
    }
}

#[test]
fn standings() {
    let gone = machine(3, MachineState::Terminated);
    for (kind, state, machines, expected) in [
        (RequestKind::Acquire, RequestState::Started, two(), (1, 0, 2, "running")),
        (RequestKind::Acquire, RequestState::Partial, two(), (1, 1, 2, "running")),
        (RequestKind::Acquire, RequestState::Failed, vec![], (0, 2, 2, "running")),
        (
            RequestKind::Return,
            RequestState::Started,
            vec![gone.clone(), machine(1, MachineState::ShuttingDown)],
            (1, 0, 2, "gone"),
        ),
        (RequestKind::Return, RequestState::Complete, vec![gone], (1, 0, 1, "gone")),
    ] {
        let standing = Standing::of(&[view(kind, state, machines)]);
        assert_eq!(
            (standing.done, standing.failed, standing.total, standing.goal),
            expected,
            "{kind:?} {state:?}"
        );
    }
    let both = [
        view(RequestKind::Acquire, RequestState::Started, two()),
        view(RequestKind::Return, RequestState::Started, two()),
    ];
    assert_eq!(Standing::of(&both).goal, "ready");
}

/// The command line knows words only; they must be the domain's.
#[test]
fn words_of_the_command_line_are_states() {
    use MachineStatus::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    use RequestStatus::{Cancelled, Complete, CompleteWithError, Failed, Partial, Recorded, Started};

    let words = [Pending, Running, Stopping, Stopped, ShuttingDown, Terminated].map(MachineStatus::name);
    assert_eq!(words, *MachineState::NAMES);
    let own = [Recorded, Started, Complete, Partial, Failed, Cancelled].map(RequestStatus::states).concat();
    assert_eq!(own, RequestState::NAMES);
    for status in [RequestStatus::Running, Complete, CompleteWithError] {
        for state in status.states() {
            let view = view(RequestKind::Acquire, RequestState::parse(state).unwrap(), vec![]);
            let word = ohfp_wire::request_status(&view.request);
            assert_eq!(
                status,
                match word {
                    "running" => RequestStatus::Running,
                    "complete" => Complete,
                    _ => CompleteWithError,
                },
                "{state}"
            );
        }
    }
    assert_eq!([RequestType::Acquire, RequestType::Return].map(RequestType::name), *RequestKind::NAMES);
}
