//! A store of documents in memory: one transaction at a time, undone when it fails.

use std::sync::{Mutex, PoisonError};

use ohfp_broker::records::{Ledger, Record, Records};
use ohfp_broker::{Error, ErrorKind, Result, Timestamp};

/// The documents of one provider.
#[derive(Default)]
pub(crate) struct Memory {
    records: Mutex<Vec<Record>>,
}

struct Transaction {
    records: Vec<Record>,
    may_write: bool,
}

impl Memory {
    fn run(&self, may_write: bool, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = Transaction { records: records.clone(), may_write };
        body(&mut transaction)?;
        *records = transaction.records;
        Ok(())
    }
}

impl Records for Memory {
    fn write(&self, _provider: &str, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()> {
        self.run(true, body)
    }

    fn read(&self, _provider: &str, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()> {
        self.run(false, body)
    }
}

impl Transaction {
    fn those(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        self.records.iter().filter(|record| wanted(record)).cloned().collect()
    }
}

impl Ledger for Transaction {
    fn get(&mut self, id: &str) -> Result<Option<Record>> {
        Ok(self.those(|record| record.id == id).pop())
    }

    fn group(&mut self, group: &str) -> Result<Vec<Record>> {
        Ok(self.those(|record| record.group == group))
    }

    fn live(&mut self, now: Timestamp) -> Result<Vec<Record>> {
        Ok(self.those(|record| record.live_until.is_some_and(|until| now < until)))
    }

    fn count_live(&mut self, now: Timestamp) -> Result<u64> {
        Ok(self.live(now)?.len() as u64)
    }

    fn expired(&mut self, now: Timestamp) -> Result<Vec<Record>> {
        Ok(self.those(|record| record.live_until.is_some_and(|until| until <= now)))
    }

    fn put(&mut self, record: &Record) -> Result<()> {
        if !self.may_write {
            return Err(Error::new(ErrorKind::Refused, "a look at documents may not write"));
        }
        match self.records.iter_mut().find(|known| known.id == record.id) {
            Some(known) => known.clone_from(record),
            None => self.records.push(record.clone()),
        }
        Ok(())
    }
}
