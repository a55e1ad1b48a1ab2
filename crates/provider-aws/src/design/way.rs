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
    /// where the template has a role for one. A file with the request for a fleet of that kind means a fleet.
    ///
    /// # Errors
    /// `providerApi` is none of the APIs, or not that of the file.
    pub(crate) fn of(spec: &LaunchSpec, file: Option<FleetType>) -> Result<Self, FieldError> {
        let named = spec.provider_api.get()?.copied();
        if let Some(kind) = file {
            return match named {
                None | Some(ProviderApi::Ec2Fleet) => Ok(Self::Fleet(kind)),
                Some(other) => Err(FieldError {
                    field: "ec2FleetConfig".into(),
                    why: format!("needs `providerApi` EC2Fleet, not {}", other.name()).into(),
                }),
            };
        }
        let api = named.unwrap_or(match spec.price_type {
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
