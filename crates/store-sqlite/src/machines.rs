//! Queries of machines.

use ohfp_broker::lookup::{self, Candidates, Numbered};
use ohfp_broker::machine::Ending;
use ohfp_broker::replace;
use ohfp_broker::store::{Lookup, MachineFilter};
use ohfp_broker::{Machine, MachineId, MachineRef, MachineState, RequestId, Result, Timestamp};
use rusqlite::{ToSql, params};

use crate::failure::refused;
use crate::rows::{self, MACHINE};
use crate::session::{Query, Session, in_words, window};

/// Machines of a return, in the order they were named.
pub(crate) const OF_RETURN: &str = "SELECT {} FROM return_member
    JOIN machine ON machine.number = return_member.machine
    WHERE return_id = ?1 ORDER BY position";

/// Machines of an acquire request, in the order they were recorded.
pub(crate) const OF_REQUEST: &str = "SELECT {} FROM machine WHERE request = ?1 ORDER BY number";

const OWNER: &str = "SELECT 1 FROM request WHERE id = ?1 AND kind = 'acquire'";

const INSERT: &str = "INSERT INTO machine (id, provider, request, template_id, name, state, came_up, ending,
      returned_by, private_ip, public_ip, instance_type, price_type, units, cores, threads_per_core, rc_account,
      resource_id, tags, launched, reclaim_at, message, updated, version, account, region, asked, ended, gone)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
      ?23, ?24, ?25, ?26, ?27, ?28, ?29)";

const UPDATE: &str = "UPDATE machine SET name = ?3, state = ?4, came_up = ?5, ending = ?6, returned_by = ?7,
      private_ip = ?8, public_ip = ?9, instance_type = ?10, price_type = ?11, units = ?12, cores = ?13,
      threads_per_core = ?14, resource_id = ?15, tags = ?16, launched = ?17, reclaim_at = ?18, message = ?19,
      updated = ?20, ended = ?21, gone = ?22, version = version + 1
    WHERE number = ?1 AND version = ?2";

/// Stores machines of one change. Each statement is prepared when it is first needed: a launch inserts, and a status
/// updates.
pub(crate) struct Writer<'c> {
    session: Session<'c>,
    before: Option<Query<'c>>,
    owner: Option<Query<'c>>,
    insert: Option<Query<'c>>,
    update: Option<Query<'c>>,
}

impl<'c> Writer<'c> {
    pub(crate) fn new(session: &Session<'c>) -> Self {
        Self { session: *session, before: None, owner: None, insert: None, update: None }
    }

    /// Stores a machine and returns the change in the number of remaining machines of its request; `None` if
    /// another process has changed it meanwhile.
    pub(crate) fn store(&mut self, machine: &Machine) -> Result<Option<i64>> {
        let key = [machine.id.as_str(), machine.provider.as_str()];
        let stored = || format!("SELECT {MACHINE} FROM machine WHERE id = ?1 AND provider = ?2");
        let before = prepared(&self.session, &mut self.before, stored)?.first(key, rows::numbered)?;
        match before {
            None if machine.version == 0 => {
                self.add(machine, 1)?;
                Ok(Some(i64::from(!machine.is_gone())))
            }
            Some(before) if machine.version != 0 && machine.version == before.machine.version => {
                replace::machine(&before.machine, machine)?;
                let changed = self.replace(before.number, machine)?;
                let left = i64::from(!machine.is_gone()) - i64::from(!before.machine.is_gone());
                Ok((changed == 1).then_some(left))
            }
            _ => Ok(None),
        }
    }

    /// Stores a new one.
    pub(crate) fn add(&mut self, machine: &Machine, version: i64) -> Result<()> {
        let owner = prepared(&self.session, &mut self.owner, || OWNER)?;
        if owner.first([machine.request.as_str()], |_| Ok(()))?.is_none() {
            return Err(refused(format!(
                "machine `{}` is said to be of `{}`, and there is no such request of machines",
                machine.id, machine.request
            )));
        }
        prepared(&self.session, &mut self.insert, || INSERT)?.run(params![
            machine.id.as_str(),
            machine.provider,
            machine.request.as_str(),
            machine.template_id,
            machine.name,
            machine.state.name(),
            machine.came_up.map(Timestamp::millis),
            machine.ending.map(Ending::name),
            machine.returned_by.as_ref().map(RequestId::as_str),
            machine.private_ip,
            machine.public_ip,
            machine.instance_type,
            machine.price_type,
            machine.units,
            machine.cores,
            machine.threads_per_core,
            machine.rc_account,
            machine.resource_id,
            machine.tags,
            machine.launched.millis(),
            machine.reclaim_at.map(Timestamp::millis),
            machine.message,
            machine.updated.millis(),
            version,
            machine.account,
            machine.region,
            machine.asked.map(Timestamp::millis),
            machine.ended.map(Timestamp::millis),
            machine.gone.map(Timestamp::millis),
        ])?;
        Ok(())
    }

    fn replace(&mut self, number: i64, machine: &Machine) -> Result<usize> {
        prepared(&self.session, &mut self.update, || UPDATE)?.run(params![
            number,
            machine.version,
            machine.name,
            machine.state.name(),
            machine.came_up.map(Timestamp::millis),
            machine.ending.map(Ending::name),
            machine.returned_by.as_ref().map(RequestId::as_str),
            machine.private_ip,
            machine.public_ip,
            machine.instance_type,
            machine.price_type,
            machine.units,
            machine.cores,
            machine.threads_per_core,
            machine.resource_id,
            machine.tags,
            machine.launched.millis(),
            machine.reclaim_at.map(Timestamp::millis),
            machine.message,
            machine.updated.millis(),
            machine.ended.map(Timestamp::millis),
            machine.gone.map(Timestamp::millis),
        ])
    }
}

