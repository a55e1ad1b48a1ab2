//! Documents in each format, and those that configuration makes.

use ohfp_render::Format;
use ohfp_render::documents::{render, setting};
use ohfp_render::queries::Query;
use ohfp_resolver::{Resolved, Secrets};
use serde_json::{Value, json};

use crate::resolve;

/// The four forms of one document, in the order of [`Format::ALL`].
fn check(document: &Value, expected: [&str; 4]) {
    for (format, expected) in Format::ALL.iter().copied().zip(expected) {
        let found = render(document, format);
        assert_eq!(String::from_utf8(found.bytes(false)).unwrap(), expected, "{format}: {document}");
        let head = String::from_utf8(found.head).unwrap();
        let styled = if head.is_empty() { head } else { format!("\x1b[1m{}\x1b[0m\n", head.trim_end()) };
        assert_eq!(String::from_utf8(found.head_styled).unwrap(), styled, "{format}: {document}");
    }
}

#[test]
fn formats_have_names() {
    let names: Vec<String> = Format::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["json", "yaml", "table", "list"]);
}

#[test]
fn lists_have_a_row_per_object() {
    check(
        &json!({ "things": [{ "name": "a", "size": 1 }, { "name": "long", "kind": ["x", "y"] }, { "name": "" }] }),
        [
            "{\n  \"things\": [\n    {\n      \"name\": \"a\",\n      \"size\": 1\n    },\n    {\n      \"name\": \"long\",\n      \"kind\": [\"x\", \"y\"]\n    },\n    {\n      \"name\": \"\"\n    }\n  ]\n}\n",
            "things:\n- name: a\n  size: 1\n- name: long\n  kind: [x, \"y\"]\n- name: \"\"\n",
            "NAME  SIZE  KIND\na     1     -\nlong  -     x, y\n-     -     -\n",
            "name: a\nsize: 1\n\nname: long\nkind: x, y\n\nname: -\n",
        ],
    );
}

#[test]
fn records_have_a_line_per_field() {
    check(
        &json!({ "name": "a", "on": true, "none": null }),
        [
            "{\n  \"name\": \"a\",\n  \"on\": true,\n  \"none\": null\n}\n",
            "name: a\n\"on\": true\nnone: null\n",
            "FIELD  VALUE\nname   a\non     true\nnone   -\n",
            "name: a\non: true\nnone: -\n",
        ],
    );
    // Two lists, or one of other things than objects, make a record.
    for (document, table) in [
        (json!({ "a": [{ "x": 1 }], "b": [{ "y": 2 }] }), "FIELD  VALUE\na      {x=1}\nb      {y=2}\n"),
        (json!({ "a": [1, 2] }), "FIELD  VALUE\na      1, 2\n"),
    ] {
        assert_eq!(String::from_utf8(render(&document, Format::Table).bytes(false)).unwrap(), table);
    }
    check(&json!(7), ["7\n", "7\n", "FIELD  VALUE\n", "7\n"]);
}

const CONFIG: &str = r#"{
    "scheduler": {"type": "default"},
    "logging": {"level": "WARNING"},
    "provider": {"active_provider": "b", "providers": [
        {"name": "a", "type": "sim", "priority": 3, "weight": 7, "enabled": false},
        {"name": "b", "type": "aws", "config": {"region": "r", "secret_key": "s3"}}
    ]}
}"#;

fn resolved() -> Resolved {
    resolve(&[("config.json", CONFIG)]).unwrap()
}

fn text(query: &Query, format: Format, secrets: Secrets) -> Option<String> {
    let found = query.render(&resolved(), format, secrets)?;
    Some(String::from_utf8(found.bytes(false)).unwrap())
}

#[test]
fn configuration_is_rows_for_people_and_a_tree_for_programs() {
    let shown = |format| text(&Query::Config, format, Secrets::Hidden).unwrap();
    let tree: Value = serde_json::from_str(&shown(Format::Json)).unwrap();
    assert_eq!(tree["scheduler"], json!({ "type": "default", "log_dir": null }));
    assert_eq!(tree["logging"]["level"], "WARNING");
    assert_eq!(tree["storage"]["strategy"], "sqlite");
    assert!(shown(Format::Yaml).contains("scheduler:\n  type: default\n"));
    let table = shown(Format::Table);
    let row = |key: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.split(' ').next() == Some(key)).unwrap_or_default();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(
        table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["KEY", "VALUE", "SOURCE"]
    );
    assert_eq!(row("storage.strategy"), ["storage.strategy", "sqlite", "default"]);
    assert_eq!(row("scheduler.type"), ["scheduler.type", "default", "config.json:2"]);
    assert!(
        shown(Format::List).contains("key: scheduler.type\nvalue: default\nsource: config.json:2\n\nkey: ")
    );
}

