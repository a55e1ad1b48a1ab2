//! Documents of providers.

use ohfp_broker::documents::{Document, DocumentTx};
use ohfp_broker::{Result, Timestamp};
use rusqlite::params;

use crate::failure::refused;
use crate::rows::{self, DOCUMENT};
use crate::session::{Query, Session};

/// A provider's documents in one transaction.
pub(crate) struct Documents<'c, 'p> {
    session: Session<'c>,
    provider: &'p str,
    writable: bool,
    // A launch gets and puts one document for each machine: prepared once, and only where they are used.
    get: Option<Query<'c>>,
    put: Option<Query<'c>>,
}

impl<'c, 'p> Documents<'c, 'p> {
    pub(crate) fn new(session: Session<'c>, provider: &'p str, writable: bool) -> Self {
        Self { session, provider, writable, get: None, put: None }
    }
}

fn prepared<'q, 'c>(
    query: &'q mut Option<Query<'c>>,
    session: Session<'c>,
    sql: &str,
) -> Result<&'q mut Query<'c>> {
    match query {
        Some(query) => Ok(query),
        None => Ok(query.insert(session.prepare(sql)?)),
    }
}

impl Documents<'_, '_> {
    fn by_time(&mut self, condition: &str, now: Timestamp) -> Result<Vec<Document>> {
        let sql = format!(
            "SELECT {DOCUMENT} FROM document INDEXED BY document_live
             WHERE provider = ?1 AND {condition} ORDER BY number"
        );
        self.session.prepare(&sql)?.all(params![self.provider, now.millis()], rows::document)
    }
}

impl DocumentTx for Documents<'_, '_> {
    fn get(&mut self, id: &str) -> Result<Option<Document>> {
        let sql = format!("SELECT {DOCUMENT} FROM document WHERE provider = ?1 AND id = ?2");
        prepared(&mut self.get, self.session, &sql)?.first([self.provider, id], rows::document)
    }

    fn group(&mut self, group: &str) -> Result<Vec<Document>> {
        let sql =
            format!("SELECT {DOCUMENT} FROM document WHERE provider = ?1 AND bundle = ?2 ORDER BY number");
        self.session.prepare(&sql)?.all([self.provider, group], rows::document)
    }

    fn live(&mut self, now: Timestamp) -> Result<Vec<Document>> {
        self.by_time("live_until > ?2", now)
    }

    fn count_live(&mut self, now: Timestamp) -> Result<u64> {
        let count = self.session.number(
            "SELECT count(*) FROM document INDEXED BY document_live WHERE provider = ?1 AND live_until > ?2",
            params![self.provider, now.millis()],
        )?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn expired(&mut self, now: Timestamp) -> Result<Vec<Document>> {
        self.by_time("live_until <= ?2", now)
    }

    fn put(&mut self, record: &Document) -> Result<()> {
        if !self.writable {
            return Err(refused(format!("document `{}` cannot be stored while reading", record.id)));
        }
        let sql = "INSERT INTO document (provider, id, bundle, live_until, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (provider, id)
             DO UPDATE SET bundle = excluded.bundle, live_until = excluded.live_until, body = excluded.body";
        let put = prepared(&mut self.put, self.session, sql)?;
        let until = record.live_until.map(Timestamp::millis);
        put.run(params![self.provider, record.id, record.group, until, record.body])?;
        Ok(())
    }
}

/// The empty documents of a store without a database.
pub(crate) struct NoDocuments;

impl DocumentTx for NoDocuments {
    fn get(&mut self, _: &str) -> Result<Option<Document>> {
        Ok(None)
    }

    fn group(&mut self, _: &str) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }

    fn live(&mut self, _: Timestamp) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }

    fn count_live(&mut self, _: Timestamp) -> Result<u64> {
        Ok(0)
    }

    fn expired(&mut self, _: Timestamp) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }

    fn put(&mut self, record: &Document) -> Result<()> {
        Err(refused(format!("document `{}` cannot be stored while reading", record.id)))
    }
}
