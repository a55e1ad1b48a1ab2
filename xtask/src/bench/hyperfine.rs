//! A second opinion: the same cases through hyperfine, without a shell.

use std::path::Path;

use serde_json::Value;
use xshell::cmd;

use super::measure::{Case, Environment, Row};
use crate::project::{Project, Result, text};

pub(super) const VERSION: &str = "1.20.0";

/// Adds hyperfine's median to each row.
pub(super) fn add(
    project: &Project,
    hyperfine: &Path,
    environment: &Environment<'_>,
    cases: &[Case],
    rows: &mut [Row],
    rounds: u32,
) -> Result<()> {
    let export = project.target.join("bench/hyperfine.json");
    let (export_to, runs) = (text(&export)?, rounds.to_string());
    let mut command = cmd!(
        project.sh,
        "{hyperfine} --shell=none --style none --warmup 10 --runs {runs} --export-json {export_to}"
    );
    for case in cases {
        command = command.args(["--output", case.output.name()]);
    }
    let found = command
        .args(cases.iter().map(|case| quoted(&case.command)))
        .env_clear()
        .envs(environment.iter().copied())
        .quiet()
        .ignore_stdout()
        // Its advice about outliers is for machines that one has to oneself.
        .ignore_stderr()
        .run();
    found.map_err(|error| format!("hyperfine failed: {error}"))?;
    let exported: Value = serde_json::from_str(&project.sh.read_file(&export)?)?;
    let results = exported.get("results").and_then(Value::as_array).ok_or("hyperfine exported no results")?;
    for (row, result) in rows.iter_mut().zip(results) {
        row.hyperfine = result.get("median").and_then(Value::as_f64).map(|seconds| seconds * 1e6);
    }
    Ok(())
}

/// hyperfine splits a command as a shell would.
fn quoted(command: &[String]) -> String {
    let parts: Vec<String> =
        command.iter().map(|part| format!("'{}'", part.replace('\'', r"'\''"))).collect();
    parts.join(" ")
}
