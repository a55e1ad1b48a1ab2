//! A site with the simulated provider, and Host Factory's side of it: asks, and remembers what it was told.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::{Ended, Sandbox, contract, ended, program, tree};

/// A site. Its cloud is quick; `settings` go into its `config.json` on top.
#[derive(Debug)]
pub struct Grid {
    /// Where it lies, and its environment.
    pub sandbox: Sandbox,
    settings: Value,
}

/// A machine as Host Factory knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    /// The provider's id.
    pub id: String,
    /// Host name.
    pub name: String,
}

/// Without limit, for everything that is not about limits.
pub const TEMPLATE: &str = "any";
/// At most five.
pub const LIMITED: &str = "five";
/// Offers nothing at present.
pub const NONE: &str = "none";
/// A spot fleet of two types; at most 20.
pub const SPOT: &str = "spot";
/// A spot fleet that counts units: machines of 4 and 8; at most 40.
pub const UNITS: &str = "units";

const TEMPLATES: &str = r#"{"templates": [
  {"templateId": "any", "maxNumber": -1, "priceType": "ondemand", "imageId": "ami-1", "subnetId": "subnet-1",
   "vmType": "m6i.large", "instanceTags": "team=x"},
  {"templateId": "five", "maxNumber": 5, "priceType": "ondemand", "imageId": "ami-1", "subnetId": "subnet-1",
   "vmType": "m6i.large"},
  {"templateId": "none", "maxNumber": 0, "priceType": "ondemand", "imageId": "ami-1", "subnetId": "subnet-1",
   "vmType": "m6i.large"},
  {"templateId": "spot", "maxNumber": 20, "priceType": "spot", "imageId": "ami-1", "subnetId": "subnet-1",
   "vmTypes": {"m6i.large": 1, "m5.xlarge": 1}, "fleetRole": "arn:aws:iam::123456789012:role/fleet"},
  {"templateId": "units", "maxNumber": 40, "priceType": "spot", "imageId": "ami-1", "subnetId": "subnet-1",
   "vmTypes": {"m6i.xlarge": 4, "m6i.2xlarge": 8}, "fleetRole": "arn:aws:iam::123456789012:role/fleet"}
]}"#;

