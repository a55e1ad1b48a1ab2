//! Statements in a transaction, with errors in the broker's terms.

use std::path::Path;

use ohfp_broker::{Error, Result};
use rusqlite::{Connection, Params, Row, Statement};

use crate::failure;

/// A transaction that is open.
#[derive(Clone, Copy)]
pub(crate) struct Session<'c> {
    connection: &'c Connection,
    path: &'c Path,
}

/// The end of a transaction that has not failed.
pub(crate) enum TxEnd<T> {
    /// It is committed.
    Commit(T),
    /// It is rolled back.
    Rollback(T),
}

impl<'c> Session<'c> {
    pub(crate) fn new(connection: &'c Connection, path: &'c Path) -> Self {
        Self { connection, path }
    }

    /// The connection, for what is not a statement.
    pub(crate) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// Where the database is.
    pub(crate) fn path(&self) -> &'c Path {
        self.path
    }

    /// A statement to be run any number of times.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Query<'c>> {
        let statement = self.connection.prepare(sql).map_err(|error| self.failed(&error))?;
        Ok(Query { statement, session: *self })
    }

    /// Runs a statement once; gives the number of rows it changed.
    pub(crate) fn run(&self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.prepare(sql)?.run(parameters)
    }

    /// The first column of the only row.
    pub(crate) fn number(&self, sql: &str, parameters: impl Params) -> Result<i64> {
        self.prepare(sql)?.number(parameters)
    }

    /// A failure of SQLite in this transaction.
    pub(crate) fn failed(&self, error: &rusqlite::Error) -> Error {
        failure::sqlite(self.path, "use", error)
    }
}

/// A prepared statement.
pub(crate) struct Query<'c> {
    statement: Statement<'c>,
    session: Session<'c>,
}

impl Query<'_> {
    /// Runs it; gives the number of rows it changed.
    pub(crate) fn run(&mut self, parameters: impl Params) -> Result<usize> {
        self.statement.execute(parameters).map_err(|error| self.session.failed(&error))
    }

    /// Hands over each row until `take` fails.
    pub(crate) fn each(
        &mut self,
        parameters: impl Params,
        mut take: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let session = self.session;
        let mut rows = self.statement.query(parameters).map_err(|error| session.failed(&error))?;
        while let Some(row) = rows.next().map_err(|error| session.failed(&error))? {
            take(row)?;
        }
        Ok(())
    }

    /// All rows.
    pub(crate) fn all<T>(
        &mut self,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(parameters, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        &mut self,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let session = self.session;
        let mut rows = self.statement.query(parameters).map_err(|error| session.failed(&error))?;
        rows.next().map_err(|error| session.failed(&error))?.map(read).transpose()
    }

    /// The first column of the only row.
    pub(crate) fn number(&mut self, parameters: impl Params) -> Result<i64> {
        let session = self.session;
        self.statement.query_row(parameters, |row| row.get(0)).map_err(|error| session.failed(&error))
    }
}

/// ` AND column IN (…)`; empty without words. They are constants of the broker, never foreign text.
pub(crate) fn in_words<'w>(column: &str, words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    if words.is_empty() { String::new() } else { format!(" AND {column} IN ({})", words.join(",")) }
}

/// LIMIT and OFFSET.
pub(crate) fn window(limit: Option<u64>, offset: u64) -> (i64, i64) {
    let clamp = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    (limit.map_or(-1, clamp), clamp(offset))
}
