//! `system health` and `system status`: each figure against its threshold, for people, programs and Nagios; and
//! `doctor --performance`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ohfp_tests::grid::{Grid, TEMPLATE, document};
use ohfp_tests::{Ended, golden, tree};
use regex_lite::Regex;
use serde_json::{Value, json};

/// A site with a request, whose snapshot is fresh. How busy this host is shall not matter, so that times have
/// thresholds that no host exceeds, but for those in `settings`.
fn site(settings: &Value) -> Grid {
    let mut settings = settings.clone();
    for key in ["startup_ms", "first_access_ms", "store_ms", "provider_ms", "log_ms"] {
        let threshold = &mut settings["performance"]["health"][key];
        if threshold.is_null() {
            *threshold = json!(1_000_000);
        }
    }
    let grid = Grid::new(&json!({}), &settings);
    grid.machines(TEMPLATE, 1);
    grid
}

fn health(grid: &Grid) -> Ended {
    grid.sandbox.run("ohfp", &["system", "health"])
}

/// A check by its name; null where there is none.
fn found(answer: &Ended, name: &str) -> Value {
    let document = document(answer);
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).cloned().unwrap_or(Value::Null)
}

/// Every file below a directory, with its content. What readers of a database share in memory is no content.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(files(&path));
        } else if !path.to_string_lossy().ends_with("-shm") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Numbers of values, and paths, as words.
