//! The provider trait: launching, describing and terminating machines.

use crate::error::{Error, Result};
use crate::id::{MachineId, MachineRef};
use crate::state::MachineState;
use crate::template::Template;
use crate::time::Timestamp;
use crate::user_data::UserData;

/// A machine as its provider sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The provider's id.
    pub id: MachineId,
    /// Host name; `None` until it is assigned.
    pub name: Option<String>,
    /// Current state.
    pub state: MachineState,
    /// Private IPv4 address.
    pub private_ip: Option<String>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// For example `m6i.large`.
    pub instance_type: Option<String>,
    /// `ondemand` or `spot`.
    pub price_type: Option<String>,
    /// Number of cores, if known.
    pub cores: Option<u32>,
    /// Threads per core, if known.
    pub threads_per_core: Option<u32>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When the provider will reclaim it; `None` without a notice.
    pub reclaim_at: Option<Timestamp>,
    /// Whether the provider reclaimed it (for example, a spot interruption), as opposed to a failed start.
    pub reclaimed: bool,
    /// Why it ended: the provider's message.
    pub reason: Option<String>,
}

impl Instance {
    /// An instance of which only the id is known.
    pub fn new(id: MachineId) -> Self {
        Self {
            id,
            name: None,
            state: MachineState::Pending,
            private_ip: None,
            public_ip: None,
            instance_type: None,
            price_type: None,
            cores: None,
            threads_per_core: None,
            launched: Timestamp::default(),
            reclaim_at: None,
            reclaimed: false,
            reason: None,
        }
    }
}

/// The parameters of a launch.
#[derive(Clone, Copy, Debug)]
pub struct LaunchRequest<'a> {
    /// The template.
    pub template: &'a Template,
    /// Number of machines; units if [`Weights::of`](crate::Weights::of) the template has some. A launch may
    /// exceed units by less than its largest machine.
    pub count: u32,
    /// User data for the machines, besides the template's own script.
    pub user_data: Option<&'a UserData>,
    /// LSF's `rc_account`.
    pub rc_account: Option<&'a str>,
    /// Idempotency token: the same token never launches machines twice, in any process.
    pub token: &'a str,
}

/// The effect that a launch would have, for dry runs: a line for each call with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The calls, in order.
    pub steps: Vec<String>,
}

/// The result of a launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launched {
    /// The machines; fewer than requested are allowed.
    pub instances: Vec<Instance>,
    /// Why there are fewer than requested.
    pub shortfall: Option<String>,
}

/// Why a launch failed. The class decides the answer to the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchFailure {
    /// The launch can never succeed as it is: a wrong image, no permission. A retry is useless.
    Refused(Error),
    /// No capacity is available at present.
    NoCapacity(String),
    /// The provider was not reached and launched no machine.
    Unreachable(Error),
    /// The outcome is unknown: a retry with the same token resolves it.
    Unknown(Error),
}

/// Whether a machine that only the scheduler knows exists at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existence {
    /// How the scheduler named it.
    pub machine: MachineRef,
    /// Id of the living machine; `None` if the provider does not have it.
    pub found: Option<MachineId>,
}

/// Capabilities of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it can reclaim machines, so that it must be polled.
    pub reclaims: bool,
    /// Milliseconds for which a new machine may be invisible; until then, its absence proves nothing.
    pub consistency_millis: i64,
    /// Maximum number of machines in a launch.
    pub largest_launch: u32,
}

/// Health of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it is usable.
    pub healthy: bool,
    /// Details, or the reason.
    pub detail: String,
}

/// A source of machines. One value is one configured instance.
///
/// Every method may block on the network, for a bounded time. An error means that the outcome is unknown: no
/// conclusion may be drawn from it.
pub trait Provider: Send + Sync {
    /// The instance's name.
    fn name(&self) -> &str;

    /// `sim`, `aws`.
    fn kind(&self) -> &'static str;

    /// Its capabilities.
    fn capabilities(&self) -> Capabilities;

    /// Checks a launch and returns the effect that it would have. No I/O.
    fn plan(&self, template: &Template, count: u32) -> Result<Plan>;

    /// Launches machines. Idempotent by the request's token, also across processes and at the same time: with a
    /// token that was used before it returns the machines launched with it.
    fn launch(&self, request: &LaunchRequest<'_>, now: Timestamp) -> Result<Launched, LaunchFailure>;

    /// All machines that were launched with this token, terminated ones included while they are visible.
    fn find(&self, token: &str, now: Timestamp) -> Result<Vec<Instance>>;

    /// Describes machines. One that is missing from the result does not exist.
    fn describe(&self, ids: &[MachineId], now: Timestamp) -> Result<Vec<Instance>>;

    /// Terminates machines. Unknown and terminated ones are no error.
    fn release(&self, ids: &[MachineId], now: Timestamp) -> Result<()>;

    /// Looks up machines that only the scheduler knows, by id if there is one, ignoring the name then. A name
    /// by the rule of [`stands_for`](crate::host::stands_for); one that several machines answer to is an error.
    fn exists(&self, machines: &[MachineRef], now: Timestamp) -> Result<Vec<Existence>>;

    /// Checks whether it is usable now.
    fn health(&self, now: Timestamp) -> Health;
}
