//! `InstanceRequirements`: attributes by which EC2 chooses machine types.

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// `InstanceRequirementsRequest`. Unset members are unlimited, or EC2's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "the members are EC2's, which documents them")]
pub struct InstanceRequirementsRequest {
    #[serde(rename = "VCpuCount", skip_serializing_if = "Option::is_none")]
    pub v_cpu_count: Option<WholeRange>,
    #[serde(rename = "MemoryMiB", skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<WholeRange>,
    #[serde(rename = "MemoryGiBPerVCpu", skip_serializing_if = "Option::is_none")]
    pub memory_gib_per_v_cpu: Option<DecimalRange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cpu_manufacturers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_instance_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_instance_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_generations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_max_price_percentage_over_lowest_price: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_spot_price_as_percentage_of_optimal_on_demand_price: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_max_price_percentage_over_lowest_price: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bare_metal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burstable_performance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_hibernate_support: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_encryption_in_transit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_count: Option<WholeRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_bandwidth_gbps: Option<DecimalRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_storage: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub local_storage_types: Vec<String>,
    #[serde(rename = "TotalLocalStorageGB", skip_serializing_if = "Option::is_none")]
    pub total_local_storage_gb: Option<DecimalRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_ebs_bandwidth_mbps: Option<WholeRange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accelerator_types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_count: Option<WholeRange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accelerator_manufacturers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accelerator_names: Vec<String>,
    #[serde(rename = "AcceleratorTotalMemoryMiB", skip_serializing_if = "Option::is_none")]
    pub accelerator_total_memory_mib: Option<WholeRange>,
}

/// A range of whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WholeRange {
    /// The least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most; unset: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// A range of numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DecimalRange {
    /// The least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// The most; unset: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
}
