//! `CreateFleet`.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::{InstanceRequirementsRequest, LaunchTemplateSpecification, TagSpecification};

/// `CreateFleet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateFleet {
    /// Idempotency token, at most 64 characters.
    pub client_token: String,
    /// `instant`, `request` or `maintain`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// How much of what.
    pub target_capacity_specification: TargetCapacity,
    /// Template and overrides.
    pub launch_template_configs: Vec<FleetLaunchTemplateConfig>,
    /// For the spot part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_options: Option<SpotOptions>,
    /// For the on-demand part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_options: Option<OnDemandOptions>,
    /// Seconds since 1970, after which a `request` or `maintain` fleet launches no more. The same in every repetition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// `no-termination`: AWS never chooses machines to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_capacity_termination_policy: Option<String>,
    /// Whether machines end with `valid_until`; false wherever it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_instances_with_expiration: Option<bool>,
    /// Tags of the fleet; of machines and volumes for type `instant` only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_specifications: Vec<TagSpecification>,
}

/// How much of what, in machines or in units of weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetCapacity {
    /// All of it.
    pub total_target_capacity: u32,
    /// The on-demand part; with [`spot_target_capacity`](Self::spot_target_capacity) or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_target_capacity: Option<u32>,
    /// The spot part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_target_capacity: Option<u32>,
    /// `on-demand` or `spot`: what the rest is.
    pub default_target_capacity_type: String,
}

/// A template and what differs from it, pool by pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FleetLaunchTemplateConfig {
    /// The template.
    pub launch_template_specification: LaunchTemplateSpecification,
    /// The pools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<FleetOverride>,
}

/// A pool: a machine type in a subnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FleetOverride {
    /// The type; not beside requirements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Attributes by which EC2 chooses types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_requirements: Option<InstanceRequirementsRequest>,
    /// One subnet, or several joined by commas where the API allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// In place of a subnet: the default one there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Units that a machine of the type counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_capacity: Option<u32>,
    /// From 0, the lowest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Number>,
    /// USD per unit and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price: Option<String>,
}

/// For the spot part of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SpotOptions {
    /// In kebab case, `price-capacity-optimized`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_strategy: Option<String>,
    /// `terminate`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_interruption_behavior: Option<String>,
    /// With `lowest-price` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_pools_to_use_count: Option<u32>,
}

/// For the on-demand part of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OnDemandOptions {
    /// In kebab case, `lowest-price` or `prioritized`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_strategy: Option<String>,
}
