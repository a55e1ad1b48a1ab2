//! The documents of providers in memory.

use super::{MemoryStore, refused};
use crate::documents::{Document, DocumentStore, DocumentTx};
use crate::error::Result;
use crate::time::Timestamp;

impl DocumentStore for MemoryStore {
    fn store_id(&self) -> Result<String> {
        Ok("memory".to_owned())
    }

    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        self.change(|data| {
            let records = data.documents.entry(provider.to_owned()).or_default();
            body(&mut Documents { records, may_write: true })?;
            Ok((true, ()))
        })
    }

    fn write_through(
        &self,
        provider: &str,
        body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>,
    ) -> Result<()> {
        self.write(provider, body)
    }

    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        let mut records = self.data().documents.get(provider).cloned().unwrap_or_default();
        body(&mut Documents { records: &mut records, may_write: false })
    }
}

struct Documents<'d> {
    records: &'d mut Vec<Document>,
    may_write: bool,
}

impl Documents<'_> {
    fn those(&self, wanted: impl Fn(&Document) -> bool) -> Vec<Document> {
        self.records.iter().filter(|record| wanted(record)).cloned().collect()
    }
}

impl DocumentTx for Documents<'_> {
    fn get(&mut self, id: &str) -> Result<Option<Document>> {
        Ok(self.those(|record| record.id == id).pop())
    }

    fn group(&mut self, group: &str) -> Result<Vec<Document>> {
        Ok(self.those(|record| record.group == group))
    }

    fn live(&mut self, now: Timestamp) -> Result<Vec<Document>> {
        Ok(self.those(|record| record.is_live(now)))
    }

    fn count_live(&mut self, now: Timestamp) -> Result<u64> {
        Ok(self.live(now)?.len() as u64)
    }

    fn expired(&mut self, now: Timestamp) -> Result<Vec<Document>> {
        Ok(self.those(|record| record.live_until.is_some_and(|until| until <= now)))
    }

    fn put(&mut self, record: &Document) -> Result<()> {
        if !self.may_write {
            return Err(refused("a transaction that reads documents may not write".to_owned()));
        }
        match self.records.iter_mut().find(|known| known.id == record.id) {
            Some(known) => known.clone_from(record),
            None => self.records.push(record.clone()),
        }
        Ok(())
    }
}
