//! Specifications in EC2's own terms: `launch_template_spec` for what machines are made of, `provider_api_spec` for the
//! call that launches them, inline or in a file.
//!
//! They are laid over what the template's fields make, or take its place. What a launch depends on stays ohfp's: token,
//! counts, its own launch template, its tags, and that AWS chooses no machine to end. It must not know how a call is
//! sent.

mod expand;

use std::path::Path;

use ohfp_broker::launch_spec::{FieldError, LaunchSpec, NativeSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::calls::{
    CreateAutoScalingGroup, CreateFleet, LaunchData, LaunchTemplateSpecification, Making, RequestSpotFleet,
    RunInstances, TagSpecification,
};
use crate::fleet_file::stranger;
use crate::tags;

use super::way::Way;
use expand::Expansion;
pub(crate) use expand::Reference;

/// Names of the modes: those of ohfp and those of other brokers.
pub(crate) const MODES: &[&str] = &["merge", "extend", "replace", "override", OFF];
/// The mode in which a template counts as if it had none.
const OFF: &str = "off";

/// The fields, and those that name a file instead.
const LAUNCH_DATA: (&str, &str) = ("launch_template_spec", "launch_template_spec_file");
const API: (&str, &str) = ("provider_api_spec", "provider_api_spec_file");

/// The specifications of a launch, with everything filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Native {
    replaces: bool,
    launch_data: Option<Value>,
    api: Option<Value>,
}

impl Native {
    /// The specifications of a template. Files are below `directory`.
    ///
    /// # Errors
    /// A file that cannot be used, an expression that cannot be filled in, or a member that cannot be passed on.
    pub(crate) fn of(
        reference: &Reference<'_>,
        mode: Option<&str>,
        way: Way,
        directory: &Path,
    ) -> Result<Self, FieldError> {
        let spec = reference.template.spec();
        if !spec.has_native_spec() || mode == Some(OFF) {
            return Ok(Self::default());
        }
        let expansion = Expansion::new(reference, directory);
        let given = |given: Option<&NativeSpec>, (inline, file): (&'static str, &'static str)| match given {
            Some(given) => {
                let field = if matches!(given, NativeSpec::File(_)) { file } else { inline };
                expansion.value(given).map(|value| Some((field, value))).map_err(|why| wrong(field, why))
            }
            None => Ok(None),
        };
        let launch_data = given(spec.launch_template_spec.get()?, LAUNCH_DATA)?;
        let api = given(spec.provider_api_spec.get()?, API)?;
        if let Some((field, value)) = &launch_data {
            known::<LaunchData>(field, value)?;
            beside_fields(field, value, spec)?;
        }
        if let Some((field, value)) = &api {
            match way {
                Way::RunInstances => {
                    known::<RunInstances>(field, value)?;
                    beside_fields(field, value, spec)?;
                }
                Way::Fleet(_) => known::<CreateFleet>(field, &own_template(value))?,
                Way::SpotFleet(_) => known::<RequestSpotFleet>(field, &own_template(value))?,
                Way::Group => known::<CreateAutoScalingGroup>(field, &own_template(value))?,
            }
            other_kind(field, value, way)?;
        }
        let replaces = matches!(mode, Some("replace" | "override"));
        let value = |given: Option<(&str, Value)>| given.map(|(_, value)| value);
        Ok(Self { replaces, launch_data: value(launch_data), api: value(api) })
    }

    /// What machines are made of.
    pub(crate) fn launch_data(&self, own: LaunchData) -> LaunchData {
        let mut data = self.over(own, self.launch_data.as_ref());
        // Interfaces have the groups themselves.
        if !data.network_interfaces.is_empty() {
            let groups = std::mem::take(&mut data.security_group_ids);
            for interface in data.network_interfaces.iter_mut().filter(|one| one.groups.is_empty()) {
                interface.groups.clone_from(&groups);
            }
        }
        data
    }

    pub(crate) fn run_instances(&self, own: RunInstances) -> RunInstances {
        let Some(given) = self.api.as_ref() else { return own };
        let mut call: RunInstances = self.over(own.clone(), Some(given));
        call.client_token = own.client_token;
        (call.min_count, call.max_count) = (own.min_count, own.max_count);
        call.launch_template = call.launch_template.or(own.launch_template);
        call.data.tag_specifications = tagged(own.data.tag_specifications, call.data.tag_specifications);
        call
    }

