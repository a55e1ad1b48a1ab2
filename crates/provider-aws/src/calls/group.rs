//! `CreateAutoScalingGroup`.

use serde::{Deserialize, Serialize};

use super::{InstanceRequirementsRequest, LaunchTemplateSpecification};

/// `CreateAutoScalingGroup`. It has no token: its name is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateAutoScalingGroup {
    /// Unique in the region and account.
    pub auto_scaling_group_name: String,
    /// 0, so that a return never has to lower it.
    pub min_size: u32,
    /// As many as are wanted.
    pub max_size: u32,
    /// As many as are wanted.
    pub desired_capacity: u32,
    /// Subnets, joined by commas.
    #[serde(rename = "VPCZoneIdentifier", skip_serializing_if = "Option::is_none")]
    pub vpc_zone_identifier: Option<String>,
    /// The template, where there is one pool of on-demand machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<LaunchTemplateSpecification>,
    /// Several types, or spot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed_instances_policy: Option<MixedInstancesPolicy>,
    /// ARN of a service-linked role other than the account's default.
    #[serde(rename = "ServiceLinkedRoleARN", skip_serializing_if = "Option::is_none")]
    pub service_linked_role_arn: Option<String>,
    /// Tags of the group, given to its machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<GroupTag>,
}

/// A tag of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupTag {
    /// At most 128 characters.
    pub key: String,
    /// At most 256 characters.
    pub value: String,
    /// Whether machines get it.
    pub propagate_at_launch: bool,
}

/// Several types, or spot, in one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MixedInstancesPolicy {
    /// Template and overrides.
    pub launch_template: MixedLaunchTemplate,
    /// How much of it is spot, and from where.
    pub instances_distribution: InstancesDistribution,
}

/// A template and what differs from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MixedLaunchTemplate {
    /// The template.
    pub launch_template_specification: LaunchTemplateSpecification,
    /// Machine types, in the order in which they are preferred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<MixedOverride>,
}

/// A machine type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MixedOverride {
    /// The type; not beside requirements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Attributes by which EC2 chooses types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_requirements: Option<InstanceRequirementsRequest>,
    /// 1 to 999, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_capacity: Option<String>,
}

/// How much of a group is spot, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InstancesDistribution {
    /// In kebab case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_allocation_strategy: Option<String>,
    /// Machines or units that are on-demand in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_base_capacity: Option<u32>,
    /// On-demand part of the rest, in percent.
    pub on_demand_percentage_above_base_capacity: u32,
    /// In kebab case; not `diversified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_allocation_strategy: Option<String>,
    /// With `lowest-price` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_instance_pools: Option<u32>,
    /// USD per unit and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_max_price: Option<String>,
}
