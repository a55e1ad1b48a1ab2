//! The fields of a template: their names in both spellings, and what each may hold.
//!
//! Names are Host Factory's inside ohfp; other spellings are translated here, on the way in and on the
//! way out, by one table. It must not know how a value is used.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use ohfp_broker::launch_spec::{FleetType, PriceType, Tags, VolumeType};
use serde_json::{Map, Value};

use crate::settings::rule::Rule;
use crate::templates::passed_on::PASSED_ON;
use crate::templates::requirements;

/// Host Factory's name of a field, and its plain name. The first row of a Host Factory name is how it
/// is written; further rows are other spellings that are read.
pub const FIELD_NAMES: &[(&str, &str)] = &[
    ("templateId", "template_id"),
    ("maxNumber", "max_instances"),
    ("maxNumber", "max_machines"),
    ("maxNumber", "max_number"),
    ("imageId", "image_id"),
    ("imageId", "machine_image"),
    ("vmType", "instance_type"),
    ("vmType", "machine_type"),
    ("vmType", "vm_type"),
    ("vmTypes", "machine_types"),
    ("vmTypes", "instance_types"),
    ("vmTypes", "vm_types"),
    ("vmTypesOnDemand", "machine_types_ondemand"),
    ("vmTypesOnDemand", "instance_types_ondemand"),
    ("vmTypesOnDemand", "vm_types_on_demand"),
    ("vmTypesPriority", "machine_types_priority"),
    ("vmTypesPriority", "instance_types_priority"),
    ("vmTypesPriority", "vm_types_priority"),
    ("subnetId", "subnet_ids"),
    ("subnetId", "subnet_id"),
    ("subnetId", "subnetIds"),
    ("securityGroupIds", "security_group_ids"),
    ("keyName", "key_name"),
    ("keyName", "machine_ssh_key"),
    ("priceType", "price_type"),
    ("maxSpotPrice", "max_price"),
    ("maxSpotPrice", "max_spot_price"),
    ("allocationStrategy", "allocation_strategy"),
    ("allocationStrategyOnDemand", "allocation_strategy_on_demand"),
    ("percentOnDemand", "percent_on_demand"),
    ("onDemandCapacity", "on_demand_capacity"),
    ("fleetRole", "fleet_role"),
    ("fleetType", "fleet_type"),
    ("spotFleetRequestExpiry", "spot_fleet_request_expiry"),
    ("poolsCount", "pools_count"),
    ("rootDeviceVolumeSize", "root_volume_size"),
    ("rootDeviceVolumeSize", "root_device_volume_size"),
    ("rootDeviceVolumeSize", "machine_disk_size_gb"),
    ("volumeType", "volume_type"),
    ("volumeType", "root_volume_type"),
    ("volumeType", "machine_disk_type"),
    ("instanceTags", "tags"),
    ("instanceTags", "instance_tags"),
    ("instanceProfile", "instance_profile"),
    ("instanceProfile", "machine_role"),
    ("userDataScript", "user_data"),
    ("userDataScript", "user_data_script"),
    ("userDataScript", "machine_bootstrap"),
    ("launchTemplateId", "launch_template_id"),
    ("launchTemplateVersion", "launch_template_version"),
    ("abisInstanceRequirements", "abis_instance_requirements"),
    ("pgrpName", "pgrp_name"),
    ("providerApi", "provider_api"),
    ("providerName", "provider_name"),
    ("providerType", "provider_type"),
];

/// The id among the fields of a template, under any spelling of its name.
pub fn template_id(fields: &Map<String, Value>) -> Option<&str> {
    let id = fields.iter().find(|(name, _)| hf_name(name) == "templateId");
    id.and_then(|(_, id)| id.as_str())
}

/// The plain name of Host Factory's field `hf`. Fields without a row keep their name.
pub fn default_name(hf: &str) -> Cow<'_, str> {
    let row = FIELD_NAMES.iter().find(|(name, _)| *name == hf);
    Cow::Borrowed(row.map_or(hf, |(_, name)| *name))
}