/// Finds machines the way a scheduler names them. Each statement is prepared when it is first needed: most
/// machines are alive, and named by their ids.
pub(crate) struct Finder<'c> {
    session: Session<'c>,
    by_id: Option<Query<'c>>,
    living: Option<Query<'c>>,
    gone: Option<Query<'c>>,
}

/// So many machines that are gone are looked at for one of a name. More have the same first label only where
/// several domains use the same addresses.
const GONE: usize = 32;

impl<'c> Finder<'c> {
    pub(crate) fn new(session: &Session<'c>) -> Self {
        Self { session: *session, by_id: None, living: None, gone: None }
    }
}

/// The statement in a slot.
fn prepared<'q, 'c, Sql: AsRef<str>>(
    session: &Session<'c>,
    slot: &'q mut Option<Query<'c>>,
    sql: impl FnOnce() -> Sql,
) -> Result<&'q mut Query<'c>> {
    match slot {
        Some(query) => Ok(query),
        None => Ok(slot.insert(session.prepare(sql().as_ref())?)),
    }
}

/// Machines with a first label: those that are gone, or the others; the newest first.
fn by_host(gone: bool, most: &str) -> String {
    format!(
        "SELECT {MACHINE} FROM machine INDEXED BY machine_host
         WHERE host = ?1 AND (state = 'terminated') = {gone} ORDER BY number DESC {most}"
    )
}

impl Candidates for Finder<'_> {
    fn by_id(&mut self, id: &MachineId) -> Result<Vec<Numbered>> {
        let sql = || format!("SELECT {MACHINE} FROM machine WHERE id = ?1");
        prepared(&self.session, &mut self.by_id, sql)?.all([id.as_str()], rows::numbered)
    }

    fn living(&mut self, label: &str) -> Result<Vec<Numbered>> {
        let sql = || by_host(false, "");
        prepared(&self.session, &mut self.living, sql)?.all([label], rows::numbered)
    }

    fn gone(&mut self, label: &str) -> Result<Vec<Numbered>> {
        let sql = || by_host(true, &format!("LIMIT {GONE}"));
        prepared(&self.session, &mut self.gone, sql)?.all([label], rows::numbered)
    }
}

/// Machines by reference, in the order asked.
pub(crate) fn find(session: &Session<'_>, wanted: &[MachineRef]) -> Result<Vec<Lookup>> {
    let mut finder = Finder::new(session);
    wanted.iter().map(|wanted| Ok(lookup::find(&mut finder, wanted)?.map(|found| found.machine))).collect()
}

/// Machines by id; unknown ones are left out.
pub(crate) fn by_id(session: &Session<'_>, ids: &[MachineId]) -> Result<Vec<Machine>> {
    let mut query =
        session.prepare(&format!("SELECT {MACHINE} FROM machine WHERE id = ?1 ORDER BY provider"))?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(query.all([id.as_str()], rows::machine)?);
    }
    Ok(found)
}

/// Machines, newest first.
pub(crate) fn list(session: &Session<'_>, filter: &MachineFilter) -> Result<Vec<Machine>> {
    let left = !filter.states.is_empty() && !filter.states.contains(&MachineState::Terminated);
    let mut sql = format!("SELECT {MACHINE} FROM machine");
    let mut parameters: Vec<&dyn ToSql> = Vec::new();
    let (limit, offset) = window(filter.limit, filter.offset);
    parameters.push(&limit);
    parameters.push(&offset);
    let request = filter.request.as_ref().map(RequestId::as_str);
    // Without these, SQLite might go through all of history for what is current.
    sql.push_str(match (&request, left) {
        (Some(_), _) => " INDEXED BY machine_request WHERE 1",
        (None, true) => " INDEXED BY machine_left WHERE state <> 'terminated'",
        (None, false) => " WHERE 1",
    });
    sql.push_str(&in_words("state", filter.states.iter().map(|state: &MachineState| state.name())));
    if let Some(request) = &request {
        parameters.push(request);
        sql.push_str(&format!(" AND request = ?{}", parameters.len()));
    }
    if let Some(template_id) = &filter.template_id {
        parameters.push(template_id);
        sql.push_str(&format!(" AND template_id = ?{}", parameters.len()));
    }
    sql.push_str(" ORDER BY number DESC LIMIT ?1 OFFSET ?2");
    session.prepare(&sql)?.all(parameters.as_slice(), rows::machine)
}

/// Machines that the scheduler may have to give up.
pub(crate) fn watched(session: &Session<'_>) -> Result<Vec<Machine>> {
    let sql = format!(
        "SELECT {MACHINE} FROM machine INDEXED BY machine_watched
         WHERE returned_by IS NULL AND (state <> 'terminated' OR ending = 'reclaimed') ORDER BY number"
    );
    session.prepare(&sql)?.all([], rows::machine)
}

/// Whether a machine that is not terminated belongs to a fleet or group.
pub(crate) fn any_of(session: &Session<'_>, provider: &str, resource_id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM machine INDEXED BY machine_resource
         WHERE resource_id = ?1 AND provider = ?2 AND state <> 'terminated' LIMIT 1";
    Ok(session.prepare(sql)?.first([resource_id, provider], |_| Ok(()))?.is_some())
}
