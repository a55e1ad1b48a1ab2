//! A configuration to start from: the smallest that works; comments mark the values to edit.
//!
//! It uses the simulated provider and says so: the first request works without a cloud account, and comments
//! name what to change for real machines.

use serde_json::{Map, Value, json};

/// What is known of a site on AWS.
pub(crate) struct AwsSite<'s> {
    pub(crate) region: &'s str,
    pub(crate) profile: Option<&'s str>,
    pub(crate) subnets: &'s [String],
    pub(crate) groups: &'s [String],
    pub(crate) fleet_role: Option<&'s str>,
}

/// The image of a first machine: the newest Amazon Linux, by the parameter that AWS publishes.
const IMAGE: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// Names and contents of the files for a site on AWS.
pub(crate) fn aws(site: &AwsSite<'_>) -> Vec<(&'static str, String)> {
    let mut config = Map::new();
    config.insert("region".to_owned(), json!(site.region));
    if let Some(profile) = site.profile {
        config.insert("profile".to_owned(), json!(profile));
    }
    let mut defaults = Map::new();
    if !site.subnets.is_empty() {
        defaults.insert("subnetId".to_owned(), json!(site.subnets));
    }
    if !site.groups.is_empty() {
        defaults.insert("securityGroupIds".to_owned(), json!(site.groups));
    }
    let mut provider = json!({ "name": "aws", "type": "aws", "config": config });
    if let Some(members) = provider.as_object_mut().filter(|_| !defaults.is_empty()) {
        members.insert("template_defaults".to_owned(), Value::Object(defaults));
    }
    let settings = json!({
        "scheduler": { "type": "hostfactory" },
        "snapshot": { "refresh": "auto" },
        "provider": { "active_provider": "aws", "providers": [provider] },
    });
    let mut spot = json!({
        "templateId": "small-spot",
        "maxNumber": 20,
        "imageId": IMAGE,
        "vmTypes": { "m6i.large": 1, "m5.large": 1 },
        "priceType": "spot",
        "allocationStrategy": "capacityOptimized",
        "instanceTags": "project=example",
    });
    if let (Some(role), Some(fields)) = (site.fleet_role, spot.as_object_mut()) {
        fields.insert("fleetRole".to_owned(), json!(role));
    }
    let on_demand = json!({
        "templateId": "small-on-demand",
        "maxNumber": 10,
        "imageId": IMAGE,
        "vmType": "m6i.large",
        "priceType": "ondemand",
        "instanceTags": "project=example",
    });
    let templates = json!({ "templates": [on_demand, spot] });
    let text = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
    vec![("config.json", text(&settings)), ("awsprov_templates.json", text(&templates))]
}

/// Names and contents of the files.
pub(crate) const FILES: [(&str, &str); 3] =
    [("config.json", CONFIG), ("awsprov_config.json", AWS), ("awsprov_templates.json", TEMPLATES)];

const CONFIG: &str = r#"{
  "_comment": "Requests go to the provider `sim`, whose machines are simulated: they cost nothing and run nothing. For machines of AWS, with a build that has the AWS provider: put your ids into awsprov_templates.json, set `enabled` of `aws` to true, and name `aws` as `active_provider`.",
  "scheduler": { "type": "hostfactory" },
  "snapshot": { "refresh": "auto" },
  "provider": {
    "active_provider": "sim",
    "providers": [
      { "name": "sim", "type": "sim" },
      { "name": "aws", "type": "aws", "enabled": false }
    ]
  }
}
"#;

const AWS: &str = r#"{
  "AWS_REGION": "us-east-1"
}
"#;

const TEMPLATES: &str = r#"{
  "templates": [
    {
      "templateId": "small-on-demand",
      "maxNumber": 10,
      "imageId": "ami-0123456789abcdef0",
      "subnetId": "subnet-0123456789abcdef0",
      "vmType": "m6i.large",
      "securityGroupIds": ["sg-0123456789abcdef0"],
      "priceType": "ondemand",
      "instanceTags": "project=example"
    },
    {
      "templateId": "small-spot",
      "maxNumber": 20,
      "imageId": "ami-0123456789abcdef0",
      "subnetId": "subnet-0123456789abcdef0",
      "vmTypes": { "m6i.large": 1, "m5.large": 1 },
      "securityGroupIds": ["sg-0123456789abcdef0"],
      "priceType": "spot",
      "allocationStrategy": "capacityOptimized",
      "fleetRole": "arn:aws:iam::123456789012:role/aws-ec2-spot-fleet-tagging-role",
      "instanceTags": "project=example"
    }
  ]
}
"#;
