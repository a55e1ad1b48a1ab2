//! A provider that answers as it is told to and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::operations::{Acquisition, Broker, Policy, Providers};
use ohfp_broker::owned::{Owned, OwnedResource, Whose};
use ohfp_broker::provider::{
    Capabilities, Described, Detail, Existence, Followed, Health, Identity, Instance, LaunchFailure,
    LaunchRequest, Launched, Pending, Plan, Progress, Provider, Releasing,
};
use ohfp_broker::store::Store;
use ohfp_broker::{
    Deadline, Error, ErrorKind, Machine, MachineId, MachineRef, MachineState, RequestId, RequestWithMachines,
    Result, Template, Timestamp,
};
use serde_json::{Value, json};

/// What the provider does when it is asked what machines are doing, or whether they exist.
pub(crate) type Meet = Box<dyn Fn() -> Result<()> + Send + Sync>;

pub(crate) struct Script {
    pub(crate) launched: Result<Launched, LaunchFailure>,
    pub(crate) progress: Result<Progress>,
    pub(crate) instances: Vec<Instance>,
    /// Machines and resources of which it cannot tell.
    pub(crate) unclear: Vec<String>,
    pub(crate) settled: Result<()>,
    pub(crate) identity: Identity,
    pub(crate) meet: Option<Arc<Meet>>,
    /// What it was asked, since that was last looked at.
    pub(crate) asked: Vec<String>,
}

pub(crate) struct Scripted {
    name: String,
    pub(crate) script: Mutex<Script>,
}

impl Scripted {
    fn note(&self, what: String) {
        self.script.lock().unwrap().asked.push(what);
    }

