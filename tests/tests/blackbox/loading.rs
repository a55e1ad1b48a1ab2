//! When parts are built: as late as possible, or all at start. The answer is the same; what it costs can be
//! looked at.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;

use ohfp_tests::Ended;
use ohfp_tests::grid::{Grid, TEMPLATE, document, hosts, refused, text, wanted};
use serde_json::{Value, json};

/// The parts that a command says it built, in the table on standard error.
fn built(ended: &Ended) -> BTreeSet<String> {
    let rows = ended.stderr.lines().skip_while(|line| !line.starts_with("COMPONENT")).skip(1);
    let names = rows.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| name.ends_with("Port") || name.ends_with("Service")).map(str::to_owned).collect()
}

/// Every part that is registered, and those that were built, by `system metrics`.
fn parts(grid: &Grid) -> (Value, BTreeSet<String>, BTreeSet<String>) {
    let metrics = grid.command(&["system", "metrics"]);
    let mut rows = metrics["components"].as_array().unwrap().clone();
    // A factory has nothing to build ahead of a question.
    rows.retain(|row| row["kind"] != "factory");
    let names = |keep: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        rows.iter().filter(|row| keep(row)).map(|row| text(&row["component"])).collect()
    };
    let loaded = names(&|row| row["loads"].as_u64().unwrap() > 0);
    (metrics, names(&|_| true), loaded)
}

#[test]
fn nothing_is_built_that_is_not_needed() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 1);
    grid.settled(&id);
    grid.sandbox.set("PERFORMANCE_DEBUG", "true");
    let run = |words: &[&str]| {
        let ended = grid.sandbox.run("ohfp-live", words);
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        built(&ended)
    };
    let status = format!(r#"{{"requests": [{{"requestId": "{id}"}}]}}"#);
    for words in [
        &["machines", "list"][..],
        &["requests", "list"],
        &["getRequestStatus", "-d", &status],
        &["getReturnRequests", "-d", "{}"],
    ] {
        let built = run(words);
        assert!(built.contains("StoragePort"), "{words:?}: {built:?}");
        assert!(!built.contains("TemplateService"), "{words:?}: {built:?}");
    }
    let requested = run(&["machines", "request", TEMPLATE]);
    let needed = ["StoragePort", "ProviderPort", "TemplateService", "RequestService"];
    assert!(needed.iter().all(|name| requested.contains(*name)), "{requested:?}");
    // All at once, where that is asked for.
    grid.sandbox.set("LAZY_LOADING_ENABLED", "false");
    let all = built(&grid.sandbox.run("ohfp-live", &["machines", "list"]));
    assert!(all.is_superset(&requested) && all.contains("SchedulerPort"), "{all:?}");
}

#[test]
fn variables_override_the_configuration() {
    let settings = |enabled: bool| {
        json!({
            "features": { "monitoring": true },
            "performance": { "lazy_loading": { "enabled": enabled } },
        })
    };
    let lazy = Grid::new(&json!({}), &settings(true));
    let eager = Grid::new(&json!({}), &settings(false));
    for (mut grid, configured) in [(lazy, true), (eager, false)] {
        for (variable, expected) in [
            (None, configured),
            (Some(""), configured),
            (Some("true"), true),
            (Some("FALSE"), false),
            (Some("1"), true),
            (Some("0"), false),
        ] {
            if let Some(value) = variable {
                grid.sandbox.set("LAZY_LOADING_ENABLED", value);
            }
            let (metrics, all, loaded) = parts(&grid);
            assert_eq!(metrics["lazy_loading"], expected, "{configured} {variable:?}");
            assert_eq!(loaded == all, !expected, "{configured} {variable:?}: {loaded:?} of {all:?}");
        }
    }
}

/// What is printed for debugging goes to standard error; standard output is the same to the byte.
#[test]
fn answers_do_not_depend_on_it() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 2);
    let host = hosts(&grid.settled(&id)).remove(0);
    let questions = [
        ("getRequestStatus", json!({ "requests": [{ "requestId": id }] })),
        ("getReturnRequests", json!({ "machines": [{ "name": host.name }] })),
        ("getAvailableTemplates", json!({})),
        ("requestMachines", wanted("nosuch", 1)),
        ("requestReturnMachines", json!({})),
    ];
    let ask = |grid: &Grid| -> Vec<Ended> {
        let operations = questions.iter().map(|(operation, input)| grid.ask(operation, input));
        let commands =
            [&["machines", "list"][..], &["requests", "show", &id], &["machines", "show", &host.id]];
        operations.chain(commands.iter().map(|words| grid.sandbox.run("ohfp", words))).collect()
    };
    let plain = ask(&grid);
    for (variables, table) in [
        (&[("PERFORMANCE_DEBUG", "true")][..], true),
        (&[("PERFORMANCE_DEBUG", "false")], false),
        (&[("LAZY_LOADING_ENABLED", "false")], false),
        (&[("LAZY_LOADING_ENABLED", "false"), ("PERFORMANCE_DEBUG", "1")], true),
        (&[("PERFORMANCE_LOG_LEVEL", "trace")], false),
    ] {
        for (name, value) in variables {
            grid.sandbox.set(name, *value);
        }
        let answers = ask(&grid);
        for (answer, plain) in answers.iter().zip(&plain) {
            assert_eq!((answer.code, &answer.stdout), (plain.code, &plain.stdout), "{variables:?}");
        }
        let shown = answers.iter().any(|answer| answer.stderr.contains("COMPONENT"));
        assert_eq!(shown, table, "{variables:?}");
        for (name, _) in variables {
            grid.sandbox.unset(name);
        }
    }
}

