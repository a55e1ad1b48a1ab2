//! What was measured, as Markdown: tables, and ratios beside what they must not exceed.

use std::fmt::Write;

use xshell::cmd;

use super::measure::{Output, Row};
use crate::project::{Project, Result};

/// A table: programs that were measured against each other.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    /// Programs of an older tree, measured in the same loop.
    pub(crate) before: Vec<Row>,
    pub(crate) columns: Columns,
}

/// What is of interest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Of programs that take little more than starting.
    Start,
    /// Of programs that work with the state store.
    Live,
    /// Of programs that call a cloud; [`Row::calls`] are those calls.
    Cloud,
    /// Of programs that are ended with their first call, so that only the time until then is known.
    FirstCall,
}

/// A measured number and the limit it is held to.
pub(crate) struct Budget {
    pub(crate) what: String,
    pub(crate) found: f64,
    pub(crate) limit: Limit,
}

pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Budget {
    fn holds(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.found <= limit,
            Limit::AtLeast(limit) => self.found >= limit,
        }
    }
}

/// Where and when.
pub(crate) struct Machine {
    pub(crate) date: String,
    kernel: String,
    cpu: String,
    cores: usize,
}

impl Machine {
    pub(crate) fn look(project: &Project) -> Result<Self> {
        let sh = &project.sh;
        let info = sh.read_file("/proc/cpuinfo").unwrap_or_default();
        // Arm machines have no name there.
        let name =
            info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        Ok(Self {
            date: cmd!(sh, "date -u +%Y-%m-%d").quiet().read()?,
            kernel: cmd!(sh, "uname -sr").quiet().read()?,
            cpu: name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }

    /// For a file name.
    pub(crate) fn slug(&self) -> String {
        let lower = self.cpu.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        format!("{}-{}-cores", words.join("-"), self.cores)
    }
}

/// The whole report.
pub(crate) fn markdown(machine: &Machine, method: &str, tables: &[Table], budgets: &[Budget]) -> String {
    let mut text = format!(
        "# Benchmark of {}\n\n{}, {} cores, {}\n\n{method}",
        machine.date, machine.cpu, machine.cores, machine.kernel
    );
    for table in tables {
        let _ = write!(
            text,
            "\n## {}\n\n{}",
            table.title,
            rows(table.rows.iter().chain(&table.before), table.columns)
        );
    }
    let _ = write!(text, "\n## Held to\n\n{}", held(budgets));
    text
}

/// A cell without a value.
const NOTHING: &str = "–";

/// How tables of [`Columns::Start`] come about.
pub(crate) const METHOD: &str = "\
Each table is one interleaved loop of posix_spawn and wait with a scrubbed environment. Times are microseconds. \
Output: `null` is /dev/null, `pipe` is a pipe that is read to its end. Faults are minor page faults; calls are \
system calls after execve; peak is the largest resident set in KiB. ohfp has no ohfp-live to hand over to here, \
so it answered itself.\n";

/// A table, with ratios to the row called `floor`.
pub(crate) fn rows<'r>(rows: impl IntoIterator<Item = &'r Row>, columns: Columns) -> String {
    let rows: Vec<&Row> = rows.into_iter().collect();
    let floor = rows.iter().find(|row| row.name == "floor").map(|row| row.median);
    let second_opinion = rows.iter().any(|row| row.hyperfine.is_some());
    let (start, cloud) = (columns == Columns::Start, columns == Columns::Cloud);
    let live = columns == Columns::Live;
    let (local, ends) = (start || live, columns != Columns::FirstCall);
    let heads: Vec<&str> = [
        (true, "program"),
        (start, "output"),
        (local, "bytes"),
        (true, "min"),
        (true, "median"),
        (true, "p90"),
        (start, "× floor"),
        (second_opinion, "hyperfine"),
        (live || cloud, "cpu"),
        (local, "faults"),
        (local, "calls"),
        (cloud, "calls of AWS"),
        (live, "syncs"),
        (ends, "peak"),
        (live, "instructions"),
        (true, "rounds"),
    ]
    .into_iter()
    .filter_map(|(shown, head)| shown.then_some(head))
    .collect();
    let rules: Vec<&str> =
        heads.iter().map(|head| if matches!(*head, "program" | "output") { "---" } else { "---:" }).collect();

    let mut text = format!("| {} |\n|{}|\n", heads.join(" | "), rules.join("|"));
    for row in rows {
        let cells: Vec<String> = heads.iter().map(|head| cell(row, head, floor)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn cell(row: &Row, head: &str, floor: Option<f64>) -> String {
    let nothing = || NOTHING.to_owned();
    match head {
        "program" => row.name.clone(),
        "output" => row.output.name().to_owned(),
        "bytes" => number((row.output == Output::Pipe).then_some(row.bytes)),
        "min" => time(row.min),
        "median" => time(row.median),
        "p90" => time(row.p90),
        "× floor" => floor.map_or_else(nothing, |floor| format!("{:.2}", row.median / floor)),
        "hyperfine" => row.hyperfine.map_or_else(nothing, time),
        "cpu" => time(row.cpu),
        "faults" => format!("{:.0}", row.faults),
        "calls" | "calls of AWS" => number(row.calls),
        "syncs" => number(row.syncs),
        "peak" => number(row.peak),
        "instructions" => number(row.instructions),
        _ => row.rounds.to_string(),
    }
}

fn held(budgets: &[Budget]) -> String {
    let mut text = "| what | found | limit | |\n|---|---:|---:|---|\n".to_owned();
    for budget in budgets {
        let limit = match budget.limit {
            Limit::AtMost(limit) => format!("≤ {limit}"),
            Limit::AtLeast(limit) => format!("≥ {limit}"),
        };
        let verdict = if budget.holds() { "holds" } else { "**missed**" };
        let _ = writeln!(text, "| {} | {} | {limit} | {verdict} |", budget.what, time_or_ratio(budget.found));
    }
    text
}

fn time(microseconds: f64) -> String {
    if microseconds < 1000.0 { format!("{microseconds:.1}") } else { format!("{microseconds:.0}") }
}

fn time_or_ratio(number: f64) -> String {
    if number < 20.0 { format!("{number:.2}") } else { format!("{number:.0}") }
}

fn number(number: Option<u64>) -> String {
    number.map_or(NOTHING.to_owned(), |number| number.to_string())
}