/// Host Factory's name of a field in any spelling. Fields without a row keep their name.
pub fn hf_name(name: &str) -> &str {
    known(name).map_or(name, |field| field.hf)
}

/// A field that ohfp interprets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Host Factory's name.
    pub(crate) hf: &'static str,
    /// The values that it may have, besides null.
    pub(crate) rule: Rule,
}

impl Field {
    /// Replaces quoted numbers by numbers if the field is numeric; returns whether there were any.
    pub(crate) fn unquote(&self, value: &mut Value) -> bool {
        match self.hf {
            "maxNumber" => Rule::Whole(i64::MIN, i64::MAX).unquote(value),
            "abisInstanceRequirements" => requirements::unquote(value),
            _ => self.rule.unquote(value),
        }
    }
}

const fn field(hf: &'static str, rule: Rule) -> Field {
    Field { hf, rule }
}

/// The rules of fields. `templateId`, `maxNumber` and `attributes` have their own code. Where EC2 has widened a
/// range since IBM documented it, EC2's is used.
const FIELDS: &[Field] = &[
    field("templateId", Rule::Any),
    field("maxNumber", Rule::Any),
    field("attributes", Rule::Any),
    field("imageId", Rule::Text),
    field("vmType", Rule::Text),
    field("vmTypes", Rule::Weights),
    field("vmTypesOnDemand", Rule::Weights),
    field("vmTypesPriority", Rule::Priorities),
    field("subnetId", Rule::TextOrTexts),
    field("securityGroupIds", Rule::TextOrTexts),
    field("keyName", Rule::Text),
    field("priceType", Rule::Word(PriceType::NAMES)),
    field("maxSpotPrice", Rule::NumberOrText),
    field("spotPrice", Rule::NumberOrText),
    field("ec2FleetConfig", Rule::Text),
    field("allocationStrategy", Rule::SpotStrategy),
    field("allocationStrategyOnDemand", Rule::OnDemandStrategy),
    field("percentOnDemand", Rule::Whole(0, 100)),
    field("onDemandCapacity", Rule::Whole(0, i64::MAX)),
    field("fleetRole", Rule::Text),
    field("fleetType", Rule::Word(FleetType::NAMES)),
    field("spotFleetRequestExpiry", Rule::Whole(1, i64::MAX)),
    field("poolsCount", Rule::Whole(1, i64::MAX)),
    field("rootDeviceVolumeSize", Rule::Whole(1, 16_384)),
    field("volumeType", Rule::Word(VolumeType::NAMES)),
    field("iops", Rule::Whole(100, 256_000)),
    field("instanceTags", Rule::Tags),
    field("instanceProfile", Rule::Text),
    field("userDataScript", Rule::Text),
    field("launchTemplateId", Rule::Text),
    field("launchTemplateVersion", Rule::NumberOrText),
    field("abisInstanceRequirements", Rule::Object),
    field("pgrpName", Rule::Text),
    field("rank", Rule::Any),
    field("priceInfo", Rule::Any),
    field("providerApi", Rule::Text),
    field("providerName", Rule::Text),
    field("providerType", Rule::Text),
    field("name", Rule::Text),
    field("description", Rule::Text),
];

static KNOWN: LazyLock<HashMap<&str, &Field>> = LazyLock::new(|| {
    let rule = |hf: &str| FIELDS.iter().find(|field| field.hf == hf);
    let canonical = FIELDS.iter().map(|field| (field.hf, field));
    let spellings = FIELD_NAMES.iter().filter_map(|(hf, name)| Some((*name, rule(hf)?)));
    canonical.chain(spellings).collect()
});

/// The field that has this name in any spelling.
pub(crate) fn known(name: &str) -> Option<&'static Field> {
    KNOWN.get(name).copied()
}

/// Whether a name in a file is that of a field, which is Host Factory's name of it.
pub(crate) fn is_called(name: &str, field: &str) -> bool {
    known(name).map_or(name, |known| known.hf) == field
}

