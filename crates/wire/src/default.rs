//! Outputs in the plain format: the content of Host Factory's outputs in snake case, with Open Resource Broker's words
//! for the status, and ohfp's own states besides.

use ohfp_broker::operations::{Accepted, Reclaim, ReturnAccepted};
use ohfp_broker::wire_format::{SchedulerKind, WireFormat};
use ohfp_broker::{Machine, RequestId, RequestWithMachines};
use serde_json::{Value, json};

use super::frame::with;
use super::hostfactory;
use super::status::{machine_result, plain_request_status};

/// The wire format `default`.
pub(super) struct Default;

impl WireFormat for Default {
    fn name(&self) -> &'static str {
        SchedulerKind::Default.name()
    }

    /// Plain form of "requestMachines, output", with `state`.
    fn write_accepted(&self, accepted: &Accepted) -> Value {
        json!({
            "request_id": accepted.id.as_str(),
            "state": accepted.state.name(),
            "message": hostfactory::accepted_message(accepted),
        })
    }

    /// Plain form of "requestReturnMachines, output", with the number of machines and the unknown names.
    fn write_return_accepted(&self, accepted: &ReturnAccepted) -> Value {
        json!({
            "request_id": accepted.id.as_str(),
            "machines": accepted.active,
            "unknown": accepted.unknown.iter().map(ToString::to_string).collect::<Vec<String>>(),
            "message": hostfactory::return_message(accepted),
        })
    }

    /// Plain form of "getRequestStatus, output", with `state`.
    fn write_statuses(&self, asked: &[RequestId], views: &[Option<RequestWithMachines>]) -> Value {
        let requests = asked.iter().zip(views).map(|(id, view)| match view {
            Some(view) => {
                let request = json!({
                    "request_id": id.as_str(),
                    "status": plain_request_status(&view.request),
                    "state": view.request.state.name(),
                    "message": view.request.reason.as_deref().unwrap_or_default(),
                });
                with(request, "machines", view.machines.iter().map(|one| machine(view, one)))
            }
            None => json!({
                "request_id": id.as_str(),
                "status": "failed",
                "state": "unknown",
                "message": hostfactory::UNKNOWN,
                "machines": [],
            }),
        });
        with(json!({}), "requests", requests)
    }

    /// Plain form of "getReturnRequests, output"; `grace_period` in seconds.
    fn write_reclaims(&self, reclaims: &[Reclaim]) -> Value {
        let requests: Vec<Value> = reclaims
            .iter()
            .map(|reclaim| {
                json!({
                    "machine": reclaim.name,
                    "machine_id": reclaim.id,
                    "grace_period": reclaim.grace_seconds,
                    "message": reclaim.reason,
                })
            })
            .collect();
        json!({ "requests": requests, "message": hostfactory::reclaims_message(reclaims) })
    }
}

fn machine(view: &RequestWithMachines, machine: &Machine) -> Value {
    let (result, message) = machine_result(view, machine);
    json!({
        "machine_id": machine.id.as_str(),
        "name": machine.name,
        "result": result,
        "status": machine.state.name(),
        "private_ip_address": machine.private_ip,
        "public_ip_address": machine.public_ip,
        "launch_time": machine.launched.seconds(),
        "price_type": machine.price_type,
        "instance_type": machine.instance_type,
        "tags": machine.tags,
        "units": machine.units,
        "rc_account": machine.rc_account,
        "cores": machine.cores,
        "threads_per_core": machine.threads_per_core,
        "message": message,
    })
}