#[test]
fn wrong_values_are_one_clear_error() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    for (name, value, says) in [
        ("LAZY_LOADING_ENABLED", "maybe", "true, false, 1 or 0"),
        ("PERFORMANCE_DEBUG", "2", "true, false, 1 or 0"),
        ("PERFORMANCE_LOG_LEVEL", "loud", "TRACE, DEBUG, INFO"),
    ] {
        grid.sandbox.set(name, value);
        let message = grid.refusal("requestMachines", &wanted(TEMPLATE, 1));
        for part in [name, says, &format!("\"{value}\"")] {
            assert!(message.contains(part), "{message}");
        }
        let ended = grid.sandbox.run("ohfp", &["machines", "list"]);
        assert!(ended.code == 1 && ended.stdout.is_empty() && ended.stderr.contains(name), "{ended:?}");
        grid.sandbox.unset(name);
    }
    assert_eq!(grid.live(), 0);
}

/// Every way of loading that can be set comes to the same answers.
#[test]
fn every_way_of_loading_works() {
    for performance in [
        json!({ "lazy_loading": { "enabled": false } }),
        json!({ "lazy_loading": { "cache_instances": false } }),
        json!({ "lazy_loading": { "discovery_mode": "eager", "connection_mode": "eager" } }),
        json!({ "lazy_loading": { "preload_critical": ["RequestService", "TemplateService"] } }),
        json!({ "lazy_loading": { "preload_critical": [] } }),
        json!({ "lazy_loading": { "background_loading": { "enabled": true, "thread_pool_size": 8 } } }),
        json!({ "startup": { "background_loading": true, "minimal_registration": false } }),
        json!({ "startup": { "defer_heavy_operations": false } }),
        json!({ "caching": { "component_cache_size": 0, "memory_limit_mb": 1 } }),
        json!({ "caching": { "result_cache_ttl": 0 } }),
        json!({ "optimization": { "batch_size": 1, "concurrent_loads": 1, "timeout_seconds": 1 } }),
    ] {
        let grid = Grid::new(&json!({}), &json!({ "performance": performance }));
        let machines = grid.machines(TEMPLATE, 2);
        grid.command(&["sim", "fail", &machines[0].id]);
        assert_eq!(grid.reclaims(&json!({})), [(machines[0].name.clone(), 0)], "{performance}");
        let back = grid.give_back(&machines);
        for _ in 0..3 {
            assert_eq!(grid.settled(&back)["status"], "complete", "{performance}");
        }
        assert_eq!(grid.live(), 0, "{performance}");
        assert_eq!(grid.command(&["system", "health"])["checks"][0]["status"], "healthy", "{performance}");
    }
}

/// A part that is switched off cannot be had, and what needs it says so.
#[test]
fn parts_can_be_switched_off() {
    let grid = Grid::new(&json!({}), &json!({ "features": { "database_support": false } }));
    for (operation, input) in [
        ("requestMachines", wanted(TEMPLATE, 1)),
        ("getReturnRequests", json!({})),
        ("getRequestStatus", json!({ "requests": [{ "requestId": "req-x" }] })),
    ] {
        let message = grid.refusal(operation, &input);
        assert!(message.contains("`features.database_support`"), "{operation}: {message}");
    }
    let templates = document(&grid.ask("getAvailableTemplates", &json!({})));
    assert!(!templates["templates"].as_array().unwrap().is_empty());
    assert!(!grid.work().join("ohfp.db").exists());
}

/// A critical part that cannot be built ends the command before anything is done.
#[test]
fn what_is_critical_must_be_built() {
    let loading = json!({ "preload_critical": ["StoragePort"], "connection_mode": "eager" });
    let mut grid = Grid::new(&json!({}), &json!({ "performance": { "lazy_loading": loading } }));
    let file = grid.sandbox.input("a file", "x");
    grid.sandbox.set("HF_PROVIDER_WORKDIR", &file);
    let message = refused(&grid.ask("requestMachines", &wanted(TEMPLATE, 1)));
    assert!(message.contains("a file"), "{message}");
}
