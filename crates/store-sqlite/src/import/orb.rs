//! `request_database.json` of Open Resource Broker, and of `Open HostFactory Plugin`, as it was called.
//!
//! Newer versions write `{"requests": {…}, "machines": {…}, "templates": {…}}`, older ones one flat object of
//! all three. Both are known to lose entries when several processes write. So machines may name requests that
//! are not there; a machine costs money whether its request was kept or not, so it gets one.
//!
//! | theirs | ours | because |
//! |---|---|---|
//! | unfinished request | `started` | its launch must not be repeated; the next poll resolves it |
//! | complete request | `complete`, or less where machines are missing | the word alone is no machine |
//! | return with a machine that is still there | `recorded` | the machine is ended again, which harms nothing |
//! | machine `unknown` or `failed` | `pending` | cannot tell is never finished |
//! | `provider_api`, `resource_ids`, `resource_id` | the same | the end of a machine may have to be told to its fleet |
//! | any other field | named as not kept | what is lost without a word is looked for in vain |

use std::collections::{BTreeMap, HashMap, HashSet};

use ohfp_broker::administration::Skipped;
use ohfp_broker::json;
use ohfp_broker::machine::Ending;
use ohfp_broker::{
    Machine, MachineId, MachineState, Request, RequestId, RequestKind, RequestState, Result, Timestamp,
};
use serde_json::Value;

use super::content::{Content, Membership, malformed};
use super::orb_record::{Entry, kind, wrong};
use super::orb_words::{machine_state, request_state};

/// Default timeout of a request, in seconds, if none is written.
const DEADLINE_SECONDS: u64 = 3_600;

pub(super) fn read(bytes: &[u8]) -> Result<Content> {
    let document = json::from_slice(bytes).map_err(|error| malformed(&error))?;
    let mut reading = Reading::default();
    reading.entries(&document)?;
    reading.adopt();
    reading.return_machines();
    reading.settle();
    reading.date();
    for ((kind, name), count) in std::mem::take(&mut reading.unread) {
        reading.skip(format!("field `{name}` of {count} {kind}"), "it has no place in this store");
    }
    let returns = reading.returns.into_values().map(|back| back.request);
    let mut requests: Vec<Request> = reading.requests.into_values().chain(returns).collect();
    requests.sort_by(|left, right| (left.created, &left.id).cmp(&(right.created, &right.id)));
    let mut machines: Vec<Machine> = reading.machines.into_values().collect();
    machines.sort_by(|left, right| (left.launched, &left.id).cmp(&(right.launched, &right.id)));
    Ok(Content {
        requests,
        machines,
        members: reading.members,
        documents: Vec::new(),
        skipped: reading.skipped,
        notes: reading.notes,
    })
}

#[derive(Default)]
struct Reading {
    requests: BTreeMap<RequestId, Request>,
    returns: BTreeMap<RequestId, Back>,
    machines: BTreeMap<MachineId, Machine>,
    /// Machines that name no request.
    strays: HashSet<MachineId>,
    /// Machines that name no provider.
    nameless: HashSet<MachineId>,
    members: Vec<Membership>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
    /// Fields that are not kept: how many requests or machines have each.
    unread: BTreeMap<(&'static str, String), usize>,
}

/// A return and what it names.
struct Back {
    request: Request,
    named: Vec<MachineId>,
}

impl Reading {
    fn entries(&mut self, document: &Value) -> Result<()> {
        let Some(top) = document.as_object() else {
            return Err(wrong("the document", &format!("must be an object, not {}", kind(document))));
        };
        let sections = ["requests", "machines", "templates"];
        let sectioned =
            top.iter().any(|(name, value)| sections.contains(&name.as_str()) && !is_record(value));
        if !sectioned {
            return top.iter().try_for_each(|(key, value)| self.entry(key, value, format!("`{key}`")));
        }
        for (name, value) in top {
            if !sections.contains(&name.as_str()) {
                self.skip(format!("`{name}`"), "it is none of `requests`, `machines` and `templates`");
                continue;
            }
            let Some(section) = value.as_object() else {
                return Err(wrong(&format!("`{name}`"), &format!("must be an object, not {}", kind(value))));
            };
            for (key, value) in section {
                self.entry(key, value, format!("{name}.`{key}`"))?;
            }
        }
        Ok(())
    }

