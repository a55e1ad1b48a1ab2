//! Fields that have one of a few words.

use crate::keywords;

/// `fleetType`: what a fleet does after its launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetType {
    /// Launches once and answers with the instances.
    Instant,
    /// Launches until its capacity is reached, and replaces none.
    Request,
    /// Replaces instances that end.
    Maintain,
}

keywords!(FleetType { Instant: "instant", Request: "request", Maintain: "maintain" });

/// `tenancy`: with whom a machine shares its hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// Hardware shared with other accounts.
    Default,
    /// Hardware of this account.
    Dedicated,
    /// A dedicated host.
    Host,
}

keywords!(Tenancy { Default: "default", Dedicated: "dedicated", Host: "host" });

/// `interfaceType`: the kind of the network interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceType {
    /// An ordinary interface.
    Interface,
    /// Elastic Fabric Adapter.
    Efa,
    /// Elastic Fabric Adapter without an IP address.
    EfaOnly,
}

keywords!(InterfaceType { Interface: "interface", Efa: "efa", EfaOnly: "efa-only" });

/// `providerApi`: the API of the cloud that launches machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderApi {
    /// `RunInstances`.
    RunInstances,
    /// `CreateFleet`.
    Ec2Fleet,
    /// `RequestSpotFleet`.
    SpotFleet,
    /// An Auto Scaling group.
    AutoScalingGroup,
}

keywords!(ProviderApi {
    RunInstances: "RunInstances",
    Ec2Fleet: "EC2Fleet",
    SpotFleet: "SpotFleet",
    AutoScalingGroup: "ASG",
});

impl ProviderApi {
    /// Parses a word in any of the spellings in use: `EC2Fleet`, `ec2_fleet`, `AutoScalingGroup`.
    pub(super) fn parse_any(word: &str) -> Option<Self> {
        let plain: String = word.chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).collect();
        if plain.eq_ignore_ascii_case("AutoScalingGroup") {
            return Some(Self::AutoScalingGroup);
        }
        let name = Self::NAMES.iter().find(|name| name.eq_ignore_ascii_case(&plain))?;
        Self::parse(name)
    }
}
