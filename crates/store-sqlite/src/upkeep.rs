//! Operators' actions: health, round trip, metrics.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use ohfp_broker::administration::{Metrics, RoundTrip, StoreHealth};
use ohfp_broker::{
    Error, ErrorKind, MachineState, Request, RequestId, RequestKind, RequestState, Result, Timestamp,
};

use crate::session::{Session, TxEnd};
use crate::store::SqliteStore;
use crate::{connection, identity, paths, requests, reserve, rows, schema};

impl SqliteStore {
    /// Checks the health. Problems are part of the result.
    pub fn health(&self) -> StoreHealth {
        let path = self.path();
        let mut health = StoreHealth {
            healthy: false,
            path: path.display().to_string(),
            exists: path.exists(),
            writable: None,
            journal: None,
            file_system: file_system(path),
            local_file_system: self.options().local_file_system,
            schema_version: None,
            current_schema_version: schema::VERSION,
            bytes: paths::size(path),
            log_bytes: paths::size(&paths::beside(path, paths::WAL_SUFFIX)),
            only_in_log: None,
            reserve_bytes: reserve::held(path),
            problems: Vec::new(),
        };
        match self.read(marks) {
            Ok(Some((journal, version, number))) => {
                (health.journal, health.schema_version) = (Some(journal), Some(version));
                let in_file = connection::alone(path).map(|alone| alone.number);
                health.only_in_log = in_file.ok().map(|in_file| number.saturating_sub(in_file));
            }
            Ok(None) => {}
            Err(error) => health.problems.push(error.summary()),
        }
        // The check must not create the store.
        if health.problems.is_empty() && health.exists && !self.options().read_only {
            let written = self.write(|session| touch(session).map(TxEnd::Rollback));
            health.writable = Some(written.is_ok());
            health.problems.extend(written.err().map(|error| error.summary()));
        }
        if health.journal.as_deref() == Some("wal") && !health.local_file_system {
            health
                .problems
                .push("it is in WAL mode, which does not work on a network file system".to_owned());
        }
        health.healthy = health.problems.is_empty();
        health
    }

    /// Writes a request, reads it back and takes it back. The store is as before.
    pub fn test(&self) -> Result<RoundTrip> {
        let start = Instant::now();
        let (mut trip, written) = self.write(|session| {
            let turn_micros = micros(start);
            let start = Instant::now();
            let id = RequestId::new(RequestKind::Acquire, Timestamp::default(), [0; 10]);
            let mut probe =
                Request::new(id, RequestKind::Acquire, 1, Timestamp::default(), Timestamp::default());
            probe.template_id = Some("probe".to_owned());
            requests::insert(session, &probe, 1)?;
            let write_micros = micros(start);
            let start = Instant::now();
            let found = requests::views(session, std::slice::from_ref(&probe.id))?;
            probe.version = 1;
            if found.first().and_then(Option::as_ref).map(|view| &view.request) != Some(&probe) {
                return Err(Error::new(ErrorKind::Damaged, "the state store does not read what was written"));
            }
            let read_micros = micros(start);
            let trip = RoundTrip { turn_micros, write_micros, read_micros, rollback_micros: 0 };
            Ok(TxEnd::Rollback((trip, Instant::now())))
        })?;
        trip.rollback_micros = micros(written);
        Ok(trip)
    }

    /// What is in the store. It counts everything, so it takes its time.
    pub fn metrics(&self) -> Result<Metrics> {
        let mut metrics = self.read(count)?.unwrap_or_default();
        metrics.bytes = paths::size(self.path());
        metrics.log_bytes = paths::size(&paths::beside(self.path(), paths::WAL_SUFFIX));
        // A log is a header, and in front of each page another one.
        let frame = metrics.page_bytes.saturating_add(24);
        metrics.log_pages = metrics.log_bytes.saturating_sub(32).checked_div(frame).unwrap_or(0);
        Ok(metrics)
    }
}

fn marks(session: &Session<'_>) -> Result<(String, i64, u64)> {
    let journal = session
        .prepare("PRAGMA journal_mode")?
        .first([], |row| row.get(0).map_err(|error| session.failed(&error)))?;
    let known = identity::read(session.connection()).map_err(|error| session.failed(&error))?;
    Ok((journal.unwrap_or_default(), session.number("PRAGMA user_version", [])?, known.number))
}

/// Writes a row without changing it, to check whether writes are refused.
fn touch(session: &Session<'_>) -> Result<()> {
    let version = session.number("PRAGMA user_version", [])?;
    session.run(&format!("PRAGMA user_version = {version}"), []).map(drop)
}

fn count(session: &Session<'_>) -> Result<Metrics> {
    let number = |sql: &str| Ok(u64::try_from(session.number(sql, [])?).unwrap_or(0));
    let mut metrics = Metrics {
        live_documents: number("SELECT count(*) FROM document WHERE live_until IS NOT NULL")?,
        documents: number("SELECT count(*) FROM document")?,
        pages: number("PRAGMA page_count")?,
        free_pages: number("PRAGMA freelist_count")?,
        page_bytes: number("PRAGMA page_size")?,
        ..Metrics::default()
    };
    for (kind, counts) in [("acquire", &mut metrics.requests), ("return", &mut metrics.returns)] {
        let sql = format!("SELECT state, count(*) FROM request WHERE kind = '{kind}' GROUP BY state");
        *counts = by_state(session, &sql, RequestState::NAMES)?;
    }
    metrics.returns.remove(RequestState::Cancelled.name());
    metrics.machines =
        by_state(session, "SELECT state, count(*) FROM machine GROUP BY state", MachineState::NAMES)?;
    let oldest = session
        .prepare("SELECT min(created) FROM request")?
        .first([], |row| rows::Cells { row, table: "request" }.optional_integer(0))?;
    metrics.oldest_request = oldest.flatten();
    Ok(metrics)
}

/// Every state, also those that nothing is in.
fn by_state(session: &Session<'_>, sql: &str, names: &[&str]) -> Result<BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, u64> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    session.prepare(sql)?.each([], |row| {
        let found: rusqlite::Result<(String, i64)> = row.get(0).and_then(|state| Ok((state, row.get(1)?)));
        let (state, count) = found.map_err(|error| session.failed(&error))?;
        counts.insert(state, u64::try_from(count).unwrap_or(0));
        Ok(())
    })?;
    Ok(counts)
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The type of the file system, as the kernel lists them: of all mount points above the path, the longest;
/// of several mounts on one point, the last.
fn file_system(path: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let place = path.ancestors().find_map(|ancestor| fs::canonicalize(ancestor).ok())?;
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((mount, source)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (mount.split(' ').nth(4), source.split(' ').next()) else { continue };
        // Spaces in names are escaped; a longer name is no match then, and the next one up counts.
        if place.starts_with(point) && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}