/// Fields that refer to resources of a cloud account: simulated machines must not replace them.
const OF_A_CLOUD: &[&str] = &[
    "ec2FleetConfig",
    "fleetRole",
    "imageId",
    "instanceProfile",
    "interfaceType",
    "keyName",
    "launchTemplateId",
    "launchTemplateVersion",
    "launch_template_spec",
    "launch_template_spec_file",
    "pgrpName",
    "placementGroupName",
    "providerApi",
    "provider_api_spec",
    "provider_api_spec_file",
    "securityGroupIds",
    "subnetId",
];

/// Whether Host Factory's field `hf` refers to a resource of a cloud account.
pub(crate) fn is_of_a_cloud(hf: &str) -> bool {
    OF_A_CLOUD.contains(&hf)
}

/// Converts a value from other brokers' form to Host Factory's: tags as an object become `k=v;k=v`.
pub(crate) fn normalize(hf: &str, value: &mut Value) {
    if let ("instanceTags", Value::Object(tags)) = (hf, &*value) {
        *value = Value::String(Tags::join(tags));
    }
}

/// The field that an unknown name is probably a misspelling of; `None` for names that are passed on.
pub(crate) fn typo_of(name: &str) -> Option<&'static str> {
    if PASSED_ON.contains(&name) {
        return None;
    }
    let names = FIELDS.iter().map(|field| field.hf).chain(FIELD_NAMES.iter().map(|(_, name)| *name));
    crate::nearest::nearest(name, names)
}