#[test]
fn one_setting_or_a_section() {
    let resolved = resolved();
    for (key, expected) in [
        ("scheduler.type", json!({ "key": "scheduler.type", "value": "default", "source": "config.json:2" })),
        ("storage.strategy", json!({ "key": "storage.strategy", "value": "sqlite", "source": "default" })),
        // Another name of it.
        ("storage.type", json!({ "key": "storage.strategy", "value": "sqlite", "source": "default" })),
        ("scheduler", json!({ "type": "default", "log_dir": null })),
        ("scheduler.", Value::Null),
        ("sched", Value::Null),
        ("", Value::Null),
    ] {
        let found = setting(&resolved, key, Secrets::Hidden).unwrap_or_default();
        assert_eq!(found, expected, "{key}");
    }
    let section = setting(&resolved, "storage", Secrets::Hidden).unwrap();
    assert_eq!(section["strategy"], "sqlite");
    assert!(section["sql_strategy"].get("name").is_some(), "{section}");
}

#[test]
fn providers() {
    let shown = |query: &Query, secrets| -> Option<Value> {
        text(query, Format::Json, secrets).map(|text| serde_json::from_str(&text).unwrap())
    };
    let a =
        json!({ "name": "a", "type": "sim", "enabled": false, "default": false, "priority": 3, "weight": 7 });
    let b =
        json!({ "name": "b", "type": "aws", "enabled": true, "default": true, "priority": 0, "weight": 100 });
    assert_eq!(shown(&Query::Providers, Secrets::Hidden), Some(json!({ "providers": [a, b] })));
    let provider = |name: Option<&str>, secrets| shown(&Query::Provider(name.map(str::to_owned)), secrets);
    for (name, secrets, secret) in [
        (None, Secrets::Hidden, "(redacted)"),
        (Some("b"), Secrets::Shown, "s3"),
        (None, Secrets::Shown, "s3"),
    ] {
        let found = provider(name, secrets).unwrap();
        assert_eq!(found["config"], json!({ "region": "r", "secret_key": secret }));
        assert_eq!(found["name"], "b");
        assert_eq!(found["source"], "config.json:6");
    }
    assert_eq!(provider(Some("a"), Secrets::Hidden).unwrap()["config"], json!({}));
    assert_eq!(provider(Some("c"), Secrets::Hidden), None);
}

#[test]
fn choices() {
    let shown = |query: Query| text(&query, Format::List, Secrets::Hidden);
    let host_factory = |active| {
        format!(
            "name: hostfactory\nactive: {active}\ndescription: IBM Spectrum Symphony and LSF Host Factory\n"
        )
    };
    let plain = |active| format!("name: default\nactive: {active}\ndescription: Any other caller\n");
    assert_eq!(shown(Query::Schedulers), Some(format!("{}\n{}", host_factory(false), plain(true))));
    let names = "names: snake_case\ntemplate_id: template_id\nrequest_id: request_id\n";
    assert_eq!(shown(Query::Scheduler(None)), Some(format!("{}{names}", plain(true))));
    let names = "names: camelCase\ntemplate_id: templateId\nrequest_id: requestId\n";
    assert_eq!(
        shown(Query::Scheduler(Some("hostfactory".to_owned()))),
        Some(format!("{}{names}", host_factory(false)))
    );
    assert_eq!(shown(Query::Scheduler(Some("slurm".to_owned()))), None);
    let sqlite = "name: sqlite\nactive: true\ndescription: Embedded database in the work directory\n";
    assert_eq!(shown(Query::Stores).as_deref(), Some(sqlite));

    let other = resolve(&[]).unwrap();
    let active = Query::Scheduler(None).render(&other, Format::List, Secrets::Hidden).unwrap();
    assert!(String::from_utf8(active.body).unwrap().starts_with(&host_factory(true)));
    let store = |name: Option<&str>| ohfp_render::documents::store(&other.settings, name);
    assert_eq!(store(None), store(Some("sqlite")));
    assert_eq!(store(None).unwrap()["shared_between_hosts"], "no");
    assert_eq!(store(Some("postgres")), None);
    assert_eq!(ohfp_render::documents::store_names().collect::<Vec<_>>(), ["sqlite"]);
}
