//! Metrics across processes: each operation that ends leaves one record, whatever becomes of the others, and nothing that
//! is wrong with the files of the metrics changes an answer.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ohfp_tests::counting::counted;
use ohfp_tests::grid::{Grid, NONE, Random, TEMPLATE, size, wanted};
use ohfp_tests::{c_program, program, promtool};
use serde_json::{Value, json};

/// Size of a record, and where it has the id of its process.
const RECORD: usize = 128;
const PROCESS: usize = 40;

/// A file of the metrics.
fn file(grid: &Grid, ending: &str) -> PathBuf {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    grid.work().join(format!("metrics-{}.{ending}", host.trim()))
}

fn metrics(grid: &Grid) -> Value {
    grid.command(&["metrics"])
}

/// How many processes of each operation ended.
fn counts(grid: &Grid) -> BTreeMap<String, u64> {
    let document = metrics(grid);
    let operations = document["operations"].as_array().unwrap();
    let count = |of: &Value| (of["operation"].as_str().unwrap().to_owned(), of["count"].as_u64().unwrap());
    operations.iter().map(count).collect()
}

fn total(grid: &Grid) -> u64 {
    counts(grid).values().sum()
}

fn site() -> Grid {
    Grid::new(&json!({}), &json!({}))
}

/// The ids of processes in the records, each of which must be whole.
fn processes(grid: &Grid) -> Vec<u32> {
    let bytes = fs::read(file(grid, "log")).unwrap();
    assert_eq!(bytes.len() % RECORD, 0, "a record is not whole");
    let id = |record: &[u8]| {
        assert_eq!(&record[..5], b"ohfm\x01");
        u32::from_le_bytes(record[PROCESS..PROCESS + 4].try_into().unwrap())
    };
    bytes.chunks(RECORD).map(id).collect()
}

#[test]
fn each_operation_leaves_a_record_and_questions_leave_none() {
    let grid = site();
    let id = grid.request(TEMPLATE, 2);
    grid.settled(&id);
    grid.answer("getReturnRequests", &json!({}));
    grid.refusal("requestMachines", &wanted(NONE, 1));
    grid.refusal("requestMachines", &json!({ "template": 7 }));
    let before = fs::read(file(&grid, "log")).unwrap();
    for question in [
        &["requests", "list"][..],
        &["machines", "list"],
        &["machines", "request", TEMPLATE, "1", "--dry-run"],
        &["system", "metrics"],
        &["metrics"],
        &["storage", "metrics"],
        &["config", "show"],
    ] {
        grid.command(question);
    }
    assert_eq!(fs::read(file(&grid, "log")).unwrap(), before);
    grid.command(&["machines", "request", TEMPLATE, "1"]);

    let document = metrics(&grid);
    let of = |operation: &str| {
        let all = document["operations"].as_array().unwrap();
        all.iter().find(|of| of["operation"] == operation).unwrap_or(&Value::Null).clone()
    };
    let requests = of("requestMachines");
    assert_eq!((&requests["count"], &requests["failed"]), (&json!(3), &json!(2)), "{requests}");
    assert_eq!(requests["outcomes"], json!({ "input": 1, "ok": 1, "refused": 1 }));
    assert!(requests["counts"]["provider_calls"].as_u64().unwrap() > 0, "{requests}");
    assert!(requests["latency_ms"]["p50"].as_f64().unwrap() > 0.0);
    assert!(requests["peak_bytes"].as_u64().unwrap() > 1 << 20);
    assert_eq!(of("getReturnRequests")["count"], 1);
    assert_eq!(of("machines")["count"], 1);
    let template = &document["templates"][0];
    assert_eq!((&template["template"], &template["provider"]), (&json!(TEMPLATE), &json!("sim")));
    assert_eq!((&template["requested"], &template["delivered"]), (&json!(3), &json!(2)), "{template}");
    assert_eq!(template["time_to_running_ms"]["count"], 2);
    assert_eq!(document["notes"], json!([]));
    // The guide's name has them too.
    let system = grid.command(&["system", "metrics"]);
    assert_eq!(system["operations"]["requestMachines"]["count"], 3, "{system}");
}

