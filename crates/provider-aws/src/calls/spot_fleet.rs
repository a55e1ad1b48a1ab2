//! `RequestSpotFleet`.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::{InstanceRequirementsRequest, LaunchTemplateSpecification, TagSpecification};

/// `RequestSpotFleet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RequestSpotFleet {
    /// The one parameter of the action.
    pub spot_fleet_request_config: SpotFleetConfig,
}

/// What a spot fleet is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SpotFleetConfig {
    /// Idempotency token, at most 128 characters.
    pub client_token: String,
    /// `request` or `maintain`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// ARN of the role by which EC2 launches and tags.
    pub iam_fleet_role: String,
    /// Machines, or units of weight.
    pub target_capacity: u32,
    /// The on-demand part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_target_capacity: Option<u32>,
    /// Template and overrides.
    pub launch_template_configs: Vec<SpotFleetTemplateConfig>,
    /// In camel case, `priceCapacityOptimized`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_strategy: Option<String>,
    /// In camel case, `lowestPrice` or `prioritized`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_allocation_strategy: Option<String>,
    /// With `lowestPrice` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_pools_to_use_count: Option<u32>,
    /// USD per unit and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_price: Option<String>,
    /// Seconds since 1970. The same in every repetition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// `noTermination`: AWS never chooses machines to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_capacity_termination_policy: Option<String>,
    /// False wherever it is said: expiry ends no machine.
    pub terminate_instances_with_expiration: bool,
    /// Tags of the spot fleet request; machines have those of the template.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_specifications: Vec<TagSpecification>,
}

/// A template and what differs from it, pool by pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpotFleetTemplateConfig {
    /// The template.
    pub launch_template_specification: LaunchTemplateSpecification,
    /// The pools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<SpotFleetOverride>,
}

/// A pool: a machine type in a subnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SpotFleetOverride {
    /// The type; not beside requirements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Attributes by which EC2 chooses types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_requirements: Option<InstanceRequirementsRequest>,
    /// One subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Units that a machine of the type counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_capacity: Option<u32>,
    /// From 0, the lowest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Number>,
    /// USD per unit and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_price: Option<String>,
}
