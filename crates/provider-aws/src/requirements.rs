//! `abisInstanceRequirements` in EC2's names: every spelling that files have, and an error for a name that EC2 does
//! not know.

use ohfp_broker::launch_spec::MachineRequirements;
use serde_json::{Map, Value};

use crate::calls::InstanceRequirementsRequest;

/// EC2's names of the members.
const NAMES: &[&str] = &[
    "VCpuCount",
    "MemoryMiB",
    "MemoryGiBPerVCpu",
    "CpuManufacturers",
    "ExcludedInstanceTypes",
    "AllowedInstanceTypes",
    "InstanceGenerations",
    "SpotMaxPricePercentageOverLowestPrice",
    "MaxSpotPriceAsPercentageOfOptimalOnDemandPrice",
    "OnDemandMaxPricePercentageOverLowestPrice",
    "BareMetal",
    "BurstablePerformance",
    "RequireHibernateSupport",
    "RequireEncryptionInTransit",
    "NetworkInterfaceCount",
    "NetworkBandwidthGbps",
    "LocalStorage",
    "LocalStorageTypes",
    "TotalLocalStorageGB",
    "BaselineEbsBandwidthMbps",
    "AcceleratorTypes",
    "AcceleratorCount",
    "AcceleratorManufacturers",
    "AcceleratorNames",
    "AcceleratorTotalMemoryMiB",
    "Min",
    "Max",
];

/// The requirements as EC2 takes them.
///
/// # Errors
/// A member that EC2 does not have, or one that holds another kind of value; to complete "`abisInstanceRequirements` …".
pub(crate) fn requirements(wanted: &MachineRequirements) -> Result<InstanceRequirementsRequest, String> {
    let named = named(&wanted.all)?;
    serde_json::from_value(named).map_err(|error| format!("cannot be used: {error}"))
}

/// The same with EC2's names.
fn named(members: &Map<String, Value>) -> Result<Value, String> {
    let mut named = Map::new();
    for (name, value) in members {
        let known = NAMES.iter().find(|known| plain(known) == plain(name));
        let known = known.ok_or_else(|| format!("has no member `{name}` in EC2"))?;
        let value = match value {
            Value::Object(limits) => self::named(limits)?,
            other => other.clone(),
        };
        named.insert((*known).to_owned(), value);
    }
    Ok(Value::Object(named))
}

/// Letters and digits alone, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(written: &Value, wanted: Result<Value, &str>) {
        let parsed = MachineRequirements::parse(written).unwrap();
        let found = requirements(&parsed).map(|request| serde_json::to_value(request).unwrap());
        match wanted {
            Ok(wanted) => assert_eq!(found, Ok(wanted), "{written}"),
            Err(part) => assert!(found.clone().unwrap_err().contains(part), "{written}: {found:?}"),
        }
    }

    #[test]
    fn every_spelling_becomes_that_of_ec2() {
        let wanted = json!({
            "VCpuCount": { "Min": 2, "Max": 8 }, "MemoryMiB": { "Min": 4096 }, "CpuManufacturers": ["intel"]
        });
        check(&wanted, Ok(wanted.clone()));
        check(
            &json!({ "vcpu_count": { "min": 2, "max": 8 }, "memory_mib": { "min": 4096 },
                     "cpu_manufacturers": ["intel"] }),
            Ok(wanted.clone()),
        );
        check(
            &json!({ "vCpuCount": { "min": 2, "max": 8 }, "memoryMiB": { "min": 4096 },
                     "cpuManufacturers": ["intel"] }),
            Ok(wanted),
        );
        check(
            &json!({ "memoryGiBPerVCpu": { "min": 0.5 }, "totalLocalStorageGB": { "max": 1.5 } }),
            Ok(json!({ "MemoryGiBPerVCpu": { "Min": 0.5 }, "TotalLocalStorageGB": { "Max": 1.5 } })),
        );
    }

    #[test]
    fn what_ec2_does_not_have_is_an_error() {
        check(&json!({ "vcpus": { "min": 2 } }), Err("has no member `vcpus`"));
        check(&json!({ "VCpuCount": { "least": 2 } }), Err("has no member `least`"));
        check(&json!({ "VCpuCount": { "min": "two" } }), Err("cannot be used"));
        check(&json!({ "BareMetal": 3 }), Err("cannot be used"));
    }

    /// Each name of the table is a member, so that none is dropped in silence.
    #[test]
    fn every_name_is_taken() {
        for name in NAMES.iter().filter(|name| !matches!(**name, "Min" | "Max")) {
            let values = [json!({ "Min": 1 }), json!(["a"]), json!(1), json!(true), json!("a")];
            let is_taken = values.iter().any(|value| {
                let parsed = MachineRequirements::parse(&json!({ *name: value })).unwrap();
                requirements(&parsed)
                    .is_ok_and(|request| serde_json::to_value(request).unwrap() == json!({ *name: value }))
            });
            assert!(is_taken, "{name}");
        }
    }
}
