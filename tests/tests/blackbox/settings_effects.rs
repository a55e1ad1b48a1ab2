//! Each key of `features`, `logging` and `performance` has an effect that is seen from outside.
//!
//! A row for each key: what is seen of a site with the default is not there, and is with the value of the row. A key
//! without a row fails, so that none is accepted for nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;

use ohfp_tests::counting::counted;
use ohfp_tests::grid::{Grid, TEMPLATE, document, text, wanted};
use ohfp_tests::{Ended, c_program, ended, program};
use serde_json::{Value, json};

/// The sections whose keys are looked at.
const SECTIONS: [&str; 3] = ["features", "logging", "performance"];

/// Number of the system call that begins a thread.
const CLONE: u64 = if cfg!(target_arch = "x86_64") { 56 } else { 220 };

struct Row {
    key: &'static str,
    value: Value,
    /// Other settings, the same in both sites.
    beside: Value,
    /// Whether the effect is there.
    seen: fn(&mut Grid) -> bool,
}

fn row(key: &'static str, value: impl Into<Value>, seen: fn(&mut Grid) -> bool) -> Row {
    Row { key, value: value.into(), beside: json!({}), seen }
}

impl Row {
    fn beside(self, beside: Value) -> Self {
        Self { beside, ..self }
    }
}

/// A threshold that nothing has by default.
const THRESHOLD: u64 = 777;

/// The keys of `performance.health` that are a number.
const THRESHOLDS: [&str; 12] = [
    "startup_ms",
    "first_access_ms",
    "memory_mb",
    "failed_loads",
    "store_ms",
    "store_mb",
    "store_log_mb",
    "provider_ms",
    "log_ms",
    "disk_free_mb",
    "disk_free_files",
    "clock_behind_seconds",
];

/// `system health` compares with the thresholds that it is given.
fn health_rows() -> Vec<Row> {
    let key = |name: &str| -> &'static str { format!("performance.health.{name}").leak() };
    let thresholds = THRESHOLDS.map(|name| {
        row(key(name), THRESHOLD, |grid| {
            grid.machines(TEMPLATE, 1);
            checks(grid).iter().any(|check| check["warning"] == THRESHOLD && check["unhealthy"] == THRESHOLD)
        })
    });
    let snapshot = row(key("unused_snapshot"), "unhealthy", |grid| {
        grid.machines(TEMPLATE, 1);
        fs::remove_file(grid.work().join("ohfp.snapshot")).unwrap();
        checks(grid).iter().any(|check| check["check"] == "snapshot" && check["status"] == "unhealthy")
    });
    thresholds.into_iter().chain([snapshot]).collect()
}

/// Whether the log has been renamed so often.
fn rotated(grid: &Grid, times: u32) -> bool {
    let log = grid.log();
    log.with_file_name(format!("{}.{times}", log.file_name().unwrap().display())).exists()
}

/// What `system health` looks at.
fn checks(grid: &Grid) -> Vec<Value> {
    let ended = grid.sandbox.run("ohfp", &["system", "health"]);
    document(&ended)["checks"].as_array().unwrap().clone()
}

fn rows() -> Vec<Row> {
    loading_rows().into_iter().chain(log_rows()).chain(health_rows()).collect()
}

/// Where the log is, and how much of it.
fn log_rows() -> Vec<Row> {
    vec![
        row("logging.file_path", "here.log", |grid| {
            grid.request(TEMPLATE, 1);
            grid.log().with_file_name("here.log").exists()
        }),
        row("logging.max_size", 100, |grid| {
            (0..2).for_each(|_| drop(grid.request(TEMPLATE, 1)));
            rotated(grid, 1)
        }),
        row("logging.backup_count", 1, |grid| {
            (0..4).for_each(|_| drop(grid.request(TEMPLATE, 1)));
            rotated(grid, 1) && !rotated(grid, 2)
        })
        .beside(json!({ "logging": { "max_size": 100 } })),
        row("logging.console_enabled", true, |grid| {
            let tool = c_program("terminal", &grid.sandbox.path);
            let words = ["machines", "request", TEMPLATE, "1"];
            let done = ended(grid.sandbox.command(&tool).arg("2").arg(program("ohfp")).args(words));
            (done.text() + &done.stderr).contains("machines requested")
        }),
    ]
}

