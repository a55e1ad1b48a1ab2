//! What a provider has that is marked as made by ohfp, whether or not the store knows it.

use crate::error::Error;
use crate::id::RequestId;
use crate::instance::Instance;
use crate::keywords;
use crate::time::Timestamp;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// What is marked with the id of one of these stores.
    Stores(&'a [String]),
    /// What is marked with the id of a store, whichever.
    AnyStore,
    /// What another plug-in has made; its name stands for the id of a store.
    OtherPlugin(OtherPlugin),
}

/// A plug-in whose machines are known by its own tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherPlugin {
    /// Open Resource Broker, by its tags `orb:…`.
    Orb,
    /// IBM's, by the tag `InstanceID` of LSF, which has the id of the machine that carries it.
    Ibm,
}

keywords!(OtherPlugin { Orb: "orb", Ibm: "ibm" });

/// The marks that a launch puts on what it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Id of the store that knows it.
    pub store: Option<String>,
    /// The request that it was made for.
    pub request: Option<RequestId>,
    /// Token of its launch.
    pub token: Option<String>,
    /// Template of the request.
    pub template: Option<String>,
    /// Name of the provider instance that made it.
    pub provider: Option<String>,
}

/// A kind of thing that is listed by a call of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnedKind {
    /// A machine.
    Machine,
    /// A fleet.
    Fleet,
    /// A spot fleet.
    SpotFleet,
    /// A group that keeps a number of machines.
    Group,
    /// A launch template.
    LaunchTemplate,
}

keywords!(OwnedKind {
    Machine: "machine",
    Fleet: "fleet",
    SpotFleet: "spot-fleet",
    Group: "group",
    LaunchTemplate: "launch-template",
});

/// A machine with its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedMachine {
    /// What the provider says of it.
    pub instance: Instance,
    /// Its marks.
    pub marks: Marks,
}

/// How long something launches machines by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launches {
    /// It launches none, or none any more.
    None,
    /// Until it has as many as it shall have.
    UntilFull,
    /// Also in the place of those that end.
    Replacements,
}

/// What a launch made beside machines, with its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedResource {
    /// What it is.
    pub kind: OwnedKind,
    /// The provider's id.
    pub id: String,
    /// Its marks.
    pub marks: Marks,
    /// When it was created, where the provider says so.
    pub created: Option<Timestamp>,
    /// How long it launches machines.
    pub launches: Launches,
    /// Whether the provider remembers it, so that [`tidy`](crate::provider::Provider::tidy) deletes it after the last of
    /// its machines: at once what launches nothing, else from [`settled`](crate::provider::Provider::settled) on.
    pub is_kept: bool,
}

/// What a provider has by its marks. A list is whole, or its kind is in `unlisted` and it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Machines that exist; those that are ending may be left out.
    pub machines: Vec<OwnedMachine>,
    /// Fleets, groups and templates that exist.
    pub resources: Vec<OwnedResource>,
    /// Kinds that could not be listed to the end, each with the reason.
    pub unlisted: Vec<(OwnedKind, Error)>,
}
