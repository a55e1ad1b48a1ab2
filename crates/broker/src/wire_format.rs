//! What a scheduler's wire format must be able to do: read its questions, write its answers. No I/O.

use serde_json::Value;

use crate::error::Result;
use crate::id::{MachineRef, RequestId};
use crate::operations::{Accepted, Reclaim, ReturnAccepted};
use crate::user_data::UserData;
use crate::with_machines::RequestWithMachines;

/// Whose field names and frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerKind {
    /// IBM Host Factory's.
    HostFactory,
    /// Plain ones.
    Default,
}

/// A question for machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachinesWanted {
    /// The template's id.
    pub template_id: String,
    /// How many; at least 1.
    pub count: u64,
    /// For whom: LSF's `rc_account`.
    pub rc_account: Option<String>,
    /// What the machines shall be told.
    pub user_data: Option<UserData>,
}

/// A wire format.
pub trait WireFormat: Send + Sync {
    /// `hostfactory`, `default`.
    fn name(&self) -> &'static str;

    /// Reads a question for machines.
    fn read_request(&self, input: &Value) -> Result<MachinesWanted>;

    /// Reads which machines are given back; never none.
    fn read_return(&self, input: &Value) -> Result<Vec<MachineRef>>;

    /// Reads which requests are asked about.
    fn read_status(&self, input: &Value) -> Result<Vec<RequestId>>;

    /// Reads which machines the scheduler knows; nothing when it does not say.
    fn read_reclaims(&self, input: &Value) -> Result<Option<Vec<MachineRef>>>;

    /// The answer to a question for machines.
    fn write_accepted(&self, accepted: &Accepted) -> Value;

    /// The answer to machines given back.
    fn write_return_accepted(&self, accepted: &ReturnAccepted) -> Value;

    /// The answer about requests, in the order asked. What is not known is answered as ended.
    fn write_statuses(&self, asked: &[RequestId], views: &[Option<RequestWithMachines>]) -> Value;

    /// The answer about machines that the provider takes.
    fn write_reclaims(&self, reclaims: &[Reclaim]) -> Value;
}
