//! `cargo xtask bench live`: what requests and machines cost, each operation a cold process.

use std::path::Path;

use serde_json::{Value, json};
use xshell::cmd;

use super::before;
use super::first_byte;
use super::history::{History, LIVE, LiveSite};
use super::limits::{at_most, to_float};
use super::measure::{Case, Output, Row, Tools};
use super::on_cloud;
use super::peer;
use super::report::{self, Budget, Columns, Machine, Table};
use super::told;
use crate::binaries::Purpose;
use crate::dist::{self, Tree};
use crate::project::{Project, Result, note, say, step, text};

/// How much history there is, little and much.
const LITTLE: u32 = 10;
const MUCH: u32 = 100_000;

/// What one run shares.
struct Live<'p> {
    project: &'p Project,
    tools: Tools<'p>,
    tree: &'p Tree,
    before: Option<&'p Tree>,
    site: &'p LiveSite<'p>,
    quick: bool,
}

/// Runs the command.
pub(super) fn run(
    project: &Project,
    purpose: Purpose,
    quick: bool,
    with_peer: bool,
    before: Option<&Tree>,
) -> Result<()> {
    let tree = dist::make(project, &project.fresh_dir("bench/tree")?, purpose)?;
    step("compiling the floor programs");
    let tools = Tools::build(project)?;
    step(format_args!("filling two state stores, with {LITTLE} and {MUCH} finished requests"));
    let site = LiveSite::make(project, &tree, before)?;
    let (little, much) = (site.history(LITTLE)?, site.history(MUCH)?);
    let live = Live { project, tools, tree: &tree, before, site: &site, quick };
    if project.tool("valgrind").is_none() {
        note("note: measuring without valgrind, which counts instructions");
    }

    let mut budgets = Vec::new();
    let mut tables = vec![live.status(&little, with_peer, &mut budgets)?, live.operations(&little)?];
    tables.push(live.questions(&little, &much, &mut budgets)?);
    tables.push(live.changes(&little, &much, &mut budgets)?);
    tables.push(live.loading(&little)?);
    let (table, expected) =
        told::measure(&tree.program("ohfp"), &live.tools.floor, &little, &site.variables()?, quick)?;
    tables.push(table);
    budgets.extend(expected);
    budgets.extend(told::records(project)?);
    tables.push(live.metrics(&little, &mut budgets)?);
    budgets.extend(before::budgets(&tables));
    if let Some((table, expected)) = first_byte::measure(project, &tree, quick)? {
        tables.push(table);
        budgets.extend(expected);
    }
    if with_peer && let Some((table, expected)) = on_cloud::measure(project, &tree, quick)? {
        tables.push(table);
        budgets.extend(expected);
    }

    let machine = Machine::look(project)?;
    let report = report::markdown(&machine, METHOD, &tables, &budgets);
    say(report.trim_end())?;
    if !quick {
        let name = format!("tests/bench/runs/{}-{}-live.md", machine.date, machine.slug());
        project.sh.write_file(project.root.join(&name), report)?;
        step(format_args!("kept as {name}"));
    }
    Ok(())
}

const METHOD: &str = "\
Each table is one interleaved loop of posix_spawn and wait with a scrubbed environment, output into a pipe that is \
read to its end, log written. Every process starts cold: it opens the state store, answers and ends. Times are \
microseconds: wall time from spawn to end; cpu is user and system time together. Calls are system calls after execve, \
syncs those of them that wait for the disk; faults are minor page faults; peak is the largest resident set in KiB; \
instructions are those of ohfp-live in thousands, as callgrind counts them. Programs that change something find the \
same state before each run.\n";

