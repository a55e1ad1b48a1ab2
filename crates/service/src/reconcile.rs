//! What only the store or only a provider has, found and mended.

pub(crate) mod last_look;

use ohfp_broker::operations::{Reconciled, Reconciliation, Repair};
use ohfp_broker::owned::{OtherPlugin, Whose};
use ohfp_broker::reconcile::{Finding, ReconcileScope, Remedy};
use ohfp_broker::text::quoted;
use ohfp_broker::{Error, ErrorKind, Errors, Result, Timestamp};

use crate::clock;
use crate::log;
use crate::session::Session;

/// Longest id of a store.
const LONGEST_ID: usize = 64;

/// Compares the store with what its providers have, also with what is marked with the ids of `lost` stores, or with what
/// another plug-in has made. Only these `providers` are asked, if any are named.
///
/// # Errors
/// [`ErrorKind::Usage`] for an id that no store can have; those of the store.
pub fn find(
    session: &Session,
    lost: &[String],
    plugin: Option<OtherPlugin>,
    providers: Option<Vec<String>>,
    now: Timestamp,
) -> Result<Reconciliation, Errors> {
    let is_id = |id: &&String| {
        !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if let Some(wrong) = lost.iter().find(|id| !is_id(id)) {
        let error = Error::new(ErrorKind::Usage, format!("--store {} is no id of a store", quoted(wrong)));
        return Err(error.hint("`ohfp reconcile --format json` shows the ids under otherStores").into());
    }
    let requests = session.requests()?;
    let store = &requests.store;
    let own = if store.exists() { Some(store.documents().store_id()?) } else { None };
    let mut lost = lost.to_vec();
    // What another plug-in has made is marked with its name in the place of a store.
    lost.extend(plugin.map(|plugin| plugin.name().to_owned()));
    let scope = ReconcileScope { own, lost, providers };
    let whose = plugin.map_or(Whose::AnyStore, Whose::OtherPlugin);
    Ok(requests.broker().reconcile(&scope, whose, now)?)
}

/// Mends findings. `machines` is what a person wants for machines that may be in use.
///
/// # Errors
/// [`ErrorKind::Refused`] where there is no store yet; those of the store. What could not be mended is in the answer.
pub fn mend(
    session: &Session,
    findings: &[Finding],
    machines: Option<Remedy>,
    now: Timestamp,
) -> Result<Reconciled, Errors> {
    let requests = session.requests()?;
    if !requests.store.exists() {
        let error = Error::new(ErrorKind::Refused, "there is no state store that could adopt anything");
        return Err(error.hint("`ohfp storage restore FILE` puts a backup in its place, and `ohfp storage init` makes a new one").into());
    }
    let store = requests.store.documents().store_id()?;
    let repair = Repair { store: &store, machines, new_id: &|kind| clock::new_id(kind, now) };
    let done = requests.broker().repair(findings, &repair, now);
    log::log_errors(&done.errors);
    for (request, machines) in &done.adopted {
        tracing::info!(request = request.as_str(), machines = machines.len(), "machines were adopted");
    }
    if !done.released.is_empty() || !done.resources.is_empty() {
        let (machines, resources) = (done.released.len(), done.resources.len());
        tracing::info!(machines, resources, "what no request has was released");
    }
    if done.errors.is_empty() {
        last_look::mended(&**requests.store)?;
    }
    Ok(done)
}