impl Grid {
    /// A site whose cloud has these options, with these settings; both may be empty objects.
    pub fn new(cloud: &Value, settings: &Value) -> Self {
        let grid = Self::in_sandbox(Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES)]), settings);
        grid.change_cloud(cloud);
        grid.sandbox.build();
        grid
    }

    /// A site with these files of configuration.
    pub fn with_files(files: &[(&str, &str)]) -> Self {
        let grid = Self::in_sandbox(Sandbox::with_files(files), &json!({}));
        grid.sandbox.build();
        grid
    }

    fn in_sandbox(mut sandbox: Sandbox, settings: &Value) -> Self {
        sandbox.set("HF_PROVIDER_NAME", "grid");
        for (name, directory) in [("HF_PROVIDER_WORKDIR", "work"), ("HF_PROVIDER_LOGDIR", "log")] {
            let path = sandbox.path.join(directory);
            std::fs::create_dir(&path).unwrap();
            sandbox.set(name, path);
        }
        Self { sandbox, settings: settings.clone() }
    }

    /// From now on the cloud has these options; what exists stays as it is.
    pub fn change_cloud(&self, cloud: &Value) {
        let mut options = json!({
            "boot": { "seconds": 0.05 }, "release": { "seconds": 0.05 }, "capacity": { "total": 100_000 }
        });
        for (section, value) in cloud.as_object().into_iter().flatten() {
            match value.as_object() {
                Some(keys) => keys.iter().for_each(|(key, value)| options[section][key] = value.clone()),
                None => options[section] = value.clone(),
            }
        }
        let mut config = self.settings.clone();
        config["provider"] = json!({ "providers": [{ "name": "sim", "type": "sim", "config": options }] });
        self.sandbox.write("config.json", config.to_string());
    }

    /// Where requests and machines are remembered.
    pub fn work(&self) -> PathBuf {
        self.sandbox.path.join("work")
    }

    /// The log file, once something was logged.
    pub fn log(&self) -> PathBuf {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        self.sandbox.path.join("log").join(format!("grid-provider.{}.log", host.trim()))
    }

    /// The command of an operation of Host Factory on this input, through its file.
    pub fn operation(&self, name: &str, operation: &str, input: &Value) -> Command {
        let file: PathBuf = self.sandbox.input(name, input.to_string());
        let mut command = self.sandbox.command(program("ohfp"));
        command.arg(operation).arg("-f").arg(file);
        command
    }

    /// The same by the script that Host Factory runs.
    pub fn script(&self, name: &str, operation: &str, input: &Value) -> Command {
        let file: PathBuf = self.sandbox.input(name, input.to_string());
        let mut command = self.sandbox.command(tree().join("scripts").join(format!("{operation}.sh")));
        command.arg("-f").arg(file);
        command
    }

    /// Runs an operation.
    pub fn ask(&self, operation: &str, input: &Value) -> Ended {
        ended(&mut self.operation("input.json", operation, input))
    }

    /// Runs an operation that must succeed, and gives its document.
    pub fn answer(&self, operation: &str, input: &Value) -> Value {
        answered(operation, &self.ask(operation, input))
    }

    /// Runs an operation that must fail, and gives the reason: exit code 1, and one document that says why.
    pub fn refusal(&self, operation: &str, input: &Value) -> String {
        refused(&self.ask(operation, input))
    }

    /// Runs a command for people that must succeed, and gives its document.
    pub fn command(&self, arguments: &[&str]) -> Value {
        let ended = self.sandbox.run("ohfp", arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        document(&ended)
    }

    /// Requests machines; the id.
    pub fn request(&self, template: &str, count: u64) -> String {
        text(&self.answer("requestMachines", &wanted(template, count))["requestId"])
    }

    /// Requests machines and waits for them.
    pub fn machines(&self, template: &str, count: u64) -> Vec<Host> {
        let status = self.settled(&self.request(template, count));
        assert_eq!(status["status"], "complete", "{status}");
        hosts(&status)
    }

    /// The status of one request.
    pub fn status(&self, id: &str) -> Value {
        self.answer("getRequestStatus", &json!({ "requests": [{ "requestId": id }] }))["requests"][0].clone()
    }

    /// Asks until a request is over, and gives its status.
    pub fn settled(&self, id: &str) -> Value {
        for _ in 0..600 {
            let status = self.status(id);
            if status["status"] != "running" {
                return status;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{id} does not end: {}", self.status(id));
    }

    /// Gives machines back; the id.
    pub fn give_back(&self, hosts: &[Host]) -> String {
        let machines: Vec<Value> =
            hosts.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
        text(&self.answer("requestReturnMachines", &json!({ "machines": machines }))["requestId"])
    }

    /// How many machines exist in the cloud.
    pub fn live(&self) -> u64 {
        self.command(&["sim", "live"])["live"].as_u64().unwrap()
    }

    /// Waits until so many machines exist in the cloud, and asks for reclaimed ones meanwhile as Host Factory
    /// does all the time.
    pub fn until_live(&self, count: u64) {
        let mut live = self.live();
        for _ in 0..1_000 {
            if live == count {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            self.answer("getReturnRequests", &json!({}));
            live = self.live();
        }
        panic!("{live} machines exist, and there should be {count}");
    }

    /// Names of the machines that Host Factory shall give up, with their seconds. It says which it knows, or
    /// not.
    pub fn reclaims(&self, input: &Value) -> Vec<(String, u64)> {
        let answer = self.answer("getReturnRequests", input);
        let reclaims = answer["requests"].as_array().unwrap().iter();
        let mut named: Vec<(String, u64)> = reclaims
            .map(|reclaim| (text(&reclaim["machine"]), reclaim["gracePeriod"].as_u64().unwrap()))
            .collect();
        named.sort();
        named
    }
}

/// A question for machines.
pub fn wanted(template: &str, count: u64) -> Value {
    json!({ "template": { "templateId": template, "machineCount": count } })
}

/// The document of an operation that must have succeeded.
pub fn answered(operation: &str, ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{operation}: {ended:?}");
    let answer = document(ended);
    contract::check(operation, &answer);
    answer
}

/// Why an operation failed: it must say so in one document, with exit code 1.
pub fn refused(ended: &Ended) -> String {
    assert_eq!(ended.code, 1, "{ended:?}");
    let answer = document(ended);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1), "{answer}");
    let message = text(&answer["message"]);
    assert!(!message.is_empty() && !message.contains('\n'), "{answer}");
    message
}

/// Standard output as the one document that it must be.
pub fn document(ended: &Ended) -> Value {
    ended.document()
}

/// The machines in a status.
pub fn hosts(status: &Value) -> Vec<Host> {
    let machines = status["machines"].as_array().unwrap();
    machines
        .iter()
        .map(|machine| Host { id: text(&machine["machineId"]), name: text(&machine["name"]) })
        .collect()
}

/// A text in a document.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A number from the environment, for the size of a test; `usual` where it is not set.
pub fn size(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |number| number.parse().unwrap())
}

/// A small generator: deterministic, so that a failure can be repeated.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Steele and Vigna's SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
