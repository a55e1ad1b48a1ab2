//! Requests and machines to put into a store, and short ways to do so.

use crate::id::{MachineId, MachineRef, RequestId, RequestKind};
use crate::machine::Machine;
use crate::provider::{Identity, Instance};
use crate::request::Request;
use crate::shortfall::ShortfallKind;
use crate::state::{MachineState, RequestState};
use crate::store::{Admission, Applied, Change, Returning, Store};
use crate::template::MaxNumber;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// A point in time.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The id of a request.
pub fn id(text: &str) -> RequestId {
    RequestId::from_text(text)
}

/// A request of template `t`, made at `created`, to be fulfilled within a second.
pub fn acquire(name: &str, count: u32, created: i64) -> Request {
    let mut request = Request::new(id(name), RequestKind::Acquire, count, at(created), at(created + 1_000));
    request.template_id = Some("t".to_owned());
    request.provider = Some("sim".to_owned());
    request.launch_fields = Some(r#"{"templateId":"t"}"#.to_owned());
    request
}

/// A return, made at `created`.
pub fn return_request(name: &str, created: i64) -> Request {
    Request::new(id(name), RequestKind::Return, 0, at(created), at(created + 1_000))
}

/// A running machine of a request.
pub fn machine(name: &str, request: &str) -> Machine {
    let instance = Instance {
        name: Some(format!("host-{name}")),
        state: MachineState::Running,
        private_ip: Some("10.0.0.1".to_owned()),
        launched: at(7),
        ..Instance::new(MachineId::new(name))
    };
    Machine::from_instance(&instance, &acquire(request, 1, 0), &Identity::default(), Some("a=b"), at(9))
}

/// Admits a request and stores its machines, all running; the request is then complete.
pub fn fulfil(store: &dyn Store, name: &str, machines: &[&str], now: i64) {
    let request = acquire(name, u32::try_from(machines.len()).unwrap(), now);
    assert_eq!(store.admit(&request, MaxNumber::Unlimited).unwrap(), Admission::Admitted);
    let mut request = view(store, name).request;
    request.transition_to(RequestState::Complete, None, at(now)).unwrap();
    request.fell_short(machines.len() as u64, ShortfallKind::Capacity);
    let of_request = |machine_name: &&str| Machine { asked: Some(at(now)), ..machine(machine_name, name) };
    let machines = machines.iter().map(of_request).collect();
    stored(store, Some(request), machines);
}

/// A request that is there, with its machines.
pub fn view(store: &dyn Store, name: &str) -> RequestWithMachines {
    store.views(&[id(name)]).unwrap().remove(0).unwrap()
}

/// Stores a change that nothing is in the way of.
pub fn stored(store: &dyn Store, request: Option<Request>, machines: Vec<Machine>) {
    assert_eq!(store.apply(&Change { request, machines }).unwrap(), Applied::Stored);
}

/// Changes machines as they are now.
pub fn change(store: &dyn Store, names: &[&str], alter: impl Fn(&mut Machine)) {
    let ids: Vec<MachineId> = names.iter().map(|name| MachineId::new(*name)).collect();
    let mut machines = store.machines_by_id(&ids).unwrap();
    machines.iter_mut().for_each(alter);
    stored(store, None, machines);
}

/// `name`, `/id` or `name/id`.
pub fn reference(text: &str) -> MachineRef {
    let (name, id) = text.split_once('/').unwrap_or((text, ""));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    MachineRef { name: some(name), id: some(id).map(MachineId::new) }
}

/// Returns machines that are named as [`reference`] reads them.
pub fn return_machines(store: &dyn Store, name: &str, wanted: &[&str], now: i64) -> Returning {
    let wanted: Vec<MachineRef> = wanted.iter().map(|text| reference(text)).collect();
    store.admit_return(&return_request(name, now), &wanted).unwrap()
}

/// The ids of machines.
pub fn ids(machines: &[Machine]) -> Vec<&str> {
    machines.iter().map(|machine| machine.id.as_str()).collect()
}
