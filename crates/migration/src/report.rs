//! The table of an import: what became of every key and field.

use serde::Serialize;

/// What became of a key or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mapping {
    /// It is in the new configuration, and means the same there.
    Mapped,
    /// It is not in the new configuration.
    Dropped,
    /// It is in the new configuration, and may mean something else than in the old one.
    Guessed,
}

/// A row of the table. It has no values, so it holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportRow {
    /// Name of the file.
    pub file: String,
    /// The key, dotted; for a template, the name of the field behind `templates.`.
    pub name: String,
    /// What became of it.
    pub outcome: Mapping,
    /// Its new name; `None` where it was dropped.
    pub to: Option<String>,
    /// Why it was dropped or guessed, or what was changed in it.
    pub why: Option<String>,
    /// How many templates have it so; 1 for a key.
    pub count: usize,
}

/// All rows, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport(Vec<ImportRow>);

impl ImportReport {
    /// The rows.
    pub fn rows(&self) -> &[ImportRow] {
        &self.0
    }

    /// How many rows have this outcome.
    pub fn count(&self, outcome: Mapping) -> usize {
        self.0.iter().filter(|row| row.outcome == outcome).count()
    }

    /// Adds a row, or one more to the row that says the same.
    pub(crate) fn add(
        &mut self,
        file: &str,
        name: &str,
        outcome: Mapping,
        to: Option<&str>,
        why: Option<String>,
    ) {
        let same = |row: &&mut ImportRow| {
            row.file == file
                && row.name == name
                && row.outcome == outcome
                && row.to.as_deref() == to
                && row.why == why
        };
        match self.0.iter_mut().rev().find(same) {
            Some(row) => row.count += 1,
            None => self.0.push(ImportRow {
                file: file.to_owned(),
                name: name.to_owned(),
                outcome,
                to: to.map(str::to_owned),
                why,
                count: 1,
            }),
        }
    }

    pub(crate) fn mapped(&mut self, file: &str, name: &str, to: &str) {
        self.add(file, name, Mapping::Mapped, Some(to), None);
    }

    pub(crate) fn changed(&mut self, file: &str, name: &str, to: &str, what: impl Into<String>) {
        self.add(file, name, Mapping::Mapped, Some(to), Some(what.into()));
    }

    pub(crate) fn guessed(&mut self, file: &str, name: &str, to: &str, why: impl Into<String>) {
        self.add(file, name, Mapping::Guessed, Some(to), Some(why.into()));
    }

    pub(crate) fn dropped(&mut self, file: &str, name: &str, why: impl Into<String>) {
        self.add(file, name, Mapping::Dropped, None, Some(why.into()));
    }
}
