//! Queries of requests.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ohfp_broker::RequestWithMachines;
use ohfp_broker::replace as replace_rule;
use ohfp_broker::request::Request;
use ohfp_broker::store::{Admission, Applied, AttentionQuery, Change, RequestFilter};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{
    Machine, RequestId, RequestKind, RequestState, Result, ShortfallKind, Timestamp, UserData,
};
use rusqlite::params;

use crate::failure::{self, refused};
use crate::machines;
use crate::rows::{self, Cells, REQUEST, written};
use crate::session::{Query, Session, TxEnd, in_words, window};

/// The states of unfinished requests, as in the partial index.
const UNFINISHED: &str = "state IN ('recorded','started')";

/// Counts against the limit and stores the request, in one transaction.
pub(crate) fn admit(session: &Session<'_>, request: &Request, limit: MaxNumber) -> Result<TxEnd<Admission>> {
    let Some(template_id) = request.template_id.as_deref().filter(|_| request.kind == RequestKind::Acquire)
    else {
        return Err(refused(format!("`{}` does not ask for machines of a template", request.id)));
    };
    if let MaxNumber::AtMost(most) = limit {
        let existing = demand(session, template_id)?;
        if existing.saturating_add(u64::from(request.requested)) > most {
            return Ok(TxEnd::Rollback(Admission::Full { existing }));
        }
    }
    insert(session, request, 1)?;
    Ok(TxEnd::Commit(Admission::Admitted))
}

/// Number of machines that count against a template's limit.
pub(crate) fn demand(session: &Session<'_>, template_id: &str) -> Result<u64> {
    let count = session.number(
        "SELECT (SELECT coalesce(sum(units), 0) FROM machine INDEXED BY machine_left
                 WHERE template_id = ?1 AND state <> 'terminated' AND state <> 'shutting-down')
              + (SELECT coalesce(sum(requested), 0) FROM request INDEXED BY request_recorded
                 WHERE template_id = ?1 AND state = 'recorded')",
        [template_id],
    )?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Stores a new request.
pub(crate) fn insert(session: &Session<'_>, request: &Request, version: i64) -> Result<()> {
    if session
        .prepare("SELECT version FROM request WHERE id = ?1")?
        .first([request.id.as_str()], |_| Ok(()))?
        .is_some()
    {
        return Err(refused(format!("there is a request `{}` already", request.id)));
    }
    session.run(
        "INSERT INTO request (id, kind, template_id, provider, requested, weights, launch_fields, user_data,
           rc_account, provider_api, resource_ids, state, reason, created, updated, deadline, attempt,
           acknowledged, watch_until, version, open, finished, delivered, shortfall)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
           ?22, ?23, ?24)",
        params![
            request.id.as_str(),
            request.kind.name(),
            request.template_id,
            request.provider,
            request.requested,
            written(&request.weights, request.weights.is_none()),
            request.launch_fields,
            request.user_data.as_ref().map(UserData::reveal),
            request.rc_account,
            request.provider_api,
            written(&request.resource_ids, request.resource_ids.is_empty()),
            request.state.name(),
            request.reason,
            request.created.millis(),
            request.updated.millis(),
            request.deadline.millis(),
            request.attempt,
            request.acknowledged,
            request.watch_until.map(Timestamp::millis),
            version,
            request.open,
            request.finished.map(Timestamp::millis),
            request.delivered,
            request.shortfall.map(ShortfallKind::name),
        ],
    )?;
    Ok(())
}

/// Stores a request with machines that it did not make, unless one of them is there.
pub(crate) fn adopt(
    session: &Session<'_>,
    request: &Request,
    machines: &[Machine],
) -> Result<TxEnd<Applied>> {
    let mut known = session.prepare("SELECT 1 FROM request WHERE id = ?1")?;
    if known.first([request.id.as_str()], |_| Ok(()))?.is_some() {
        return Ok(TxEnd::Rollback(Applied::Conflict));
    }
    insert(session, request, 1)?;
    apply(session, &Change { request: None, machines: machines.to_vec() })
}

/// Stores a change, unless another process has changed one of the rows meanwhile.
pub(crate) fn apply(session: &Session<'_>, change: &Change) -> Result<TxEnd<Applied>> {
    if let Some(request) = &change.request
        && replace(session, request)? == Applied::Conflict
    {
        return Ok(TxEnd::Rollback(Applied::Conflict));
    }
    let mut seen = HashSet::new();
    let mut left: BTreeMap<&str, i64> = BTreeMap::new();
    let mut writer = machines::Writer::new(session);
    for machine in &change.machines {
        if !seen.insert((&machine.provider, &machine.id)) {
            return Err(refused(format!("machine `{}` is in one change twice", machine.id)));
        }
        match writer.store(machine)? {
            Some(difference) => *left.entry(machine.request.as_str()).or_default() += difference,
            None => return Ok(TxEnd::Rollback(Applied::Conflict)),
        }
    }
    for (request, difference) in left {
        if difference != 0 {
            session.run(
                "UPDATE request SET machines_left = machines_left + ?2 WHERE id = ?1",
                params![request, difference],
            )?;
        }
    }
    Ok(TxEnd::Commit(Applied::Stored))
}