    /// What an entry is, its fields say.
    fn entry(&mut self, key: &str, value: &Value, at: String) -> Result<()> {
        let entry = Entry::new(value, at)?;
        if entry.has("request_type") || key.starts_with("req-") || key.starts_with("ret-") {
            self.request(&entry)?;
            self.leave_out("requests", &entry);
            Ok(())
        } else if entry.has("machine_id") || entry.has("instance_id") || key.starts_with("i-") {
            self.machine(&entry)?;
            self.leave_out("machines", &entry);
            Ok(())
        } else if entry.has("template_id") || entry.has("templateId") {
            self.skip(entry.at, "templates are configuration, not state");
            Ok(())
        } else {
            self.skip(entry.at, "it is no request, machine or template");
            Ok(())
        }
    }

    fn leave_out(&mut self, kind: &'static str, entry: &Entry<'_>) {
        for name in entry.unread() {
            *self.unread.entry((kind, name.to_owned())).or_default() += 1;
        }
    }

    fn skip(&mut self, what: String, why: &str) {
        self.skipped.push(Skipped { what, why: why.to_owned() });
    }

    fn request(&mut self, entry: &Entry<'_>) -> Result<()> {
        let id = RequestId::from_text(entry.required(&["request_id"])?);
        let kind = match entry.text(&["request_type"])? {
            Some(word) => RequestKind::parse(&word).ok_or_else(|| {
                entry.wrong("request_type", &format!("must be acquire or return, not `{word}`"))
            })?,
            None if id.as_str().starts_with("ret-") => RequestKind::Return,
            None => RequestKind::Acquire,
        };
        let word = entry.required(&["status"])?;
        let state = request_state(kind, &word)
            .ok_or_else(|| entry.wrong("status", &format!("is `{word}`, which is no status of a request")))?;
        let created = entry.time(&["created_at"])?.ok_or_else(|| entry.wrong("created_at", "is missing"))?;
        let updated = entry.time(&["last_transition_at", "completed_at", "started_at"])?.unwrap_or(created);
        let deadline = entry.time(&["deadline_at"])?.unwrap_or(created.plus_seconds(DEADLINE_SECONDS));
        let named: Vec<MachineId> = entry.texts("machine_ids")?.into_iter().map(MachineId::new).collect();
        let requested = entry.count(&["requested_count", "machine_count"])?;
        let mut request = Request::new(id.clone(), kind, requested.unwrap_or(1), created, deadline);
        request.updated = updated.max(created);
        request.state = state;
        request.reason = entry.text(&["status_message", "error_message", "message"])?;
        request.provider_api = entry.text(&["provider_api"])?;
        request.resource_ids = entry.texts("resource_ids")?;
        request.acknowledged = true;
        request.version = 1;
        match kind {
            RequestKind::Acquire => {
                request.template_id = Some(entry.required(&["template_id"])?);
                let provider = entry.text(&["provider_name", "provider_type"])?;
                request.provider = Some(provider.unwrap_or_else(|| "aws".to_owned()));
                self.requests.insert(id, request);
            }
            RequestKind::Return => {
                self.returns.insert(id, Back { request, named });
            }
        }
        Ok(())
    }