fn loading_rows() -> Vec<Row> {
    let lazy = |name: &str| -> &'static str { format!("performance.lazy_loading.{name}").leak() };
    let background =
        json!({ "performance": { "lazy_loading": { "background_loading": { "enabled": true } } } });
    // Everything is built at start, one component at a time.
    let one_by_one = |batch: u64, seconds: u64| {
        json!({ "performance": {
            "lazy_loading": { "enabled": false },
            "optimization": { "concurrent_loads": 1, "batch_size": batch, "timeout_seconds": seconds },
        } })
    };
    vec![
        row("features.aws_integration", false, |grid| {
            let mut config: Value =
                serde_json::from_slice(&fs::read(grid.sandbox.root().join("config.json")).unwrap()).unwrap();
            let providers = config["provider"]["providers"].as_array_mut().unwrap();
            providers.push(json!({ "name": "cloud", "type": "aws", "config": { "region": "us-east-1" } }));
            grid.sandbox.write("config.json", config.to_string());
            grid.sandbox.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
            let ended = grid.sandbox.run("ohfp", &["providers", "health", "cloud"]);
            (ended.text() + &ended.stderr).contains("features.aws_integration")
        }),
        row("features.database_support", false, |grid| {
            let ended = grid.ask("requestMachines", &wanted(TEMPLATE, 1));
            ended.text().contains("features.database_support")
        }),
        row("features.monitoring", true, |grid| {
            grid.command(&["machines", "list"]);
            logged(grid, "components")
        }),
        row("logging.level", "DEBUG", |grid| {
            grid.command(&["machines", "list"]);
            logged(grid, "the answer is ready")
        }),
        row("logging.accept_propagated_setting", true, |grid| {
            grid.sandbox.set("HF_LOGLEVEL", "LOG_DEBUG");
            grid.command(&["machines", "list"]);
            logged(grid, "the answer is ready")
        }),
        row("logging.performance_timing", true, |grid| {
            grid.command(&["machines", "list"]);
            logged(grid, "timings")
        }),
        row(lazy("enabled"), false, |grid| preloaded(grid).contains("TemplateService")),
        row(lazy("cache_instances"), false, |grid| {
            // Asked for the acknowledgement, when no one uses it any more.
            let ended = grid.sandbox.run("ohfp", &["machines", "request", TEMPLATE, "1", "--timings=json"]);
            ended.stderr.matches(r#""phase":"StoragePort""#).count() > 1
        }),
        row(lazy("discovery_mode"), "eager", |grid| {
            phases(grid, &["machines", "list"]).contains("register CachePort")
        })
        .beside(json!({ "performance": { "startup": { "minimal_registration": false } } })),
        row(lazy("connection_mode"), "eager", |grid| preloaded(grid).contains("StoragePort")),
        row(lazy("debug_timing"), true, |grid| {
            grid.sandbox.run("ohfp", &["machines", "list"]).stderr.contains("COMPONENT")
        }),
        row(lazy("log_component_loads"), true, |grid| {
            grid.command(&["machines", "list"]);
            logged(grid, "component loaded")
        }),
        row(lazy("track_memory_usage"), true, |grid| {
            let metrics = grid.command(&["system", "metrics"]);
            metrics["components"].as_array().unwrap().iter().any(|row| row["growth_kb"].is_number())
        }),
        row(lazy("preload_critical"), json!(["TemplateService"]), |grid| {
            preloaded(grid).contains("TemplateService")
        }),
        row(lazy("background_loading.enabled"), true, |grid| threads(grid) > 0),
        row(lazy("background_loading.thread_pool_size"), 1, |grid| threads(grid) == 1)
            .beside(background.clone()),
        row(lazy("background_loading.preload_common"), json!([]), |grid| threads(grid) == 0)
            .beside(background),
        row("performance.startup.minimal_registration", false, |grid| {
            grid.command(&["system", "metrics"])["pending_batches"] == 0
        }),
        row("performance.startup.defer_heavy_operations", false, |grid| {
            let (_, tops) =
                report(&grid.sandbox.run("ohfp", &["getReturnRequests", "-d", "{}", "--timings=json"]));
            let answer = tops.iter().find(|phase| phase["phase"] == "answer").unwrap();
            names(&answer["phases"]).contains("upkeep of the store")
        }),
        row("performance.startup.background_loading", true, |grid| threads(grid) > 0),
        row("performance.caching.component_cache_size", 0, |grid| {
            grid.command(&["system", "metrics"]);
            logged(grid, "component unloaded")
        })
        .beside(json!({ "performance": { "lazy_loading": { "log_component_loads": true } } })),
        row("performance.caching.result_cache_ttl", 0, |grid| {
            // What is gone stays as it is.
            let back = grid.give_back(&grid.machines(TEMPLATE, 1));
            grid.settled(&back);
            !grid.work().join("results.cache").exists()
        }),
        row("performance.caching.memory_limit_mb", 1, |grid| {
            grid.command(&["machines", "list"]);
            logged(grid, "preloading stops early")
        })
        .beside(json!({ "performance": { "lazy_loading": { "enabled": false } } })),
        // The store takes longer than the time that there is, and is in another batch than what follows.
        row("performance.optimization.batch_size", 1, stops_early).beside(one_by_one(10, 1)),
        row("performance.optimization.timeout_seconds", 1, stops_early).beside(one_by_one(1, 30)),
        row("performance.optimization.concurrent_loads", 1, |grid| threads(grid) == 0)
            .beside(json!({ "performance": { "lazy_loading": { "enabled": false } } })),
    ]
}

/// The report of `--timings=json`: the names of all its phases, and those at the top.
fn report(ended: &Ended) -> (BTreeSet<String>, Vec<Value>) {
    let report: Value = serde_json::from_str(ended.stderr.lines().last().unwrap()).unwrap();
    (names(&report["phases"]), report["phases"].as_array().unwrap().clone())
}

fn names(phases: &Value) -> BTreeSet<String> {
    let phases = phases.as_array().map(Vec::as_slice).unwrap_or_default();
    let each = phases.iter().flat_map(|phase| {
        let mut all = names(&phase["phases"]);
        all.insert(text(&phase["phase"]));
        all
    });
    each.collect()
}

fn phases(grid: &Grid, words: &[&str]) -> BTreeSet<String> {
    report(&grid.sandbox.run("ohfp", &[words, &["--timings=json"]].concat())).0
}

/// Whether a line of the log has this message.
fn logged(grid: &Grid, message: &str) -> bool {
    let log = fs::read_to_string(grid.log()).unwrap_or_default();
    log.lines().any(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["message"] == message))
}

