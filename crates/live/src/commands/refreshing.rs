//! Lists show what the providers say now, where they say it within a second, else what is recorded.
//!
//! What was read is shown whatever happens: a store that cannot be written to, or a provider that is slow, costs a list
//! nothing but its freshness.

use std::collections::HashMap;
use std::time::Duration;

use ohfp_broker::provider::Detail;
use ohfp_broker::{Errors, Machine, RequestWithMachines};
use ohfp_service::clock;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;

use crate::call::Call;

/// For how long a list waits for providers.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the providers about machines, and gives them in the same order; whether they are as the providers say now.
pub(super) fn machines(call: &Call, machines: Vec<Machine>) -> (Vec<Machine>, bool) {
    if machines.iter().all(|machine| machine.state.is_ending()) {
        return (machines, true);
    }
    match asked(call, &machines) {
        Ok(fresh) => {
            let key = |machine: &Machine| (machine.id.clone(), machine.provider.clone());
            let mut fresh: HashMap<_, Machine> =
                fresh.into_iter().map(|machine| (key(&machine), machine)).collect();
            let newest = |machine: Machine| fresh.remove(&key(&machine)).unwrap_or(machine);
            (machines.into_iter().map(newest).collect(), true)
        }
        Err(errors) => {
            log(&errors);
            (machines, false)
        }
    }
}

fn asked(call: &Call, machines: &[Machine]) -> Result<Vec<Machine>, Errors> {
    let session = Session::assemble(&call.invocation, AccessMode::ReadWrite)?;
    let requests = session.requests()?;
    let broker = requests.broker_within(PATIENCE);
    let (fresh, errors) = broker.refresh_machines(machines.to_vec(), Detail::State, clock::now())?;
    if errors.is_empty() { Ok(fresh) } else { Err(errors.into()) }
}

/// The same for requests and their machines.
pub(super) fn requests(call: &Call, views: Vec<RequestWithMachines>) -> (Vec<RequestWithMachines>, bool) {
    let open: Vec<_> = views
        .iter()
        .filter(|view| !view.request.state.is_final())
        .map(|view| view.request.id.clone())
        .collect();
    if open.is_empty() {
        return (views, true);
    }
    let polled = Session::assemble(&call.invocation, AccessMode::ReadWrite).and_then(|session| {
        let requests = session.requests()?;
        let (fresh, errors) = requests.broker_within(PATIENCE).status(&open, clock::now())?;
        if errors.is_empty() { Ok(fresh) } else { Err(Errors::from(errors)) }
    });
    match polled {
        Ok(fresh) => {
            let fresh = fresh.into_iter().flatten();
            let mut fresh: HashMap<_, RequestWithMachines> =
                fresh.map(|view| (view.request.id.clone(), view)).collect();
            let newest = |view: RequestWithMachines| fresh.remove(&view.request.id).unwrap_or(view);
            (views.into_iter().map(newest).collect(), true)
        }
        Err(errors) => {
            log(&errors);
            (views, false)
        }
    }
}

fn log(errors: &Errors) {
    for error in errors.iter() {
        tracing::info!(error = error.summary(), "a list shows what is recorded");
    }
}