    fn machine(&mut self, entry: &Entry<'_>) -> Result<()> {
        let id = MachineId::new(entry.required(&["machine_id", "instance_id"])?);
        let word = entry.text(&["status"])?.unwrap_or_else(|| "unknown".to_owned());
        let over = entry.time(&["termination_time"])?;
        let (state, ending) = machine_state(&word, over.is_some())
            .ok_or_else(|| entry.wrong("status", &format!("is `{word}`, which is no status of a machine")))?;
        let launched =
            entry.time(&["launch_time", "provisioning_started_at", "created_at"])?.unwrap_or_default();
        let provider = entry.text(&["provider_name", "provider_type"])?;
        if !entry.has("provider_name") {
            self.nameless.insert(id.clone());
        }
        let request = entry.text(&["request_id"])?;
        if request.is_none() {
            self.strays.insert(id.clone());
        }
        let mut name = None;
        for field in ["name", "private_dns_name", "public_dns_name", "private_ip"] {
            // Some versions fill the name with the id for want of one.
            name = name.or(entry.text(&[field])?.filter(|name| name != id.as_str()));
        }
        let machine = Machine {
            id: id.clone(),
            provider: provider.unwrap_or_else(|| "aws".to_owned()),
            request: RequestId::from_text(request.unwrap_or_default()),
            template_id: entry.text(&["template_id"])?.unwrap_or_default(),
            name,
            state,
            came_up: (state != MachineState::Pending && word != "failed").then_some(launched),
            asked: None,
            ending,
            ended: None,
            gone: None,
            returned_by: entry.text(&["return_request_id"])?.map(RequestId::from_text),
            private_ip: entry.text(&["private_ip"])?,
            public_ip: entry.text(&["public_ip"])?,
            instance_type: entry.text(&["instance_type"])?,
            price_type: entry.text(&["price_type"])?,
            units: 1,
            cores: None,
            threads_per_core: None,
            rc_account: None,
            resource_id: entry.text(&["resource_id"])?,
            account: None,
            region: None,
            tags: entry.tags("tags"),
            launched,
            reclaim_at: None,
            message: entry.text(&["status_reason"])?,
            updated: entry.time(&["updated_at"])?.or(over).unwrap_or(launched),
            version: 1,
        };
        self.machines.insert(id, machine);
        Ok(())
    }

    /// Assigns a request to every machine. Terminated machines without a request are dropped.
    fn adopt(&mut self) {
        let mut lost: BTreeMap<RequestId, u32> = BTreeMap::new();
        let mut gone = Vec::new();
        for machine in self.machines.values_mut() {
            let known = self.requests.get(&machine.request).filter(|_| !lost.contains_key(&machine.request));
            if let Some(request) = known {
                machine.template_id = request.template_id.clone().unwrap_or_default();
                if self.nameless.contains(&machine.id) {
                    machine.provider = request.provider.clone().unwrap_or_default();
                }
                continue;
            }
            if machine.is_gone() {
                gone.push(machine.id.clone());
                continue;
            }
            if self.strays.contains(&machine.id) || self.returns.contains_key(&machine.request) {
                machine.request = RequestId::from_text(format!("req-of-{}", machine.id));
            }
            *lost.entry(machine.request.clone()).or_default() += 1;
            let request =
                self.requests.entry(machine.request.clone()).or_insert_with(|| lost_request(machine));
            request.requested = request.requested.saturating_add(1);
            machine.template_id = request.template_id.clone().unwrap_or_default();
        }
        for id in gone {
            self.machines.remove(&id);
            self.skip(format!("machine `{id}`"), "it is gone, and its request was lost");
        }
        for (request, count) in lost {
            let note = format!("request `{request}` was lost; it was made again for {count} of its machines");
            self.notes.push(note);
        }
    }

    /// Puts machines into the returns that name them, and that they name.
    fn return_machines(&mut self) {
        let mut naming: HashMap<MachineId, Vec<RequestId>> = HashMap::new();
        for (id, back) in &self.returns {
            for machine in &back.named {
                naming.entry(machine.clone()).or_default().push(id.clone());
            }
        }
        let mut of: BTreeMap<RequestId, Vec<MachineId>> = BTreeMap::new();
        for machine in self.machines.values_mut() {
            let mut returns: Vec<RequestId> = machine.returned_by.take().into_iter().collect();
            returns.extend(naming.remove(&machine.id).unwrap_or_default());
            let mut seen = HashSet::new();
            returns.retain(|id| !self.requests.contains_key(id) && seen.insert(id.clone()));
            for id in &returns {
                of.entry(id.clone()).or_default().push(machine.id.clone());
                let updated = machine.updated;
                self.returns.entry(id.clone()).or_insert_with(|| {
                    self.notes.push(format!("return `{id}` was lost; it was made again for its machines"));
                    lost_return(id, updated)
                });
            }
            machine.returned_by = returns.into_iter().next();
            if machine.returned_by.is_some() {
                machine.ending.get_or_insert(Ending::Released);
            }
        }
        for (id, machines) in of {
            self.fill_return(&id, machines);
        }
    }

