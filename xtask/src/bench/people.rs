//! What a person waits for: completion, an explained key, the check of a large catalog.

use xshell::cmd;

use super::Bench;
use super::limits::at_most;
use super::measure::{Case, Output};
use super::report::{Budget, Table};
use super::site::Site;
use crate::project::{Project, Result, step};

/// Templates of the catalog that is checked.
const CHECKED: &str = "10000";

/// Commands of a person at a site, with what they are held to.
pub(super) fn commands(bench: &Bench<'_>, count: u32, site: &Site, budgets: &mut Vec<Budget>) -> Result<Table> {
    let ohfp = bench.tree.program("ohfp");
    let rows: [(&str, &[&str], f64); 2] = [
        ("completion of a template", &["__complete", "templates", "show"], 1.0),
        ("ohfp config explain KEY", &["config", "explain", "logging.level"], 5.0),
    ];
    let mut cases = vec![bench.floor()?];
    for (name, words, _) in rows {
        cases.push(Case::new(name, Output::Pipe, &ohfp, words)?);
    }
    let table = bench.table(format!("What a person waits for, {count} templates"), site, &cases, 300)?;
    let measured = table.rows.iter().skip(1).zip(rows);
    budgets.extend(measured.map(|(row, (name, _, most))| at_most(format!("{name}, ms"), row.median / 1_000.0, most)));
    Ok(table)
}

/// Resolves and validates a large catalog in one process, and holds the fastest of its runs to 100 ms.
pub(super) fn validation(project: &Project) -> Result<Budget> {
    step(format_args!("measuring: {CHECKED} templates are resolved and validated"));
    let told = cmd!(
        project.sh,
        "cargo run --quiet --release --package ohfp-service --example validate -- {CHECKED}"
    )
    .read()?;
    let words: Vec<&str> = told.split_whitespace().collect();
    let found = match words.as_slice() {
        [.., found, "ms"] => found.parse()?,
        _ => return Err(format!("the example `validate` says something else: {told}").into()),
    };
    Ok(at_most(format!("{CHECKED} templates resolved and validated, ms"), found, 100.0))
}