/// Kills at random moments: the metrics have exactly those processes that were not killed, and of those that were killed
/// only such as had nothing left to do.
#[test]
fn kills_harm_no_record() {
    let kills = size("OHFP_KILLS", 1_000);
    let grid = site();
    let id = grid.request(TEMPLATE, 1);
    grid.settled(&id);
    fs::remove_file(file(&grid, "log")).unwrap();
    let question = json!({ "requests": [{ "requestId": id }] });
    let start = || -> Child {
        let mut command = grid.operation("status.json", "getRequestStatus", &question);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let begun = Instant::now();
    let first = start();
    let mut ended = vec![first.id()];
    assert!({ first }.wait().unwrap().success());
    let usual = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let mut random = Random(size("OHFP_SEED", 12));
    let mut killed = Vec::new();
    for _ in 0..kills {
        let mut child = start();
        thread::sleep(Duration::from_micros(random.below(2 * usual)));
        let _ = child.kill();
        let list = if child.wait().unwrap().code().is_some() { &mut ended } else { &mut killed };
        list.push(child.id());
    }
    let mut recorded: BTreeMap<u32, usize> = BTreeMap::new();
    for process in processes(&grid) {
        *recorded.entry(process).or_default() += 1;
    }
    assert!(!killed.is_empty() && ended.len() > 1, "{} killed, {} ended", killed.len(), ended.len());
    for process in &ended {
        assert_eq!(recorded.remove(process), Some(1), "of {} that ended", ended.len());
    }
    assert!(recorded.keys().all(|process| killed.contains(process)), "{recorded:?}");
    let whole = ended.len() + recorded.len();
    assert_eq!(counts(&grid)["getRequestStatus"], whole as u64);
}

/// Sixty-four processes at once, while the log is folded and put aside.
#[test]
fn a_crowd_loses_no_record() {
    const CROWD: usize = 64;
    let grid = site();
    let id = grid.request(TEMPLATE, 1);
    grid.settled(&id);
    let before = total(&grid);
    // As many records as make the next process fold them.
    let log = fs::read(file(&grid, "log")).unwrap();
    let full = 4_096 - CROWD / 2;
    let records: Vec<u8> = log.iter().copied().cycle().take(full * RECORD).collect();
    fs::write(file(&grid, "log"), records).unwrap();
    let question = json!({ "requests": [{ "requestId": id }] });
    for _ in 0..3 {
        let begin = |number| {
            let mut command = grid.operation(&format!("{number}.json"), "getRequestStatus", &question);
            command.stdout(Stdio::null()).spawn().unwrap()
        };
        let crowd: Vec<Child> = (0..CROWD).map(begin).collect();
        assert!(crowd.into_iter().all(|mut child| child.wait().unwrap().success()));
    }
    assert_eq!(total(&grid), (full + 3 * CROWD) as u64, "{before} before");
    assert!(file(&grid, "totals").exists() && file(&grid, "previous").exists());
    assert!(fs::metadata(file(&grid, "log")).unwrap().len() < (200 * RECORD) as u64);
    assert_eq!(metrics(&grid)["notes"], json!([]));
}

/// Whatever is wrong with a file of the metrics, the answer is out; `ohfp metrics` tells what is wrong, if anything.
#[track_caller]
fn check_harmed(harm: impl Fn(&Grid), told: Option<&str>) {
    let grid = site();
    grid.request(TEMPLATE, 1);
    harm(&grid);
    let ended = grid.ask("getReturnRequests", &json!({}));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    let document = metrics(&grid);
    let notes = document["notes"].to_string();
    match told {
        Some(why) => assert!(notes.contains(why), "{notes}"),
        None => assert_eq!(notes, "[]"),
    }
}

#[test]
fn nothing_in_the_way_of_metrics_is_in_the_way_of_an_answer() {
    let write = |ending: &'static str, content: &'static [u8]| {
        move |grid: &Grid| fs::write(file(grid, ending), content).unwrap()
    };
    check_harmed(write("log", b""), None);
    check_harmed(write("log", &[b'x'; 1_000]), Some("records were not readable"));
    check_harmed(write("log", &[0; 7]), Some("1 record was not readable"));
    check_harmed(write("totals", b""), Some("damaged"));
    check_harmed(write("totals", b"ohfp-metrics 9 0\n{}"), Some("version 9"));
    check_harmed(write("lock", b"x"), None);
    check_harmed(
        |grid| {
            fs::remove_file(file(grid, "log")).unwrap();
            symlink("/nonexistent/log", file(grid, "log")).unwrap();
        },
        Some("symbolic link"),
    );
    check_harmed(
        |grid| {
            fs::remove_file(file(grid, "log")).unwrap();
            fs::create_dir(file(grid, "log")).unwrap();
        },
        Some("directory"),
    );
}

#[test]
fn counting_begins_anew_and_is_said_once() {
    let grid = site();
    grid.request(TEMPLATE, 1);
    let log = fs::read(file(&grid, "log")).unwrap();
    fs::write(file(&grid, "totals"), "ohfp-metrics 1 0000000000000000\n{}").unwrap();
    for _ in 0..2 {
        let records: Vec<u8> = log.iter().copied().cycle().take(4_096 * RECORD).collect();
        fs::write(file(&grid, "log"), records).unwrap();
        grid.answer("getReturnRequests", &json!({}));
    }
    let said = fs::read_to_string(grid.log()).unwrap();
    assert_eq!(said.matches("metrics are counted anew").count(), 1, "{said}");
    assert!(metrics(&grid)["notes"].to_string().contains("counting began anew"));
}

#[test]
fn metrics_can_be_turned_off() {
    let grid = Grid::new(&json!({}), &json!({ "metrics": { "enabled": false } }));
    grid.request(TEMPLATE, 1);
    grid.answer("getReturnRequests", &json!({}));
    assert!(!file(&grid, "log").exists());
    assert_eq!(metrics(&grid)["operations"], json!([]));
}

/// The runtime makes three further system calls, and only where it is asked to.
#[test]
fn answers_from_the_snapshot_are_recorded_where_that_is_wanted() {
    let site = |fast_path: bool| {
        let grid = Grid::new(&json!({}), &json!({ "metrics": { "fast_path": fast_path } }));
        grid.request(TEMPLATE, 1);
        grid
    };
    let count = |grid: &Grid, operation: &str| counts(grid).get(operation).copied().unwrap_or(0);
    let calls = |grid: &Grid| {
        let tool = c_program("count", &grid.sandbox.path);
        let mut command = grid.sandbox.command(&tool);
        // Only the runtime can answer.
        command.env("OHFP_LIVE", "/nonexistent");
        let words = ["templates", "list"].map(OsStr::new);
        let counted = counted(command, &grid.sandbox.path, &program("ohfp"), &words);
        assert_eq!(counted.code, 0);
        counted.calls.len()
    };
    let (mut silent, mut told) = (site(false), site(true));
    for grid in [&mut silent, &mut told] {
        grid.sandbox.set("OHFP_LIVE", "/nonexistent");
        assert!(grid.answer("getAvailableTemplates", &json!({}))["templates"].is_array());
        grid.sandbox.set("OHFP_LIVE", "");
    }
    assert_eq!((count(&silent, "getAvailableTemplates"), count(&silent, "other")), (0, 0));
    assert_eq!((count(&told, "getAvailableTemplates"), count(&told, "other")), (1, 0));
    let row = metrics(&told)["operations"].as_array().unwrap().clone();
    let row = row.iter().find(|row| row["operation"] == "getAvailableTemplates").unwrap();
    assert_eq!((&row["snapshot"], &row["outcomes"]), (&json!({ "used": 1 }), &json!({ "ok": 1 })));
    assert_eq!(row["latency_ms"]["p50"], json!(null), "the runtime takes no time");
    assert_eq!(calls(&told), calls(&silent) + 3);
    assert!(count(&told, "other") > 0);
    // Whatever is in the way, the answer is the same.
    let log = file(&told, "log");
    let answer = told.answer("getAvailableTemplates", &json!({}));
    fs::remove_file(&log).unwrap();
    for step in 0..3 {
        match step {
            0 => (),
            1 => symlink("elsewhere", &log).unwrap(),
            _ => {
                fs::remove_file(&log).unwrap();
                fs::create_dir(&log).unwrap();
            }
        }
        assert_eq!(told.answer("getAvailableTemplates", &json!({})), answer, "{step}");
    }
    assert!(!told.work().join("elsewhere").exists());
}

#[test]
fn what_is_unknown_is_named_with_what_is_allowed() {
    let grid = site();
    for (words, expected) in [
        (&["--since", "1y"][..], "s, m, h, d or w"),
        (&["--since", "0s"], "s, m, h, d or w"),
        (&["--since", "-5m"], "s, m, h, d or w"),
        (
            &["--format", "nagios"],
            "[possible values: json, yaml, table, list, csv, name, prometheus, openmetrics]",
        ),
        (&["--textfile", "/nonexistent/ohfp.prom"], "cannot write the text file `/nonexistent/ohfp.prom`"),
    ] {
        let ended = grid.sandbox.run("ohfp", &[&["metrics"], words].concat());
        assert!(ended.code != 0 && ended.stderr.contains(expected), "{words:?}: {}", ended.stderr);
    }
}

/// A site with something in every metric.
fn busy(settings: &Value) -> Grid {
    let grid = Grid::new(&json!({}), settings);
    let id = grid.request(TEMPLATE, 2);
    grid.settled(&id);
    grid.change_cloud(&json!({ "capacity": { "total": 2 } }));
    grid.request(TEMPLATE, 3);
    grid.answer("getReturnRequests", &json!({}));
    grid.refusal("requestMachines", &wanted(NONE, 1));
    grid
}

#[test]
fn promtool_accepts_the_metrics() {
    let grid = busy(&json!({}));
    let text = |format: &str| {
        let ended = grid.sandbox.run("ohfp", &["metrics", "--format", format]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        ended.text()
    };
    let prometheus = text("prometheus");
    for line in [
        r#"ohfp_operations_total{operation="requestMachines",outcome="ok"} 2"#,
        r#"ohfp_operations_total{operation="requestMachines",outcome="refused"} 1"#,
        r#"ohfp_machines{template="any",provider="sim",state="running"} 2"#,
        r#"ohfp_window_requested_machines{template="any",provider="sim"} 5"#,
        r#"ohfp_window_delivered_machines{template="any",provider="sim"} 2"#,
        r#"ohfp_window_missing_machines{template="any",provider="sim",reason="capacity"} 3"#,
        "ohfp_store_healthy 1",
        "ohfp_window_seconds 3600",
    ] {
        assert!(prometheus.lines().any(|known| known == line), "{line} is not in\n{prometheus}");
    }
    if let Some(checked) = promtool::checked(&["check", "metrics"], prometheus.as_bytes()) {
        assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{prometheus}");
    }
    let open = text("openmetrics");
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE ohfp_operations counter\n"), "{open}");
}

#[test]
fn promtool_accepts_the_alert_rules() {
    let directory = ohfp_tests::repository().join("docs/src/monitoring");
    for (task, name) in [("check", "ohfp-alerts.yml"), ("test", "ohfp-alerts-test.yml")] {
        let path = directory.join(name);
        let words = [task, "rules", path.to_str().unwrap()];
        if let Some(checked) = promtool::checked(&words, b"") {
            assert_eq!(checked.code, 0, "{}{}", checked.text(), checked.stderr);
        }
    }
}

#[test]
fn a_text_file_is_replaced_by_command_and_after_operations() {
    let grid = busy(&json!({}));
    let path = grid.sandbox.path.join("ohfp.prom");
    grid.command(&["metrics", "--textfile", path.to_str().unwrap()]);
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("ohfp_store_healthy 1\n"), "{written}");

    let grid = Grid::new(&json!({}), &json!({ "metrics": { "textfile": path.to_str().unwrap() } }));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "old").unwrap();
    grid.request(TEMPLATE, 1);
    // It was replaced a moment ago.
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    let minute = std::time::SystemTime::now() - Duration::from_mins(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(minute).unwrap();
    grid.answer("getReturnRequests", &json!({}));
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(r#"ohfp_operations_total{operation="getReturnRequests",outcome="ok"} 1"#),
        "{text}"
    );
    let _ = fs::remove_dir_all(path.parent().unwrap());
}
