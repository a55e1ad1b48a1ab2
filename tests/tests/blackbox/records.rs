//! Machines and requests as people and scripts see them: every form of every list, filters and pages.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use ohfp_tests::golden;
use ohfp_tests::grid::{Grid, Host, LIMITED, SPOT, TEMPLATE, hosts, text};
use serde_json::{Value, json};

/// Two requests and a return that always look alike, but for ids and times.
fn recorded() -> (Grid, Vec<Host>) {
    let grid = Grid::new(&json!({ "capacity": { "by_type": { "m5.xlarge": 1 } } }), &json!({}));
    let machines = grid.machines(TEMPLATE, 2);
    // Both types are needed in turn, and one is short.
    grid.settled(&grid.request(SPOT, 3));
    grid.settled(&grid.give_back(&machines[..1]));
    grid.command(&["sim", "reclaim", &machines[1].id, "--grace", "3000"]);
    grid.command(&["machines", "status", "--all"]);
    (grid, machines)
}

/// Ids and times in place of what differs each time, of the same width.
fn masked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut masked = bytes.to_vec();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let uuid = |prefix: &[u8]| rest.starts_with(prefix) && rest.len() >= 40;
        let long = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let span = if uuid(b"req-") || uuid(b"ret-") {
            4..40
        } else if rest.starts_with(b"i-") && rest.len() >= 19 && rest[2..19].iter().all(|byte| is_hex(*byte))
        {
            2..19
        } else if rest.len() >= 20 && rest[19] == b'Z' && rest[10] == b'T' && rest[4] == b'-' {
            0..19
        } else if long == 10 {
            0..10
        } else {
            at += long.max(1);
            continue;
        };
        for byte in &mut masked[at + span.start..at + span.end] {
            if is_hex(*byte) {
                *byte = b'0';
            }
        }
        at += span.end;
    }
    String::from_utf8(masked).unwrap()
}

#[test]
fn every_form() {
    let (grid, machines) = recorded();
    let requests = grid.command(&["requests", "list"]);
    let partial = text(&requests["requests"][1]["requestId"]);
    let given_back = text(&requests["requests"][0]["requestId"]);
    // As a scheduler asks, which gets an answer about each id.
    let asked = [&partial, &given_back, "req-unknown"].map(|id| json!({ "requestId": id }));
    let asked = json!({ "requests": asked }).to_string();
    for (name, words) in [
        ("machines-list", &["machines", "list"][..]),
        ("machines-list-gone", &["machines", "list", "--status", "terminated"]),
        ("machines-show", &["machines", "show", &machines[1].name]),
        ("machines-status", &["machines", "status", &machines[1].id]),
        ("requests-list", &["requests", "list"]),
        ("requests-show", &["requests", "show", &partial]),
        ("requests-status", &["requests", "status", "-d", &asked]),
    ] {
        for format in ["json", "yaml", "table", "list"] {
            let run = |more: &[&str]| {
                let words: Vec<&str> =
                    words.iter().chain(&["--format", format]).chain(more).copied().collect();
                let ended = grid.sandbox.run("ohfp", &words);
                assert!(ended.code == 0 && ended.stderr.is_empty(), "{words:?}: {ended:?}");
                masked(&ended.text())
            };
            golden(&format!("records/{name}.{format}"), run(&[]).as_bytes());
            if format == "json" {
                let plain = run(&["--scheduler", "default"]);
                golden(&format!("records/{name}-default.json"), plain.as_bytes());
            }
            if words[1] == "list" && (format == "table" || format == "list") {
                golden(&format!("records/{name}-long.{format}"), run(&["--long"]).as_bytes());
            }
        }
    }
}

/// What a list holds, by one field.
fn listed(grid: &Grid, words: &str, field: &str) -> Vec<String> {
    let words: Vec<&str> = words.split(' ').collect();
    let answer = grid.command(&words);
    let list = answer[words[0]].as_array().unwrap_or_else(|| panic!("{words:?}: {answer}"));
    list.iter().map(|entry| text(&entry[field])).collect()
}

