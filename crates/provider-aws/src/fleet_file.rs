//! LSF's `ec2FleetConfig`: a file that is the request for a fleet, in the names of `CreateFleet`. Capacities, token and
//! tags are put in at each launch.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ohfp_broker::launch_spec::{FieldError, FleetType, LaunchSpec};
use serde_json::{Map, Value};

use crate::calls::CreateFleet;

/// The template's field.
const FIELD: &str = "ec2FleetConfig";

/// Where LSF's plug-in puts capacities. They are computed anyway, so that any number does.
const PLACEHOLDERS: [&str; 3] =
    ["$LSF_TOTAL_TARGET_CAPACITY", "$LSF_ONDEMAND_TARGET_CAPACITY", "$LSF_SPOT_TARGET_CAPACITY"];

/// What such a file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FleetFile {
    /// The request; it has one launch template, and a type where the file has one.
    pub(crate) request: CreateFleet,
    /// Its type, or that of the template, or instant.
    pub(crate) kind: FleetType,
}

impl FleetFile {
    /// The file of a template; `None` where it has none. A path that is not absolute is below `directory`.
    ///
    /// # Errors
    /// The file cannot be read, or has something that is not supported.
    pub(crate) fn of(spec: &LaunchSpec, directory: &Path) -> Result<Option<Self>, FieldError> {
        let Some(name) = spec.ec2_fleet_config.as_deref() else { return Ok(None) };
        let path = directory.join(name);
        let wrong = |why: String| FieldError { field: FIELD.into(), why: why.into() };
        let shown = path.display();
        let text = fs::read_to_string(&path)
            .map_err(|error| wrong(format!("names {shown}, which cannot be read: {error}")))?;
        let read = Self::parse(&text, spec.fleet.kind);
        read.map(Some).map_err(|why| wrong(format!("names {shown}: {why}")))
    }

    fn parse(text: &str, kind: Option<FleetType>) -> Result<Self, String> {
        let mut text = text.to_owned();
        for placeholder in PLACEHOLDERS {
            text = text.replace(&format!("\"{placeholder}\""), "0").replace(placeholder, "0");
        }
        let mut given: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let Some(members) = given.as_object_mut() else { return Err("it must be an object".to_owned()) };
        texts_for_versions(members);
        let request: CreateFleet =
            serde_json::from_value(given.clone()).map_err(|error| error.to_string())?;
        let known = serde_json::to_value(&request).map_err(|error| error.to_string())?;
        if let Some(member) = stranger(&given, &known, "") {
            return Err(format!("`{member}` is not supported"));
        }
        let templates: BTreeSet<(&str, &str)> = request
            .launch_template_configs
            .iter()
            .map(|config| &config.launch_template_specification)
            .map(|template| (template.launch_template_id.as_str(), template.version.as_str()))
            .collect();
        if templates.len() != 1 {
            let count = templates.len();
            return Err(format!("`LaunchTemplateConfigs` must name one launch template, not {count}"));
        }
        let behavior =
            request.spot_options.as_ref().and_then(|one| one.instance_interruption_behavior.as_deref());
        if let Some(other) = behavior.filter(|behavior| *behavior != "terminate") {
            return Err(format!("`SpotOptions.InstanceInterruptionBehavior` must be terminate, not {other}"));
        }
        let own = match request.kind.as_str() {
            "" => None,
            word => Some(FleetType::parse(word).ok_or_else(|| {
                format!("`Type` must be one of {}, not {word}", FleetType::NAMES.join(", "))
            })?),
        };
        match (own, kind) {
            (Some(own), Some(kind)) if own != kind => {
                Err(format!("`Type` is {}, and the template's `fleetType` is {}", own.name(), kind.name()))
            }
            (own, kind) => Ok(Self { request, kind: own.or(kind).unwrap_or(FleetType::Instant) }),
        }
    }
}

/// Versions of launch templates are texts, and numbers in many files.
fn texts_for_versions(request: &mut Map<String, Value>) {
    let configs = request.get_mut("LaunchTemplateConfigs").and_then(Value::as_array_mut);
    for config in configs.into_iter().flatten() {
        let version =
            config.get_mut("LaunchTemplateSpecification").and_then(|template| template.get_mut("Version"));
        if let Some(version) = version.filter(|version| version.is_number()) {
            *version = Value::String(version.to_string());
        }
    }
}

