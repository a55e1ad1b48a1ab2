//! Values of templates that load and are probably not meant: shapes of ids, processors that do not fit, fields that
//! contradict each other, scripts that are not there.
//!
//! They are looked for where a person asks for a check, not at every load. It must not know where a template is written.

use std::path::Path;

use ohfp_broker::launch_spec::{Image, MachineProfile, PriceType};
use ohfp_broker::{LaunchSpec, Template};
use ohfp_resolver::templates::instance_types;

/// A doubt: Host Factory's name of the field, and what is said about it, to complete "`field` of template `x` …".
pub(crate) type Doubt = (&'static str, String);

/// What is doubtful about a template. Paths are below `directory`; `is_lsf` where LSF asks for the templates.
pub(crate) fn doubts(template: &Template, directory: &Path, is_lsf: bool) -> Vec<Doubt> {
    let spec = template.spec();
    let mut doubts = Vec::new();
    if is_lsf && template.id().contains('_') {
        doubts.push(("templateId", "has `_`, which LSF does not allow in it".to_owned()));
    }
    ids(spec, &mut doubts);
    machine_types(spec, &mut doubts);
    contradictions(spec, &mut doubts);
    if let Some(script) = spec.user_data_script.as_deref().filter(|script| !script.starts_with('#')) {
        let path = directory.join(script);
        if !path.is_file() {
            doubts.push(("userDataScript", format!("names `{}`, which is no file", path.display())));
        }
    }
    doubts
}

/// Resources of an account have ids with a beginning of their own.
fn ids(spec: &LaunchSpec, doubts: &mut Vec<Doubt>) {
    let mut check = |field: &'static str, id: &str, prefix: &str, what: &str| {
        let is_id = id.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        });
        if !is_id {
            doubts.push((
                field,
                format!("has `{id}`, which is no id of {what}, like `{prefix}0123456789abcdef0`"),
            ));
        }
    };
    match &spec.image {
        Some(Image::Ami(id) | Image::Other(id)) => check("imageId", id, "ami-", "an image"),
        Some(Image::Parameter(_)) | None => {}
    }
    for subnet in &spec.subnets {
        check("subnetId", subnet, "subnet-", "a subnet");
    }
    for group in &spec.security_groups {
        check("securityGroupIds", group, "sg-", "a security group");
    }
    if let Some(template) = &spec.launch_template {
        check("launchTemplateId", &template.id, "lt-", "a launch template");
    }
    if let Some(role) = spec.fleet.role.as_deref()
        && !is_arn(role, ":role/")
        && !is_name(role)
    {
        doubts.push(("fleetRole", format!("has `{role}`, which is neither the ARN nor the name of a role")));
    }
    if let Some(MachineProfile::Arn(arn)) = &spec.instance_profile
        && !is_arn(arn, ":instance-profile/")
    {
        doubts.push(("instanceProfile", format!("has `{arn}`, which is no ARN of an instance profile")));
    }
}

/// `arn:aws:iam::123456789012:role/name`
fn is_arn(text: &str, resource: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, _, account, rest] = parts.as_slice() else { return false };
    *arn == "arn"
        && partition.starts_with("aws")
        && ["iam", "sts"].contains(service)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && rest.starts_with(resource.trim_start_matches(':'))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
}

