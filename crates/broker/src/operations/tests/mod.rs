//! The operations on a store in memory and a cloud that does what a test says: what is stored, what the provider is
//! told, what the scheduler hears.

mod acquiring;
mod cloud;
mod endings;
mod looking;
mod reclaiming;
mod reconciling;
mod returning;
mod sweeping;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Accepted, Acquisition, Broker, Policy, Providers};
use crate::contract::MemoryStore;
use crate::contract::fixtures::{at, id, view};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Result};
use crate::id::MachineId;
use crate::machine::Machine;
use crate::provider::Provider;
use crate::state::{MachineState, RequestState};
use crate::template::Template;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;
use cloud::Cloud;

const POLICY: Policy = Policy {
    max_machines_per_request: 100,
    fulfillment_timeout: 900,
    return_timeout: 600,
    unacknowledged_timeout: 300,
};

/// One installation.
#[derive(Default)]
struct Site {
    store: MemoryStore,
    cloud: Arc<Cloud>,
}

impl Providers for Site {
    fn get(&self, name: &str) -> Result<Arc<dyn Provider>> {
        match name {
            "sim" => Ok(Arc::<Cloud>::clone(&self.cloud)),
            other => Err(Error::new(ErrorKind::NotFound, format!("there is no provider {other}"))),
        }
    }

    fn names(&self) -> Vec<String> {
        vec!["sim".to_owned()]
    }
}

impl Site {
    fn broker(&self) -> Broker<'_> {
        Broker::new(&self.store, self, POLICY, Deadline::NONE)
    }

    /// Asks for machines of template `t`, which allows ten.
    fn acquire(&self, name: &str, count: u64, now: i64) -> Result<Accepted> {
        self.broker().acquire(&asked(name, &template(10), count), at(now))
    }

    fn view(&self, name: &str) -> RequestWithMachines {
        view(&self.store, name)
    }

    /// What the scheduler sees of a request: its state and why, each machine's id and state.
    fn status(&self, name: &str, now: i64) -> (RequestState, Option<String>, Vec<(String, MachineState)>) {
        let (views, errors) = self.broker().status(&[id(name)], at(now)).unwrap();
        assert_eq!(errors, []);
        let view = views.into_iter().next().flatten().unwrap();
        let machines = view.machines.iter().map(|machine| (machine.id.to_string(), machine.state)).collect();
        (view.request.state, view.request.reason, machines)
    }

    /// The machine of that id as it is stored.
    fn machine(&self, name: &str) -> Machine {
        use crate::store::Store;
        self.store.machines_by_id(&[MachineId::new(name)]).unwrap().remove(0)
    }
}

fn template(max_number: i64) -> Template {
    of_fields(&json!({ "templateId": "t", "maxNumber": max_number, "instanceTags": "a=b" }))
}

fn of_fields(fields: &Value) -> Template {
    Template::new(fields.as_object().unwrap().clone()).unwrap()
}

fn asked<'t>(name: &str, template: &'t Template, count: u64) -> Acquisition<'t> {
    Acquisition {
        id: id(name),
        template,
        provider: "sim".to_owned(),
        count,
        rc_account: None,
        user_data: None,
    }
}

/// The error that a silent provider gives.
fn silence() -> Error {
    Error::new(ErrorKind::Unavailable, "no answer")
}

fn seconds(seconds: i64) -> i64 {
    seconds * 1_000
}

fn moment(seconds: i64) -> Timestamp {
    at(seconds * 1_000)
}