    fn meet(&self) -> Result<()> {
        let meet = self.script.lock().unwrap().meet.clone();
        meet.map_or(Ok(()), |meet| meet())
    }
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { reclaims: true, consistency_millis: 0, largest_launch: 100 }
    }

    fn identity(&self) -> Identity {
        self.script.lock().unwrap().identity.clone()
    }

    fn plan(&self, _: &Template, _: u32) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn launch(&self, _: &LaunchRequest<'_>, _: Timestamp, _: Deadline) -> Result<Launched, LaunchFailure> {
        self.note("launch".to_owned());
        self.script.lock().unwrap().launched.clone()
    }

    fn progress(&self, pending: &[Pending<'_>], _: Timestamp, _: Deadline) -> Result<Followed> {
        let what: Vec<String> =
            pending.iter().map(|one| format!("{} {}", one.resource_ids.join("+"), one.expected)).collect();
        self.note(format!("progress {}", what.join(", ")));
        let script = self.script.lock().unwrap();
        let progress = script.progress.clone()?;
        let is_clear = |one: &Pending<'_>| one.resource_ids.iter().all(|id| !script.unclear.contains(id));
        let launches: Vec<Option<Progress>> =
            pending.iter().map(|one| is_clear(one).then(|| progress.clone())).collect();
        let error = launches.contains(&None).then(unclear);
        Ok(Followed { launches, error })
    }

    fn settled(&self, pending: &Pending<'_>, _: Timestamp, _: Deadline) -> Result<()> {
        self.note(format!("settled {}", pending.resource_ids.join("+")));
        self.script.lock().unwrap().settled.clone()
    }

    fn tidy(&self, alive: &dyn Fn(&str) -> bool, limit: u32, _: Timestamp, _: Deadline) -> Result<u32> {
        self.note(format!("tidy {limit}"));
        Ok(u32::from(!alive("fleet-1")))
    }

    fn describe(&self, ids: &[MachineId], detail: Detail, _: Timestamp, _: Deadline) -> Result<Described> {
        let names: Vec<&str> = ids.iter().map(MachineId::as_str).collect();
        self.note(format!("describe {} {detail:?}", names.join(" ")));
        self.meet()?;
        let script = self.script.lock().unwrap();
        let is_clear = |id: &MachineId| !script.unclear.iter().any(|other| other == id.as_str());
        let (clear, unobserved): (Vec<MachineId>, Vec<MachineId>) =
            ids.iter().cloned().partition(|id| is_clear(id));
        let instances =
            script.instances.iter().filter(|instance| clear.contains(&instance.id)).cloned().collect();
        let error = (!unobserved.is_empty()).then(unclear);
        Ok(Described { instances, unobserved, error })
    }

    fn release(&self, machines: &[Releasing<'_>], _: Timestamp, _: Deadline) -> Result<()> {
        let what: Vec<String> = machines
            .iter()
            .map(|one| format!("{}/{}/{}", one.id, one.resource_id.unwrap_or("-"), one.units))
            .collect();
        self.note(format!("release {}", what.join(" ")));
        Ok(())
    }

    fn exists(&self, machines: &[MachineRef], _: Timestamp, _: Deadline) -> Result<Vec<Existence>> {
        let names: Vec<String> = machines.iter().map(ToString::to_string).collect();
        self.note(format!("exists {}", names.join(" ")));
        self.meet()?;
        let instances = self.script.lock().unwrap().instances.clone();
        let found = |wanted: &MachineRef| {
            let is_it = |instance: &&Instance| match &wanted.id {
                Some(id) => instance.id == *id,
                None => instance.name == wanted.name,
            };
            instances.iter().find(is_it).map(|instance| instance.id.clone())
        };
        Ok(machines
            .iter()
            .map(|machine| Existence { machine: machine.clone(), found: found(machine) })
            .collect())
    }

    fn owned(&self, _: Whose<'_>, _: Timestamp, _: Deadline) -> Result<Owned> {
        Ok(Owned::default())
    }

    fn claim(
        &self,
        machines: &[MachineId],
        resources: &[OwnedResource],
        _: Timestamp,
        _: Deadline,
    ) -> Result<()> {
        self.note(format!("claim {} {}", machines.len(), resources.len()));
        Ok(())
    }

    fn health(&self, _: Timestamp, _: Deadline) -> Health {
        Health { healthy: true, detail: String::new() }
    }
}

/// Why it cannot tell of some.
pub(crate) fn unclear() -> Error {
    Error::new(ErrorKind::Unavailable, "a page is missing")
}

/// A site with the providers `sim` and `other`.
pub(crate) struct Site {
    pub(crate) store: MemoryStore,
    providers: BTreeMap<String, Arc<Scripted>>,
    policy: Policy,
}

impl Providers for Site {
    fn get(&self, name: &str) -> Result<Arc<dyn Provider>> {
        match self.providers.get(name) {
            Some(provider) => Ok(Arc::clone(provider) as Arc<dyn Provider>),
            None => Err(Error::new(ErrorKind::Unavailable, format!("there is no `{name}`"))),
        }
    }

    fn names(&self) -> Vec<String> {
        self.providers.keys().cloned().collect()
    }
}

/// Fulfilment has this many seconds.
pub(crate) const TIMEOUT: i64 = 100;

impl Site {
    pub(crate) fn new() -> Self {
        let provider = |name: &str| {
            let script = Script {
                launched: Ok(Launched::default()),
                progress: Ok(Progress::default()),
                instances: Vec::new(),
                unclear: Vec::new(),
                settled: Ok(()),
                identity: Identity::default(),
                meet: None,
                asked: Vec::new(),
            };
            (name.to_owned(), Arc::new(Scripted { name: name.to_owned(), script: Mutex::new(script) }))
        };
        Self {
            store: MemoryStore::default(),
            providers: [provider("sim"), provider("other")].into(),
            policy: Policy {
                max_machines_per_request: 100,
                fulfillment_timeout: TIMEOUT.unsigned_abs(),
                return_timeout: 100,
                unacknowledged_timeout: 1_000,
            },
        }
    }

    pub(crate) fn broker(&self) -> Broker<'_> {
        Broker::new(&self.store, self, self.policy, Deadline::NONE)
    }

    /// Changes what the provider `sim` does.
    pub(crate) fn script(&self, change: impl FnOnce(&mut Script)) {
        self.script_of("sim", change);
    }

    pub(crate) fn script_of(&self, provider: &str, change: impl FnOnce(&mut Script)) {
        change(&mut self.providers[provider].script.lock().unwrap());
    }

    /// What the provider `sim` was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked_of("sim")
    }

    pub(crate) fn asked_of(&self, provider: &str) -> Vec<String> {
        std::mem::take(&mut self.providers[provider].script.lock().unwrap().asked)
    }

    /// Requests machines of `sim`, at second 0.
    pub(crate) fn request(&self, id: &str, count: u64, fields: &Value) -> RequestId {
        self.request_from("sim", id, count, fields)
    }

    pub(crate) fn request_from(&self, provider: &str, id: &str, count: u64, fields: &Value) -> RequestId {
        let id = self.untold(provider, id, count, fields);
        self.broker().acknowledge(std::slice::from_ref(&id)).unwrap();
        id
    }

    /// The same, and the scheduler does not receive the id.
    pub(crate) fn untold(&self, provider: &str, id: &str, count: u64, fields: &Value) -> RequestId {
        let id = RequestId::from_text(id);
        let template = template(fields);
        let asked = Acquisition {
            id: id.clone(),
            template: &template,
            provider: provider.to_owned(),
            count,
            rc_account: None,
            user_data: None,
        };
        self.broker().acquire(&asked, at(0)).unwrap();
        id
    }

    /// The status of a request, which no provider keeps from being known.
    pub(crate) fn status(&self, id: &RequestId, now: i64) -> RequestWithMachines {
        let (mut views, errors) = self.broker().status(std::slice::from_ref(id), at(now)).unwrap();
        assert_eq!(errors, []);
        views.remove(0).unwrap()
    }

    pub(crate) fn sweep(&self, now: i64) -> Vec<Error> {
        self.broker().sweep(9, at(now)).unwrap().errors
    }

    pub(crate) fn stored(&self, id: &RequestId) -> RequestWithMachines {
        self.store.views(std::slice::from_ref(id)).unwrap().remove(0).unwrap()
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

pub(crate) fn template(fields: &Value) -> Template {
    let mut all = json!({ "templateId": "t", "maxNumber": -1, "instanceTags": "a=b" });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Template::new(all.as_object().unwrap().clone()).unwrap()
}

/// A running machine of the fleet `fleet-1`.
pub(crate) fn up(id: &str) -> Instance {
    Instance {
        name: Some(format!("host-{id}")),
        state: MachineState::Running,
        resource_id: Some("fleet-1".to_owned()),
        ..Instance::new(MachineId::new(id))
    }
}

/// What a launch says that machines come from later.
pub(crate) fn fleet() -> Launched {
    Launched { more: true, resource_ids: vec!["fleet-1".to_owned()], ..Launched::default() }
}

pub(crate) fn came(ids: &[&str], more: bool) -> Progress {
    Progress { instances: ids.iter().map(|id| up(id)).collect(), more, reason: None }
}

pub(crate) fn ids(machines: &[Machine]) -> Vec<&str> {
    machines.iter().map(|machine| machine.id.as_str()).collect()
}
