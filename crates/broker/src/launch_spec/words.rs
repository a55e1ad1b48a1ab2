//! Fields that have one of a few words.

/// Defines an enum with the word of each variant: `NAMES`, `parse`, `name`.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $type {
            /// The words, as a template has them.
            pub const NAMES: &'static [&'static str] = &[$($word),*];

            /// Parses a word.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

pub(super) use words;

words! {
    /// `fleetType`: what a fleet does after its launch.
    FleetType {
        /// Launches once and answers with the instances.
        Instant = "instant",
        /// Launches until its capacity is reached, and replaces none.
        Request = "request",
        /// Replaces instances that end.
        Maintain = "maintain",
    }
}

words! {
    /// `tenancy`: with whom a machine shares its hardware.
    Tenancy {
        /// Hardware shared with other accounts.
        Default = "default",
        /// Hardware of this account.
        Dedicated = "dedicated",
        /// A dedicated host.
        Host = "host",
    }
}

words! {
    /// `interfaceType`: the kind of the network interfaces.
    InterfaceType {
        /// An ordinary interface.
        Interface = "interface",
        /// Elastic Fabric Adapter.
        Efa = "efa",
        /// Elastic Fabric Adapter without an IP address.
        EfaOnly = "efa-only",
    }
}

words! {
    /// `providerApi`: the API of the cloud that launches machines.
    ProviderApi {
        /// `RunInstances`.
        RunInstances = "RunInstances",
        /// `CreateFleet`.
        Ec2Fleet = "EC2Fleet",
        /// `RequestSpotFleet`.
        SpotFleet = "SpotFleet",
        /// An Auto Scaling group.
        AutoScalingGroup = "ASG",
    }
}

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
