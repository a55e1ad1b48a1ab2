//! Which API launches.

use ohfp_broker::launch_spec::PriceType;
use ohfp_broker::launch_spec::{FieldError, FleetType, LaunchSpec, ProviderApi};

/// The API that launches, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `RunInstances`, pool after pool.
    RunInstances,
    /// `CreateFleet`.
    Fleet(FleetType),
    /// `RequestSpotFleet`; never instant.
    SpotFleet(FleetType),
    /// `CreateAutoScalingGroup`.
    Group,
}

impl Way {
    /// `providerApi` chooses. Without it on-demand machines come by `RunInstances`, and others by a fleet: a spot fleet
    /// where the template has a role for one.
    ///
    /// # Errors
    /// `providerApi` is none of the APIs.
    pub(crate) fn of(spec: &LaunchSpec) -> Result<Self, FieldError> {
        let api = spec.provider_api.get()?.copied().unwrap_or(match spec.price_type {
            PriceType::OnDemand => ProviderApi::RunInstances,
            PriceType::Spot | PriceType::Heterogeneous if spec.fleet.role.is_some() => ProviderApi::SpotFleet,
            PriceType::Spot | PriceType::Heterogeneous => ProviderApi::Ec2Fleet,
        });
        Ok(match api {
            ProviderApi::RunInstances => Self::RunInstances,
            ProviderApi::Ec2Fleet => Self::Fleet(spec.fleet.kind.unwrap_or(FleetType::Instant)),
            ProviderApi::SpotFleet => Self::SpotFleet(spec.fleet.kind.unwrap_or(FleetType::Request)),
            ProviderApi::AutoScalingGroup => Self::Group,
        })
    }

    /// The name of the API, as `providerApi` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RunInstances => ProviderApi::RunInstances.name(),
            Self::Fleet(_) => ProviderApi::Ec2Fleet.name(),
            Self::SpotFleet(_) => ProviderApi::SpotFleet.name(),
            Self::Group => ProviderApi::AutoScalingGroup.name(),
        }
    }
}
