use ohfp_broker::wire_format::SchedulerKind;
use serde_json::{Value, json};

use super::read;

fn check<T: std::fmt::Debug>(
    read: impl Fn(&Value) -> ohfp_broker::Result<T>,
    input: &Value,
    expected: Result<&str, &str>,
) {
    let found = read(input);
    match (&found, expected) {
        (Ok(value), Ok(expected)) => assert_eq!(format!("{value:?}"), expected, "{input}"),
        (Err(error), Err(expected)) => assert_eq!(error.summary(), expected, "{input}"),
        _ => panic!("{input}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn questions_for_machines() {
    const TWO: &str = "MachinesWanted { template_id: \"t\", count: 2, rc_account: None, user_data: None }";
    // What machines shall be told is in no message and no log.
    const LSF: &str = "MachinesWanted { template_id: \"t\", count: 2, rc_account: Some(\"projA\"), \
        user_data: Some(UserData(14 bytes)) }";
    let lsf = |account: Value, data: Value| {
        let template = json!({ "templateId": "t", "machineCount": 2 });
        json!({ "template": template, "rc_account": account, "userData": data })
    };
    let template = |template: Value| json!({ "template": template });
    for (input, expected) in [
        (template(json!({ "templateId": "t", "machineCount": 2 })), Ok(TWO)),
        (template(json!({ "template_id": "t", "machine_count": 2 })), Ok(TWO)),
        (template(json!({ "templateId": "t", "machineCount": "2" })), Ok(TWO)),
        (lsf(json!("projA"), json!({ "queue": "q1" })), Ok(LSF)),
        (lsf(json!("projA"), json!("queue=q1;a=b;c")), Ok(LSF)),
        (lsf(json!(""), json!({})), Ok(TWO)),
        (lsf(Value::Null, Value::Null), Ok(TWO)),
        (lsf(json!([1]), json!("")), Ok(TWO)),
        (
            lsf(Value::Null, json!("x".repeat(16 * 1024 + 1))),
            Err("`userData` must not be longer than 16 KiB, the limit of EC2"),
        ),
        (json!([]), Err("`the input` must be an object, not []")),
        (json!({}), Err("`template` is missing: expected {\"templateId\": …, \"machineCount\": …}")),
        (
            template(json!([1])),
            Err("`template` must be an object {\"templateId\": …, \"machineCount\": …}, not [1]"),
        ),
        (
            template(json!({ "machineCount": 1 })),
            Err("`template.templateId` is missing: expected the id of a template"),
        ),
        (
            template(json!({ "templateId": "", "machineCount": 1 })),
            Err("`template.templateId` must be the id of a template, not \"\""),
        ),
        (
            template(json!({ "templateId": "t" })),
            Err("`template.machineCount` is missing: expected the number of machines, at least 1"),
        ),
    ] {
        check(read::request, &input, expected);
    }
    for count in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("x"),
        json!(""),
        json!("-2"),
        json!("+2"),
        json!(true),
        json!([]),
    ] {
        let message = format!("`template.machineCount` must be a whole number, at least 1, not {count}");
        check(read::request, &template(json!({ "templateId": "t", "machineCount": count })), Err(&message));
    }
}

#[test]
fn machines_to_return() {
    const ONE: &str = "[MachineRef { name: Some(\"h\"), id: Some(MachineId(\"i\")) }]";
    for (input, expected) in [
        (json!({ "machines": [{ "name": "h", "machineId": "i" }] }), Ok(ONE)),
        (json!({ "machines": { "name": "h", "machineId": "i" } }), Ok(ONE)),
        (json!({ "machines": [{ "name": "h", "machine_id": "i" }] }), Ok(ONE)),
        (
            json!({ "machines": [{ "name": "h", "machineId": null }] }),
            Ok("[MachineRef { name: Some(\"h\"), id: None }]"),
        ),
        (
            json!({ "machines": [{ "machineId": "i" }] }),
            Ok("[MachineRef { name: None, id: Some(MachineId(\"i\")) }]"),
        ),
        (json!({ "machines": [] }), Err("`machines` is empty: no machine to return is named")),
        (json!({}), Err("`machines` is missing: expected a list of {\"name\": …, \"machineId\": …}")),
        (json!({ "machines": ["*"] }), Err("`machines[0]` must be an object, not \"*\"")),
        (
            json!({ "machines": [{}] }),
            Err("`machines[0].name` is missing: expected the host name of a machine"),
        ),
        (
            json!({ "machines": [{ "name": "a" }, { "name": "" }] }),
            Err("`machines[1].name` is missing: expected the host name of a machine"),
        ),
        (json!({ "machines": [{ "name": 7 }] }), Err("`machines[0].name` must be a text, not 7")),
        (json!({ "machines": "all" }), Err("`machines` must be a list of objects, not \"all\"")),
    ] {
        check(read::return_machines, &input, expected);
    }
}

#[test]
fn requests_asked_about() {
    for (input, expected) in [
        (
            json!({ "requests": [{ "requestId": "a" }, { "request_id": "b" }] }),
            Ok("[RequestId(\"a\"), RequestId(\"b\")]"),
        ),
        (json!({ "requests": { "requestId": "a" } }), Ok("[RequestId(\"a\")]")),
        (json!({ "requests": [] }), Ok("[]")),
        (json!({}), Err("`requests` is missing: expected a list of {\"requestId\": …}")),
        (
            json!({ "requests": [{}] }),
            Err("`requests[0].requestId` is missing: expected the id of a request"),
        ),
        (
            json!({ "requests": [{ "requestId": 1 }] }),
            Err("`requests[0].requestId` must be the id of a request, not 1"),
        ),
    ] {
        check(read::status, &input, expected);
    }
}

#[test]
fn machines_the_scheduler_knows() {
    for (input, expected) in [
        (json!({}), Ok("None")),
        (json!({ "machines": [] }), Ok("Some([])")),
        (json!({ "machines": null }), Ok("None")),
        (json!({ "machines": [{ "name": "h" }] }), Ok("Some([MachineRef { name: Some(\"h\"), id: None }])")),
        (json!({ "machines": 3 }), Err("`machines` must be a list of objects, not 3")),
    ] {
        check(read::reclaims, &input, expected);
    }
}

#[test]
fn what_is_not_known_has_ended() {
    let id = ohfp_broker::RequestId::from_text("../../etc/passwd");
    for (kind, name) in [(SchedulerKind::HostFactory, "requestId"), (SchedulerKind::Default, "request_id")] {
        let answer = super::of(kind).write_statuses(std::slice::from_ref(&id), &[None]);
        let request = &answer["requests"][0];
        assert_eq!(request[name], "../../etc/passwd");
        let over = if kind == SchedulerKind::Default { "failed" } else { "complete_with_error" };
        assert_eq!(request["status"], over);
        assert_eq!(request["machines"], json!([]));
    }
}

/// Longer texts than this are no names: 1,024 bytes are taken and one more is not.
#[test]
fn names_have_an_end() {
    let (longest, longer) = ("x".repeat(1_024), "x".repeat(1_025));
    let account = |text: &str| {
        let input = json!({ "template": { "templateId": "t", "machineCount": 1 }, "rcAccount": text });
        read::request(&input).unwrap().rc_account
    };
    assert_eq!(account(&longest).as_deref(), Some(longest.as_str()));
    assert_eq!(account(&longer), None);
    let number = json!({ "template": { "templateId": "t", "machineCount": 1 }, "rc_account": 42 });
    assert_eq!(read::request(&number).unwrap().rc_account.as_deref(), Some("42"));

    let id = |text: &str| read::status(&json!({ "requests": [{ "requestId": text }] }));
    assert!(id(&longest).is_ok() && id(&longer).is_err() && id("").is_err());
    let host = |text: &str| read::return_machines(&json!({ "machines": [{ "name": text }] }));
    assert!(host(&longest).is_ok() && host(&longer).is_err());

    // EC2 takes 16 KiB of user data, and what is found in a message is cut after 60 characters.
    let data = |len: usize| {
        let input =
            json!({ "template": { "templateId": "t", "machineCount": 1 }, "userData": "x".repeat(len) });
        read::request(&input)
    };
    assert!(data(16 * 1024).is_ok() && data(16 * 1024 + 1).is_err());
    let message = read::status(&json!({ "requests": longer })).unwrap_err();
    let found = format!("`requests` must be a list of objects, not \"{}", "x".repeat(59));
    assert_eq!(message.summary(), found);
}