/// Replaces the previous version of a request.
fn replace(session: &Session<'_>, request: &Request) -> Result<Applied> {
    let mut before = session.prepare(&format!("SELECT {REQUEST} FROM request WHERE id = ?1"))?;
    let Some(before) = before.first([request.id.as_str()], rows::request)? else {
        // The row was pruned or never existed; the caller reads it again.
        return Ok(Applied::Conflict);
    };
    if before.version != request.version {
        return Ok(Applied::Conflict);
    }
    replace_rule::request(&before, request)?;
    let changed = session.run(
        "UPDATE request SET provider = ?3, requested = ?4, launch_fields = ?5, user_data = ?6,
           resource_ids = ?7, state = ?8, reason = ?9, updated = ?10, deadline = ?11, attempt = ?12,
           acknowledged = max(acknowledged, ?13), watch_until = ?14, open = ?15, finished = ?16,
           delivered = ?17, shortfall = ?18, version = version + 1
         WHERE id = ?1 AND version = ?2",
        params![
            request.id.as_str(),
            request.version,
            request.provider,
            request.requested,
            request.launch_fields,
            request.user_data.as_ref().map(UserData::reveal),
            written(&request.resource_ids, request.resource_ids.is_empty()),
            request.state.name(),
            request.reason,
            request.updated.millis(),
            request.deadline.millis(),
            request.attempt,
            request.acknowledged,
            request.watch_until.map(Timestamp::millis),
            request.open,
            request.finished.map(Timestamp::millis),
            request.delivered,
            request.shortfall.map(ShortfallKind::name),
        ],
    )?;
    Ok(if changed == 1 { Applied::Stored } else { Applied::Conflict })
}

