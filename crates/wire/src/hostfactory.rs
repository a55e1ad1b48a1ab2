//! Outputs in IBM Host Factory's format (IBM Spectrum Symphony 7.3.x, "Provider plug-in interface
//! specification").

use ohfp_broker::operations::{Accepted, Reclaim, ReturnAccepted};
use ohfp_broker::wire_format::{SchedulerKind, WireFormat};
use ohfp_broker::{Machine, RequestId, RequestState, RequestWithMachines};
use serde_json::{Map, Value, json};

use super::frame::with;
use super::status::{machine_result, request_status};

/// The wire format `hostfactory`.
pub(super) struct HostFactory;

impl WireFormat for HostFactory {
    fn name(&self) -> &'static str {
        SchedulerKind::HostFactory.name()
    }

    /// Contract: "requestMachines, output": `requestId` and `message`.
    fn write_accepted(&self, accepted: &Accepted) -> Value {
        json!({ "message": accepted_message(accepted), "requestId": accepted.id.as_str() })
    }

    /// Contract: "requestReturnMachines, output": `requestId` and `message`, also if no machine is left to
    /// terminate.
    fn write_return_accepted(&self, accepted: &ReturnAccepted) -> Value {
        json!({ "message": return_message(accepted), "requestId": accepted.id.as_str() })
    }

    /// Contract: "getRequestStatus, output": a list, also for a single id.
    fn write_statuses(&self, asked: &[RequestId], views: &[Option<RequestWithMachines>]) -> Value {
        let requests = asked.iter().zip(views).map(|(id, view)| match view {
            Some(view) => {
                let request = json!({
                    "requestId": id.as_str(),
                    "status": request_status(&view.request),
                    "message": view.request.reason.as_deref().unwrap_or_default(),
                });
                with(request, "machines", view.machines.iter().map(|one| machine(view, one)))
            }
            // Never `running`: Host Factory would poll for ever, and reserve the capacity.
            None => json!({
                "requestId": id.as_str(),
                "status": "complete_with_error",
                "message": UNKNOWN,
                "machines": [],
            }),
        });
        with(json!({}), "requests", requests)
    }

    /// Contract: "getReturnRequests, output": host name and `gracePeriod` in seconds of each machine.
    fn write_reclaims(&self, reclaims: &[Reclaim]) -> Value {
        let requests = reclaims.iter().map(|reclaim| {
            let mut entry = Map::new();
            entry.insert("machine".to_owned(), json!(reclaim.name));
            if let Some(id) = &reclaim.id {
                entry.insert("machineId".to_owned(), json!(id));
            }
            entry.insert("gracePeriod".to_owned(), json!(reclaim.grace_seconds));
            entry.insert("message".to_owned(), json!(reclaim.reason));
            Value::Object(entry)
        });
        with(json!({ "status": "complete", "message": reclaims_message(reclaims) }), "requests", requests)
    }
}

/// Message of an id that the store does not know.
pub(super) const UNKNOWN: &str = "there is no such request";

pub(super) fn accepted_message(accepted: &Accepted) -> String {
    match (accepted.state, &accepted.reason) {
        (RequestState::Recorded | RequestState::Started | RequestState::Complete, None) => {
            "the request was accepted".to_owned()
        }
        (_, Some(reason)) => reason.clone(),
        (state, None) => format!("the request is {}", state.name()),
    }
}

pub(super) fn return_message(accepted: &ReturnAccepted) -> String {
    match accepted.active {
        // The messages of IBM's own plug-in, which scripts may match.
        0 => "No Active VM.".to_owned(),
        _ => "Delete VM success.".to_owned(),
    }
}

pub(super) fn reclaims_message(reclaims: &[Reclaim]) -> String {
    match reclaims.len() {
        0 => "no machine is being reclaimed".to_owned(),
        1 => "1 machine is being reclaimed".to_owned(),
        number => format!("{number} machines are being reclaimed"),
    }
}

/// Number of fields of a machine, to allocate the map once.
const FIELDS: usize = 16;

/// Contract: "getRequestStatus, output", `machines`: times in seconds since 1970, empty strings for addresses that
/// are not known yet.
fn machine(view: &RequestWithMachines, machine: &Machine) -> Value {
    let (result, message) = machine_result(view, machine);
    let mut entry = Map::with_capacity(FIELDS);
    let mut put = |name: &str, value: Value| {
        entry.insert(name.to_owned(), value);
    };
    put("machineId", json!(machine.id.as_str()));
    put("name", json!(machine.name.as_deref().unwrap_or_default()));
    put("result", json!(result));
    put("status", json!(machine.state.name()));
    put("privateIpAddress", json!(machine.private_ip.as_deref().unwrap_or_default()));
    if let Some(public_ip) = &machine.public_ip {
        put("publicIpAddress", json!(public_ip));
    }
    put("launchtime", json!(machine.launched.seconds().max(0)));
    if let Some(price_type) = &machine.price_type {
        put("priceType", json!(price_type));
    }
    if let Some(instance_type) = &machine.instance_type {
        put("instanceType", json!(instance_type));
    }
    put("instanceTags", json!(machine.tags.as_deref().unwrap_or_default()));
    put("cloudHostId", Value::Null);
    // Only LSF reads these.
    if let Some(account) = &machine.rc_account {
        put("rcAccount", json!(account));
    }
    if let (Some(cores), Some(threads)) = (machine.cores, machine.threads_per_core) {
        put("ncores", json!(cores));
        put("nthreads", json!(threads));
    }
    put("message", json!(message));
    Value::Object(entry)
}