/// What a name in a template file stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenName {
    /// A field that ohfp interprets, by Host Factory's name.
    Field(&'static str),
    /// A field that is passed on as it is.
    PassedOn,
    /// Probably this name of a field, misspelled.
    Misspelled(&'static str),
}

/// What `name` stands for.
pub fn named(name: &str) -> WrittenName {
    match (known(name), typo_of(name)) {
        (Some(field), _) => WrittenName::Field(field.hf),
        (None, Some(meant)) => WrittenName::Misspelled(meant),
        (None, None) => WrittenName::PassedOn,
    }
}

/// Rewrites the value of a field as its rule wants it: numbers without quotes, tags as text. Gives whether it was
/// changed.
pub fn tidied(name: &str, value: &mut Value) -> bool {
    let Some(field) = known(name) else { return false };
    let is_tags = field.hf == "instanceTags" && value.is_object();
    let unquoted = field.unquote(value);
    normalize(field.hf, value);
    unquoted || is_tags
}

#[cfg(test)]
mod tests {
    use ohfp_broker::LaunchSpec;

    use super::*;

    #[test]
    fn every_named_field_has_a_rule_and_every_spelling_one_meaning() {
        for (number, (hf, name)) in FIELD_NAMES.iter().enumerate() {
            assert!(FIELDS.iter().any(|field| field.hf == *hf), "{hf}");
            assert!(!FIELD_NAMES[..number].iter().any(|(_, other)| other == name), "{name}");
            assert_eq!(hf_name(name), *hf);
            assert_eq!(hf_name(&default_name(hf)), *hf);
        }
    }

    #[test]
    fn unknown_names_stay() {
        assert_eq!(default_name("ttl"), "ttl");
        assert_eq!(hf_name("launch_template_spec"), "launch_template_spec");
    }

    /// Every field that holds numbers, nested ones too, takes them in quotes.
    #[test]
    fn numbers_in_quotes() {
        let mut numeric = 0;
        for field in FIELDS {
            let (quoted, plain) = match (field.hf, field.rule) {
                ("maxNumber", _) | (_, Rule::Whole(..) | Rule::Number) => ("\"128\"", "128"),
                (_, Rule::Weights | Rule::Priorities) => (r#"{"m5.large":"2"}"#, r#"{"m5.large":2}"#),
                ("abisInstanceRequirements", _) => {
                    (r#"{"VCpuCount":{"Min":"2","Max":4}}"#, r#"{"VCpuCount":{"Min":2,"Max":4}}"#)
                }
                _ => continue,
            };
            numeric += 1;
            let mut value = serde_json::from_str(quoted).unwrap();
            assert!(field.unquote(&mut value), "{}", field.hf);
            assert_eq!(value.to_string(), plain, "{}", field.hf);
            assert!(!field.unquote(&mut value), "{}", field.hf);
        }
        assert!(numeric >= 11, "{numeric}");
    }

    /// What loads has a specification: a value that a rule allows is never refused afterwards.
    #[test]
    fn every_value_that_loads_has_a_specification() {
        let scalars = [
            "null",
            "true",
            "0",
            "1",
            "-1",
            "5",
            "100",
            "101",
            "16384",
            "256000",
            "0.5",
            "-0.5",
            "1e400",
            "9223372036854775807",
            "9223372036854775808",
            "\"\"",
            "\" \"",
            "\"0\"",
            "\" 5 \"",
            "\"+5\"",
            "\"0.5\"",
            "\"x\"",
            "\"a, b,\"",
            "\"a=b;c\"",
            "\"spot\"",
            "\"ondemand\"",
            "\"heterogeneous\"",
            "\"lowest-price\"",
            "\"capacityOptimized\"",
            "\"prioritized\"",
            "\"instant\"",
            "\"maintain\"",
            "\"gp3\"",
            "\"standard\"",
            "\"EC2Fleet\"",
            "\"1:30\"",
            "\"\u{e4}\"",
        ];
        let mut values: Vec<String> = scalars.map(str::to_owned).into();
        values.extend(scalars.map(|value| format!("[{value}]")));
        values.extend(scalars.map(|value| format!(r#"{{"a":{value}}}"#)));
        values.extend(["[]", "{}", "[[]]", r#"{"VCpuCount":{"Min":"2","Max":[]}}"#].map(str::to_owned));
        let mut allowed = 0;
        for name in FIELDS.iter().map(|field| field.hf).chain(PASSED_ON.iter().copied()) {
            for text in &values {
                let mut value: Value = serde_json::from_str(text).unwrap();
                if let Some(field) = known(name) {
                    field.unquote(&mut value);
                    if !value.is_null() && !field.rule.allows(&value) {
                        continue;
                    }
                    normalize(field.hf, &mut value);
                }
                allowed += 1;
                let fields = [(name.to_owned(), value)].into_iter().collect();
                assert_eq!(LaunchSpec::parse(&fields).err(), None, "{name}: {text}");
            }
        }
        assert!(allowed > 1000, "{allowed}");
    }

    #[test]
    fn tags() {
        let mut value = serde_json::json!({ "a": "b", "c": "" });
        normalize("instanceTags", &mut value);
        assert_eq!(value, "a=b;c=");
    }

    #[test]
    fn names_in_files() {
        for (name, expected) in [
            ("max_instances", WrittenName::Field("maxNumber")),
            ("attributes", WrittenName::Field("attributes")),
            ("ttl", WrittenName::PassedOn),
            ("costCentre", WrittenName::PassedOn),
            ("vmtype", WrittenName::Misspelled("vmType")),
        ] {
            assert_eq!(named(name), expected, "{name}");
        }
        for (name, value, tidy) in [
            ("max_number", serde_json::json!("5"), Some(serde_json::json!(5))),
            ("tags", serde_json::json!({ "a": "b" }), Some(serde_json::json!("a=b"))),
            ("keyName", serde_json::json!("5"), None),
            ("ttl", serde_json::json!("5"), None),
        ] {
            let mut changed = value.clone();
            assert_eq!(tidied(name, &mut changed), tidy.is_some(), "{name}");
            assert_eq!(changed, tidy.unwrap_or(value), "{name}");
        }
    }

    #[test]
    fn typos() {
        for (name, wanted) in [
            ("vmtype", Some("vmType")),
            ("maxNumer", Some("maxNumber")),
            ("subnetid", Some("subnetId")),
            ("ttl", None),
            ("priority", None),
            ("costCentre", None),
            ("max_instnces", Some("max_instances")),
        ] {
            assert_eq!(typo_of(name), wanted, "{name}");
        }
    }
}
