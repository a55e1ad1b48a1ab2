//! The provider trait: launching, describing and terminating machines.

use std::fmt;

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::id::{MachineId, MachineRef, RequestId};
pub use crate::instance::Instance;
use crate::owned::{Owned, OwnedResource, Whose};
use crate::template::Template;
use crate::time::Timestamp;
use crate::user_data::UserData;

/// The parameters of a launch.
#[derive(Clone, Copy, Debug)]
pub struct LaunchRequest<'a> {
    /// The request, for tags.
    pub request: &'a RequestId,
    /// When it was made: the same in every repetition.
    pub created: Timestamp,
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
    /// Whether others may still come by themselves, be it late or in the place of one that ends. The provider then
    /// adds none after [`Provider::settled`].
    pub more: bool,
    /// Fleets or groups that the launch created. They are the provider's to delete in [`Provider::tidy`].
    pub resource_ids: Vec<String>,
}

/// A launch that may not be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending<'a> {
    /// Its token.
    pub token: &'a str,
    /// What it created beside machines, as far as the launch said.
    pub resource_ids: &'a [String],
    /// How many machines were ordered; units where the template has weights.
    pub expected: u32,
}

/// What came of a launch so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Every machine that exists because of the token, terminated ones included as long as they are visible.
    pub instances: Vec<Instance>,
    /// As [`Launched::more`].
    pub more: bool,
    /// Why there are fewer than ordered so far, in the provider's words.
    pub reason: Option<String>,
}

/// What [`Provider::progress`] found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// One for each launch, in the order asked; `None` where the provider cannot tell, and the launch stays as it was.
    pub launches: Vec<Option<Progress>>,
    /// Why it cannot tell everything; the first reason where there are several.
    pub error: Option<Error>,
}

impl From<Vec<Progress>> for Followed {
    fn from(launches: Vec<Progress>) -> Self {
        Self { launches: launches.into_iter().map(Some).collect(), error: None }
    }
}

/// What [`Provider::describe`] found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The machines that exist.
    pub instances: Vec<Instance>,
    /// Machines of which the provider cannot tell. They are in no other list, and stay as they were.
    pub unobserved: Vec<MachineId>,
    /// Why it cannot tell everything; the first reason where there are several.
    pub error: Option<Error>,
}

impl From<Vec<Instance>> for Described {
    fn from(instances: Vec<Instance>) -> Self {
        Self { instances, ..Self::default() }
    }
}

/// A machine to be terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releasing<'a> {
    /// The provider's id.
    pub id: &'a MachineId,
    /// The fleet or group that it belongs to, as the store has it.
    pub resource_id: Option<&'a str>,
    /// Units of capacity that it counts for; 1 where machines are counted.
    pub units: u32,
}

impl<'a> Releasing<'a> {
    /// A machine of which only the id is known.
    pub fn of_id(id: &'a MachineId) -> Self {
        Self { id, resource_id: None, units: 1 }
    }
}

/// How much [`Provider::describe`] is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// What machines are doing. [`Instance::reclaim_at`] may be left out.
    #[default]
    State,
    /// The same with announced reclaims, which some clouds tell by another call.
    Reclaims,
}

/// Whose machines a provider handles, and where. `None` where that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// For example the number of an AWS account.
    pub account: Option<String>,
    /// For example `us-east-1`.
    pub region: Option<String>,
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

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        write!(f, "account {}, region {}", known(&self.account), known(&self.region))
    }
}

/// What a provider can do.
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
/// Every method but the first five may do I/O. It then returns before its deadline, by an error where it must. An
/// error means "cannot tell": nothing may be concluded from it, and what is asked about stays as it was. Errors are
/// [`Unavailable`](crate::ErrorKind::Unavailable) where a retry may help and
/// [`Refused`](crate::ErrorKind::Refused) where a person must change something; stores that a provider keeps its
/// documents in add theirs.
pub trait Provider: Send + Sync {
    /// The instance's name.
    fn name(&self) -> &str;

