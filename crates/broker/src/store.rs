//! What the broker needs of a state store.
//!
//! Every method is one transaction: it happens whole or not at all, and survives the process. "Cannot read"
//! and "cannot lock" are errors, never an empty answer.

use crate::error::Result;
use crate::id::{MachineId, MachineRef, RequestId, RequestKind};
use crate::machine::Machine;
use crate::request::Request;
use crate::state::{MachineState, RequestState};
use crate::template::MaxNumber;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// Whether a request was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its intent is stored.
    Admitted,
    /// It would exceed the template's limit: so many machines exist or are on their way.
    Full {
        /// Machines of the template that exist or are on their way.
        existing: u64,
    },
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is stored.
    Stored,
    /// Somebody else changed one of the things meanwhile; nothing was stored. Read again, decide again.
    Conflict,
}

/// A change of one request and of some machines, stored together or not at all. Each carries the version
/// that was read; the store compares it and counts it up. Machines of version 0 are new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The request as it shall be.
    pub request: Option<Request>,
    /// The machines as they shall be.
    pub machines: Vec<Machine>,
}

/// What a reference to a machine means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T = Machine> {
    /// This machine.
    Known(T),
    /// None that is stored.
    Unknown,
    /// It could be more than one machine, for this reason; none of them may be harmed because of it.
    Doubtful(String),
}

impl<T> Lookup<T> {
    /// The machine that is meant.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(machine) => Some(machine),
            Self::Unknown | Self::Doubtful(_) => None,
        }
    }

    /// The same about something else.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Known(machine) => Lookup::Known(to(machine)),
            Self::Unknown => Lookup::Unknown,
            Self::Doubtful(why) => Lookup::Doubtful(why),
        }
    }
}

/// A reference, and what is odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// How the scheduler named a machine.
    pub wanted: MachineRef,
    /// Why that is odd.
    pub why: String,
}

/// What a return found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returning {
    /// Its machines as they are now, those that were gone already included, each once.
    pub machines: Vec<Machine>,
    /// What no machine answers to.
    pub unknown: Vec<MachineRef>,
    /// What could mean more than one machine, and so is not returned.
    pub doubtful: Vec<Doubt>,
    /// Machines that are called otherwise than the scheduler says. They are returned: the id decides.
    pub renamed: Vec<Doubt>,
}

/// Which requests to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Only of this kind.
    pub kind: Option<RequestKind>,
    /// Only in one of these states; empty means any.
    pub states: Vec<RequestState>,
    /// Only of this template.
    pub template_id: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
    /// Leaving out so many first.
    pub offset: u64,
}

/// Which machines to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineFilter {
    /// Only in one of these states; empty means any.
    pub states: Vec<MachineState>,
    /// Only made by this request.
    pub request: Option<RequestId>,
    /// Only of this template.
    pub template_id: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
    /// Leaving out so many first.
    pub offset: u64,
}

/// Which requests [`Store::needing_attention`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionQuery {
    /// The time that deadlines are compared with.
    pub now: Timestamp,
    /// Unacknowledged requests count when they were created before this.
    pub unacknowledged_before: Timestamp,
    /// Only requests that no process has changed since this.
    pub untouched_since: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// The state store.
///
/// What it costs must not depend on how much history there is.
pub trait Store: Send + Sync {
    /// Stores the intent of an acquire request, unless the template's limit would be exceeded. Counted are
    /// machines of the template whose state is neither `shutting-down` nor `terminated`, each by its units,
    /// and what requests still in `recorded` ask for.
    fn admit(&self, request: &Request, limit: MaxNumber) -> Result<Admission>;

    /// How many machines of a template count against its limit now; units where it has weights.
    fn demand(&self, template_id: &str) -> Result<u64>;

    /// Stores the intent of a return, resolves its machines and marks those that are not being returned yet
    /// as returned by it, and as [`Ending::Released`](crate::machine::Ending::Released) where nothing has
    /// ended them. `request.requested` is set to the number of machines found. Where some are wanted and none
    /// is found, it stores nothing.
    ///
    /// An id decides, and the name beside it does not; but where that name is another living machine's, it is
    /// doubtful which one is meant. A name alone means the newest living machine that is called so, by the
    /// rule of [`stands_for`](crate::host::stands_for) with whole names before short ones, and the newest one
    /// that is gone where none is alive. A name of several living machines is doubtful.
    fn admit_return(&self, request: &Request, wanted: &[MachineRef]) -> Result<Returning>;

    /// Stores a change; everything in it or nothing.
    fn apply(&self, change: &Change) -> Result<Applied>;

    /// Notes that somebody was told these ids. Unknown ids are no error.
    fn acknowledge(&self, ids: &[RequestId]) -> Result<()>;

    /// Requests by id with their machines, in the order asked; nothing where there is no such request.
    fn views(&self, ids: &[RequestId]) -> Result<Vec<Option<RequestWithMachines>>>;

    /// Machines by reference, by the rule of `admit_return`, in the order asked.
    fn find_machines(&self, wanted: &[MachineRef]) -> Result<Vec<Lookup>>;

    /// Machines by id; unknown ones are left out.
    fn machines_by_id(&self, ids: &[MachineId]) -> Result<Vec<Machine>>;

    /// Requests with their machines.
    fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestWithMachines>>;

    /// Machines.
    fn machines(&self, filter: &MachineFilter) -> Result<Vec<Machine>>;

    /// Machines that the scheduler may have to be told about: all that are not gone and not being returned,
    /// and those that the provider took ([`Ending::Reclaimed`](crate::machine::Ending::Reclaimed)) and nobody
    /// has returned yet.
    fn watched_machines(&self) -> Result<Vec<Machine>>;

    /// Requests that need attention although no scheduler polls them: unfinished ones past their deadline,
    /// unfinished returns, unacknowledged ones that still have machines or may get some, and those with
    /// `watch_until` set. The longest untouched come first.
    fn needing_attention(&self, query: &AttentionQuery) -> Result<Vec<RequestWithMachines>>;
}
