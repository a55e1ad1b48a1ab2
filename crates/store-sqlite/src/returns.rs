//! Queries of returns.

use std::collections::HashSet;

use ohfp_broker::lookup;
use ohfp_broker::machine::Ending;
use ohfp_broker::store::{Doubt, Lookup, Returning};
use ohfp_broker::{MachineRef, Request, RequestKind, Result};
use rusqlite::params;

use crate::failure::refused;
use crate::machines::Finder;
use crate::requests;
use crate::session::{Session, TxEnd};

/// Stores a return and its machines, and marks those that no return has yet.
pub(crate) fn admit(
    session: &Session<'_>,
    request: &Request,
    wanted: &[MachineRef],
) -> Result<TxEnd<Returning>> {
    if request.kind != RequestKind::Return {
        return Err(refused(format!("`{}` does not give machines back", request.id)));
    }
    let mut finder = Finder::new(session);
    let mut returning = Returning::default();
    let mut members = Vec::new();
    let mut numbers = HashSet::new();
    for wanted in wanted {
        match lookup::find(&mut finder, wanted)? {
            Lookup::Known(stored) => {
                let doubt = |why| Doubt { wanted: wanted.clone(), why };
                returning.renamed.extend(stored.machine.disagreement(wanted).map(doubt));
                if numbers.insert(stored.number) {
                    members.push(stored);
                }
            }
            Lookup::Unknown => returning.unknown.push(wanted.clone()),
            Lookup::Doubtful(why) => returning.doubtful.push(Doubt { wanted: wanted.clone(), why }),
        }
    }
    if members.is_empty() && !wanted.is_empty() {
        return Ok(TxEnd::Rollback(returning));
    }
    let mut request = request.clone();
    request.requested = u32::try_from(members.len())
        .map_err(|_| refused(format!("return `{}` is of too many machines", request.id)))?;
    requests::insert(session, &request, 1)?;

    let mut add =
        session.prepare("INSERT INTO return_member (return_id, position, machine) VALUES (?1, ?2, ?3)")?;
    let mut mark = session.prepare(
        "UPDATE machine SET returned_by = ?1, ending = coalesce(ending, 'released'),
           ended = CASE WHEN ending IS NULL THEN ?2 ELSE ended END, updated = ?2,
           version = version + 1
         WHERE number = ?3",
    )?;
    for (position, mut stored) in members.into_iter().enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        add.run(params![request.id.as_str(), position, stored.number])?;
        let machine = &mut stored.machine;
        if machine.returned_by.is_none() {
            mark.run(params![request.id.as_str(), request.updated.millis(), stored.number])?;
            machine.returned_by = Some(request.id.clone());
            machine.end(Ending::Released, request.updated);
            machine.updated = request.updated;
            machine.version += 1;
        }
        returning.machines.push(stored.machine);
    }
    Ok(TxEnd::Commit(returning))
}