fn masked(text: &str, grid: &Grid) -> String {
    let text = text.replace(&grid.sandbox.path.display().to_string(), "/site");
    let text = text.replace(&tree().display().to_string(), "/opt/ohfp");
    let value = Regex::new(r#""value": [0-9.]+"#).unwrap().replace_all(&text, "\"value\": N").into_owned();
    let loads = Regex::new(r"slowest of \d+ loads: \w+|of \d+ components|provider.\w[\w.-]*\.log").unwrap();
    loads.replace_all(&value, "…").into_owned()
}

/// The document is stable: which checks there are, in which order, with which fields and thresholds.
#[test]
fn the_answer_is_as_documented() {
    let grid = site(&json!({}));
    let answer = health(&grid);
    assert_eq!(answer.code, 0, "{answer:?}");
    golden("health/system-health.json", masked(&answer.text(), &grid).as_bytes());
    let status = grid.sandbox.run("ohfp", &["system", "status", "--format", "yaml"]);
    assert!(status.code == 0 && status.text().starts_with("status: healthy\nchecks:\n"), "{status:?}");
    let names = |answer: &Ended| -> Vec<String> {
        let document = document(answer);
        document["checks"].as_array().unwrap().iter().map(|check| check["check"].to_string()).collect()
    };
    let own = names(&grid.sandbox.run("ohfp", &["system", "status"]));
    assert!(names(&answer).ends_with(&own) && own.len() == 6, "{own:?}");
}

/// Start times are those of the programs, not of a part of them.
#[test]
fn start_times_are_seen_from_outside() {
    let grid = site(&json!({}));
    let answer = health(&grid);
    let time = |name: &str| found(&answer, name)["value"].as_f64().unwrap();
    // No process of an operating system starts and ends within that.
    assert!(time("startup_time") > 0.05 && time("live_startup_time") > 0.05, "{answer:?}");
}

/// Each key changes the check that it is for, and no other.
#[test]
fn each_threshold_has_an_effect() {
    let plain = site(&json!({}));
    let before = health(&plain);
    let statuses = |answer: &Ended| -> BTreeMap<String, String> {
        let document = document(answer);
        let checks = document["checks"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        checks.map(|check| (text(&check["check"]), text(&check["status"]))).collect()
    };
    let healthy = statuses(&before);
    assert!(healthy.values().all(|status| status == "healthy"), "{healthy:?}");
    let (few, much) = (json!([0, 1_000_000_000]), json!([1_000_000_000, 0]));
    for (key, value, checks) in [
        ("startup_ms", &few, &["startup_time", "live_startup_time"][..]),
        ("first_access_ms", &few, &["first_access"]),
        ("memory_mb", &few, &["memory"]),
        ("store_ms", &few, &["store"]),
        ("store_mb", &few, &["store_size"]),
        ("store_log_mb", &few, &["store_log"]),
        ("provider_ms", &few, &["provider sim"]),
        ("log_ms", &few, &["log"]),
        ("disk_free_mb", &much, &["disk"]),
        ("disk_free_files", &much, &["disk_files"]),
    ] {
        let grid = site(&json!({ "performance": { "health": { key: value } } }));
        let answer = health(&grid);
        let mut expected = healthy.clone();
        for check in checks {
            expected.insert((*check).to_owned(), "warning".to_owned());
        }
        assert_eq!((answer.code, statuses(&answer)), (0, expected), "{key}");
        assert_eq!(document(&answer)["status"], "warning");
        assert!(found(&answer, checks[0])["hint"].is_string(), "{answer:?}");
        // The same number for both is the threshold of what is unhealthy.
        let both = if value == &few { 0 } else { 1_000_000_000 };
        grid.sandbox.write(
            "config.json",
            fs::read_to_string(grid.sandbox.root().join("config.json"))
                .unwrap()
                .replace(&value.to_string(), &both.to_string()),
        );
        let answer = health(&grid);
        assert_eq!(
            (answer.code, &document(&answer)["status"]),
            (1, &json!("unhealthy")),
            "{key}: {answer:?}"
        );
    }
    // What is wrong only where something has failed.
    let mut grid = site(&json!({ "performance": { "health": { "failed_loads": 0 } } }));
    grid.sandbox.set("HF_PROVIDER_WORKDIR", grid.sandbox.input("a file", ""));
    let answer = health(&grid);
    assert_eq!(found(&answer, "failed_loads")["status"], "healthy", "{answer:?}");
}

/// What other processes could not load counts, too.
#[test]
fn failed_loads_of_the_last_hour_are_unhealthy() {
    let grid = site(&json!({ "performance": { "lazy_loading": { "connection_mode": "eager" } } }));
    let failures = |grid: &Grid| found(&health(grid), "failed_loads").clone();
    assert_eq!((&failures(&grid)["status"], &failures(&grid)["value"]), (&json!("healthy"), &json!(0)));
    let database = grid.work().join("ohfp.db");
    let good = fs::read(&database).unwrap();
    fs::write(&database, "this is no database").unwrap();
    for _ in 0..4 {
        grid.refusal("getRequestStatus", &json!({ "requests": [{ "requestId": "req-1" }] }));
    }
    fs::write(&database, good).unwrap();
    let found = failures(&grid);
    assert_eq!(found["status"], "unhealthy", "{found}");
    assert!(found["value"].as_f64().unwrap() >= 4.0, "{found}");
}

#[test]
fn a_snapshot_that_is_not_used_counts_as_the_site_wants() {
    for (word, code) in [("healthy", 0), ("warning", 0), ("unhealthy", 1)] {
        let settings = json!({
            "snapshot": { "refresh": "manual" }, "performance": { "health": { "unused_snapshot": word } }
        });
        let grid = site(&settings);
        assert_eq!(found(&health(&grid), "snapshot")["status"], "healthy");
        grid.sandbox.write("awsprov_templates.json", r#"{"templates": []}"#);
        let answer = health(&grid);
        let check = found(&answer, "snapshot");
        assert_eq!((answer.code, &check["status"]), (code, &json!(word)), "{answer:?}");
        assert!(check["detail"].as_str().unwrap().contains("awsprov_templates.json"), "{check}");
    }
    let grid = site(&json!({ "snapshot": { "refresh": "never" } }));
    assert_eq!(found(&health(&grid), "snapshot")["detail"], "not used, as `snapshot.refresh` says");
}

/// A clock that has gone back, by the time of a file that was written later than now.
#[test]
fn a_clock_that_is_behind_is_told() {
    let grid = site(&json!({}));
    let set = |seconds: u64| {
        let file = fs::File::options().append(true).open(grid.work().join("ohfp.db")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
        let check = found(&health(&grid), "clock");
        (check["status"].clone(), check["value"].as_f64().unwrap())
    };
    assert_eq!(set(0), (json!("healthy"), 0.0));
    let (status, behind) = set(100);
    assert!(status == "warning" && (50.0..=100.0).contains(&behind), "{status} {behind}");
    assert_eq!(set(4_000).0, "unhealthy");
}

/// As a plug-in of Nagios: exit code, first line, performance data by the guidelines.
#[test]
fn nagios_understands_it() {
    let ask = |grid: &Grid, words: &[&str]| {
        let words: Vec<&str> =
            ["system"].iter().chain(words).chain(&["--format", "nagios"]).copied().collect();
        grid.sandbox.run("ohfp", &words)
    };
    let data =
        Regex::new(r"^('[^'=]+'|[^ '=]+)=-?[0-9]+(\.[0-9]+)?(ms|s|MB|)(;[0-9]+:?;[0-9]+:?;0)$").unwrap();
    let check = |answer: &Ended, code: i32, status: &str| {
        assert_eq!(answer.code, code, "{answer:?}");
        assert!(answer.stderr.is_empty(), "{answer:?}");
        let text = answer.text();
        let first = text.lines().next().unwrap();
        assert!(first.starts_with(&format!("OHFP {status} - ")), "{text}");
        let (_, figures) = first.split_once(" | ").unwrap_or_default();
        for figure in
            figures.replace("' sim'", "'sim'").replace("provider sim", "provider_sim").split_whitespace()
        {
            assert!(data.is_match(figure), "{figure}");
        }
        assert_eq!(text.matches('|').count(), usize::from(!figures.is_empty()), "{text}");
    };
    let grid = site(&json!({}));
    for scope in ["health", "status"] {
        check(&ask(&grid, &[scope]), 0, "OK");
    }
    check(
        &ask(&site(&json!({ "performance": { "health": { "memory_mb": [0, 500] } } })), &["health"]),
        1,
        "WARNING",
    );
    check(
        &ask(&site(&json!({ "performance": { "health": { "memory_mb": 0 } } })), &["health"]),
        2,
        "CRITICAL",
    );
    // Requests fail, and the reason is the first thing that is read.
    let grid = site(&json!({}));
    grid.sandbox.write("config.json", "{");
    let answer = ask(&grid, &["health"]);
    check(&answer, 2, "CRITICAL");
    assert!(answer.text().contains("config.json:1:1: "), "{answer:?}");
    // What is to be compared is not known.
    let grid = site(&json!({}));
    let wrong = json!({ "performance": { "health": { "memory_mb": [5, 1] } } });
    grid.sandbox.write("config.json", wrong.to_string());
    let answer = ask(&grid, &["health"]);
    check(&answer, 3, "UNKNOWN");
    assert!(answer.text().contains("performance.health.memory_mb"), "{answer:?}");
    // Other commands do not have it, and say what they have.
    let refused = grid.sandbox.run("ohfp", &["machines", "list", "--format", "nagios"]);
    assert!(refused.code == 2 && refused.stderr.contains("json, yaml, table, list"), "{refused:?}");
}

/// A threshold that is not allowed: the key, its place, and what is allowed.
#[test]
fn thresholds_that_are_not_allowed() {
    for (key, value) in [
        ("startup_ms", json!("fast")),
        ("startup_ms", json!([500, 100])),
        ("disk_free_mb", json!([20, 200])),
        ("clock_behind_seconds", json!(-1)),
        ("store_mb", json!([1])),
        ("unused_snapshot", json!("bad")),
    ] {
        let grid = Grid::new(&json!({}), &json!({}));
        let config = json!({ "performance": { "health": { key: value } } });
        grid.sandbox.write("config.json", config.to_string());
        let answer = health(&grid);
        assert!(answer.code == 1 && answer.stdout.is_empty(), "{key} {value}: {answer:?}");
        for part in ["config.json:1:", &format!("`performance.health.{key}` must be ")] {
            assert!(answer.stderr.contains(part), "{key} {value}: {answer:?}");
        }
        // It stops nothing else.
        assert_eq!(grid.sandbox.run("ohfp", &["templates", "list"]).code, 0);
    }
}

/// Neither the health nor the check list changes a file: no state, no cache, no snapshot, no log.
#[test]
fn looking_changes_no_file() {
    let grid = site(&json!({}));
    let before = files(&grid.sandbox.path);
    for words in [
        &["system", "health"][..],
        &["system", "status"],
        &["system", "health", "--format", "nagios"],
        &["doctor", "--performance"],
    ] {
        let answer = grid.sandbox.run("ohfp", words);
        assert_eq!(answer.code, 0, "{words:?}: {answer:?}");
        let after = files(&grid.sandbox.path);
        let changed: Vec<_> = after
            .iter()
            .filter(|(path, content)| before.get(*path) != Some(content))
            .map(|(path, _)| path)
            .collect();
        assert!(changed.is_empty() && before.len() == after.len(), "{words:?}: {changed:?}");
    }
    // Nor where there is nothing yet.
    let grid = Grid::new(&json!({}), &json!({}));
    let before = files(&grid.sandbox.path);
    for words in [&["system", "health"][..], &["doctor", "--performance"]] {
        assert_eq!(grid.sandbox.run("ohfp", words).code, 0);
        assert_eq!(files(&grid.sandbox.path).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    }
}

/// The check list: everything is ok by default, and each setting that makes ohfp slow is found with its fix.
#[test]
fn what_makes_it_slow_is_found() {
    let list = |grid: &Grid| {
        let answer = grid.sandbox.run("ohfp", &["doctor", "--performance"]);
        assert_eq!(answer.code, 0, "{answer:?}");
        let document = document(&answer);
        let checks = document["checks"].as_array().unwrap().clone();
        for check in &checks {
            assert!(check["measured"].as_str().is_some_and(|text| !text.is_empty()), "{check}");
            assert_eq!(check["fix"].is_string(), check["status"] != "ok", "{check}");
        }
        checks
    };
    let slow = |checks: &[Value]| -> Vec<String> {
        let slow = checks.iter().filter(|check| check["status"] != "ok");
        let mut names: Vec<String> = slow.map(|check| check["check"].as_str().unwrap().to_owned()).collect();
        // What the host of this test is like is not under test.
        names.retain(|name| !["host", "file-system"].contains(&name.as_str()));
        names
    };
    let plain = list(&site(&json!({})));
    assert_eq!(slow(&plain), Vec::<String>::new(), "{plain:#?}");
    for (settings, expected) in [
        (json!({ "logging": { "level": "DEBUG" } }), "log-level"),
        (json!({ "features": { "monitoring": true } }), "debugging"),
        (json!({ "performance": { "lazy_loading": { "enabled": false } } }), "lazy-loading"),
        (
            json!({ "performance": { "lazy_loading": { "preload_critical": ["StoragePort"] } } }),
            "eager-initialization",
        ),
        (json!({ "performance": { "startup": { "minimal_registration": false } } }), "registration"),
        (json!({ "performance": { "caching": { "result_cache_ttl": 0 } } }), "cache"),
        (json!({ "performance": { "health": { "store_log_mb": 0 } } }), "store-log"),
        (json!({ "performance": { "health": { "startup_ms": 0 } } }), "startup"),
        (json!({ "performance": { "health": { "provider_ms": [0, 9] } } }), "provider"),
        (json!({ "performance": { "health": { "log_ms": [0, 900] } } }), "log-speed"),
        (json!({ "performance": { "health": { "store_mb": [0, 900] } } }), "store"),
    ] {
        let found = slow(&list(&site(&settings)));
        assert!(found.iter().all(|name| name == expected) && !found.is_empty(), "{settings}: {found:?}");
    }
    // Timing is told by the full program, so that the snapshot is not used.
    let found = slow(&list(&site(&json!({ "logging": { "performance_timing": true } }))));
    assert_eq!(found, ["snapshot", "debugging"]);
    let mut grid = site(&json!({ "snapshot": { "refresh": "manual" } }));
    grid.sandbox.write(
        "awsprov_templates.json",
        r#"{"templates": [{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]}"#,
    );
    assert_eq!(slow(&list(&grid)), ["snapshot"]);
    grid.sandbox.build();
    grid.refusal("requestMachines", &json!({}));
    assert_eq!(slow(&list(&grid)), ["error-log"]);
    grid.sandbox.set("LAZY_LOADING_ENABLED", "0");
    assert_eq!(slow(&list(&grid)), ["environment", "lazy-loading", "error-log"]);
}
