//! A configuration to start from: the smallest that works; comments mark the values to edit.
//!
//! It uses the simulated provider and says so: the first request works without a cloud account, and comments
//! name what to change for real machines.

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
