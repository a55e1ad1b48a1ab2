//! A site whose provider is of type `aws`, on the cloud for tests.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::grid::{Grid, Host, text};
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

/// The tag of machines that are of another owner, whatever other tags they have.
const ANOTHER: (&str, &str) = ("owner", "another");

/// A way to launch: an API, with a price type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Id of the template that launches so.
    pub name: &'static str,
    /// `providerApi`.
    pub api: &'static str,
    /// `fleetType`, where the API has types of fleets.
    pub fleet: Option<&'static str>,
    /// `priceType`.
    pub price: &'static str,
}

const fn way(name: &'static str, api: &'static str, fleet: Option<&'static str>, price: &'static str) -> Way {
    Way { name, api, fleet, price }
}

/// Every way to launch. `RunInstances` has no mixed one.
pub const WAYS: [Way; 20] = [
    way("run", "RunInstances", None, "ondemand"),
    way("run-spot", "RunInstances", None, "spot"),
    way("instant", "EC2Fleet", Some("instant"), "ondemand"),
    way("instant-spot", "EC2Fleet", Some("instant"), "spot"),
    way("instant-mixed", "EC2Fleet", Some("instant"), "heterogeneous"),
    way("request", "EC2Fleet", Some("request"), "ondemand"),
    way("request-spot", "EC2Fleet", Some("request"), "spot"),
    way("request-mixed", "EC2Fleet", Some("request"), "heterogeneous"),
    way("maintain", "EC2Fleet", Some("maintain"), "ondemand"),
    way("maintain-spot", "EC2Fleet", Some("maintain"), "spot"),
    way("maintain-mixed", "EC2Fleet", Some("maintain"), "heterogeneous"),
    way("spot-fleet", "SpotFleet", Some("request"), "ondemand"),
    way("spot-fleet-spot", "SpotFleet", Some("request"), "spot"),
    way("spot-fleet-mixed", "SpotFleet", Some("request"), "heterogeneous"),
    way("spot-fleet-maintain", "SpotFleet", Some("maintain"), "ondemand"),
    way("spot-fleet-maintain-spot", "SpotFleet", Some("maintain"), "spot"),
    way("spot-fleet-maintain-mixed", "SpotFleet", Some("maintain"), "heterogeneous"),
    way("group", "ASG", None, "ondemand"),
    way("group-spot", "ASG", None, "spot"),
    way("group-mixed", "ASG", None, "heterogeneous"),
];

/// The on-demand part of mixed ways, in percent.
const PERCENT: u64 = 40;

impl Way {
    /// The fields of a template that launches so.
    pub fn fields(&self) -> Value {
        let mut fields = json!({ "providerApi": self.api, "priceType": self.price });
        if let Some(fleet) = self.fleet {
            fields["fleetType"] = json!(fleet);
        }
        if self.api == "SpotFleet" {
            fields["fleetRole"] = json!("arn:aws:iam::123456789012:role/ohfp-fleet-role");
        }
        if self.price == "heterogeneous" {
            fields["percentOnDemand"] = json!(PERCENT);
        }
        if self.price != "ondemand" {
            fields["vmType"] = Value::Null;
            fields["vmTypes"] = json!({ "m5.large": 1, "m5.xlarge": 1 });
        }
        fields
    }

    /// Whether AWS replaces machines that end while their request is open.
    pub fn replaces(&self) -> bool {
        self.fleet == Some("maintain") || self.api == "ASG"
    }

    /// How many of `count` machines are no spot machines.
    pub fn on_demand(&self, count: u64) -> u64 {
        match self.price {
            "ondemand" => count,
            "spot" => 0,
            _ => (count * PERCENT).div_ceil(100),
        }
    }
}

/// Templates of these ways, for [`AwsSite::new`].
pub fn templates(ways: &[Way]) -> Vec<(&'static str, Value)> {
    ways.iter().map(|way| (way.name, way.fields())).collect()
}

