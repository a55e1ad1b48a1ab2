//! `ohfp logs`, and what `-v` and `-q` make of standard error.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use ohfp_tests::grid::{Grid, TEMPLATE, document, text, wanted};
use ohfp_tests::{Ended, program};
use serde_json::{Value, json};

fn grid() -> Grid {
    Grid::new(&json!({}), &json!({}))
}

/// A line of the log.
fn line(level: &str, message: &str, more: &str) -> String {
    format!(r#"{{"timestamp":"2026-11-27T20:15:26.123456Z","level":"{level}","message":"{message}"{more}}}"#)
}

/// Appends lines to the log as other processes do.
fn add(grid: &Grid, lines: &[&str]) {
    let mut file = OpenOptions::new().create(true).append(true).open(grid.log()).unwrap();
    for line in lines {
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn logs(grid: &Grid, words: &[&str]) -> Vec<String> {
    let ended = grid.sandbox.run("ohfp", &[&["logs"], words].concat());
    assert!(ended.code == 0 && ended.stderr.is_empty(), "{words:?}: {ended:?}");
    ended.text().lines().map(str::to_owned).collect()
}

#[test]
fn people_read_the_log_of_what_was_done() {
    let grid = grid();
    let id = grid.request(TEMPLATE, 2);
    grid.refusal("requestMachines", &wanted("nosuch", 1));
    let all = logs(&grid, &[]);
    let requested = all.iter().find(|line| line.contains("machines requested")).unwrap();
    for part in [" INFO ", &format!("request={id}"), "count=2", "Z "] {
        assert!(requested.contains(part), "{part}: {requested}");
    }
    assert_eq!(logs(&grid, &["--request", &id]), [requested.as_str()]);
    let errors = logs(&grid, &["--level", "error"]);
    assert!(errors.len() == 1 && errors[0].contains("ERROR the operation failed"), "{errors:?}");
    assert_eq!(logs(&grid, &["-n", "1"]), [all.last().unwrap().as_str()]);
    assert_eq!(logs(&grid, &["-n", "0"]), [""; 0]);
    // Programs get the records as they were logged.
    let json = logs(&grid, &["--format", "json"]);
    assert_eq!(json, fs::read_to_string(grid.log()).unwrap().lines().collect::<Vec<_>>());
    let records = grid.sandbox.run("ohfp", &["logs", "--format", "yaml"]).text();
    assert!(records.starts_with("records:") && records.contains(&id), "{records}");
}

#[test]
fn the_newest_lines_of_all_files_are_shown() {
    let grid = grid();
    let numbered: Vec<String> = (0..6).map(|number| line("WARN", &format!("line {number}"), "")).collect();
    for (number, one) in numbered.iter().enumerate() {
        add(&grid, &[one]);
        if number % 2 == 1 {
            let _ = fs::rename(grid.log().with_extension("log.1"), grid.log().with_extension("log.2"));
            fs::rename(grid.log(), grid.log().with_extension("log.1")).unwrap();
        }
    }
    let shown = |words: &[&str]| -> Vec<String> {
        logs(&grid, words).iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(shown(&["-n", "3"]), ["3", "4", "5"]);
    assert_eq!(shown(&["--lines", "all"]), ["2", "3", "4", "5"]);
}

/// What is no record is shown as it is, and drives no terminal; to programs it is a text.
#[test]
fn foreign_lines_are_shown() {
    let grid = grid();
    let good = line("INFO", "good", "");
    add(&grid, &["{\"timestamp\": \"cut o", "\u{1b}[31mforeign\u{1b}[0m", &good, ""]);
    let mut file = OpenOptions::new().append(true).open(grid.log()).unwrap();
    file.write_all(b"no end \xff").unwrap();
    let shown = logs(&grid, &[]);
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert_eq!(shown[0], "{\"timestamp\": \"cut o");
    assert!(shown[1].contains("foreign") && !shown[1].contains('\u{1b}'), "{shown:?}");
    assert!(shown[2].ends_with("INFO  good") && shown[3].starts_with("no end"), "{shown:?}");
    assert_eq!(logs(&grid, &["--level", "trace"]).len(), 1);
    let json: Vec<Value> =
        logs(&grid, &["--format", "json"]).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json[1]["text"], "\u{1b}[31mforeign\u{1b}[0m");
    assert_eq!(json[2]["message"], "good");
    let table = grid.sandbox.run("ohfp", &["logs", "--format", "table"]).text();
    assert!(table.contains("MESSAGE") && table.contains("good"), "{table}");
}

#[test]
fn without_a_log_one_note_says_so() {
    let mut grid = grid();
    fs::remove_dir_all(grid.log().parent().unwrap()).unwrap();
    let note = |grid: &Grid, says: &str| {
        let ended = grid.sandbox.run("ohfp", &["logs"]);
        assert!(ended.code == 0 && ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains(says), "{ended:?}");
    };
    note(&grid, "there is no log at");
    for name in ["HF_PROVIDER_LOGDIR", "HOME", "XDG_STATE_HOME"] {
        grid.sandbox.unset(name);
    }
    note(&grid, "no log is configured");
    let quiet = grid.sandbox.run("ohfp", &["logs", "-q"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""), "{quiet:?}");
    // What cannot be read is not what is not there.
    let directory = grid.sandbox.path.join("log");
    fs::create_dir_all(grid.log()).unwrap();
    grid.sandbox.set("HF_PROVIDER_LOGDIR", &directory);
    let ended = grid.sandbox.run("ohfp", &["logs"]);
    assert!(ended.code == 1 && ended.stderr.contains("cannot read the log"), "{ended:?}");
}

#[test]
fn what_has_no_end_is_no_document() {
    let grid = grid();
    let check = |words: &[&str], says: &[&str]| {
        let ended = grid.sandbox.run("ohfp", words);
        assert!(ended.code == 2 && ended.stdout.is_empty(), "{words:?}: {ended:?}");
        for part in says {
            assert!(ended.stderr.contains(part), "{words:?}: {part}: {ended:?}");
        }
    };
    check(&["logs", "-f", "--format", "table"], &["--follow", "--format table", "json"]);
    check(&["logs", "-f", "--output", "x"], &["--follow", "--output"]);
    check(&["logs", "-n", "many"], &["many", "all"]);
    check(&["logs", "--level", "loud"], &["loud", "warn"]);
}

/// A process that follows the log; it ends with its reader.
struct Follower {
    child: Child,
    lines: Option<BufReader<std::process::ChildStdout>>,
}

impl Follower {
    fn begin(grid: &Grid, words: &[&str]) -> Self {
        let mut command = grid.sandbox.command(program("ohfp"));
        command.args(["logs", "-f"]).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_are_followed_over_a_rotation() {
    let grid = grid();
    let numbered = |number: u32| line("INFO", &format!("line {number}"), "");
    add(&grid, &[&numbered(0), &numbered(1)]);
    let mut follower = Follower::begin(&grid, &["-n", "1"]);
    assert!(follower.next().ends_with("line 1"));
    add(&grid, &[&numbered(2)]);
    assert!(follower.next().ends_with("line 2"));
    fs::rename(grid.log(), grid.log().with_extension("log.1")).unwrap();
    add(&grid, &[&numbered(3)]);
    assert!(follower.next().ends_with("line 3"));
    // It ends with its reader, though no line comes.
    drop(follower.lines.take());
    let status = follower.child.wait().unwrap();
    assert!(status.success(), "{status}");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut follower.child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_log_is_followed_that_is_not_there_yet() {
    let grid = grid();
    let mut follower = Follower::begin(&grid, &["--format", "json", "--level", "warn"]);
    add(&grid, &[&line("INFO", "left out", ""), &line("WARN", "there", r#","a":1"#)]);
    let shown: Value = serde_json::from_str(&follower.next()).unwrap();
    assert_eq!((text(&shown["message"]), &shown["a"]), ("there".to_owned(), &json!(1)));
}

/// `-v` shows what the log gets, and more, without a change to the log or to the answer.
#[test]
fn standard_error_tells_as_much_as_is_asked_for() {
    let grid = grid();
    let run = |words: &[&str]| grid.sandbox.run("ohfp", &[&["machines", "list"], words].concat());
    let levels = |ended: &Ended| -> Vec<String> {
        let level = |line: &str| line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        ended.stderr.lines().map(level).collect()
    };
    let plain = run(&[]);
    assert_eq!(plain.stderr, "");
    let verbose = run(&["-v"]);
    assert_eq!(document(&verbose), document(&plain));
    let found = levels(&verbose);
    assert!(found.contains(&"DEBUG".to_owned()) && !found.contains(&"TRACE".to_owned()), "{verbose:?}");
    assert!(verbose.stderr.contains("the answer is ready code=0"), "{verbose:?}");
    let log = fs::read_to_string(grid.log()).unwrap_or_default();
    assert!(!log.contains("DEBUG"), "{log}");
    let wanted = ["machines", "request", TEMPLATE, "1", "-vv"];
    let most = grid.sandbox.run("ohfp", &wanted);
    assert!(levels(&most).contains(&"TRACE".to_owned()), "{most:?}");
    // Where no log is configured too.
    let mut grid = grid;
    for name in ["HF_PROVIDER_LOGDIR", "HOME", "XDG_STATE_HOME"] {
        grid.sandbox.unset(name);
    }
    let ended = grid.sandbox.run("ohfp", &["machines", "list", "--verbose"]);
    assert!(ended.stderr.contains("DEBUG"), "{ended:?}");
}

#[test]
fn quiet_leaves_out_notes_and_progress_but_no_error() {
    let grid = grid();
    let words = ["machines", "request", TEMPLATE, "1", "--wait"];
    let loud = grid.sandbox.run("ohfp", &words);
    assert!(loud.stderr.contains("ohfp: note: waiting for"), "{loud:?}");
    let quiet = grid.sandbox.run("ohfp", &[&words[..], &["-q"]].concat());
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""), "{quiet:?}");
    let failed = grid.sandbox.run("ohfp", &["machines", "show", "nosuch", "--quiet"]);
    assert!(failed.code != 0 && failed.stderr.contains("nosuch"), "{failed:?}");
}