#[test]
fn what_is_listed() {
    let grid = Grid::new(&json!({}), &json!({}));
    let first = grid.machines(TEMPLATE, 3);
    let second = grid.machines(LIMITED, 2);
    let third = grid.machines(SPOT, 1);
    let back = grid.give_back(&first[..1]);
    grid.settled(&back);
    let names =
        |hosts: &[Host]| -> Vec<String> { hosts.iter().rev().map(|host| host.name.clone()).collect() };
    let there: Vec<String> = [names(&third), names(&second), names(&first[1..])].concat();
    let all: Vec<String> = [names(&third), names(&second), names(&first)].concat();
    let request = listed(&grid, "requests list --template-id any", "requestId").remove(0);
    let octet = first[2].name.split('.').next().unwrap();

    for (words, expected) in [
        ("machines list".to_owned(), there.clone()),
        ("machines list --status running".to_owned(), there.clone()),
        ("machines list --status terminated".to_owned(), names(&first[..1])),
        ("machines list --status terminated --status running".to_owned(), all),
        ("machines list --status pending".to_owned(), Vec::new()),
        (format!("machines list --request-id {request}"), names(&first)),
        ("machines list --request-id req-unknown".to_owned(), Vec::new()),
        ("machines list --template-id five".to_owned(), names(&second)),
        ("machines list --limit 2".to_owned(), there[..2].to_vec()),
        ("machines list --offset 4".to_owned(), there[4..].to_vec()),
        ("machines list --offset 1 --limit 3".to_owned(), there[1..4].to_vec()),
        ("machines list --offset 99".to_owned(), Vec::new()),
        ("machines list --filter templateId=five".to_owned(), names(&second)),
        ("machines list --filter template_id=five --limit 1".to_owned(), names(&second)[..1].to_vec()),
        ("machines list --filter priceType=spot".to_owned(), names(&third)),
        (format!("machines list --filter name~{octet}."), names(&first[2..])),
        (
            "machines list --filter name=~^ip-10-0 --filter templateId=~^(five|spot)$".to_owned(),
            there[..3].to_vec(),
        ),
        ("machines list --filter templateId=~^five$ --offset 1".to_owned(), names(&second)[1..].to_vec()),
        ("machines list --filter name=nosuch".to_owned(), Vec::new()),
    ] {
        assert_eq!(listed(&grid, &words, "name"), expected, "{words}");
    }
    for (words, expected) in [
        ("requests list --limit 1", &[back.as_str()][..]),
        ("requests list --type return", &[&back]),
        ("requests list --template-id any --status complete", &[&request]),
        ("requests list --status running", &[]),
        ("requests list --status complete_with_error", &[]),
        ("requests list --filter type=return", &[&back]),
        ("requests list --filter machineCount=3", &[&request]),
        ("requests list --offset 3", &[&request]),
    ] {
        assert_eq!(listed(&grid, words, "requestId"), expected, "{words}");
    }
}

#[test]
fn questions_that_cannot_be_answered() {
    let grid = Grid::new(&json!({}), &json!({}));
    let host = grid.machines(TEMPLATE, 1).remove(0);
    let near = host.name.replace("ip-", "pi-");
    for (words, code, says) in [
        ("machines list --filter nosuch=1", 2, "`nosuch"),
        ("machines list --filter name", 2, "has no `=` or `~`"),
        ("machines list --filter name=~(", 2, "no regular expression"),
        ("machines list --status gone", 2, "'gone'"),
        ("machines list --limit 0", 2, "'0'"),
        ("requests list --type both", 2, "'both'"),
        ("machines show nosuch", 1, "`nosuch`"),
        (&format!("machines show {near}"), 1, &host.name),
        (&format!("machines status {} nosuch", host.name), 1, "`nosuch`"),
        ("machines status", 2, "required"),
        ("requests show nosuch", 1, "`nosuch`"),
        ("requests cancel nosuch --yes", 1, "`nosuch`"),
        ("requests status", 2, "required"),
        ("requests status -d {}", 1, "`requests` is missing"),
        ("requests status -f nosuch.json", 1, "nosuch.json"),
        ("requests list-returns -d []", 1, "does not hold a JSON object"),
        ("machines return -d {} --all", 2, "cannot be used with"),
        ("machines request", 2, "required"),
        ("machines request nosuch", 1, "`nosuch`"),
        ("machines request any 0", 2, "'0'"),
        ("machines request any -c 2 3", 2, "cannot be used with"),
    ] {
        let ended = grid.sandbox.run("ohfp", &words.split(' ').collect::<Vec<_>>());
        assert!(ended.code == code && ended.stdout.is_empty(), "{words}: {ended:?}");
        assert!(ended.stderr.contains(says), "{words}: {}", ended.stderr);
    }
    assert_eq!(grid.live(), 1);
}

/// Inputs from a file and from the command line, in the names of either format.
#[test]
fn questions_from_files() {
    let grid = Grid::new(&json!({}), &json!({}));
    let ask = |words: &[&str], question: &Value| -> [Value; 2] {
        grid.sandbox.input("question.json", question.to_string());
        let text = question.to_string();
        [&["-f", "question.json"][..], &["--data", &text]].map(|input| {
            let words: Vec<&str> = words.iter().chain(input).copied().collect();
            grid.command(&words)
        })
    };
    for question in [
        json!({ "template": { "templateId": TEMPLATE, "machineCount": 2 } }),
        json!({ "template": { "template_id": TEMPLATE, "machine_count": 2 } }),
    ] {
        for answer in ask(&["machines", "request"], &question) {
            let id = text(&answer["requestId"]);
            assert_eq!(hosts(&grid.settled(&id)).len(), 2);
            let question = json!({ "requests": [{ "requestId": id }] });
            for answer in ask(&["requests", "status"], &question) {
                assert_eq!(answer["requests"][0], grid.status(&id));
            }
            for answer in ask(&["requests", "status", "--scheduler", "default"], &question) {
                let request = &answer["requests"][0];
                assert_eq!((&request["request_id"], &request["state"]), (&json!(id), &json!("complete")));
                assert!(request["machines"][0]["launch_time"].is_u64(), "{request}");
            }
        }
    }
    let machines = grid.command(&["machines", "list"]);
    let named: Vec<Value> = hosts(&machines).iter().map(|host| json!({ "name": host.name })).collect();
    assert_eq!(named.len(), 8);
    let plain = ask(&["machines", "return", "--scheduler", "default"], &json!({ "machines": named }));
    assert_eq!((&plain[0]["machines"], &plain[0]["unknown"]), (&json!(8), &json!([])), "{plain:?}");
    for answer in &plain {
        assert_eq!(grid.settled(&text(&answer["request_id"]))["status"], "complete");
    }
}