/// The ids of machines, in order.
pub fn ids(hosts: &[Host]) -> Vec<String> {
    let mut ids: Vec<String> = hosts.iter().map(|host| host.id.clone()).collect();
    ids.sort();
    ids
}

impl AwsSite {
    /// A site with these templates, each an id and its fields, and further provider options. `None`, with a note, where
    /// the cloud is not installed or the programs under test are built without AWS.
    pub fn new(templates: &[(&str, Value)], options: &Value) -> Option<Self> {
        Self::with_settings(templates, options, &json!({}))
    }

    /// The same, with these settings in `config.json`.
    pub fn with_settings(templates: &[(&str, Value)], options: &Value, settings: &Value) -> Option<Self> {
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
        let mut all = settings.clone();
        all["provider"] = json!({ "providers": [{ "name": "aws", "type": "aws", "config": config }] });
        let grid = Grid::with_files(&[
            ("awsprov_templates.json", &templates.to_string()),
            ("config.json", &all.to_string()),
        ]);
        let mut site = Self { grid, cloud };
        for (name, value) in site.cloud.environment() {
            site.grid.sandbox.set(name, value);
        }
        Some(site)
    }

    /// The machines that are pending or running, but for those of others.
    pub fn ours(&self) -> Vec<Value> {
        let (key, value) = ANOTHER;
        let mut living = self.cloud.living();
        living.retain(|machine| machine["tags"][key] != value);
        living
    }

    /// Their ids, in order.
    pub fn living(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.ours().iter().map(|machine| text(&machine["id"])).collect();
        ids.sort();
        ids
    }

    /// Has machines that another site has launched from each of these templates, with a provider of the same name: tags
    /// as ours, but for the ids of store, request and token. Gives their ids, in order.
    pub fn foreign(&self, templates: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for template in templates {
            let (key, value) = ANOTHER;
            let tags = json!({
                key: value, "ohfp:store": "another", "ohfp:provider": "aws", "ohfp:template": template,
                "ohfp:request": "req-00000000-0000-4000-8000-000000000000", "ohfp:token": "0".repeat(32),
                "Name": format!("aws-{template}"),
            });
            let made = self.cloud.control("foreign", Some(&json!({ "count": 1, "tags": tags })));
            all.extend(made.as_array().unwrap().iter().map(text));
        }
        all.sort();
        all
    }

    /// Fails unless these machines of another owner are running, as they were.
    pub fn assert_untouched(&self, foreign: &[String]) {
        let (key, value) = ANOTHER;
        let mut living = self.cloud.living();
        living.retain(|machine| machine["tags"][key] == value);
        let mut there: Vec<String> = living.iter().map(|machine| text(&machine["id"])).collect();
        there.sort();
        assert_eq!(there, foreign, "machines of another owner are gone");
        for machine in living {
            assert_eq!(machine["tags"].as_object().unwrap().len(), 7, "tags were changed: {machine}");
        }
    }

    /// Asks for what is reclaimed, as Host Factory does all the time, so that upkeep runs; until nothing is left in the
    /// cloud but machines.
    pub fn until_tidy(&self) {
        self.until_tidy_within(Duration::from_secs(10));
    }

    /// The same, for as long as that may take where calls have failed: what was made under a lost answer is looked for
    /// until it must be visible.
    pub fn until_tidy_within(&self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let truth = self.cloud.truth();
            let left: Vec<&Value> = ["fleets", "spot_fleets", "groups", "templates"]
                .iter()
                .flat_map(|kind| truth[kind].as_array().unwrap())
                .filter(|one| is_there(one))
                .collect();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "what no machine needs is still there: {left:?}");
            self.cloud.advance(11.0);
            self.grid.answer("getReturnRequests", &json!({}));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether a fleet, group or template exists still.
fn is_there(resource: &Value) -> bool {
    let state = resource["state"].as_str().unwrap_or("active");
    !state.starts_with("deleted") && !state.starts_with("cancelled")
}

/// Whether the programs under test can reach AWS at all.
pub fn has_aws() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(ask_for_aws)
}

fn ask_for_aws() -> bool {
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
