//! A store in memory: the same promises as any other, and no durability. The operations of the broker are tested
//! on it in microseconds.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod documents;

use super::Site;
use crate::activity::{Activity, Collector, Window};
use crate::documents::{Document, DocumentStore};
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::id::{MachineId, MachineRef, RequestId, RequestKind};
use crate::lookup::{self, Candidates, Numbered};
use crate::machine::{Ending, Machine};
use crate::replace;
use crate::request::Request;
use crate::state::{MachineState, RequestState};
use crate::store::{
    Admission, Applied, AttentionQuery, Change, Doubt, Lookup, MachineFilter, RequestFilter, Returning, Store,
};
use crate::template::MaxNumber;
use crate::with_machines::RequestWithMachines;

/// The store; clones share their state, as processes share a database.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
}

/// Everything, each list in the order of recording.
#[derive(Clone, Debug, Default)]
struct Data {
    requests: Vec<Request>,
    machines: Vec<Machine>,
    /// The machines of returns, by their places.
    members: BTreeMap<String, Vec<usize>>,
    documents: BTreeMap<String, Vec<Document>>,
}

impl MemoryStore {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `body` on a copy that takes the place of the state when `body` says so.
    fn change<T>(&self, body: impl FnOnce(&mut Data) -> Result<(bool, T)>) -> Result<T> {
        let mut data = self.data();
        let mut copy = data.clone();
        let (keep, value) = body(&mut copy)?;
        if keep {
            *data = copy;
        }
        Ok(value)
    }
}

impl Data {
    fn request(&self, id: &RequestId) -> Option<&Request> {
        self.requests.iter().find(|request| request.id == *id)
    }

    fn view(&self, request: &Request) -> RequestWithMachines {
        let machines = match request.kind {
            RequestKind::Acquire => {
                self.machines.iter().filter(|machine| machine.request == request.id).cloned().collect()
            }
            RequestKind::Return => {
                let members = self.members.get(request.id.as_str()).into_iter().flatten();
                members.filter_map(|place| self.machines.get(*place).cloned()).collect()
            }
        };
        RequestWithMachines { request: request.clone(), machines }
    }

    fn views(&self, requests: impl IntoIterator<Item = Request>) -> Vec<RequestWithMachines> {
        requests.into_iter().map(|request| self.view(&request)).collect()
    }

    fn insert(&mut self, request: &Request) -> Result<()> {
        if self.request(&request.id).is_some() {
            return Err(refused(format!("there is a request `{}` already", request.id)));
        }
        self.requests.push(Request { version: 1, ..request.clone() });
        Ok(())
    }

    fn demand(&self, template_id: &str) -> u64 {
        let is_leaving = |machine: &&Machine| {
            !matches!(machine.state, MachineState::ShuttingDown | MachineState::Terminated)
        };
        let machines = self.machines.iter().filter(|machine| machine.template_id == template_id);
        let existing: u64 = machines.filter(is_leaving).map(|machine| u64::from(machine.units)).sum();
        let recorded = self.requests.iter().filter(|request| {
            request.state == RequestState::Recorded && request.template_id.as_deref() == Some(template_id)
        });
        existing + recorded.map(|request| u64::from(request.requested)).sum::<u64>()
    }