/// Whether one of these requests exists and is not acknowledged.
pub(crate) fn any_unacknowledged(session: &Session<'_>, ids: &[RequestId]) -> Result<bool> {
    let mut query = session.prepare("SELECT 1 FROM request WHERE id = ?1 AND acknowledged = 0")?;
    for id in ids {
        if query.first([id.as_str()], |_| Ok(()))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Acknowledges requests. The version stays the same, so this never causes a conflict.
pub(crate) fn acknowledge(session: &Session<'_>, ids: &[RequestId]) -> Result<TxEnd<()>> {
    let mut query =
        session.prepare("UPDATE request SET acknowledged = 1 WHERE id = ?1 AND acknowledged = 0")?;
    for id in ids {
        query.run([id.as_str()])?;
    }
    Ok(TxEnd::Commit(()))
}

/// Requests by id with their machines.
pub(crate) fn views(session: &Session<'_>, ids: &[RequestId]) -> Result<Vec<Option<RequestWithMachines>>> {
    let mut query =
        session.prepare(&format!("SELECT {REQUEST}, machines_left FROM request WHERE id = ?1"))?;
    let mut viewer = Viewer::new(session);
    ids.iter()
        .map(|id| match query.first([id.as_str()], counted)? {
            Some(found) => viewer.view(found).map(Some),
            None => missed(session, id).map(|()| None),
        })
        .collect()
}

/// An id that the index does not have is looked for without it before it counts as unknown, if it has the form
/// of our ids: a damaged index must not make the scheduler forget machines. It reads the whole table, whose
/// pages are compared with their checksums on the way.
fn missed(session: &Session<'_>, id: &RequestId) -> Result<()> {
    if !id.is_ours() {
        return Ok(());
    }
    let mut query = session.prepare("SELECT 1 FROM request NOT INDEXED WHERE id = ?1")?;
    match query.first([id.as_str()], |_| Ok(()))? {
        Some(()) => {
            Err(failure::damaged(session.path()).cause(format!("the index of requests lacks `{id}`")))
        }
        None => Ok(()),
    }
}

/// Requests, newest first.
pub(crate) fn list(session: &Session<'_>, filter: &RequestFilter) -> Result<Vec<RequestWithMachines>> {
    let unfinished = !filter.states.is_empty() && !filter.states.iter().any(|state| state.is_final());
    let mut sql = format!("SELECT {REQUEST}, machines_left FROM request");
    // Without this, SQLite might go through all of history for what is current.
    sql.push_str(if unfinished { " INDEXED BY request_unfinished WHERE " } else { " WHERE " });
    sql.push_str(if unfinished { UNFINISHED } else { "1" });
    if let Some(kind) = filter.kind {
        sql.push_str(&format!(" AND kind = '{}'", kind.name()));
    }
    sql.push_str(&in_words("state", filter.states.iter().map(|state: &RequestState| state.name())));
    if filter.template_id.is_some() {
        sql.push_str(" AND template_id = ?3");
    }
    sql.push_str(" ORDER BY created DESC, number DESC LIMIT ?1 OFFSET ?2");
    let (limit, offset) = window(filter.limit, filter.offset);
    let mut query = session.prepare(&sql)?;
    let requests = match &filter.template_id {
        Some(template_id) => query.all(params![limit, offset, template_id], counted)?,
        None => query.all([limit, offset], counted)?,
    };
    with_machines(session, requests)
}

/// Requests that need attention, the longest untouched first. Each query reads a partial index without finished
/// requests; three small queries are prepared faster than a combined one.
pub(crate) fn needing_attention(
    session: &Session<'_>,
    query: &AttentionQuery,
) -> Result<Vec<RequestWithMachines>> {
    let AttentionQuery { now, unacknowledged_before, untouched_since, limit, watched_limit } = *query;
    let (now, unheard) = (now.millis(), unacknowledged_before.millis());
    // One that is over and open waits for its provider to be told so, however lately it was touched.
    let settles = format!("(open = 1 AND watch_until IS NOT NULL AND NOT {UNFINISHED})");
    let untouched = "updated <= ?1";
    let parts = [
        (
            "request_unfinished",
            true,
            limit,
            format!(
                "({UNFINISHED} OR open = 1) AND ({settles} OR {UNFINISHED} AND {untouched}
                 AND (kind = 'return' OR deadline <= {now} OR acknowledged = 0 AND created < {unheard}))"
            ),
        ),
        (
            "request_unheard",
            true,
            limit,
            format!("acknowledged = 0 AND machines_left > 0 AND created < {unheard} AND {untouched}"),
        ),
        (
            "request_watched",
            false,
            watched_limit,
            format!("watch_until IS NOT NULL AND {untouched} AND NOT {settles}"),
        ),
    ];
    let (mut needy, mut watched) = (BTreeSet::new(), BTreeSet::new());
    for (index, is_needy, most, wanted) in parts {
        let due = if is_needy { &mut needy } else { &mut watched };
        let sql = format!(
            "SELECT updated, number FROM request INDEXED BY {index}
             WHERE {wanted} ORDER BY updated LIMIT ?2"
        );
        session.prepare(&sql)?.each([untouched_since.millis(), i64::from(most)], |row| {
            let cells = Cells { row, table: "request" };
            due.insert((cells.integer(0)?, cells.integer(1)?));
            Ok(())
        })?;
    }
    let due: BTreeSet<(i64, i64)> = needy.into_iter().take(limit as usize).chain(watched).collect();
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let mut query =
        session.prepare(&format!("SELECT {REQUEST}, machines_left FROM request WHERE number = ?1"))?;
    let mut requests = Vec::new();
    for (_, number) in due {
        requests.extend(query.first([number], counted)?);
    }
    with_machines(session, requests)
}

/// A request and how many machines it has left.
struct Counted {
    request: Request,
    left: i64,
}

/// From a row of [`REQUEST`] and `machines_left`.
fn counted(row: &rusqlite::Row<'_>) -> Result<Counted> {
    let last = row.as_ref().column_count().saturating_sub(1);
    Ok(Counted { request: rows::request(row)?, left: Cells { row, table: "request" }.integer(last)? })
}

fn with_machines(session: &Session<'_>, requests: Vec<Counted>) -> Result<Vec<RequestWithMachines>> {
    let mut viewer = Viewer::new(session);
    requests.into_iter().map(|request| viewer.view(request)).collect()
}

/// Adds their machines to requests.
struct Viewer<'s, 'c> {
    session: &'s Session<'c>,
    made: Option<Query<'c>>,
    returned: Option<Query<'c>>,
}

impl<'s, 'c> Viewer<'s, 'c> {
    fn new(session: &'s Session<'c>) -> Self {
        Self { session, made: None, returned: None }
    }

    fn view(&mut self, Counted { request, left }: Counted) -> Result<RequestWithMachines> {
        let (query, sql) = match request.kind {
            RequestKind::Acquire => (&mut self.made, machines::OF_REQUEST),
            RequestKind::Return => (&mut self.returned, machines::OF_RETURN),
        };
        let query = match query {
            Some(query) => query,
            None => query.insert(self.session.prepare(&sql.replace("{}", rows::MACHINE))?),
        };
        let machines = query.all([request.id.as_str()], rows::machine)?;
        // Each transaction that changes machines counts them, so a machine that is not found was lost.
        let found = machines.iter().filter(|machine| !machine.is_gone()).count();
        if request.kind == RequestKind::Acquire && i64::try_from(found) != Ok(left) {
            return Err(failure::damaged(self.session.path()).cause(format!(
                "`{}` has {left} machines that are not terminated; {found} are found",
                request.id
            )));
        }
        Ok(RequestWithMachines { request, machines })
    }
}
