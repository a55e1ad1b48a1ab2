//! The record of this process in the metrics of its host.

use std::time::Instant;

use ohfp_cli::Command;
use ohfp_service::metrics::{self, Ended, Operation};
use ohfp_service::session::Session;

use crate::call::Call;
use crate::reply::Reply;

/// Records how this process ended: each of Host Factory's operations, and each other command that may have changed
/// state. Dry runs and commands that only read change no file, so they leave no record.
pub(crate) fn record(call: &Call, command: &Command, reply: &Reply, code: u8, start: Instant) {
    let Some(operation) = operation(call, command) else { return };
    let error = reply.errors.first().map(ohfp_broker::Error::kind);
    metrics::record(&call.invocation, call.known_session(), &Ended { operation, code, error, start });
}

fn operation(call: &Call, command: &Command) -> Option<Operation> {
    Some(match command {
        Command::GetAvailableTemplates(_) => Operation::GetAvailableTemplates,
        Command::RequestMachines(_) => Operation::RequestMachines,
        Command::RequestReturnMachines(_) => Operation::RequestReturnMachines,
        Command::GetRequestStatus(_) => Operation::GetRequestStatus,
        Command::GetReturnRequests(_) => Operation::GetReturnRequests,
        _ if !call.known_session().is_some_and(Session::may_change) => return None,
        Command::Machines(_) => Operation::Machines,
        Command::Requests(_) => Operation::Requests,
        Command::Sim(_) => Operation::Sim,
        Command::Storage(_) => Operation::Storage,
        _ => Operation::Other,
    })
}