/// The components that were built before one was asked for.
fn preloaded(grid: &Grid) -> BTreeSet<String> {
    let metrics = grid.command(&["system", "metrics"]);
    let rows = metrics["components"].as_array().unwrap().iter();
    rows.filter(|row| row["preloaded"] == true || row["preloaded"].as_u64().is_some_and(|count| count > 0))
        .map(|row| text(&row["component"]))
        .collect()
}

/// The threads that a command begins.
fn threads(grid: &Grid) -> usize {
    traced(grid).iter().filter(|call| **call == CLONE).count()
}

fn traced(grid: &Grid) -> Vec<u64> {
    let count = c_program("count", &grid.sandbox.path);
    let words = ["machines", "list"].map(OsStr::new);
    let counted = counted(grid.sandbox.command(&count), &grid.sandbox.path, &program("ohfp-live"), &words);
    assert_eq!(counted.code, 0, "{counted:?}");
    counted.calls
}

/// Whether preloading ends with the time that it has, where opening files is slow.
fn stops_early(grid: &mut Grid) -> bool {
    grid.machines(TEMPLATE, 1);
    grid.sandbox.set("COUNT_SLOW_OPEN", "400");
    traced(grid);
    logged(grid, "preloading stops early")
}

/// The settings with one key set.
fn with(settings: &Value, key: &str, value: &Value) -> Value {
    let mut all = settings.clone();
    *key.split('.').fold(&mut all, |at, name| &mut at[name]) = value.clone();
    all
}

/// The keys in a document of settings.
fn keys(path: &str, value: &Value, all: &mut BTreeSet<String>) {
    match value.as_object() {
        Some(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| keys(&format!("{path}.{name}"), value, all));
        }
        _ => {
            all.insert(path.to_owned());
        }
    }
}

#[test]
fn every_key_has_a_row() {
    let grid = Grid::new(&json!({}), &json!({}));
    let shown = document(&grid.sandbox.run("ohfp", &["config", "show"]));
    let mut there = BTreeSet::new();
    for section in SECTIONS {
        keys(section, &shown[section], &mut there);
    }
    let rows: BTreeSet<String> = rows().iter().map(|row| row.key.to_owned()).collect();
    assert_eq!(rows, there);
}

#[test]
fn every_key_has_an_effect() {
    let mut faults = Vec::new();
    for Row { key, value, beside, seen } in rows() {
        for (settings, expected) in [(beside.clone(), false), (with(&beside, key, &value), true)] {
            if seen(&mut Grid::new(&json!({}), &settings)) != expected {
                faults.push(format!(
                    "{key}: the effect is {}there with {settings}",
                    if expected { "not " } else { "" }
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