    /// Stores one machine; gives whether nothing was in the way.
    fn store(&mut self, machine: &Machine) -> Result<bool> {
        let known = |stored: &&mut Machine| stored.id == machine.id && stored.provider == machine.provider;
        match self.machines.iter_mut().find(known) {
            None if machine.version == 0 => {
                let owner = self.request(&machine.request);
                if owner.is_none_or(|owner| owner.kind != RequestKind::Acquire) {
                    return Err(refused(format!("machine `{}` has no request of machines", machine.id)));
                }
                self.machines.push(Machine { version: 1, ..machine.clone() });
                Ok(true)
            }
            Some(stored) if machine.version != 0 && stored.version == machine.version => {
                replace::machine(stored, machine)?;
                *stored = Machine { version: machine.version + 1, ..machine.clone() };
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Stores a request in place of the version before; gives whether nothing was in the way.
    fn replace(&mut self, request: &Request) -> Result<bool> {
        let known = self.requests.iter_mut().find(|stored| stored.id == request.id);
        let Some(stored) = known.filter(|stored| stored.version == request.version) else {
            return Ok(false);
        };
        replace::request(stored, request)?;
        let acknowledged = stored.acknowledged || request.acknowledged;
        *stored = Request { version: request.version + 1, acknowledged, ..request.clone() };
        Ok(true)
    }

    fn numbered(&self, wanted: impl Fn(&Machine) -> bool) -> Vec<Numbered> {
        let number = |place: usize| i64::try_from(place).unwrap_or(i64::MAX);
        let found = self.machines.iter().enumerate().filter(|(_, machine)| wanted(machine));
        found
            .rev()
            .map(|(place, machine)| Numbered { number: number(place), machine: machine.clone() })
            .collect()
    }
}

impl Candidates for &Data {
    fn by_id(&mut self, id: &MachineId) -> Result<Vec<Numbered>> {
        Ok(self.numbered(|machine| machine.id == *id))
    }

    fn living(&mut self, label: &str) -> Result<Vec<Numbered>> {
        Ok(self.numbered(|machine| !machine.is_gone() && has_label(machine, label)))
    }

    fn gone(&mut self, label: &str) -> Result<Vec<Numbered>> {
        Ok(self.numbered(|machine| machine.is_gone() && has_label(machine, label)))
    }
}

fn has_label(machine: &Machine, label: &str) -> bool {
    machine.name.as_deref().is_some_and(|name| host::label(name) == label)
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Refused, message)
}

/// The part of a list, newest first, that a filter asks for.
fn page<T>(newest_first: impl Iterator<Item = T>, limit: Option<u64>, offset: u64) -> Vec<T> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    newest_first.skip(number(offset)).take(limit.map_or(usize::MAX, number)).collect()
}

impl Store for MemoryStore {
    fn admit(&self, request: &Request, limit: MaxNumber) -> Result<Admission> {
        let template_id = request.template_id.as_deref().filter(|_| request.kind == RequestKind::Acquire);
        let Some(template_id) = template_id else {
            return Err(refused(format!("`{}` does not ask for machines of a template", request.id)));
        };
        self.change(|data| {
            let existing = data.demand(template_id);
            if let MaxNumber::AtMost(most) = limit
                && existing.saturating_add(u64::from(request.requested)) > most
            {
                return Ok((false, Admission::Full { existing }));
            }
            data.insert(request)?;
            Ok((true, Admission::Admitted))
        })
    }

    fn demand(&self, template_id: &str) -> Result<u64> {
        Ok(self.data().demand(template_id))
    }

    fn admit_return(&self, request: &Request, wanted: &[MachineRef]) -> Result<Returning> {
        if request.kind != RequestKind::Return {
            return Err(refused(format!("`{}` does not return machines", request.id)));
        }
        self.change(|data| {
            let mut returning = Returning::default();
            let mut members: Vec<usize> = Vec::new();
            for wanted in wanted {
                match lookup::find(&mut &*data, wanted)? {
                    Lookup::Known(found) => {
                        let doubt = |why| Doubt { wanted: wanted.clone(), why };
                        returning.renamed.extend(found.machine.disagreement(wanted).map(doubt));
                        let place = usize::try_from(found.number).unwrap_or(usize::MAX);
                        if !members.contains(&place) {
                            members.push(place);
                        }
                    }
                    Lookup::Unknown => returning.unknown.push(wanted.clone()),
                    Lookup::Doubtful(why) => {
                        returning.doubtful.push(Doubt { wanted: wanted.clone(), why });
                    }
                }
            }
            if members.is_empty() && !wanted.is_empty() {
                return Ok((false, returning));
            }
            let requested = u32::try_from(members.len()).unwrap_or(u32::MAX);
            data.insert(&Request { requested, ..request.clone() })?;
            for place in &members {
                let Some(machine) = data.machines.get_mut(*place) else { continue };
                if machine.returned_by.is_none() {
                    machine.returned_by = Some(request.id.clone());
                    machine.end(Ending::Released, request.updated);
                    machine.updated = request.updated;
                    machine.version += 1;
                }
                returning.machines.push(machine.clone());
            }
            data.members.insert(request.id.to_string(), members);
            Ok((true, returning))
        })
    }

    fn apply(&self, change: &Change) -> Result<Applied> {
        self.change(|data| {
            if let Some(request) = &change.request
                && !data.replace(request)?
            {
                return Ok((false, Applied::Conflict));
            }
            let mut seen = HashSet::new();
            for machine in &change.machines {
                if !seen.insert((&machine.provider, &machine.id)) {
                    return Err(refused(format!("machine `{}` is in one change twice", machine.id)));
                }
                if !data.store(machine)? {
                    return Ok((false, Applied::Conflict));
                }
            }
            Ok((true, Applied::Stored))
        })
    }

    fn adopt(&self, request: &Request, machines: &[Machine]) -> Result<Applied> {
        self.change(|data| {
            if data.request(&request.id).is_some() {
                return Ok((false, Applied::Conflict));
            }
            data.insert(request)?;
            for machine in machines {
                if !data.store(machine)? {
                    return Ok((false, Applied::Conflict));
                }
            }
            Ok((true, Applied::Stored))
        })
    }

    fn acknowledge(&self, ids: &[RequestId]) -> Result<()> {
        let mut data = self.data();
        for request in data.requests.iter_mut().filter(|request| ids.contains(&request.id)) {
            request.acknowledged = true;
        }
        Ok(())
    }