impl Live<'_> {
    fn rounds(&self, full: u32) -> u32 {
        if self.quick { (full / 10).max(5) } else { full }
    }

    fn table(&self, title: &str, cases: &[Case], full: u32) -> Result<Table> {
        step(format_args!("measuring: {title}"));
        let variables = self.site.variables()?;
        let environment: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let older = before::cases(self.tree, self.before, cases);
        let older: Vec<Case> = older.into_iter().map(|case| self.site.older(case)).collect::<Result<_>>()?;
        let all = [cases, &older].concat();
        let mut rows = self.tools.measure(&environment, &all, self.rounds(full))?;
        for (row, case) in rows.iter_mut().zip(&all) {
            row.instructions = self.instructions(&environment, case)?;
        }
        let before = rows.split_off(cases.len());
        Ok(Table { title: title.to_owned(), rows, before, columns: Columns::Live })
    }

    /// Instructions of the live program in thousands; the runtime, which it follows, has a few.
    fn instructions(&self, environment: &[(&str, &str)], case: &Case) -> Result<Option<u64>> {
        let (Some(valgrind), Some((program, words))) =
            (self.project.tool("valgrind"), case.command.split_first())
        else {
            return Ok(None);
        };
        let trees = [Some(self.tree), self.before];
        let Some(tree) = trees.into_iter().flatten().find(|tree| Path::new(program) == tree.program("ohfp"))
        else {
            return Ok(None);
        };
        let sh = &self.project.sh;
        if let Some((prepare, words)) = case.prepare.split_first() {
            cmd!(sh, "{prepare} {words...}").quiet().run()?;
        }
        let (program, out) = (tree.program("ohfp-live"), self.project.target.join("bench/callgrind.out"));
        let counted = cmd!(sh, "{valgrind} --tool=callgrind --callgrind-out-file={out} {program} {words...}");
        let variables = case.variables.iter().filter_map(|pair| pair.split_once('='));
        let output = counted
            .env_clear()
            .envs(environment.iter().copied())
            .envs(variables)
            .quiet()
            .ignore_stdout()
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let count = said.lines().find_map(|line| line.split_once("Collected : "));
        Ok(count.and_then(|(_, count)| count.trim().parse::<u64>().ok()).map(|count| count / 1_000))
    }

    /// A command of the program.
    fn ohfp(&self, name: impl Into<String>, words: &[&str]) -> Result<Case> {
        Case::new(name, Output::Pipe, &self.tree.program("ohfp"), words)
    }

    /// An operation with its question in a file.
    fn operation(&self, name: impl Into<String>, operation: &str, question: &Value) -> Result<Case> {
        let name = name.into();
        let file = self.site.input(&format!("{}.json", name.replace([' ', ',', '/'], "-")), question)?;
        self.ohfp(name, &[operation, "-f", text(&file)?])
    }

    fn status(&self, history: &History, with_peer: bool, budgets: &mut Vec<Budget>) -> Result<Table> {
        let question = json!({ "requests": [{ "requestId": history.finished }] });
        let file = self.site.input("finished.json", &question)?;
        let script = self.tree.root.join("scripts/getRequestStatus.sh");
        let words = ["requests", "status", history.finished.as_str()];
        let cases = [
            Case::new("floor", Output::Nowhere, &self.tools.floor, &[])?,
            history.case(self.ohfp("ohfp requests status ID", &words)?)?,
            history.forgetting(self.ohfp("ohfp requests status ID, no result cached", &words)?)?,
            history.case(Case::new(
                "getRequestStatus.sh -f FILE",
                Output::Pipe,
                &script,
                &["-f", text(&file)?],
            )?)?,
        ];
        let mut table = self.table("Status of a finished request, cold", &cases, 500)?;
        let [_, rows @ ..] = table.rows.as_slice() else { return Err("a row is missing".into()) };
        for row in rows {
            budgets.push(at_most(format!("{}, ms", row.name), row.median / 1_000.0, 5.0));
            budgets.extend(
                row.peak
                    .map(|peak| at_most(format!("{}, peak MB", row.name), to_float(peak) * 1.024e-3, 15.0)),
            );
        }
        if let (true, Some(ours)) = (with_peer, rows.first()) {
            let peer = peer::status(self.project, &self.tools, self.rounds(100).min(10))?;
            budgets.push(Budget {
                what: "cpu of the peer / cpu of ohfp, requests status ID".to_owned(),
                found: peer.cpu / ours.cpu,
                limit: report::Limit::AtLeast(100.0),
            });
            table.rows.push(peer);
        }
        Ok(table)
    }

    fn operations(&self, history: &History) -> Result<Table> {
        let wanted = |count: u32| json!({ "template": { "templateId": "bench", "machineCount": count } });
        let back = |count: usize| json!({ "machines": history.machines.get(..count) });
        let running = json!({ "requests": [{ "requestId": history.running }] });
        let cases = [
            history.changing(self.operation("requestMachines, 1", "requestMachines", &wanted(1))?)?,
            history.changing(self.operation("requestMachines, 100", "requestMachines", &wanted(100))?)?,
            history.changing(self.operation(
                "requestReturnMachines, 1 of 100",
                "requestReturnMachines",
                &back(1),
            )?)?,
            history.changing(self.operation(
                "requestReturnMachines, 100",
                "requestReturnMachines",
                &back(LIVE),
            )?)?,
            history.changing(self.operation(
                "getRequestStatus, 100 machines",
                "getRequestStatus",
                &running,
            )?)?,
            history.changing(self.operation(
                "getReturnRequests, 100 machines",
                "getReturnRequests",
                &back(LIVE),
            )?)?,
        ];
        self.table("Each operation by itself, 10 finished requests, 100 live machines", &cases, 100)
    }

    /// The same question with little and with much history.
    fn questions(&self, little: &History, much: &History, budgets: &mut Vec<Budget>) -> Result<Table> {
        let mut cases = Vec::new();
        for history in [little, much] {
            let name = |what: &str| format!("{what}, {} finished", history.name);
            let running = json!({ "requests": [{ "requestId": history.running }] });
            let machines = json!({ "machines": history.machines });
            let status = self.ohfp(name("requests status ID"), &["requests", "status", &history.finished])?;
            cases.push(history.case(status)?);
            let status = self.operation(name("getRequestStatus"), "getRequestStatus", &running)?;
            cases.push(history.changing(status)?);
            let reclaims = self.operation(name("getReturnRequests"), "getReturnRequests", &machines)?;
            cases.push(history.changing(reclaims)?);
        }
        let table = self.table("History does not matter to questions", &cases, 200)?;
        compare(&table, budgets);
        Ok(table)
    }

    fn changes(&self, little: &History, much: &History, budgets: &mut Vec<Budget>) -> Result<Table> {
        let mut cases = Vec::new();
        for history in [little, much] {
            let name = |what: &str| format!("{what}, {} finished", history.name);
            let wanted = json!({ "template": { "templateId": "bench", "machineCount": 1 } });
            let back = json!({ "machines": history.machines.get(..1) });
            let request = self.operation(name("requestMachines of 1"), "requestMachines", &wanted)?;
            cases.push(history.changing(request)?);
            let back = self.operation(name("requestReturnMachines of 1"), "requestReturnMachines", &back)?;
            cases.push(history.changing(back)?);
        }
        let table = self.table("History does not matter to changes", &cases, 200)?;
        compare(&table, budgets);
        Ok(table)
    }

    fn loading(&self, history: &History) -> Result<Table> {
        let running = json!({ "requests": [{ "requestId": history.running }] });
        let mut cases = Vec::new();
        for (name, enabled) in [("lazy", "true"), ("eager", "false")] {
            let set = |case: Case| case.with(format!("LAZY_LOADING_ENABLED={enabled}"));
            let words = ["requests", "status", history.finished.as_str()];
            cases.push(set(history.case(self.ohfp(format!("requests status ID, {name}"), &words)?)?));
            let name = format!("getRequestStatus, 100 machines, {name}");
            cases.push(set(history.changing(self.operation(name, "getRequestStatus", &running)?)?));
        }
        self.table("Lazy and eager loading", &cases, 100)
    }

    /// The same question with and without a record in the metrics.
    fn metrics(&self, history: &History, budgets: &mut Vec<Budget>) -> Result<Table> {
        let question = json!({ "requests": [{ "requestId": history.finished }] });
        let status = |name| history.case(self.operation(name, "getRequestStatus", &question)?);
        let cases = [status("getRequestStatus")?, self.site.quiet(status("getRequestStatus, no metrics")?)?];
        let table = self.table("What a record of metrics costs", &cases, 500)?;
        if let [with, without] = table.rows.as_slice() {
            let more = |field: fn(&Row) -> Option<u64>| {
                field(with).zip(field(without)).map(|(with, without)| to_float(with.saturating_sub(without)))
            };
            for (what, found, limit) in [
                ("system calls", more(|row| row.calls), RECORD_CALLS),
                ("waits for the disk", more(|row| row.syncs), 0.0),
            ] {
                budgets
                    .extend(found.map(|found| at_most(format!("a record of metrics, {what}"), found, limit)));
            }
        }
        Ok(table)
    }
}

/// Most system calls of a record of metrics.
const RECORD_CALLS: f64 = 4.0;

/// How much more the second half of the rows takes than the first.
fn compare(table: &Table, budgets: &mut Vec<Budget>) {
    let (little, much) = table.rows.split_at(table.rows.len() / 2);
    for (little, much) in little.iter().zip(much) {
        let name = little.name.split_once(", ").map_or("", |(name, _)| name);
        let mut ratio = |what: &str, little: f64, much: f64| {
            budgets.push(at_most(format!("{name}: {MUCH} / {LITTLE} finished, {what}"), much / little, 1.2));
        };
        ratio("wall", little.median, much.median);
        ratio("cpu", little.cpu, much.cpu);
        let counts = |field: fn(&Row) -> Option<u64>| field(little).zip(field(much));
        for (what, found) in
            [("instructions", counts(|row| row.instructions)), ("system calls", counts(|row| row.calls))]
        {
            if let Some((little, much)) = found {
                ratio(what, to_float(little), to_float(much));
            }
        }
    }
}
