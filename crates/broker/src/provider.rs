//! What a provider of machines must be able to do.

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
    /// Host name, once there is one.
    pub name: Option<String>,
    /// What it is doing.
    pub state: MachineState,
    /// Private IPv4 address.
    pub private_ip: Option<String>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// For example `m6i.large`.
    pub instance_type: Option<String>,
    /// `ondemand` or `spot`.
    pub price_type: Option<String>,
    /// Cores of its processors, where known.
    pub cores: Option<u32>,
    /// Threads of each core, where known.
    pub threads_per_core: Option<u32>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When the provider will take it, if it has said so.
    pub reclaim_at: Option<Timestamp>,
    /// Whether the provider took it (a spot interruption, say), rather than it failing to start.
    pub reclaimed: bool,
    /// Why it ended, in the provider's words.
    pub reason: Option<String>,
}

impl Instance {
    /// An instance nothing is known of yet but its id.
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

/// What to launch.
#[derive(Clone, Copy, Debug)]
pub struct LaunchRequest<'a> {
    /// The kind of machine.
    pub template: &'a Template,
    /// How many; units where [`Weights::of`](crate::Weights::of) the template has some. A launch may exceed units
    /// by less than its largest machine.
    pub count: u32,
    /// What the machines shall be told beside the template's own script.
    pub user_data: Option<&'a UserData>,
    /// For whom they are borrowed.
    pub rc_account: Option<&'a str>,
    /// The same token never makes machines twice, whichever process uses it.
    pub token: &'a str,
}

/// What a launch would do, for dry runs: each line a call and what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The calls, in order.
    pub steps: Vec<String>,
}

/// What a launch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launched {
    /// The machines; fewer than ordered is allowed.
    pub instances: Vec<Instance>,
    /// Why there are fewer than ordered.
    pub shortfall: Option<String>,
}

/// Why a launch did not happen. The class decides what the scheduler is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchFailure {
    /// The launch can never succeed as it is: a wrong image, no permission. A retry is useless.
    Refused(Error),
    /// There is nothing to be had at present.
    NoCapacity(String),
    /// The provider was not reached, and surely made nothing.
    Unreachable(Error),
    /// Nobody knows whether machines were made: the same token must be used again to find out.
    Unknown(Error),
}

/// Whether a provider has a machine that only the scheduler knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existence {
    /// How the scheduler named it.
    pub machine: MachineRef,
    /// The id of that machine, where the provider has it, alive.
    pub found: Option<MachineId>,
}

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it can take machines back by itself, so that it must be asked.
    pub reclaims: bool,
    /// Milliseconds for which a new machine may not be visible yet. Before that, absent means nothing.
    pub consistency_millis: i64,
    /// The largest number of machines in a launch.
    pub largest_launch: u32,
}

/// Whether a provider is fit for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Fit.
    pub healthy: bool,
    /// In what respect, or why not.
    pub detail: String,
}

/// A place that machines come from. One value is one configured instance.
///
/// Every method may block on the network, and bounds the time it takes. An error means "cannot tell":
/// nothing may be concluded from it.
pub trait Provider: Send + Sync {
    /// The instance's name.
    fn name(&self) -> &str;

    /// `sim`, `aws`.
    fn kind(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Checks a launch and says what it would do. No I/O.
    fn plan(&self, template: &Template, count: u32) -> Result<Plan>;

    /// Launches machines. Idempotent by the request's token, also across processes and at the same time:
    /// with a token that was used before it gives the machines that exist because of it.
    fn launch(&self, request: &LaunchRequest<'_>, now: Timestamp) -> Result<Launched, LaunchFailure>;

    /// Every machine that exists because of this token, gone ones included as long as they are visible.
    fn find(&self, token: &str, now: Timestamp) -> Result<Vec<Instance>>;

    /// What the machines are doing now. One that is missing from the answer does not exist.
    fn describe(&self, ids: &[MachineId], now: Timestamp) -> Result<Vec<Instance>>;

    /// Ends machines. Unknown and ended ones are no error.
    fn release(&self, ids: &[MachineId], now: Timestamp) -> Result<()>;

    /// Looks for machines that only the scheduler knows of: is there such a one, alive? By its id where it has
    /// one; the name alone decides nothing then. A name by the rule of [`stands_for`](crate::host::stands_for);
    /// one that several machines answer to is an error.
    fn exists(&self, machines: &[MachineRef], now: Timestamp) -> Result<Vec<Existence>>;

    /// Whether it can be used now.
    fn health(&self, now: Timestamp) -> Health;
}