    fn views(&self, ids: &[RequestId]) -> Result<Vec<Option<RequestWithMachines>>> {
        let data = self.data();
        Ok(ids.iter().map(|id| data.request(id).map(|request| data.view(request))).collect())
    }

    fn find_machines(&self, wanted: &[MachineRef]) -> Result<Vec<Lookup>> {
        let data = self.data();
        let find = |wanted| Ok(lookup::find(&mut &*data, wanted)?.map(|found| found.machine));
        wanted.iter().map(find).collect()
    }

    fn machines_by_id(&self, ids: &[MachineId]) -> Result<Vec<Machine>> {
        let data = self.data();
        let of = |id: &MachineId| data.numbered(|machine| machine.id == *id).into_iter();
        Ok(ids.iter().flat_map(of).map(|found| found.machine).collect())
    }

    fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestWithMachines>> {
        let data = self.data();
        let mut requests: Vec<&Request> = data.requests.iter().rev().collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.created));
        let wanted = requests.into_iter().filter(|request| {
            filter.kind.is_none_or(|kind| request.kind == kind)
                && (filter.states.is_empty() || filter.states.contains(&request.state))
                && filter.template_id.as_ref().is_none_or(|id| request.template_id.as_ref() == Some(id))
        });
        Ok(data.views(page(wanted.cloned(), filter.limit, filter.offset)))
    }

    fn machines(&self, filter: &MachineFilter) -> Result<Vec<Machine>> {
        let data = self.data();
        let wanted = data.machines.iter().rev().filter(|machine| {
            filter.request.as_ref().is_none_or(|id| machine.request == *id)
                && (filter.states.is_empty() || filter.states.contains(&machine.state))
                && filter.template_id.as_ref().is_none_or(|id| machine.template_id == *id)
        });
        Ok(page(wanted.cloned(), filter.limit, filter.offset))
    }

    fn watched_machines(&self) -> Result<Vec<Machine>> {
        let is_watched = |machine: &&Machine| {
            machine.returned_by.is_none() && (!machine.is_gone() || machine.ending == Some(Ending::Reclaimed))
        };
        Ok(self.data().machines.iter().filter(is_watched).cloned().collect())
    }

    fn has_machine_of(&self, provider: &str, resource_id: &str) -> Result<bool> {
        let is_of = |machine: &Machine| {
            machine.provider == provider
                && machine.resource_id.as_deref() == Some(resource_id)
                && !machine.is_gone()
        };
        Ok(self.data().machines.iter().any(is_of))
    }

    fn needing_attention(&self, query: &AttentionQuery) -> Result<Vec<RequestWithMachines>> {
        let AttentionQuery { now, unacknowledged_before, untouched_since, limit, watched_limit } = *query;
        let data = self.data();
        let left: BTreeSet<&str> = data
            .machines
            .iter()
            .filter(|machine| !machine.is_gone())
            .map(|machine| machine.request.as_str())
            .collect();
        let is_untouched = |request: &Request| request.updated <= untouched_since;
        let is_watched = |request: &Request| request.watch_until.is_some();
        let settles = |request: &Request| is_watched(request) && request.open && request.state.is_final();
        let is_left_alone = |request: &Request| {
            let unheard = !request.acknowledged && request.created < unacknowledged_before;
            let open = !request.state.is_final();
            open && (request.kind == RequestKind::Return || request.deadline <= now || unheard)
                || unheard && left.contains(request.id.as_str())
        };
        let first = |is_due: &dyn Fn(&Request) -> bool, limit: u32| {
            let mut due: Vec<&Request> = data.requests.iter().filter(|request| is_due(request)).collect();
            due.sort_by_key(|request| request.updated);
            due.truncate(limit as usize);
            due
        };
        let needy = |request: &Request| settles(request) || is_untouched(request) && is_left_alone(request);
        let watched = |request: &Request| is_watched(request) && !settles(request) && is_untouched(request);
        let mut due = first(&needy, limit);
        for request in first(&watched, watched_limit) {
            if !due.iter().any(|other| other.id == request.id) {
                due.push(request);
            }
        }
        due.sort_by_key(|request| request.updated);
        Ok(data.views(due.into_iter().cloned()))
    }
}

/// A store in memory, for one test.
#[derive(Debug, Default)]
pub struct MemorySite {
    store: MemoryStore,
}

impl Site for MemorySite {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn again(&self) -> Box<dyn Store + '_> {
        Box::new(self.store.clone())
    }

    fn activity(&self, window: &Window) -> Result<Activity> {
        let data = self.store.data();
        let mut collector = Collector::new(*window);
        for request in &data.requests {
            collector.request(&request.into());
        }
        for machine in &data.machines {
            collector.machine(&machine.into());
        }
        Ok(collector.finish())
    }

    fn documents(&self) -> &dyn DocumentStore {
        &self.store
    }
}
