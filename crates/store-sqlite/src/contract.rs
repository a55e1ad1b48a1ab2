//! The broker's traits, as queries in transactions.
//!
//! Without a database and without traces of one, there are no requests yet. A scheduler that names a machine,
//! or a request by an id of ours, is such a trace.

use ohfp_broker::RequestWithMachines;
use ohfp_broker::documents::{DocumentStore, DocumentTx};
use ohfp_broker::request::Request;
use ohfp_broker::store::{
    Admission, Applied, AttentionQuery, Change, Lookup, MachineFilter, RequestFilter, Returning, Store,
};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::text::quoted;
use ohfp_broker::{Error, Machine, MachineId, MachineRef, RequestId, Result};

use crate::documents::{Documents, NoDocuments};
use crate::session::TxEnd;
use crate::store::{Creation, SqliteStore};
use crate::transactions::Durability;
use crate::{identity, machines, requests, returns, traces};

impl SqliteStore {
    /// The error for machines that a scheduler names where there is no store.
    fn unknown_machines(&self, wanted: &[MachineRef]) -> Error {
        match wanted.first() {
            Some(machine) => {
                traces::unknown(self.path(), &format!("machine {}", quoted(&machine.to_string())))
            }
            None => traces::missing(self.path()),
        }
    }
}

impl SqliteStore {
    fn write_documents(
        &self,
        durability: Durability,
        provider: &str,
        body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>,
    ) -> Result<()> {
        self.write_with(durability, Creation::Refused, |session| {
            body(&mut Documents::new(*session, provider, true))?;
            Ok(TxEnd::Commit(()))
        })
    }
}

impl Store for SqliteStore {
    fn admit(&self, request: &Request, limit: MaxNumber) -> Result<Admission> {
        self.write_with(Durability::AtOnce, Creation::Allowed, |session| {
            requests::admit(session, request, limit)
        })
    }

    fn demand(&self, template_id: &str) -> Result<u64> {
        Ok(self.read(|session| requests::demand(session, template_id))?.unwrap_or(0))
    }

    fn admit_return(&self, request: &Request, wanted: &[MachineRef]) -> Result<Returning> {
        self.use_reserve();
        if !self.with_room(|| self.is_there())? {
            return Err(self.unknown_machines(wanted));
        }
        self.with_room(|| self.write(|session| returns::admit(session, request, wanted)))
    }

    fn apply(&self, change: &Change) -> Result<Applied> {
        if change.request.is_none() && change.machines.is_empty() {
            return Ok(Applied::Stored);
        }
        self.with_room(|| self.write(|session| requests::apply(session, change)))
    }

    fn adopt(&self, request: &Request, machines: &[Machine]) -> Result<Applied> {
        self.with_room(|| self.write(|session| requests::adopt(session, request, machines)))
    }

    fn acknowledge(&self, ids: &[RequestId]) -> Result<()> {
        let unheard = self.read(|session| requests::any_unacknowledged(session, ids))?;
        if unheard == Some(true) {
            self.write(|session| requests::acknowledge(session, ids))?;
        }
        Ok(())
    }

    fn views(&self, ids: &[RequestId]) -> Result<Vec<Option<RequestWithMachines>>> {
        match self.read(|session| requests::views(session, ids))? {
            Some(views) => Ok(views),
            None => match ids.iter().find(|id| id.is_ours()) {
                Some(id) => Err(traces::unknown(self.path(), &format!("request {}", quoted(id.as_str())))),
                None => Ok(vec![None; ids.len()]),
            },
        }
    }

    fn find_machines(&self, wanted: &[MachineRef]) -> Result<Vec<Lookup>> {
        match self.read(|session| machines::find(session, wanted))? {
            Some(found) => Ok(found),
            None if wanted.is_empty() => Ok(Vec::new()),
            None => Err(self.unknown_machines(wanted)),
        }
    }

    fn machines_by_id(&self, ids: &[MachineId]) -> Result<Vec<Machine>> {
        Ok(self.read(|session| machines::by_id(session, ids))?.unwrap_or_default())
    }

    fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestWithMachines>> {
        Ok(self.read(|session| requests::list(session, filter))?.unwrap_or_default())
    }

    fn machines(&self, filter: &MachineFilter) -> Result<Vec<Machine>> {
        Ok(self.read(|session| machines::list(session, filter))?.unwrap_or_default())
    }

    fn watched_machines(&self) -> Result<Vec<Machine>> {
        Ok(self.read(machines::watched)?.unwrap_or_default())
    }

    fn has_machine_of(&self, provider: &str, resource_id: &str) -> Result<bool> {
        Ok(self.read(|session| machines::any_of(session, provider, resource_id))?.unwrap_or(false))
    }

    fn needing_attention(&self, query: &AttentionQuery) -> Result<Vec<RequestWithMachines>> {
        let due = self.read(|session| requests::needing_attention(session, query))?;
        Ok(due.unwrap_or_default())
    }
}

impl DocumentStore for SqliteStore {
    fn store_id(&self) -> Result<String> {
        let known = SqliteStore::read(self, |session| identity::known(session.path(), session.connection()))?;
        Ok(identity::text(known.ok_or_else(|| traces::missing(self.path()))?.id))
    }

    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        self.write_documents(Durability::WithNext, provider, body)
    }

    fn write_through(
        &self,
        provider: &str,
        body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>,
    ) -> Result<()> {
        self.write_documents(Durability::AtOnce, provider, body)
    }

    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        match SqliteStore::read(self, |session| body(&mut Documents::new(*session, provider, false)))? {
            Some(()) => Ok(()),
            None => body(&mut NoDocuments),
        }
    }
}