/// The first member that was given and is not in what was understood.
pub(crate) fn stranger(given: &Value, known: &Value, path: &str) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => stranger(value, known, &path),
                // Members that say nothing are left out where they are written.
                None if says_nothing(value) => None,
                None => Some(path),
            }
        }),
        (Value::Array(given), Value::Array(known)) => given
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(place, (given, known))| stranger(given, known, &format!("{path}[{place}]"))),
        _ => None,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = r#"{
        "SpotOptions": { "AllocationStrategy": "price-capacity-optimized", "InstanceInterruptionBehavior": "terminate" },
        "LaunchTemplateConfigs": [ {
            "LaunchTemplateSpecification": { "LaunchTemplateId": "lt-1", "Version": 3 },
            "Overrides": [ { "InstanceType": "c5.xlarge", "SubnetId": "subnet-1", "WeightedCapacity": 2, "Priority": 1.5 } ]
        } ],
        "TargetCapacitySpecification": {
            "TotalTargetCapacity": $LSF_TOTAL_TARGET_CAPACITY,
            "OnDemandTargetCapacity": "$LSF_ONDEMAND_TARGET_CAPACITY",
            "SpotTargetCapacity": $LSF_SPOT_TARGET_CAPACITY,
            "DefaultTargetCapacityType": "spot"
        },
        "Type": "request"
    }"#;

    #[test]
    fn a_file_with_placeholders() {
        let file = FleetFile::parse(FILE, None).unwrap();
        assert_eq!(file.kind, FleetType::Request);
        let config = &file.request.launch_template_configs[0];
        assert_eq!(config.launch_template_specification.version, "3");
        assert_eq!(config.overrides[0].weighted_capacity, Some(2));
        assert_eq!(file.request.target_capacity_specification.default_target_capacity_type, "spot");
    }

    #[test]
    fn kinds_of_file_and_template() {
        let kind = |own: &str, kind: Option<FleetType>| {
            let file = FILE.replace(r#""Type": "request""#, own);
            FleetFile::parse(&file, kind).map(|file| file.kind)
        };
        let (request, instant) = (Some(FleetType::Request), Some(FleetType::Instant));
        assert_eq!(kind(r#""Type": "request""#, request), Ok(FleetType::Request));
        assert_eq!(kind(r#""ValidUntil": null"#, request), Ok(FleetType::Request));
        assert_eq!(kind(r#""ValidUntil": null"#, None), Ok(FleetType::Instant));
        assert!(kind(r#""Type": "request""#, instant).unwrap_err().contains("`fleetType` is instant"));
        assert!(kind(r#""Type": "eternal""#, None).unwrap_err().contains("must be one of instant"));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let check = |from: &str, to: &str, wanted: &str| {
            let file = FILE.replacen(from, to, 1);
            assert_ne!(file, FILE, "{from}");
            let error = FleetFile::parse(&file, None).unwrap_err();
            assert!(error.contains(wanted), "{to}: {error}");
        };
        check(r#""Priority""#, r#""Placement""#, "`LaunchTemplateConfigs[0].Overrides[0].Placement` is not");
        check(r#""Type""#, r#""Context": "x", "Type""#, "`Context` is not supported");
        check(r#""terminate""#, r#""stop""#, "must be terminate, not stop");
        check(
            r#""AllocationStrategy""#,
            r#""MaxTotalPrice": "1", "AllocationStrategy""#,
            "`SpotOptions.MaxTotalPrice`",
        );
        check(r#""LaunchTemplateId""#, r#""LaunchTemplateName""#, "LaunchTemplateId");
        check("$LSF_TOTAL_TARGET_CAPACITY", "$LSF_OTHER", "line 8");
        check(r#""WeightedCapacity": 2"#, r#""WeightedCapacity": "two""#, "u32");
        let other = r#""LaunchTemplateConfigs": [ { "LaunchTemplateSpecification": { "LaunchTemplateId": "lt-2", "Version": "1" } },"#;
        check(r#""LaunchTemplateConfigs": ["#, other, "one launch template, not 2");
        assert_eq!(FleetFile::parse("[]", None).unwrap_err(), "it must be an object");
    }

    #[test]
    fn a_path_is_below_the_directory_unless_it_is_absolute() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("fleet.json"), FILE).unwrap();
        let of = |name: &str| {
            let fields = json!({ "ec2FleetConfig": name });
            FleetFile::of(&LaunchSpec::parse(fields.as_object().unwrap()).unwrap(), directory.path())
        };
        assert!(of("fleet.json").unwrap().is_some());
        assert!(of(directory.path().join("fleet.json").to_str().unwrap()).unwrap().is_some());
        assert_eq!(of(""), Ok(None));
        let missing = of("other.json").unwrap_err().to_string();
        assert!(
            missing.starts_with("`ec2FleetConfig` names ") && missing.contains("other.json, which cannot")
        );
    }
}
