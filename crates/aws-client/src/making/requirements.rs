//! Attributes by which AWS chooses machine types. Three actions have them under three sets of types.

use aws_sdk_autoscaling::types as groups;
use aws_sdk_ec2::types as ec2;
use ohfp_provider_aws::calls::{DecimalRange, InstanceRequirementsRequest, WholeRange};
use serde_json::Number;

use super::members::{counts, list};

fn decimal(number: Option<&Number>) -> Option<f64> {
    number.and_then(Number::as_f64)
}

/// A range of whole numbers as this type of the API.
macro_rules! whole {
    ($builder:ty, $range:expr) => {
        $range.as_ref().map(|WholeRange { min, max }| {
            <$builder>::default().set_min(counts(*min)).set_max(counts(*max)).build()
        })
    };
}

/// A range of numbers as this type of the API.
macro_rules! decimals {
    ($builder:ty, $range:expr) => {
        $range.as_ref().map(|DecimalRange { min, max }| {
            <$builder>::default().set_min(decimal(min.as_ref())).set_max(decimal(max.as_ref())).build()
        })
    };
}

/// All members but `RequireEncryptionInTransit`, which Auto Scaling has not, by the types of one API.
macro_rules! requirements {
    (
        $from:expr, $types:ident, $builder:ident, $vcpus:ident, $memory:ident, $memory_per_vcpu:ident,
        $interfaces:ident, $bandwidth:ident, $storage:ident, $ebs:ident, $accelerators:ident,
        $accelerator_memory:ident
    ) => {{
        let InstanceRequirementsRequest {
            v_cpu_count,
            memory_mib,
            memory_gib_per_v_cpu,
            cpu_manufacturers,
            excluded_instance_types,
            allowed_instance_types,
            instance_generations,
            spot_max_price_percentage_over_lowest_price,
            max_spot_price_as_percentage_of_optimal_on_demand_price,
            on_demand_max_price_percentage_over_lowest_price,
            bare_metal,
            burstable_performance,
            require_hibernate_support,
            require_encryption_in_transit: _,
            network_interface_count,
            network_bandwidth_gbps,
            local_storage,
            local_storage_types,
            total_local_storage_gb,
            baseline_ebs_bandwidth_mbps,
            accelerator_types,
            accelerator_count,
            accelerator_manufacturers,
            accelerator_names,
            accelerator_total_memory_mib,
        } = $from;
        $types::builders::$builder::default()
            .set_v_cpu_count(whole!($types::builders::$vcpus, v_cpu_count))
            .set_memory_mib(whole!($types::builders::$memory, memory_mib))
            .set_memory_gib_per_v_cpu(decimals!($types::builders::$memory_per_vcpu, memory_gib_per_v_cpu))
            .set_cpu_manufacturers(list(cpu_manufacturers, |name| name.as_str().into()))
            .set_excluded_instance_types(list(excluded_instance_types, String::clone))
            .set_allowed_instance_types(list(allowed_instance_types, String::clone))
            .set_instance_generations(list(instance_generations, |name| name.as_str().into()))
            .set_spot_max_price_percentage_over_lowest_price(counts(
                *spot_max_price_percentage_over_lowest_price,
            ))
            .set_max_spot_price_as_percentage_of_optimal_on_demand_price(counts(
                *max_spot_price_as_percentage_of_optimal_on_demand_price,
            ))
            .set_on_demand_max_price_percentage_over_lowest_price(counts(
                *on_demand_max_price_percentage_over_lowest_price,
            ))
            .set_bare_metal(bare_metal.as_deref().map(Into::into))
            .set_burstable_performance(burstable_performance.as_deref().map(Into::into))
            .set_require_hibernate_support(*require_hibernate_support)
            .set_network_interface_count(whole!($types::builders::$interfaces, network_interface_count))
            .set_network_bandwidth_gbps(decimals!($types::builders::$bandwidth, network_bandwidth_gbps))
            .set_local_storage(local_storage.as_deref().map(Into::into))
            .set_local_storage_types(list(local_storage_types, |name| name.as_str().into()))
            .set_total_local_storage_gb(decimals!($types::builders::$storage, total_local_storage_gb))
            .set_baseline_ebs_bandwidth_mbps(whole!($types::builders::$ebs, baseline_ebs_bandwidth_mbps))
            .set_accelerator_types(list(accelerator_types, |name| name.as_str().into()))
            .set_accelerator_count(whole!($types::builders::$accelerators, accelerator_count))
            .set_accelerator_manufacturers(list(accelerator_manufacturers, |name| name.as_str().into()))
            .set_accelerator_names(list(accelerator_names, |name| name.as_str().into()))
            .set_accelerator_total_memory_mib(whole!(
                $types::builders::$accelerator_memory,
                accelerator_total_memory_mib
            ))
    }};
}

/// Of launch templates and of fleets.
pub(super) fn of_request(from: &InstanceRequirementsRequest) -> ec2::InstanceRequirementsRequest {
    requirements!(
        from,
        ec2,
        InstanceRequirementsRequestBuilder,
        VCpuCountRangeRequestBuilder,
        MemoryMiBRequestBuilder,
        MemoryGiBPerVCpuRequestBuilder,
        NetworkInterfaceCountRequestBuilder,
        NetworkBandwidthGbpsRequestBuilder,
        TotalLocalStorageGbRequestBuilder,
        BaselineEbsBandwidthMbpsRequestBuilder,
        AcceleratorCountRequestBuilder,
        AcceleratorTotalMemoryMiBRequestBuilder
    )
    .set_require_encryption_in_transit(from.require_encryption_in_transit)
    .build()
}

/// Of spot fleets.
pub(super) fn of_spot_fleet(from: &InstanceRequirementsRequest) -> ec2::InstanceRequirements {
    requirements!(
        from,
        ec2,
        InstanceRequirementsBuilder,
        VCpuCountRangeBuilder,
        MemoryMiBBuilder,
        MemoryGiBPerVCpuBuilder,
        NetworkInterfaceCountBuilder,
        NetworkBandwidthGbpsBuilder,
        TotalLocalStorageGbBuilder,
        BaselineEbsBandwidthMbpsBuilder,
        AcceleratorCountBuilder,
        AcceleratorTotalMemoryMiBBuilder
    )
    .set_require_encryption_in_transit(from.require_encryption_in_transit)
    .build()
}

/// Of Auto Scaling groups.
pub(super) fn of_group(from: &InstanceRequirementsRequest) -> groups::InstanceRequirements {
    requirements!(
        from,
        groups,
        InstanceRequirementsBuilder,
        VCpuCountRequestBuilder,
        MemoryMiBRequestBuilder,
        MemoryGiBPerVCpuRequestBuilder,
        NetworkInterfaceCountRequestBuilder,
        NetworkBandwidthGbpsRequestBuilder,
        TotalLocalStorageGbRequestBuilder,
        BaselineEbsBandwidthMbpsRequestBuilder,
        AcceleratorCountRequestBuilder,
        AcceleratorTotalMemoryMiBRequestBuilder
    )
    .build()
}
