//! What a person waits for: completion, an explained key, the check of a large catalog.

use super::limits::at_most;
use super::measure::told_by_example;
use super::report::{Budget, Table};
use crate::project::{Project, Result, step};

/// Templates of the catalog that is checked.
const CHECKED: &str = "10000";

/// Names, words and most milliseconds of what a person runs.
pub(super) const COMMANDS: [(&str, &[&str], f64); 2] = [
    ("completion of a template", &["__complete", "templates", "show"], 1.0),
    ("ohfp config explain KEY", &["config", "explain", "logging.level"], 5.0),
];

/// What the rows of [`COMMANDS`] are held to.
pub(super) fn budgets(table: &Table) -> impl Iterator<Item = Budget> {
    COMMANDS.into_iter().filter_map(|(name, _, most)| {
        let row = table.rows.iter().find(|row| row.name == name)?;
        Some(at_most(format!("{name}, ms"), row.median / 1_000.0, most))
    })
}

/// Resolves and validates a large catalog in one process, and holds the fastest of its runs to 100 ms.
pub(super) fn validation(project: &Project) -> Result<Budget> {
    step(format_args!("measuring: {CHECKED} templates are resolved and validated"));
    let numbers = told_by_example(project, "ohfp-service", "validate", CHECKED)?;
    let &[_, _, found] = numbers.as_slice() else {
        return Err(format!("the example `validate` says something else: {numbers:?}").into());
    };
    Ok(at_most(format!("{CHECKED} templates resolved and validated, ms"), found, 100.0))
}
