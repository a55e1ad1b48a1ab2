//! The store trait: requests and machines, durable and shared between processes.
//!
//! Every method is one atomic and durable transaction. "Cannot read" and "cannot lock" are errors, never an
//! empty answer.

use crate::error::Result;
use crate::id::{MachineId, MachineRef, RequestId, RequestKind};
use crate::machine::Machine;
use crate::request::Request;
use crate::state::{MachineState, RequestState};
use crate::template::MaxNumber;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// Result of the admission of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its intent is stored.
    Admitted,
    /// It would exceed the template's limit.
    Full {
        /// Machines of the template that exist or are being launched.
        existing: u64,
    },
}

/// Result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is stored.
    Stored,
    /// Another process has changed one of the rows; no change was stored. Read again and retry.
    Conflict,
}

/// A change of one request and of some machines, stored together or not at all. Each carries the version that
/// was read; the store compares and increments it. Machines of version 0 are new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The new request.
    pub request: Option<Request>,
    /// The new machines.
    pub machines: Vec<Machine>,
}

/// Result of the look-up of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T = Machine> {
    /// It identifies this machine.
    Known(T),
    /// The store has no such machine.
    Unknown,
    /// It is ambiguous, for this reason; none of the candidates may be terminated.
    Doubtful(String),
}

impl<T> Lookup<T> {
    /// The machine, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(machine) => Some(machine),
            Self::Unknown | Self::Doubtful(_) => None,
        }
    }

    /// Maps the machine.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Known(machine) => Lookup::Known(to(machine)),
            Self::Unknown => Lookup::Unknown,
            Self::Doubtful(why) => Lookup::Doubtful(why),
        }
    }
}

/// A doubtful reference and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// How the scheduler named a machine.
    pub wanted: MachineRef,
    /// The reason.
    pub why: String,
}

/// Result of the admission of a return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returning {
    /// Its current machines, each once, including those that were gone already.
    pub machines: Vec<Machine>,
    /// References to unknown machines.
    pub unknown: Vec<MachineRef>,
    /// Ambiguous references, which are not returned.
    pub doubtful: Vec<Doubt>,
    /// Machines whose host name differs from the scheduler's. They are returned, since the id decides.
    pub renamed: Vec<Doubt>,
}

/// A filter of requests. Results are ordered newest first.
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

impl RequestFilter {
    /// Those that are not finished.
    pub fn open() -> Self {
        let states = RequestState::ALL.iter().copied().filter(|state| !state.is_final()).collect();
        Self { states, ..Self::default() }
    }
}

/// A filter of machines. Results are ordered newest first.
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

impl MachineFilter {
    /// Those that exist and are not being terminated.
    pub fn existing() -> Self {
        let states = MachineState::ALL.iter().copied().filter(|state| !state.is_ending()).collect();
        Self { states, ..Self::default() }
    }
}

/// The query of [`Store::needing_attention`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionQuery {
    /// The current time, for deadlines.
    pub now: Timestamp,
    /// Unacknowledged requests created before this need attention.
    pub unacknowledged_before: Timestamp,
    /// Requests changed since this are skipped.
    pub untouched_since: Timestamp,
    /// At most so many, not counted those that are only watched.
    pub limit: u32,
    /// At most so many that are only watched.
    pub watched_limit: u32,
}

/// The state store.
///
/// What it costs must not depend on how much history there is.
///
/// # Errors
/// Every method fails with `Unavailable` where other processes keep the store busy, with `System` where it cannot be
/// read or written, and with `Damaged` where it is missing although there was one, or holds what cannot have been
/// stored. Nothing has changed then. What is not allowed is `Refused`.
pub trait Store: Send + Sync {
    /// Stores the intent of an acquire request, unless the template's limit would be exceeded. Counted are
    /// machines of the template whose state is neither `shutting-down` nor `terminated`, each by its units,
    /// and what requests still in `recorded` ask for.
    ///
    /// # Errors
    /// As the trait says; `Refused` where there is a request of that id, or it is not for machines of a template.
    fn admit(&self, request: &Request, limit: MaxNumber) -> Result<Admission>;

    /// How many machines of a template count against its limit now; units where it has weights.
    ///
    /// # Errors
    /// As the trait says.
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
    ///
    /// # Errors
    /// As the trait says; `Refused` where there is a request of that id, or it is no return.
    fn admit_return(&self, request: &Request, wanted: &[MachineRef]) -> Result<Returning>;

    /// Stores a change; everything in it or nothing.
    ///
    /// # Errors
    /// As the trait says; `Refused` where [`replace`](crate::replace) does not allow the change.
    fn apply(&self, change: &Change) -> Result<Applied>;

    /// Stores a request and its machines that no request of this store has made, all of them or none:
    /// [`Applied::Conflict`] where the request or one of the machines is there.
    ///
    /// # Errors
    /// As the trait says.
    fn adopt(&self, request: &Request, machines: &[Machine]) -> Result<Applied>;

    /// Notes that the scheduler received these ids. Unknown ids are no error.
    ///
    /// # Errors
    /// As the trait says.
    fn acknowledge(&self, ids: &[RequestId]) -> Result<()>;

    /// Requests by id with their machines, in the order asked; nothing where there is no such request.
    ///
    /// # Errors
    /// As the trait says.
    fn views(&self, ids: &[RequestId]) -> Result<Vec<Option<RequestWithMachines>>>;

    /// Machines by reference, by the rule of `admit_return`, in the order asked.
    ///
    /// # Errors
    /// As the trait says.
    fn find_machines(&self, wanted: &[MachineRef]) -> Result<Vec<Lookup>>;

    /// Machines by id; unknown ones are left out.
    ///
    /// # Errors
    /// As the trait says.
    fn machines_by_id(&self, ids: &[MachineId]) -> Result<Vec<Machine>>;

    /// Requests with their machines.
    ///
    /// # Errors
    /// As the trait says.
    fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestWithMachines>>;

    /// Machines.
    ///
    /// # Errors
    /// As the trait says.
    fn machines(&self, filter: &MachineFilter) -> Result<Vec<Machine>>;

    /// Machines that the scheduler may have to be told about: all that are not gone and not being returned,
    /// and those that the provider took ([`Ending::Reclaimed`](crate::machine::Ending::Reclaimed)) and that no
    /// return names yet.
    ///
    /// # Errors
    /// As the trait says.
    fn watched_machines(&self) -> Result<Vec<Machine>>;

    /// Whether a machine of this provider that is not terminated belongs to this fleet or group.
    ///
    /// # Errors
    /// As the trait says.
    fn has_machine_of(&self, provider: &str, resource_id: &str) -> Result<bool>;

    /// Requests that need attention although no scheduler polls them: unfinished ones past their deadline,
    /// unfinished returns, unacknowledged ones that still have machines or may get some, and those with
    /// `watch_until` set, which are only watched unless they are over and still open: those are due at once, whenever
    /// they were touched. The longest untouched come first, and each limit keeps the first ones. Where hundreds are
    /// watched, a store may leave those behind them for the next query.
    ///
    /// # Errors
    /// As the trait says.
    fn needing_attention(&self, query: &AttentionQuery) -> Result<Vec<RequestWithMachines>>;
}
