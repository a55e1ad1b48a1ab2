//! A site whose provider is of type `aws`, on the cloud for tests.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::grid::Grid;
use crate::{Sandbox, ended, program};

/// A site with its account in the cloud.
#[derive(Debug)]
pub struct AwsSite {
    /// Host Factory's side of it.
    pub grid: Grid,
    /// The account.
    pub cloud: Cloud,
}

/// The id of an image of the cloud.
pub const IMAGE: &str = "ami-0abcdef1234567890";

impl AwsSite {
    /// A site with these templates, each an id and its fields, and further provider options. `None`, with a note, where
    /// the cloud is not installed or the programs under test are built without AWS.
    pub fn new(templates: &[(&str, Value)], options: &Value) -> Option<Self> {
        let cloud = Cloud::start()?;
        if !has_aws() {
            let note = b"note: the programs under test are built without AWS, so this test does nothing\n";
            let _ = std::io::stderr().write_all(note);
            return None;
        }
        let subnets = cloud.subnets();
        let template = |(id, fields): &(&str, Value)| {
            let mut template = json!({
                "templateId": id, "maxNumber": -1, "imageId": IMAGE, "subnetId": [subnets[0], subnets[1]],
                "securityGroupIds": ["sg-0123456789abcdef0"], "vmType": "m5.large"
            });
            template.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            template
        };
        let templates = json!({ "templates": templates.iter().map(template).collect::<Vec<_>>() });
        let mut config = json!({ "region": "us-east-1" });
        config.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let provider =
            json!({ "provider": { "providers": [{ "name": "aws", "type": "aws", "config": config }] } });
        let grid = Grid::with_files(&[
            ("awsprov_templates.json", &templates.to_string()),
            ("config.json", &provider.to_string()),
        ]);
        let mut site = Self { grid, cloud };
        for (name, value) in site.cloud.environment() {
            site.grid.sandbox.set(name, value);
        }
        Some(site)
    }

    /// Asks for what is reclaimed, as Host Factory does all the time, so that upkeep runs; until nothing is left in the
    /// cloud but machines.
    pub fn until_tidy(&self) {
        for _ in 0..60 {
            let truth = self.cloud.truth();
            let left: Vec<&Value> = ["fleets", "spot_fleets", "groups", "templates"]
                .iter()
                .flat_map(|kind| truth[kind].as_array().unwrap())
                .filter(|one| is_there(one))
                .collect();
            if left.is_empty() {
                return;
            }
            self.cloud.advance(11.0);
            self.grid.answer("getReturnRequests", &json!({}));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("what no machine needs is still there: {}", self.cloud.truth());
    }
}

/// Whether a fleet, group or template exists still.
fn is_there(resource: &Value) -> bool {
    let state = resource["state"].as_str().unwrap_or("active");
    !state.starts_with("deleted") && !state.starts_with("cancelled")
}

/// Whether the programs under test can reach AWS at all.
fn has_aws() -> bool {
    let sandbox = Sandbox::with_files(&[(
        "config.json",
        r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"region": "us-east-1"}}]}}"#,
    )]);
    let mut command = sandbox.command(program("ohfp"));
    command.args(["providers", "health"]).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let ended = ended(&mut command);
    let all = [ended.stdout.as_slice(), ended.stderr.as_bytes()].concat();
    !String::from_utf8_lossy(&all).contains("not compiled into this build")
}