    /// The call that uses a launch template.
    pub(crate) fn call(&self, own: Making) -> Making {
        let Some(given) = &self.api else { return own };
        match own {
            Making::CreateFleet(own) => Making::CreateFleet(self.fleet(own, given)),
            Making::RequestSpotFleet(own) => Making::RequestSpotFleet(self.spot_fleet(own, given)),
            Making::CreateAutoScalingGroup(own) => Making::CreateAutoScalingGroup(self.group(own, given)),
            other => other,
        }
    }

    fn fleet(&self, own: CreateFleet, given: &Value) -> CreateFleet {
        let mut call: CreateFleet = self.over(own.clone(), Some(&own_template(given)));
        let template = own.launch_template_configs.first().map(|one| &one.launch_template_specification);
        if call.launch_template_configs.is_empty() {
            call.launch_template_configs.clone_from(&own.launch_template_configs);
        }
        for config in &mut call.launch_template_configs {
            set_template(&mut config.launch_template_specification, template);
        }
        let capacity = own.target_capacity_specification;
        CreateFleet {
            client_token: own.client_token,
            kind: own.kind,
            target_capacity_specification: capacity,
            valid_until: own.valid_until,
            excess_capacity_termination_policy: own.excess_capacity_termination_policy,
            terminate_instances_with_expiration: own.terminate_instances_with_expiration,
            tag_specifications: tagged(own.tag_specifications, call.tag_specifications),
            ..call
        }
    }

    fn spot_fleet(&self, own: RequestSpotFleet, given: &Value) -> RequestSpotFleet {
        let call: RequestSpotFleet = self.over(own.clone(), Some(&own_template(given)));
        let (own, mut call) = (own.spot_fleet_request_config, call.spot_fleet_request_config);
        let template = own.launch_template_configs.first().map(|one| &one.launch_template_specification);
        if call.launch_template_configs.is_empty() {
            call.launch_template_configs.clone_from(&own.launch_template_configs);
        }
        for config in &mut call.launch_template_configs {
            set_template(&mut config.launch_template_specification, template);
        }
        let role =
            if call.iam_fleet_role.is_empty() { own.iam_fleet_role } else { call.iam_fleet_role.clone() };
        let config = crate::calls::SpotFleetConfig {
            client_token: own.client_token,
            kind: own.kind,
            iam_fleet_role: role,
            target_capacity: own.target_capacity,
            on_demand_target_capacity: own.on_demand_target_capacity,
            valid_until: own.valid_until,
            excess_capacity_termination_policy: own.excess_capacity_termination_policy,
            terminate_instances_with_expiration: own.terminate_instances_with_expiration,
            tag_specifications: tagged(own.tag_specifications, call.tag_specifications.clone()),
            ..call
        };
        RequestSpotFleet { spot_fleet_request_config: config }
    }

    fn group(&self, own: CreateAutoScalingGroup, given: &Value) -> CreateAutoScalingGroup {
        let mut call: CreateAutoScalingGroup = self.over(own.clone(), Some(&own_template(given)));
        let of_mixed = |group: &CreateAutoScalingGroup| {
            let policy = group.mixed_instances_policy.as_ref();
            policy.map(|policy| policy.launch_template.launch_template_specification.clone())
        };
        let template = own.launch_template.clone().or_else(|| of_mixed(&own));
        match &mut call.mixed_instances_policy {
            Some(policy) => {
                set_template(&mut policy.launch_template.launch_template_specification, template.as_ref());
                call.launch_template = None;
            }
            None => call.launch_template = template,
        }
        let mut tags = own.tags;
        for tag in call.tags {
            if !tags.iter().any(|known| known.key == tag.key) {
                tags.push(tag);
            }
        }
        CreateAutoScalingGroup {
            auto_scaling_group_name: own.auto_scaling_group_name,
            min_size: own.min_size,
            max_size: own.max_size,
            desired_capacity: own.desired_capacity,
            tags,
            ..call
        }
    }

    /// What is given over what is ohfp's own. It has been read once as it is, so that it can be read over another.
    fn over<T: Serialize + DeserializeOwned>(&self, own: T, given: Option<&Value>) -> T {
        let Some(given) = given else { return own };
        let below = if self.replaces { Ok(Value::Object(Map::new())) } else { serde_json::to_value(&own) };
        let merged = below.map(|mut below| {
            merge(&mut below, given);
            below
        });
        merged.and_then(serde_json::from_value).unwrap_or(own)
    }
}

