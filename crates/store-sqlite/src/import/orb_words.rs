//! Status words of Open Resource Broker, in all its versions.

use ohfp_broker::machine::Ending;
use ohfp_broker::{MachineState, RequestKind, RequestState};

/// Both spellings of complete are in use.
pub(super) fn request_state(kind: RequestKind, word: &str) -> Option<RequestState> {
    let state = match word.to_ascii_lowercase().as_str() {
        "pending" | "in_progress" | "acquiring" | "partial_pending" => match kind {
            RequestKind::Acquire => RequestState::Started,
            RequestKind::Return => RequestState::Recorded,
        },
        "complete" | "completed" => RequestState::Complete,
        "partial" => RequestState::Partial,
        "failed" | "timeout" => RequestState::Failed,
        "cancelled" | "canceled" => match kind {
            RequestKind::Acquire => RequestState::Cancelled,
            RequestKind::Return => RequestState::Failed,
        },
        _ => return None,
    };
    Some(state)
}

/// What a machine is doing, and why it ended.
pub(super) fn machine_state(word: &str, terminated: bool) -> Option<(MachineState, Option<Ending>)> {
    let alive = |state: MachineState| Some((state, None));
    match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "failed" if terminated => Some((MachineState::Terminated, Some(Ending::FailedToStart))),
        "pending" | "launching" | "failed" | "unknown" => alive(MachineState::Pending),
        "running" => alive(MachineState::Running),
        "stopping" => alive(MachineState::Stopping),
        "stopped" => alive(MachineState::Stopped),
        "shutting-down" => Some((MachineState::ShuttingDown, Some(Ending::Released))),
        "terminated" | "returned" => Some((MachineState::Terminated, Some(Ending::Released))),
        _ => None,
    }
}