    /// `sim`, `aws`.
    fn kind(&self) -> &'static str;

    /// Its capabilities.
    fn capabilities(&self) -> Capabilities;

    /// Whose machines it handles, as far as that is known without I/O. It is stored with each machine, and machines
    /// of another account or region are not this provider's to describe or release.
    fn identity(&self) -> Identity;

    /// Checks a launch and says what it would do. No I/O.
    ///
    /// # Errors
    /// `Refused` or [`Input`](crate::ErrorKind::Input) where the launch can never succeed.
    fn plan(&self, template: &Template, count: u32) -> Result<Plan>;

    /// Launches machines. Idempotent by the request's token, also across processes and at the same time:
    /// with a token that was used before it gives the machines that exist because of it.
    ///
    /// # Errors
    /// The class says whether machines may exist all the same: [`LaunchFailure::Unknown`] where the deadline was
    /// reached after the launch may have been received.
    fn launch(
        &self,
        request: &LaunchRequest<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Launched, LaunchFailure>;

    /// What came of launches, one answer for each in the same order. Also of those whose outcome is unknown, of
    /// those that have settled, and of tokens that were never used.
    ///
    /// # Errors
    /// As the trait says, where nothing can be told of any of them.
    fn progress(&self, pending: &[Pending<'_>], now: Timestamp, deadline: Deadline) -> Result<Followed>;

    /// No more machines shall come for this token: fleets stop launching and replacing. Machines stay. Idempotent;
    /// a token that was never used is no error.
    ///
    /// # Errors
    /// As the trait says; the caller tries again later.
    fn settled(&self, pending: &Pending<'_>, now: Timestamp, deadline: Deadline) -> Result<()>;

    /// Deletes at most `limit` resources of settled launches whose machines are gone; gives how many. `alive` says
    /// whether the store has a machine of a resource that is not terminated. It may ask the store that documents are
    /// kept in, so it must not be called inside a transaction of documents.
    ///
    /// # Errors
    /// As the trait says; the caller tries again later.
    fn tidy(
        &self,
        alive: &dyn Fn(&str) -> bool,
        limit: u32,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<u32>;

    /// What the machines are doing now. One that is in no list of the answer does not exist.
    ///
    /// # Errors
    /// As the trait says, where nothing can be told of any of them.
    fn describe(
        &self,
        ids: &[MachineId],
        detail: Detail,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Described>;

    /// Terminates machines. Unknown and terminated ones are no error.
    ///
    /// # Errors
    /// As the trait says; some of the machines may have been terminated.
    fn release(&self, machines: &[Releasing<'_>], now: Timestamp, deadline: Deadline) -> Result<()>;

    /// Looks for machines that only the scheduler knows of: is there such a one, alive? By its id where it has
    /// one; the name alone decides nothing then. A name by the rule of [`stands_for`](crate::host::stands_for).
    ///
    /// # Errors
    /// As the trait says; `Refused` where several machines answer to a name.
    fn exists(&self, machines: &[MachineRef], now: Timestamp, deadline: Deadline) -> Result<Vec<Existence>>;

    /// What it has that is marked as made by ohfp, each kind as a whole or not at all.
    ///
    /// # Errors
    /// As the trait says, where nothing can be told of any kind.
    fn owned(&self, whose: Whose<'_>, now: Timestamp, deadline: Deadline) -> Result<Owned>;

    /// Marks machines as those of this store and this provider, and remembers resources as those of a launch that is
    /// over: they launch no more, and [`tidy`](Self::tidy) deletes them after their machines. Machines stay. Idempotent.
    ///
    /// # Errors
    /// As the trait says; the caller tries again later.
    fn claim(
        &self,
        machines: &[MachineId],
        resources: &[OwnedResource],
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<()>;

    /// Whether it can be used now.
    fn health(&self, now: Timestamp, deadline: Deadline) -> Health;
}