/// Names of machine types, and the processors that image and types are for.
fn machine_types(spec: &LaunchSpec, doubts: &mut Vec<Doubt>) {
    let listed = spec.machine_types.listed.iter().map(|name| ("vmType", &**name));
    let weighted = spec.machine_types.weighted.iter().map(|(name, _)| ("vmTypes", &**name));
    let on_demand = spec.machine_types.on_demand.iter().map(|(name, _)| ("vmTypesOnDemand", &**name));
    let named: Vec<(&'static str, &str)> = listed.chain(weighted).chain(on_demand).collect();
    for (field, name) in &named {
        let is_type = name.split_once('.').is_some_and(|(family, size)| {
            let is_word = |word: &str| {
                !word.is_empty()
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            };
            is_word(family) && is_word(size)
        });
        if !is_type {
            doubts.push((field, format!("has `{name}`, which is no machine type, like `m6i.large`")));
        }
    }
    let arms: Vec<(&str, bool)> = named
        .iter()
        .filter_map(|(_, name)| instance_types::find(name).map(|found| (*name, found.arm)))
        .collect();
    let (Some(arm), Some(x86)) = (arms.iter().find(|(_, arm)| *arm), arms.iter().find(|(_, arm)| !arm))
    else {
        let (Some((name, arm)), Some(image)) = (arms.first(), image_processor(spec)) else { return };
        if *arm != image {
            let word = if image { "arm64" } else { "x86_64" };
            doubts.push(("imageId", format!("is for {word}, and `{name}` has other processors")));
        }
        return;
    };
    doubts.push(("vmTypes", format!("has `{}` with arm64 processors beside `{}` with others", arm.0, x86.0)));
}

/// Whether the name of the image says that it is for arm64; `None` if it says nothing.
fn image_processor(spec: &LaunchSpec) -> Option<bool> {
    let (Image::Ami(name) | Image::Other(name) | Image::Parameter(name)) = spec.image.as_ref()?;
    let name = name.to_ascii_lowercase();
    let has = |words: [&str; 2]| words.iter().any(|word| name.contains(word));
    match (has(["arm64", "aarch64"]), has(["x86_64", "amd64"])) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// Fields that have no effect beside others.
fn contradictions(spec: &LaunchSpec, doubts: &mut Vec<Doubt>) {
    let fleet = &spec.fleet;
    let is_plain = spec.price_type == PriceType::OnDemand;
    let without_spot = [
        ("maxSpotPrice", matches!(spec.max_spot_price.get(), Ok(Some(_)))),
        ("allocationStrategy", fleet.spot_strategy.is_some()),
        ("poolsCount", fleet.pools.is_some()),
    ];
    for (field, is_set) in without_spot {
        if is_plain && is_set {
            doubts.push((field, "has no effect with priceType ondemand".to_owned()));
        }
    }
    let of_both = [
        ("percentOnDemand", fleet.percent_on_demand.is_some_and(|percent| percent > 0)),
        ("onDemandCapacity", fleet.on_demand_capacity.is_some_and(|capacity| capacity > 0)),
        ("vmTypesOnDemand", !spec.machine_types.on_demand.is_empty()),
    ];
    for (field, is_set) in of_both {
        if is_set && spec.price_type != PriceType::Heterogeneous {
            doubts.push((field, "has an effect with priceType heterogeneous alone".to_owned()));
        }
    }
    if let Some((name, _)) = spec.machine_types.priorities.iter().find(|(name, _)| {
        let is_it = |other: &str| other == &**name;
        !spec.machine_types.weighted.iter().any(|(other, _)| is_it(other))
            && !spec.machine_types.listed.iter().any(|other| is_it(other))
    }) {
        doubts.push(("vmTypesPriority", format!("has `{name}`, which is not among the machine types")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(fields: &Value, expected: &[&str]) {
        let mut all = json!({ "templateId": "a_b", "maxNumber": 1 });
        for (name, value) in fields.as_object().unwrap() {
            all[name] = value.clone();
        }
        let template = Template::new(all.as_object().unwrap().clone()).unwrap();
        let found: Vec<String> = doubts(&template, Path::new("/nonexistent"), false)
            .into_iter()
            .map(|(field, what)| format!("{field} {what}"))
            .collect();
        assert_eq!(found, expected, "{fields}");
    }

    #[test]
    fn ids_by_their_shape() {
        check(
            &json!({
                "imageId": "ami-0123456789abcdef0", "subnetId": "subnet-0a,subnet-0b", "securityGroupIds": ["sg-12"],
                "launchTemplateId": "lt-1", "fleetRole": "arn:aws-cn:iam::123456789012:role/a/b",
                "instanceProfile": "arn:aws:iam::123456789012:instance-profile/p", "vmType": "u-6tb1.56xlarge",
                "userDataScript": "#!/bin/sh"
            }),
            &[],
        );
        check(&json!({ "imageId": "/aws/service/x", "fleetRole": "my-role", "instanceProfile": "p" }), &[]);
        for (field, value, what) in [
            (
                "imageId",
                "subnet-1",
                "has `subnet-1`, which is no id of an image, like `ami-0123456789abcdef0`",
            ),
            (
                "subnetId",
                "subnet-xyz",
                "has `subnet-xyz`, which is no id of a subnet, like `subnet-0123456789abcdef0`",
            ),
            (
                "securityGroupIds",
                "default",
                "has `default`, which is no id of a security group, like `sg-0123456789abcdef0`",
            ),
            (
                "launchTemplateId",
                "lt-",
                "has `lt-`, which is no id of a launch template, like `lt-0123456789abcdef0`",
            ),
            (
                "fleetRole",
                "arn:aws:iam::1:role/x",
                "has `arn:aws:iam::1:role/x`, which is neither the ARN nor the name of a role",
            ),
            (
                "instanceProfile",
                "arn:aws:iam::123456789012:role/x",
                "has `arn:aws:iam::123456789012:role/x`, which is no ARN of an instance profile",
            ),
            ("vmType", "m5large", "has `m5large`, which is no machine type, like `m6i.large`"),
            ("userDataScript", "boot.sh", "names `/nonexistent/boot.sh`, which is no file"),
        ] {
            check(&json!({ field: value }), &[&format!("{field} {what}")]);
        }
    }

    #[test]
    fn processors_that_do_not_fit() {
        let image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
        check(&json!({ "imageId": image, "vmType": "m6g.large" }), &[]);
        check(
            &json!({ "imageId": image, "vmType": "m6i.large" }),
            &["imageId is for arm64, and `m6i.large` has other processors"],
        );
        check(
            &json!({ "imageId": "/aws/service/x86_64", "vmTypes": { "m6g.large": 1 } }),
            &["imageId is for x86_64, and `m6g.large` has other processors"],
        );
        check(
            &json!({ "vmTypes": { "m6i.large": 1, "m6g.large": 1 } }),
            &["vmTypes has `m6g.large` with arm64 processors beside `m6i.large` with others"],
        );
    }

    #[test]
    fn fields_that_contradict_each_other() {
        check(
            &json!({ "maxSpotPrice": 1, "allocationStrategy": "diversified", "percentOnDemand": 0 }),
            &[
                "maxSpotPrice has no effect with priceType ondemand",
                "allocationStrategy has no effect with priceType ondemand",
            ],
        );
        check(
            &json!({ "priceType": "spot", "percentOnDemand": 5, "vmTypesOnDemand": { "m6i.large": 1 } }),
            &[
                "percentOnDemand has an effect with priceType heterogeneous alone",
                "vmTypesOnDemand has an effect with priceType heterogeneous alone",
            ],
        );
        check(
            &json!({ "vmTypes": { "m6i.large": 1 }, "vmTypesPriority": { "m6i.large": 1, "c6i.large": 2 } }),
            &["vmTypesPriority has `c6i.large`, which is not among the machine types"],
        );
    }

    #[test]
    fn ids_for_lsf() {
        let fields = json!({ "templateId": "a_b", "maxNumber": 1 });
        let template = Template::new(fields.as_object().unwrap().clone()).unwrap();
        let found = doubts(&template, Path::new("/"), true);
        assert_eq!(found, [("templateId", "has `_`, which LSF does not allow in it".to_owned())]);
    }
}
