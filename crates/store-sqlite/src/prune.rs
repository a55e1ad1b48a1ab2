//! Pruning of finished requests.

use ohfp_broker::administration::Pruned;
use ohfp_broker::{Request, RequestKind, Result, Timestamp};
use rusqlite::params;

use crate::rows::{self, REQUEST};
use crate::session::{Query, Session, TxEnd};
use crate::store::SqliteStore;

/// Requests per transaction, so that other writers can run in between.
const BATCH: usize = 200;

impl SqliteStore {
    /// When the request ended that has been over for the longest; `None` where none is over.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn oldest_finished(&self) -> Result<Option<Timestamp>> {
        let sql = format!(
            "SELECT updated FROM request INDEXED BY request_spent WHERE {SPENT} ORDER BY updated LIMIT 1"
        );
        let oldest = self.read(|session| {
            session.prepare(&sql)?.first([], |row| rows::Cells { row, table: "request" }.integer(0))
        })?;
        Ok(oldest.flatten().map(Timestamp::from_millis))
    }

    /// Deletes requests that were over before `finished_before`, with machines and documents, once all their
    /// machines are gone and all returns of these are over as well.
    pub fn prune(&self, finished_before: Timestamp) -> Result<Pruned> {
        let mut total = Pruned::default();
        // Acquire requests first: a return goes with the last of its machines.
        for kind in [RequestKind::Acquire, RequestKind::Return] {
            let mut after = (i64::MIN, i64::MIN);
            while let Some(batch) = self.read(|session| spent(session, kind, finished_before, after))? {
                let Some(last) = batch.last() else { break };
                after = last.key;
                let done = self.write(|session| {
                    let done = delete(session, kind, finished_before, &batch)?;
                    Ok(if done == Pruned::default() { TxEnd::Rollback(done) } else { TxEnd::Commit(done) })
                })?;
                total.requests += done.requests;
                total.machines += done.machines;
                total.documents += done.documents;
            }
        }
        Ok(total)
    }
}

/// A request that seems to be over, and its place in the index.
struct Spent {
    request: Request,
    key: (i64, i64),
}

const SPENT: &str = "machines_left = 0 AND state <> 'recorded' AND state <> 'started'";

fn spent(
    session: &Session<'_>,
    kind: RequestKind,
    before: Timestamp,
    after: (i64, i64),
) -> Result<Vec<Spent>> {
    let sql = format!(
        "SELECT {REQUEST} FROM request INDEXED BY request_spent
         WHERE {SPENT} AND updated < ?1 AND (updated, number) > (?2, ?3) AND kind = '{}'
         ORDER BY updated, number LIMIT {BATCH}",
        kind.name()
    );
    session.prepare(&sql)?.all(params![before.millis(), after.0, after.1], |row| {
        let request = rows::request(row)?;
        let number = rows::Cells { row, table: "request" }.integer(0)?;
        Ok(Spent { key: (request.updated.millis(), number), request })
    })
}

fn delete(session: &Session<'_>, kind: RequestKind, before: Timestamp, batch: &[Spent]) -> Result<Pruned> {
    let mut statements = Statements::new(session, kind)?;
    let mut done = Pruned::default();
    for spent in batch {
        statements.delete(&spent.request, before, &mut done)?;
    }
    Ok(done)
}

struct Statements<'c> {
    /// Whether it is as it was when it was looked at, and nothing is left that speaks of it.
    deletable: Query<'c>,
    members: Query<'c>,
    machines: Query<'c>,
    documents: Query<'c>,
    request: Query<'c>,
}

impl<'c> Statements<'c> {
    fn new(session: &Session<'c>, kind: RequestKind) -> Result<Self> {
        let nothing_left = match kind {
            // A machine that an unfinished or a younger return names is still needed.
            RequestKind::Acquire => {
                "NOT EXISTS (SELECT 1 FROM machine JOIN return_member ON return_member.machine = machine.number
                   JOIN request AS back ON back.id = return_member.return_id
                 WHERE machine.request = request.id
                   AND (back.state IN ('recorded','started') OR back.updated >= ?3))"
            }
            RequestKind::Return => {
                "?3 IS NOT NULL AND NOT EXISTS
                   (SELECT 1 FROM return_member WHERE return_member.return_id = request.id)"
            }
        };
        Ok(Self {
            deletable: session.prepare(&format!(
                "SELECT 1 FROM request WHERE id = ?1 AND version = ?2 AND {SPENT} AND open = 0 AND {nothing_left}"
            ))?,
            members: session.prepare(
                "DELETE FROM return_member WHERE machine IN (SELECT number FROM machine WHERE request = ?1)",
            )?,
            machines: session.prepare("DELETE FROM machine WHERE request = ?1")?,
            // Documents are kept by launch token. Those that count stay: their provider still needs them.
            documents: session.prepare(
                "DELETE FROM document WHERE provider = ?1 AND bundle = ?2
                   AND (live_until IS NULL OR live_until < ?3)",
            )?,
            request: session.prepare("DELETE FROM request WHERE id = ?1")?,
        })
    }

    fn delete(&mut self, request: &Request, before: Timestamp, done: &mut Pruned) -> Result<()> {
        let id = request.id.as_str();
        if self.deletable.first(params![id, request.version, before.millis()], |_| Ok(()))?.is_none() {
            return Ok(());
        }
        if request.kind == RequestKind::Acquire {
            self.members.run([id])?;
            done.machines += self.machines.run([id])? as u64;
            if let Some(provider) = &request.provider {
                for attempt in (0..=request.attempt).rev().take(MOST_ATTEMPTS) {
                    let token = request.id.token(attempt);
                    done.documents += self.documents.run(params![provider, token, before.millis()])? as u64;
                }
            }
        }
        done.requests += self.request.run([id])? as u64;
        Ok(())
    }
}

/// Maximum number of launch attempts considered; a number from a damaged row must not cause a long loop.
const MOST_ATTEMPTS: usize = 100;
