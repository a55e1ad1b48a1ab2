//! `abisInstanceRequirements`: attributes by which EC2 chooses machine types.
//!
//! Names are EC2's, in any case and with or without underscores, since files of brokers in several languages
//! have them.

use serde_json::{Map, Value};

use super::read::{Fault, Read, unsigned};

/// Attributes of the machine types that are allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineRequirements {
    /// `VCpuCount`: virtual processors.
    pub vcpus: Bounds,
    /// `MemoryMiB`.
    pub memory_mib: Bounds,
    /// `CpuManufacturers`, for example `intel`; empty allows all.
    pub cpu_manufacturers: Box<[Box<str>]>,
    /// All attributes as written, those above included.
    pub all: Map<String, Value>,
}

/// The limits of an attribute, both included; `None` if there is no such limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// `Min`.
    pub min: Option<u64>,
    /// `Max`.
    pub max: Option<u64>,
}

impl MachineRequirements {
    /// Parses the value of the field; `None` if it is no object.
    pub fn parse(value: &Value) -> Option<Self> {
        let all = value.as_object()?;
        let limits = |name: &str| {
            let limits = member(all, name).and_then(Value::as_object);
            let limit = |name: &str| limits.and_then(|limits| member(limits, name)).and_then(unsigned);
            Bounds { min: limit("min"), max: limit("max") }
        };
        let makers = member(all, "cpumanufacturers").and_then(Value::as_array);
        let makers = makers.into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            vcpus: limits("vcpucount"),
            memory_mib: limits("memorymib"),
            cpu_manufacturers: makers.map(Box::from).collect(),
            all: all.clone(),
        })
    }
}

/// Whether `name` is another spelling of `wanted`, which is in lower case without underscores.
pub fn is_spelling_of(name: &str, wanted: &str) -> bool {
    let letters = name.bytes().filter(|byte| *byte != b'_');
    letters.map(|byte| byte.to_ascii_lowercase()).eq(wanted.bytes())
}

fn member<'m>(object: &'m Map<String, Value>, wanted: &str) -> Option<&'m Value> {
    object.iter().find(|(name, _)| is_spelling_of(name, wanted)).map(|(_, value)| value)
}

pub(super) fn requirements(value: &Value) -> Read<Option<Box<MachineRequirements>>> {
    let parsed = MachineRequirements::parse(value).ok_or_else(|| Fault::new(value, "an object"))?;
    Ok(Some(Box::new(parsed)))
}
