//! The wire format trait: writes a scheduler's outputs. Inputs are read in the names of every format at once. No I/O.

use serde_json::Value;

use crate::id::RequestId;
use crate::keywords;
use crate::operations::{Accepted, Reclaim, ReturnAccepted};
use crate::user_data::UserData;
use crate::with_machines::RequestWithMachines;

/// Kind of a wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerKind {
    /// IBM Host Factory's format.
    HostFactory,
    /// The plain format, in snake case.
    Default,
}

keywords!(SchedulerKind { HostFactory: "hostfactory", Default: "default" });

/// The input of requestMachines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachinesWanted {
    /// The template's id.
    pub template_id: String,
    /// Number of machines, at least 1.
    pub count: u64,
    /// LSF's `rc_account`.
    pub rc_account: Option<String>,
    /// User data for the machines.
    pub user_data: Option<UserData>,
}

/// A wire format.
pub trait WireFormat: Send + Sync {
    /// The name: `hostfactory` or `default`.
    fn name(&self) -> &'static str;

    /// The output of requestMachines.
    fn write_accepted(&self, accepted: &Accepted) -> Value;

    /// The output of requestReturnMachines.
    fn write_return_accepted(&self, accepted: &ReturnAccepted) -> Value;

    /// The output of getRequestStatus, in the order of `asked`. An unknown id is answered as ended.
    fn write_statuses(&self, asked: &[RequestId], views: &[Option<RequestWithMachines>]) -> Value;

    /// The output of getReturnRequests.
    fn write_reclaims(&self, reclaims: &[Reclaim]) -> Value;
}
