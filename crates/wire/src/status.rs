//! The words of the wire for the states of requests and machines.

use ohfp_broker::operations::RETURNED_EARLY;
use ohfp_broker::{Ending, Machine, MachineState, Request, RequestKind, RequestState, RequestWithMachines};

/// `status` of a request: `running`, `complete` or `complete_with_error`. Contract: "getRequestStatus,
/// output".
pub fn request_status(request: &Request) -> &'static str {
    match request.state {
        RequestState::Recorded | RequestState::Started => "running",
        RequestState::Complete => "complete",
        RequestState::Partial | RequestState::Failed | RequestState::Cancelled => "complete_with_error",
    }
}

/// `status` of a request under plain names, in the words of Open Resource Broker.
pub fn plain_request_status(request: &Request) -> &'static str {
    match request.state {
        RequestState::Recorded => "pending",
        RequestState::Started => "in_progress",
        state => state.name(),
    }
}

/// `result` of a machine for this request (`executing`, `succeed` or `fail`), and its `message`, which is
/// never empty for `fail`. Contract: "getRequestStatus, output".
pub fn machine_result(view: &RequestWithMachines, machine: &Machine) -> (&'static str, String) {
    match view.request.kind {
        RequestKind::Acquire => acquired(machine, view.request.state.is_final()),
        RequestKind::Return => returned(machine, view.request.state.is_final()),
    }
}

fn acquired(machine: &Machine, over: bool) -> (&'static str, String) {
    if machine.is_usable() {
        return ("succeed", String::new());
    }
    if machine.is_starting() && !over {
        return ("executing", String::new());
    }
    let default = match (machine.ending, machine.state) {
        (Some(Ending::Released), _) if machine.is_delivered() => "returned",
        (Some(Ending::Released), _) if machine.returned_by.is_some() => RETURNED_EARLY,
        (Some(Ending::Released), _) => "abandoned",
        (Some(Ending::Reclaimed), _) => "reclaimed by the provider",
        (Some(Ending::FailedToStart), _) => "failed to start",
        (None, MachineState::Stopping) if !over => return ("executing", String::new()),
        (None, MachineState::Stopping | MachineState::Stopped) => "stopped outside of Host Factory",
        (None, _) => "unusable",
    };
    ("fail", machine.message.clone().unwrap_or_else(|| default.to_owned()))
}

fn returned(machine: &Machine, over: bool) -> (&'static str, String) {
    if machine.is_gone() {
        ("succeed", String::new())
    } else if over {
        ("fail", format!("still {}", machine.state.name()))
    } else {
        ("executing", String::new())
    }
}
