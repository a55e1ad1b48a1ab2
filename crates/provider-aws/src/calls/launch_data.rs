//! What machines are made of: the members that `RunInstances` and a launch template share.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::InstanceRequirementsRequest;

/// The members that `RunInstances` and `LaunchTemplateData` share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LaunchData {
    /// `ami-…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// For example `m6i.large`. Not beside [`instance_requirements`](Self::instance_requirements).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Attributes by which EC2 chooses machine types; in launch templates only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_requirements: Option<InstanceRequirementsRequest>,
    /// Name of a key pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// `sg-…`, unless network interfaces have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_group_ids: Vec<String>,
    /// User data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserDataBytes>,
    /// The role of the machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam_instance_profile: Option<IamInstanceProfileSpecification>,
    /// Volumes that differ from the image's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub block_device_mappings: Vec<BlockDevice>,
    /// Dedicated throughput to volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ebs_optimized: Option<bool>,
    /// Network interfaces; then the call has neither subnet nor security groups of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<NetworkInterface>,
    /// Placement group and tenancy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// Spot, by `RunInstances`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_market_options: Option<SpotMarket>,
    /// Tags of what is made with the machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_specifications: Vec<TagSpecification>,
}

/// User data as bytes; base64 where it is written. It may hold secrets, so that it is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserDataBytes(pub Vec<u8>);

impl fmt::Debug for UserDataBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserDataBytes({} bytes)", self.0.len())
    }
}

impl UserDataBytes {
    /// As the API takes it.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

impl Serialize for UserDataBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.base64())
    }
}

impl<'de> Deserialize<'de> for UserDataBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// An instance profile: one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IamInstanceProfileSpecification {
    /// `arn:aws:iam::123456789012:instance-profile/name`
    Arn(String),
    /// The name alone.
    Name(String),
}

/// A volume of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BlockDevice {
    /// The image's root device for the root volume.
    pub device_name: String,
    /// What differs from the image's volume.
    pub ebs: EbsVolume,
}

/// What differs from the image's volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EbsVolume {
    /// GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_size: Option<u32>,
    /// `gp3`, `io2` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// Operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<u32>,
}

/// A network interface of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkInterface {
    /// 0 for the first card's, 1 for those of further cards.
    pub device_index: u32,
    /// From 0.
    pub network_card_index: u32,
    /// `interface` or `efa`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_type: Option<String>,
    /// The subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// `sg-…`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// Where machines are placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Placement {
    /// Name of a placement group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// `default`, `dedicated` or `host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenancy: Option<String>,
}

/// Spot machines by `RunInstances`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpotMarket {
    /// `spot`
    pub market_type: String,
    /// How they are bought and interrupted.
    pub spot_options: SpotMarketOptions,
}

/// How spot machines are bought and interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpotMarketOptions {
    /// USD per hour; unset: the on-demand price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<String>,
    /// `one-time`
    pub spot_instance_type: String,
    /// `terminate`
    pub instance_interruption_behavior: String,
}

impl SpotMarket {
    /// One-time machines that are terminated when they are interrupted.
    pub fn one_time(max_price: Option<String>) -> Self {
        Self {
            market_type: "spot".to_owned(),
            spot_options: SpotMarketOptions {
                max_price,
                spot_instance_type: "one-time".to_owned(),
                instance_interruption_behavior: "terminate".to_owned(),
            },
        }
    }
}

/// A launch template, version pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LaunchTemplateSpecification {
    /// `lt-…`
    pub launch_template_id: String,
    /// A number, `$Default` or `$Latest`.
    pub version: String,
}

/// Tags of one kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagSpecification {
    /// `instance`, `volume`, `network-interface`, `spot-instances-request`, `fleet`, `spot-fleet-request`,
    /// `launch-template`.
    pub resource_type: String,
    /// In the order in which they are written.
    pub tags: Vec<Tag>,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// At most 128 characters.
    pub key: String,
    /// At most 256 characters.
    pub value: String,
}
