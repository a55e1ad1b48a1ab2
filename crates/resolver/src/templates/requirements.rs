//! `abisInstanceRequirements`: attributes by which EC2 chooses machine types. The minimum that they require is
//! the size that a template can promise.
//!
//! Names are EC2's, in any case and with or without underscores, since files of brokers in several languages
//! have them.

use ohfp_broker::launch_spec::MachineRequirements;
use ohfp_broker::launch_spec::requirements::is_spelling_of;
use serde_json::{Number, Value};

use crate::templates::sizing::Size;

/// The minimum size that the requirements of a template allow; `None` if they do not determine it.
pub(super) fn least(requirements: &MachineRequirements) -> Option<Size> {
    let vcpus = requirements.vcpus.min.filter(|vcpus| *vcpus > 0)?;
    let memory_mib = requirements.memory_mib.min.filter(|memory| *memory > 0)?;
    let makers = &requirements.cpu_manufacturers;
    let arm = !makers.is_empty() && makers.iter().all(|maker| **maker == *"amazon-web-services");
    // With hyper-threading, as most x86 machines have it, two virtual processors share a core.
    let cores = if arm { vcpus } else { vcpus.div_ceil(2) };
    Some(Size { arm, vcpus, cores, memory_mib })
}

/// Replaces quoted limits by numbers; returns whether there were any.
pub(super) fn unquote(requirements: &mut Value) -> bool {
    let Value::Object(requirements) = requirements else { return false };
    let mut any = false;
    for limits in requirements.values_mut().filter_map(Value::as_object_mut) {
        for (name, limit) in limits {
            if let Some(number) = limit.as_str().and_then(text_number)
                && ["min", "max"].iter().any(|wanted| is_spelling_of(name, wanted))
            {
                *limit = Value::Number(number);
                any = true;
            }
        }
    }
    any
}

fn text_number(text: &str) -> Option<Number> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_size() {
        let check = |requirements: &str, wanted: Option<(bool, u64, u64, u64)>| {
            let mut field: Value = serde_json::from_str(requirements).unwrap();
            unquote(&mut field);
            let parsed = MachineRequirements::parse(&field);
            let found = parsed
                .as_ref()
                .and_then(least)
                .map(|size| (size.arm, size.vcpus, size.cores, size.memory_mib));
            assert_eq!(found, wanted, "{requirements}");
        };
        check(
            r#"{"VCpuCount": {"Min": 4, "Max": 8}, "MemoryMiB": {"Min": 8192}}"#,
            Some((false, 4, 2, 8192)),
        );
        check(r#"{"vcpu_count": {"min": "3"}, "memory_mib": {"min": "2048"}}"#, Some((false, 3, 2, 2048)));
        check(
            r#"{"vCpuCount": {"min": 2}, "memoryMiB": {"min": 1}, "cpuManufacturers": ["amazon-web-services"]}"#,
            Some((true, 2, 2, 1)),
        );
        check(
            r#"{"VCpuCount": {"Min": 2}, "MemoryMiB": {"Min": 1}, "CpuManufacturers": ["amazon-web-services", "intel"]}"#,
            Some((false, 2, 1, 1)),
        );
        for lacking in [
            "{}",
            "[]",
            "null",
            r#"{"VCpuCount": {"Min": 2}}"#,
            r#"{"VCpuCount": {"Min": 0}, "MemoryMiB": {"Min": 1}}"#,
            r#"{"VCpuCount": {"Max": 2}, "MemoryMiB": {"Min": 1}}"#,
            r#"{"VCpuCount": 2, "MemoryMiB": 1}"#,
        ] {
            check(lacking, None);
        }
    }
}
