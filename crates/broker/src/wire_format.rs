//! The wire format trait: parses a scheduler's inputs and writes its outputs. No I/O.

use serde_json::Value;

use crate::error::Result;
use crate::id::{MachineRef, RequestId};
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

impl SchedulerKind {
    /// The word of this kind, in `scheduler.type` and elsewhere.
    pub const fn word(self) -> &'static str {
        match self {
            Self::HostFactory => "hostfactory",
            Self::Default => "default",
        }
    }
}

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
///
/// # Errors
/// What reads fails with [`Input`](crate::ErrorKind::Input), naming the field, where the input is not what the format
/// asks for.
pub trait WireFormat: Send + Sync {
    /// The name: `hostfactory` or `default`.
    fn name(&self) -> &'static str;

    /// Reads a question for machines.
    ///
    /// # Errors
    /// As the trait says.
    fn read_request(&self, input: &Value) -> Result<MachinesWanted>;

    /// Reads which machines are given back; never none.
    ///
    /// # Errors
    /// As the trait says; also where no machine is named.
    fn read_return(&self, input: &Value) -> Result<Vec<MachineRef>>;

    /// Reads which requests are asked about.
    ///
    /// # Errors
    /// As the trait says.
    fn read_status(&self, input: &Value) -> Result<Vec<RequestId>>;

    /// Reads which machines the scheduler knows; nothing when it does not say.
    ///
    /// # Errors
    /// As the trait says.
    fn read_reclaims(&self, input: &Value) -> Result<Option<Vec<MachineRef>>>;

    /// The output of requestMachines.
    fn write_accepted(&self, accepted: &Accepted) -> Value;

    /// The output of requestReturnMachines.
    fn write_return_accepted(&self, accepted: &ReturnAccepted) -> Value;

    /// The output of getRequestStatus, in the order of `asked`. An unknown id is answered as ended.
    fn write_statuses(&self, asked: &[RequestId], views: &[Option<RequestWithMachines>]) -> Value;

    /// The output of getReturnRequests.
    fn write_reclaims(&self, reclaims: &[Reclaim]) -> Value;
}
