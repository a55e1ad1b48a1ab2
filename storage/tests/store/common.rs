//! What the tests of the state store have in common: stores, requests and machines to put into them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ohfp_broker::provider::Instance;
use ohfp_broker::store::{Admission, Applied, Change, Returning, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{
    Machine, MachineId, MachineRef, MachineState, Request, RequestId, RequestKind, RequestState, Timestamp,
};
use ohfp_storage::{Options, SqliteStore};
use tempfile::TempDir;

pub(crate) const OPTIONS: Options = Options {
    local_file_system: true,
    block_size: 4_096,
    busy_timeout: Duration::from_secs(20),
    eager: true,
    read_only: false,
};

/// A directory with an empty store.
pub(crate) struct Site {
    pub(crate) directory: TempDir,
    pub(crate) store: SqliteStore,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(OPTIONS)
    }

    pub(crate) fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = create(&directory.path().join("state.db"), options);
        Self { directory, store }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("state.db")
    }

    /// The same database as another process sees it.
    pub(crate) fn again(&self) -> SqliteStore {
        open(&self.path())
    }
}

/// A store that is there.
pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, OPTIONS).unwrap()
}

/// A new one.
pub(crate) fn create(path: &Path, options: Options) -> SqliteStore {
    let store = SqliteStore::open(path, options).unwrap();
    store.init().unwrap();
    store
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn id(text: &str) -> RequestId {
    RequestId::from_text(text)
}

/// A request of template `t`, made at `created`, to be fulfilled within a second.
pub(crate) fn acquire(name: &str, count: u32, created: i64) -> Request {
    let mut request = Request::new(id(name), RequestKind::Acquire, count, at(created), at(created + 1_000));
    request.template_id = Some("t".to_owned());
    request.provider = Some("sim".to_owned());
    request.order = Some(r#"{"templateId":"t"}"#.to_owned());
    request
}

pub(crate) fn give_back(name: &str, created: i64) -> Request {
    Request::new(id(name), RequestKind::Return, 0, at(created), at(created + 1_000))
}

pub(crate) fn machine(name: &str, request: &str) -> Machine {
    let instance = Instance {
        name: Some(format!("host-{name}")),
        state: MachineState::Running,
        private_ip: Some("10.0.0.1".to_owned()),
        launched: at(7),
        ..Instance::new(MachineId::new(name))
    };
    Machine::from_instance(&instance, &acquire(request, 1, 0), Some("a=b"), at(9))
}

/// Admits a request and stores its machines, all running; the request is then complete.
pub(crate) fn fulfil(store: &SqliteStore, name: &str, machines: &[&str], now: i64) {
    let request = acquire(name, u32::try_from(machines.len()).unwrap(), now);
    assert_eq!(store.admit(&request, MaxNumber::Unlimited).unwrap(), Admission::Admitted);
    let mut request = view(store, name).request;
    request.become_state(RequestState::Complete, None, at(now)).unwrap();
    let machines = machines.iter().map(|machine_name| machine(machine_name, name)).collect();
    stored(store, Some(request), machines);
}

pub(crate) fn view(store: &SqliteStore, name: &str) -> ohfp_broker::View {
    store.views(&[id(name)]).unwrap().remove(0).unwrap()
}

pub(crate) fn stored(store: &SqliteStore, request: Option<Request>, machines: Vec<Machine>) {
    assert_eq!(store.apply(&Change { request, machines }).unwrap(), Applied::Stored);
}

/// Changes machines as they are now.
pub(crate) fn change(store: &SqliteStore, names: &[&str], alter: impl Fn(&mut Machine)) {
    let ids: Vec<MachineId> = names.iter().map(|name| MachineId::new(*name)).collect();
    let mut machines = store.machines_by_id(&ids).unwrap();
    machines.iter_mut().for_each(alter);
    stored(store, None, machines);
}

/// `name`, `/id` or `name/id`.
pub(crate) fn reference(text: &str) -> MachineRef {
    let (name, id) = text.split_once('/').unwrap_or((text, ""));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    MachineRef { name: some(name), id: some(id).map(MachineId::new) }
}

pub(crate) fn return_machines(store: &SqliteStore, name: &str, wanted: &[&str], now: i64) -> Returning {
    let wanted: Vec<MachineRef> = wanted.iter().map(|text| reference(text)).collect();
    store.admit_return(&give_back(name, now), &wanted).unwrap()
}

pub(crate) fn ids(machines: &[Machine]) -> Vec<&str> {
    machines.iter().map(|machine| machine.id.as_str()).collect()
}

/// SQL for so many finished requests of one machine each, one made each millisecond, all gone.
pub(crate) fn history(number: u32) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {number} - 1)
         INSERT INTO request (id, kind, template_id, provider, requested, state, created, updated, deadline,
           attempt, acknowledged, version)
         SELECT printf('req-old-%08d', i), 'acquire', 't', 'sim', 1, 'complete', i, i, i + 1000, 1, 1, 3 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {number} - 1)
         INSERT INTO machine (id, provider, request, template_id, name, state, ending, launched, updated, version)
         SELECT printf('i-old-%08d', i), 'sim', printf('req-old-%08d', i), 't', printf('host-%d', i % 256),
           'terminated', 'released', i, i, 3 FROM n;"
    )
}
