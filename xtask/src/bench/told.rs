//! How much of the time that a command takes, seen from outside, its phases account for; and what its record of metrics
//! costs it.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::history::History;
use super::limits::at_most;
use super::measure::{Row, told_by_example};
use super::report::{Budget, Columns, Limit, Table};
use crate::project::{Project, Result, step};

const ROUNDS: u32 = 200;

/// The least share of the time outside that the phases tell of.
const SHARE: f64 = 0.95;

/// The most microseconds that the record of one process may take.
const RECORD: f64 = 10.0;

/// The most milliseconds that reading a million records may take.
const READING: f64 = 2_000.0;

/// Commands that read, one that changes, and one that reads the configuration only.
const COMMANDS: [&[&str]; 4] =
    [&["requests", "status", ID], &["machines", "list"], &["storage", "health"], &["config", "show"]];
const ID: &str = "ID";

/// The table, and that the phases sum up to the time outside. What a process costs before it is this program and after its
/// last line, no program can tell of itself: for that stands the floor program, which is run in turn.
pub(super) fn measure(
    program: &Path,
    floor: &Path,
    history: &History,
    variables: &[(&str, String)],
    quick: bool,
) -> Result<(Table, Vec<Budget>)> {
    step("measuring: the time that phases account for");
    let (mut rows, mut budgets) = (Vec::new(), Vec::new());
    for words in COMMANDS {
        let name = words.join(" ");
        let words: Vec<&str> =
            words.iter().map(|word| if *word == ID { history.finished.as_str() } else { word }).collect();
        let mut found = Vec::new();
        for _ in 0..if quick { ROUNDS / 10 } else { ROUNDS } {
            let mut command = Command::new(program);
            command
                .args(&words)
                .arg("--timings=json")
                .env_clear()
                .envs(variables.iter().map(|(name, value)| (name, value)))
                .env("OHFP_STATE_DIR", &history.state)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            let mut least = Command::new(floor);
            least.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            found.push(once(&mut command, &mut least)?);
        }
        found.sort_by(|left, right| left.share().total_cmp(&right.share()));
        let middle = found.get(found.len() / 2).copied().unwrap_or_default();
        budgets.push(Budget {
            what: format!("`{name}`: its phases and the floor / time outside"),
            found: middle.share(),
            limit: Limit::AtLeast(SHARE),
        });
        found.sort_by_key(|one| one.outside);
        let at = |share: usize| {
            let one = found.get(found.len() * share / 100).copied().unwrap_or_default();
            one.outside.as_secs_f64() * 1e6
        };
        rows.push(Row {
            name: format!("ohfp {name} --timings=json"),
            rounds: u64::try_from(found.len()).unwrap_or(u64::MAX),
            min: at(0),
            median: at(50),
            p90: at(90),
            ..Row::default()
        });
    }
    let title = "Commands that tell where their time goes".to_owned();
    Ok((Table { title, rows, columns: Columns::FirstCall, before: Vec::new() }, budgets))
}

/// One run, and one of the floor program.
#[derive(Clone, Copy, Default)]
struct Found {
    outside: Duration,
    floor: Duration,
    told: Duration,
}

impl Found {
    fn share(self) -> f64 {
        (self.told + self.floor).as_secs_f64() / self.outside.as_secs_f64()
    }
}

fn once(command: &mut Command, floor: &mut Command) -> Result<Found> {
    let (floor, _) = outside(floor)?;
    let (outside, told) = outside(command)?;
    let report: Value = serde_json::from_str(told.lines().last().unwrap_or_default())?;
    let phases = report.get("phases").and_then(Value::as_array).ok_or("there are no phases")?;
    let wall = |phase: &Value| Some(Duration::from_secs_f64(phase.get("wall_ms")?.as_f64()? / 1e3));
    Ok(Found { outside, floor, told: phases.iter().filter_map(wall).sum() })
}

/// What a record costs, and how long a month's million of them are read. The record is written by one process that writes
/// many: in one that ends with its record, the same calls take as long as caches that are cold make them.
pub(super) fn records(project: &Project) -> Result<[Budget; 2]> {
    step("measuring: records of metrics, and reading a million");
    let numbers = told_by_example(project, "ohfp-metrics", "record", "1000000")?;
    let &[record, reading, _] = numbers.as_slice() else {
        return Err(format!("the example `record` says something else: {numbers:?}").into());
    };
    Ok([
        at_most("a record of metrics, caches warm, µs", record, RECORD),
        at_most("a million records are read, ms", reading, READING),
    ])
}

/// How long a program takes from outside, and what it says on standard error.
fn outside(command: &mut Command) -> Result<(Duration, String)> {
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut told = String::new();
    if let Some(mut stream) = child.stderr.take() {
        stream.read_to_string(&mut told)?;
    }
    let status = child.wait()?;
    let outside = began.elapsed();
    if !status.success() {
        return Err(format!("{command:?} ended with {status}: {told}").into());
    }
    Ok((outside, told))
}