    /// Stores which machines a return has, in its own order; then what it did not name itself.
    fn fill_return(&mut self, id: &RequestId, mut machines: Vec<MachineId>) {
        let Some(back) = self.returns.get_mut(id) else { return };
        let place = |machine: &MachineId| back.named.iter().position(|named| named == machine);
        machines.sort_by_key(|machine| place(machine).unwrap_or(usize::MAX));
        let count = u32::try_from(machines.len()).unwrap_or(u32::MAX);
        back.request.requested = back.request.requested.max(count);
        for (position, machine) in machines.into_iter().enumerate() {
            let stored = self.machines.get(&machine);
            if stored.is_some_and(|machine| !machine.is_gone()) {
                if back.request.state.is_final() {
                    let state = back.request.state.name();
                    self.notes.push(format!(
                        "return `{id}` was {state}, but `{machine}` is still there; it will be ended again"
                    ));
                }
                back.request.state = RequestState::Recorded;
            }
            self.members.push(Membership {
                by: id.clone(),
                position: i64::try_from(position).unwrap_or(i64::MAX),
                provider: stored.map(|machine| machine.provider.clone()),
                machine: machine.as_str().to_owned(),
            });
        }
    }

    /// When requests and machines ended, and what requests got, as far as that is known.
    fn date(&mut self) {
        let mut delivered: HashMap<&RequestId, u32> = HashMap::new();
        for machine in self.machines.values_mut() {
            machine.asked = self.requests.get(&machine.request).map(|request| request.created);
            machine.ended = machine.ending.map(|_| machine.updated);
            machine.gone = machine.is_gone().then_some(machine.updated);
        }
        for machine in self.machines.values().filter(|machine| machine.came_up.is_some()) {
            *delivered.entry(&machine.request).or_default() += 1;
        }
        let returns = self.returns.values_mut().map(|back| &mut back.request);
        for request in self.requests.values_mut().chain(returns) {
            if request.state.is_final() {
                request.finished = Some(request.updated);
                request.delivered = delivered.get(&request.id).copied().unwrap_or(0);
            }
        }
    }

    /// A request is as complete as its machines are many.
    fn settle(&mut self) {
        let mut made: HashMap<RequestId, u32> = HashMap::new();
        for machine in self.machines.values() {
            *made.entry(machine.request.clone()).or_default() += 1;
        }
        for request in self.requests.values_mut() {
            let count = made.get(&request.id).copied().unwrap_or(0);
            if request.state == RequestState::Complete && count < request.requested {
                request.state = if count == 0 { RequestState::Failed } else { RequestState::Partial };
                let why = format!("imported: {count} of {} machines were kept", request.requested);
                self.notes.push(format!("request `{}` was complete; {why}", request.id));
                request.reason = Some(why);
            }
        }
    }
}

/// Requests and machines have a status; sections have none.
fn is_record(value: &Value) -> bool {
    value.get("status").is_some_and(Value::is_string)
}

/// A request in place of the one that a machine names and that is not there.
fn lost_request(machine: &Machine) -> Request {
    let deadline = machine.launched.plus_seconds(DEADLINE_SECONDS);
    let mut request =
        Request::new(machine.request.clone(), RequestKind::Acquire, 0, machine.launched, deadline);
    request.template_id = Some(machine.template_id.clone());
    request.provider = Some(machine.provider.clone());
    request.state = RequestState::Complete;
    request.reason = Some("imported: the request itself was lost".to_owned());
    request.acknowledged = true;
    request.version = 1;
    request
}

/// A return in place of the one that a machine names and that is not there.
fn lost_return(id: &RequestId, created: Timestamp) -> Back {
    let deadline = created.plus_seconds(DEADLINE_SECONDS);
    let mut request = Request::new(id.clone(), RequestKind::Return, 0, created, deadline);
    request.state = RequestState::Complete;
    request.reason = Some("imported: the return itself was lost".to_owned());
    request.acknowledged = true;
    request.version = 1;
    Back { request, named: Vec::new() }
}
