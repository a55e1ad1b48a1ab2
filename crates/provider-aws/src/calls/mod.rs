//! The calls that make something, in EC2's own terms and names.
//!
//! They are data: a launch stores them before it sends them, so that a repetition sends the same bytes, and a dry run
//! prints them: `aws ec2 … --cli-input-json` takes what it prints. Names and shapes are those of the EC2 (2016-11-15)
//! and Auto Scaling (2011-01-01) APIs; members that are unset are left out.

mod fleet;
mod group;
mod launch_data;
mod requirements;
mod spot_fleet;

pub use fleet::{
    CreateFleet, FleetLaunchTemplateConfig, FleetOverride, OnDemandOptions, SpotOptions, TargetCapacity,
};
pub use group::{
    CreateAutoScalingGroup, GroupTag, InstancesDistribution, MixedInstancesPolicy, MixedLaunchTemplate,
    MixedOverride,
};
pub use launch_data::{
    BlockDevice, EbsVolume, IamInstanceProfileSpecification, LaunchData, LaunchTemplateSpecification,
    NetworkInterface, Placement, SpotMarket, SpotMarketOptions, Tag, TagSpecification, UserDataBytes,
};
pub use requirements::{DecimalRange, InstanceRequirementsRequest, WholeRange};
pub use spot_fleet::{RequestSpotFleet, SpotFleetConfig, SpotFleetOverride, SpotFleetTemplateConfig};

use serde::{Deserialize, Serialize};

/// `RunInstances`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunInstances {
    /// Idempotency token, at most 64 characters.
    pub client_token: String,
    /// Fewest machines; with less capacity none is launched.
    pub min_count: u32,
    /// Most machines.
    pub max_count: u32,
    /// The subnet, unless a network interface has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// A launch template, for what the call leaves open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<LaunchTemplateSpecification>,
    /// What machines are made of.
    #[serde(flatten)]
    pub data: LaunchData,
}

/// `CreateLaunchTemplate`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateLaunchTemplate {
    /// Idempotency token, at most 128 characters.
    pub client_token: String,
    /// Unique in the region, 3 to 128 characters.
    pub launch_template_name: String,
    /// Tags of the template itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_specifications: Vec<TagSpecification>,
    /// What machines are made of.
    pub launch_template_data: LaunchData,
}

/// `CreateLaunchTemplateVersion`: fields laid over a version of a template that is not ours. Its default version stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateLaunchTemplateVersion {
    /// Idempotency token, at most 128 characters.
    pub client_token: String,
    /// `lt-…`
    pub launch_template_id: String,
    /// The version that it is based on.
    pub source_version: String,
    /// By which it is found again: the name that a template of ours would have.
    pub version_description: String,
    /// What differs.
    pub launch_template_data: LaunchData,
}

/// A call that makes something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Making {
    /// Machines.
    RunInstances(RunInstances),
    /// A launch template.
    CreateLaunchTemplate(CreateLaunchTemplate),
    /// A version of a launch template.
    CreateLaunchTemplateVersion(CreateLaunchTemplateVersion),
    /// A fleet: its machines, or the promise of them.
    CreateFleet(CreateFleet),
    /// A spot fleet, whose machines come later.
    RequestSpotFleet(RequestSpotFleet),
    /// An Auto Scaling group, whose machines come later.
    CreateAutoScalingGroup(CreateAutoScalingGroup),
}

impl Making {
    /// The name of the API's action.
    pub fn action(&self) -> &'static str {
        match self {
            Self::RunInstances(_) => "RunInstances",
            Self::CreateLaunchTemplate(_) => "CreateLaunchTemplate",
            Self::CreateLaunchTemplateVersion(_) => "CreateLaunchTemplateVersion",
            Self::CreateFleet(_) => "CreateFleet",
            Self::RequestSpotFleet(_) => "RequestSpotFleet",
            Self::CreateAutoScalingGroup(_) => "CreateAutoScalingGroup",
        }
    }
}

#[cfg(test)]
mod tests;
