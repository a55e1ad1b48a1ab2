//! The programs of an older tree, measured in the same loop as ours: is this commit slower than the one before?

use std::path::Path;

use super::limits::{at_most, to_float};
use super::measure::{Case, Row};
use super::report::{Budget, Table};
use crate::dist::Tree;

/// What the name of an older program's row ends in.
const SUFFIX: &str = ", before";

/// How much slower a program may be. Less cannot be told from noise.
const LIMIT: f64 = 1.02;

/// The same cases with the programs of the older tree, as far as it has them.
pub(super) fn cases(tree: &Tree, before: Option<&Tree>, cases: &[Case]) -> Vec<Case> {
    let Some(before) = before else { return Vec::new() };
    let older = |case: &Case| {
        let (program, words) = case.command.split_first()?;
        let program = before.root.join(Path::new(program).strip_prefix(&tree.root).ok()?);
        let program = program.is_file().then(|| program.to_str().map(str::to_owned))??;
        let command = [&[program], words].concat();
        Some(Case { name: format!("{}{SUFFIX}", case.name), command, ..case.clone() })
    };
    cases.iter().filter_map(older).collect()
}

/// Each program beside its older self: by instructions where they were counted, which no clock disturbs, else by time.
pub(super) fn budgets(tables: &[Table]) -> Vec<Budget> {
    let compared = tables.iter().flat_map(|table| {
        table.before.iter().filter_map(|before| {
            let name = before.name.strip_suffix(SUFFIX)?;
            let now = table.rows.iter().find(|row| row.name == name)?;
            let (measure, ratio) = ratio(now, before);
            Some(at_most(format!("{}: {name}, {measure}, this / before", table.title), ratio, LIMIT))
        })
    });
    compared.collect()
}

fn ratio(now: &Row, before: &Row) -> (&'static str, f64) {
    match (now.instructions, before.instructions) {
        (Some(now), Some(before)) => ("instructions", to_float(now) / to_float(before)),
        _ => ("median", now.median / before.median),
    }
}
