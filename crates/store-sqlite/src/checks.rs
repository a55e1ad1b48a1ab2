//! Consistency checks: SQLite's own, and ours.

use ohfp_broker::Result;
use ohfp_broker::administration::{Inconsistency, Validation};

use crate::rows::{self, DOCUMENT, MACHINE, REQUEST};
use crate::session::Session;
use crate::store::SqliteStore;

/// Maximum number of findings of each kind.
const MOST: usize = 100;

/// Table, message, and the query for inconsistent rows (number and id).
const RULES: [(&str, &str, &str); 11] = [
    (
        "request",
        "does not count its machines right",
        "SELECT number, id FROM request WHERE machines_left <>
           (SELECT count(*) FROM machine WHERE machine.request = request.id AND machine.state <> 'terminated')",
    ),
    (
        "request",
        "is complete with fewer machines than were requested",
        "SELECT number, id FROM request WHERE kind = 'acquire' AND state = 'complete' AND requested >
           (SELECT coalesce(sum(units), 0) FROM machine WHERE machine.request = request.id)",
    ),
    (
        "request",
        "gives back more machines than it says",
        "SELECT number, id FROM request WHERE kind = 'return' AND requested <
           (SELECT count(*) FROM return_member WHERE return_member.return_id = request.id)",
    ),
    (
        "request",
        "is a complete return, and a machine of it is still there",
        "SELECT DISTINCT request.number, request.id FROM request
           JOIN return_member ON return_member.return_id = request.id
           JOIN machine ON machine.number = return_member.machine
         WHERE request.kind = 'return' AND request.state = 'complete' AND machine.state <> 'terminated'",
    ),
    (
        "machine",
        "belongs to something that is no request of machines",
        "SELECT machine.number, machine.id FROM machine LEFT JOIN request ON request.id = machine.request
         WHERE request.kind IS NOT 'acquire'",
    ),
    (
        "machine",
        "is ending, and nothing says who ended it",
        "SELECT number, id FROM machine WHERE state IN ('shutting-down','terminated') AND ending IS NULL",
    ),
    (
        "machine",
        "is returned, and nothing says who ended it",
        "SELECT number, id FROM machine WHERE returned_by IS NOT NULL AND ending IS NULL",
    ),
    (
        "machine",
        "is returned by something that is no return",
        "SELECT machine.number, machine.id FROM machine LEFT JOIN request ON request.id = machine.returned_by
         WHERE machine.returned_by IS NOT NULL AND request.kind IS NOT 'return'",
    ),
    (
        "machine",
        "is not among the machines of the return that it names",
        "SELECT number, id FROM machine WHERE returned_by IS NOT NULL AND NOT EXISTS
           (SELECT 1 FROM return_member WHERE machine = machine.number AND return_id = machine.returned_by)",
    ),
    (
        "machine",
        "is in a return, and does not say that it is returned",
        "SELECT DISTINCT machine.number, machine.id FROM return_member
           JOIN machine ON machine.number = return_member.machine
         WHERE machine.returned_by IS NULL",
    ),
    (
        "return_member",
        "is of something that is no return",
        "SELECT return_member.machine, return_id FROM return_member LEFT JOIN request ON request.id = return_id
         WHERE request.kind IS NOT 'return'",
    ),
];

impl SqliteStore {
    /// Checks the whole content and lists the findings. Read-only.
    pub fn validate(&self) -> Result<Validation> {
        let mut validation = self.read(|session| Ok(validate(session)))?.unwrap_or_default();
        validation.valid = validation.findings.is_empty();
        Ok(validation)
    }
}

pub(crate) fn validate(session: &Session<'_>) -> Validation {
    let mut findings = Vec::new();
    // An unreadable database is itself a finding, the last one.
    if let Err(error) = integrity(session, &mut findings) {
        findings.push(about_file(error.summary()));
        return Validation { findings, ..Validation::default() };
    }
    let mut counts = [0; 3];
    let looked = counted(session, &mut counts, &mut findings).and_then(|()| rules(session, &mut findings));
    if let Err(error) = looked {
        findings.push(about_file(error.summary()));
    }
    let [requests, machines, documents] = counts;
    Validation { valid: false, requests, machines, documents, findings }
}

fn about_file(message: String) -> Inconsistency {
    Inconsistency { table: "database".to_owned(), row: None, message }
}

fn integrity(session: &Session<'_>, findings: &mut Vec<Inconsistency>) -> Result<()> {
    let mut query = session.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    query.each([], |row| {
        let line: String = row.get(0).map_err(|error| session.failed(&error))?;
        if line != "ok" {
            findings.push(about_file(line));
        }
        Ok(())
    })?;
    foreign_keys(session, findings)
}

/// References to missing rows.
pub(crate) fn foreign_keys(session: &Session<'_>, findings: &mut Vec<Inconsistency>) -> Result<()> {
    session.prepare("PRAGMA foreign_key_check")?.each([], |row| {
        let parts: rusqlite::Result<(String, Option<i64>, String)> =
            row.get(0).and_then(|table| Ok((table, row.get(1)?, row.get(2)?)));
        let (table, row, parent) = parts.map_err(|error| session.failed(&error))?;
        if findings.len() < MOST {
            let message = format!("names a row of `{parent}` that is not there");
            findings.push(Inconsistency { table, row, message });
        }
        Ok(())
    })
}

/// Reads every row the way the product does.
fn counted(session: &Session<'_>, counts: &mut [u64; 3], findings: &mut Vec<Inconsistency>) -> Result<()> {
    let [requests, machines, documents] = counts;
    *requests = readable(session, "request", REQUEST, |row| rows::request(row).map(drop), findings)?;
    *machines = readable(session, "machine", MACHINE, |row| rows::machine(row).map(drop), findings)?;
    *documents = readable(session, "document", DOCUMENT, |row| rows::document(row).map(drop), findings)?;
    Ok(())
}

fn readable(
    session: &Session<'_>,
    table: &str,
    columns: &str,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<()>,
    findings: &mut Vec<Inconsistency>,
) -> Result<u64> {
    let mut count = 0;
    let mut wrong = 0;
    session.prepare(&format!("SELECT {columns} FROM {table} ORDER BY number"))?.each([], |row| {
        count += 1;
        if let Err(error) = read(row) {
            wrong += 1;
            if wrong <= MOST {
                let number = row.get(0).ok();
                findings.push(Inconsistency {
                    table: table.to_owned(),
                    row: number,
                    message: error.summary(),
                });
            }
        }
        Ok(())
    })?;
    Ok(count)
}

/// Applies our own rules.
pub(crate) fn rules(session: &Session<'_>, findings: &mut Vec<Inconsistency>) -> Result<()> {
    for (table, wrong, sql) in RULES {
        session.prepare(&format!("{sql} LIMIT {MOST}"))?.each([], |row| {
            let found: rusqlite::Result<(i64, String)> =
                row.get(0).and_then(|number| Ok((number, row.get(1)?)));
            let (number, id) = found.map_err(|error| session.failed(&error))?;
            findings.push(Inconsistency {
                table: table.to_owned(),
                row: Some(number),
                message: format!("`{id}` {wrong}"),
            });
            Ok(())
        })?;
    }
    Ok(())
}