/// Objects are joined by their members; all else takes the place of what was there. Of a role and a launch template one
/// member of several counts, so that they are not joined.
fn merge(below: &mut Value, above: &Value) {
    const WHOLE: [&str; 3] = ["IamInstanceProfile", "LaunchTemplate", "LaunchTemplateSpecification"];
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                match below.get_mut(name) {
                    Some(known) if !WHOLE.contains(&name.as_str()) => merge(known, value),
                    _ => {
                        below.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (below, above) => below.clone_from(above),
    }
}

/// The specification with a launch template where one is required: ohfp's own takes its place.
fn own_template(given: &Value) -> Value {
    fn complete(value: &mut Value, name: &str) {
        let placeholder = || serde_json::json!({ "LaunchTemplateId": "", "Version": "" });
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| complete(item, name)),
            Value::Object(members) => {
                let is_config =
                    ["LaunchTemplateConfigs", "MixedInstancesPolicy.LaunchTemplate"].contains(&name);
                if is_config && !members.contains_key("LaunchTemplateSpecification") {
                    members.insert("LaunchTemplateSpecification".to_owned(), placeholder());
                }
                for (member, value) in members.iter_mut() {
                    let below = if name == "MixedInstancesPolicy" && member == "LaunchTemplate" {
                        "MixedInstancesPolicy.LaunchTemplate"
                    } else {
                        member.as_str()
                    };
                    complete(value, below);
                }
            }
            _ => {}
        }
    }
    let mut given = given.clone();
    complete(&mut given, "");
    given
}

fn set_template(at: &mut LaunchTemplateSpecification, own: Option<&LaunchTemplateSpecification>) {
    if let Some(own) = own {
        at.clone_from(own);
    }
}

/// Our tags, and theirs with other keys.
fn tagged(mut own: Vec<TagSpecification>, theirs: Vec<TagSpecification>) -> Vec<TagSpecification> {
    for specification in theirs {
        tags::add(&mut own, specification);
    }
    own
}

/// Reads a specification as what it is to become.
fn known<T: Serialize + DeserializeOwned>(field: &str, given: &Value) -> Result<(), FieldError> {
    if !given.is_object() {
        return Err(wrong(field, "must be an object".to_owned()));
    }
    let read: T = serde_json::from_value(given.clone())
        .map_err(|error| wrong(field, format!("cannot be passed on: {error}")))?;
    let known = serde_json::to_value(&read).unwrap_or_default();
    match stranger(given, &known, "") {
        Some(member) => Err(wrong(field, format!("has `{member}`, which ohfp cannot pass on"))),
        None => Ok(()),
    }
}

/// Members that say what fields of the template say, too.
fn beside_fields(field: &str, given: &Value, spec: &LaunchSpec) -> Result<(), FieldError> {
    let has_types = spec.candidates().next().is_some();
    for (member, is_said, own) in [
        ("InstanceType", has_types, "vmType` or `vmTypes"),
        ("SubnetId", !spec.subnets.is_empty(), "subnetId"),
        ("ImageId", spec.image.is_some(), "imageId"),
    ] {
        if is_said && given.get(member).is_some() {
            return Err(wrong(field, format!("has `{member}` beside `{own}`; leave one of them out")));
        }
    }
    Ok(())
}

/// A fleet of another type than the template's.
fn other_kind(field: &str, given: &Value, way: Way) -> Result<(), FieldError> {
    let (kind, config) = match way {
        Way::Fleet(kind) => (kind, Some(given)),
        Way::SpotFleet(kind) => (kind, given.get("SpotFleetRequestConfig")),
        Way::RunInstances | Way::Group => return Ok(()),
    };
    match config.and_then(|config| config.get("Type")).and_then(Value::as_str) {
        Some(other) if other != kind.name() => Err(wrong(
            field,
            format!("has `Type` {other}, and the template's `fleetType` is {}", kind.name()),
        )),
        _ => Ok(()),
    }
}

fn wrong(field: &str, why: String) -> FieldError {
    FieldError { field: field.into(), why: why.into() }
}

#[cfg(test)]
mod tests;
