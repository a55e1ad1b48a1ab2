//! What our states are called on the wire.

use ohfp_broker::operations::RETURNED_EARLY;
use ohfp_broker::{Ending, Machine, MachineState, Request, RequestKind, RequestState, RequestWithMachines};

/// Host Factory's word for how far a request is.
pub fn request_status(request: &Request) -> &'static str {
    match request.state {
        RequestState::Recorded | RequestState::Started => "running",
        RequestState::Complete => "complete",
        RequestState::Partial | RequestState::Failed | RequestState::Cancelled => "complete_with_error",
    }
}

/// Host Factory's word for what this request got of a machine, and what is wrong with it. A machine that
/// failed always has a message.
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
        (Some(Ending::Released), _) => "given up",
        (Some(Ending::Reclaimed), _) => "taken by the provider",
        (Some(Ending::FailedToStart), _) => "did not start",
        (None, MachineState::Stopping) if !over => return ("executing", String::new()),
        (None, MachineState::Stopping | MachineState::Stopped) => "stopped outside of Host Factory",
        (None, _) => "not usable",
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
