//! State stores to measure against: some finished requests, one of them to ask about, and live machines.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use xshell::{Cmd, Shell, cmd};

use super::measure::Case;
use crate::dist::Tree;
use crate::project::{Project, Result, scrubbed, text};

/// How many machines are running.
pub(super) const LIVE: usize = 100;

/// Files up to this size are put back before each run.
const SMALL: u64 = 8 << 20;

const SNAPSHOT: &str = "ohfp.snapshot";
const SNAPSHOT_BEFORE: &str = "before.snapshot";

const DATABASE: &str = "ohfp.db";
/// The files of a state store.
const FILES: [&str; 3] = [DATABASE, "ohfp.db-wal", "ohfp.db.lock"];

/// Where paths name a store, and the one of the older tree.
const STORES: [(&str, &str); 2] = [("/state-", "/before-state-"), ("/pristine-", "/before-pristine-")];

const TEMPLATES: &str = r#"{"templates": [{"templateId": "bench", "maxNumber": -1, "priceType": "ondemand",
  "imageId": "ami-1", "subnetId": "subnet-1", "vmType": "m6i.large", "instanceTags": "team=bench"}]}"#;

/// A site with the simulated provider, whose machines come up and go at once.
pub(super) struct LiveSite<'p> {
    project: &'p Project,
    tree: &'p Tree,
    /// An older tree, which has a snapshot and stores of its own: it cannot read newer ones.
    before: Option<&'p Tree>,
    root: PathBuf,
}

/// A state store, and what to ask about.
pub(super) struct History {
    pub(super) name: String,
    /// As it is before each run.
    pristine: PathBuf,
    /// What runs work on.
    pub(super) state: PathBuf,
    /// A finished request of one machine.
    pub(super) finished: String,
    /// The request of the live machines.
    pub(super) running: String,
    /// The live machines, as a return names them.
    pub(super) machines: Vec<Value>,
}

impl<'p> LiveSite<'p> {
    pub(super) fn make(project: &'p Project, tree: &'p Tree, before: Option<&'p Tree>) -> Result<Self> {
        let root = project.fresh_dir("bench/live")?;
        let site = Self { project, tree, before, root };
        let sh = &project.sh;
        for directory in ["log", "input"] {
            sh.create_dir(site.root.join(directory))?;
        }
        let config = json!({ "provider": { "providers": [{ "name": "sim", "type": "sim", "config": {
            "boot": { "seconds": 0 }, "release": { "seconds": 0 },
            "capacity": { "total": 1_000_000 }, "network": { "block": "10.0.0.0/8" }
        } }] } });
        sh.write_file(site.root.join("config/config.json"), config.to_string())?;
        sh.write_file(site.root.join("config/awsprov_templates.json"), TEMPLATES)?;
        let mut quiet = config;
        if let Some(sections) = quiet.as_object_mut() {
            sections.insert("metrics".to_owned(), json!({ "enabled": false }));
        }
        sh.write_file(site.root.join("quiet/config.json"), quiet.to_string())?;
        sh.write_file(site.root.join("quiet/awsprov_templates.json"), TEMPLATES)?;
        let build = |tree: &Tree, snapshot: &Path| -> Result<()> {
            let builder = tree.program("ohfp-snapshot");
            let built = scrubbed(cmd!(sh, "{builder} build --quiet")).envs(site.variables()?);
            Ok(built.env("OHFP_SNAPSHOT", snapshot).quiet().ignore_stdout().run()?)
        };
        build(tree, &site.root.join(SNAPSHOT))?;
        if let Some(before) = before {
            build(before, &site.root.join(SNAPSHOT_BEFORE))?;
        }
        Ok(site)
    }

    /// The environment of everything here, but for the place of the state.
    pub(super) fn variables(&self) -> Result<[(&'static str, String); 4]> {
        let path = |name: &str| text(&self.root.join(name)).map(str::to_owned);
        Ok([
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("OHFP_CONFIG_DIR", path("config")?),
            ("OHFP_SNAPSHOT", path(SNAPSHOT)?),
            ("HF_PROVIDER_LOGDIR", path("log")?),
        ])
    }

    /// The same case in a configuration that has no process leave a record in the metrics.
    pub(super) fn quiet(&self, case: Case) -> Result<Case> {
        Ok(case.with(format!("OHFP_CONFIG_DIR={}", text(&self.root.join("quiet"))?)))
    }

    /// The same case for the older tree, on what that one has made.
    pub(super) fn older(&self, case: Case) -> Result<Case> {
        let own =
            |part: &String| STORES.iter().fold(part.clone(), |part, (ours, its)| part.replace(ours, its));
        let (variables, prepare) =
            (case.variables.iter().map(own).collect(), case.prepare.iter().map(own).collect());
        let snapshot = self.root.join(SNAPSHOT_BEFORE);
        Ok(Case { variables, prepare, ..case }.with(format!("OHFP_SNAPSHOT={}", text(&snapshot)?)))
    }

    /// A store with so many finished requests. The older tree makes it where there is one, and a copy is brought up to
    /// date by ours.
    pub(super) fn history(&self, count: u32) -> Result<History> {
        let sh = &self.project.sh;
        let [filled, running, pristine, state] =
            ["filled", "running", "pristine", "state"].map(|name| self.root.join(format!("{name}-{count}")));
        for directory in [&filled, &running, &pristine, &state] {
            sh.create_dir(directory)?;
        }
        let export = self.root.join(format!("history-{count}.json"));
        sh.write_file(&export, finished(count)?)?;
        let maker = self.before.unwrap_or(self.tree);
        let program = maker.program("ohfp");
        // The log names requests of the history before, whose store is another one.
        self.on(&filled, cmd!(sh, "{program} storage init"))?.ignore_stdout().run()?;
        self.on(&filled, cmd!(sh, "{program} storage import {export}"))?.ignore_stdout().run()?;
        sh.remove_path(&export)?;
        let copy = |from: &Path, to: &Path| -> Result<()> {
            // In one file, as it is when the log has been carried over.
            let database = to.join(DATABASE);
            Ok(self.on(from, cmd!(sh, "{program} storage backup {database}"))?.ignore_stdout().run()?)
        };
        copy(&filled, &running)?;
        let request = cmd!(sh, "{program} machines request bench 100 --wait --format json");
        let answer: Value = serde_json::from_str(&self.on(&running, request)?.ignore_stderr().read()?)?;
        copy(&running, &state)?;
        // From now on it is a store of its own, with a log and a lock file.
        let make_own = |program: &Path, state: &Path| -> Result<()> {
            Ok(self.on(state, cmd!(sh, "{program} storage test"))?.ignore_stdout().run()?)
        };
        if self.before.is_some() {
            let [its_pristine, its_state] =
                ["before-pristine", "before-state"].map(|name| self.root.join(format!("{name}-{count}")));
            for directory in [&its_pristine, &its_state] {
                sh.create_dir(directory)?;
            }
            sh.copy_file(state.join(DATABASE), its_state.join(DATABASE))?;
            make_own(&program, &its_state)?;
            keep(sh, &its_state, &its_pristine)?;
        }
        make_own(&self.tree.program("ohfp"), &state)?;
        let request = answer.pointer("/requests/0").ok_or("no request was made")?;
        let machines = request.get("machines").and_then(Value::as_array).cloned().unwrap_or_default();
        if machines.len() != LIVE {
            return Err(format!("{} machines were made instead of {LIVE}: {answer}", machines.len()).into());
        }
        let machines = machines
            .iter()
            .map(|machine| json!({ "name": machine["name"], "machineId": machine["machineId"] }))
            .collect();
        let history = History {
            name: count.to_string(),
            finished: id(count / 2),
            running: request["requestId"].as_str().unwrap_or_default().to_owned(),
            machines,
            pristine,
            state,
        };
        keep(sh, &history.state, &history.pristine)?;
        Ok(history)
    }

    fn on<'a>(&self, state: &Path, command: Cmd<'a>) -> Result<Cmd<'a>> {
        Ok(scrubbed(command).envs(self.variables()?).env("OHFP_STATE_DIR", state).quiet())
    }

    /// A question as Host Factory puts it, in a file.
    pub(super) fn input(&self, name: &str, question: &Value) -> Result<PathBuf> {
        let path = self.root.join("input").join(name);
        self.project.sh.write_file(&path, question.to_string())?;
        Ok(path)
    }
}

impl History {
    /// A case on this state.
    pub(super) fn case(&self, case: Case) -> Result<Case> {
        Ok(case.with(format!("OHFP_STATE_DIR={}", text(&self.state)?)))
    }

    /// The same without an answer that a process before has kept.
    pub(super) fn forgetting(&self, case: Case) -> Result<Case> {
        let cache = self.state.join("results.cache");
        Ok(self.case(case)?.after(&["/bin/rm", "-f", text(&cache)?]))
    }

    /// The same for a case that changes the state: it finds it unchanged each time. What a case writes stays in the
    /// log, which is too short to be carried over, so the database is the same file all the time.
    pub(super) fn changing(&self, case: Case) -> Result<Case> {
        let mut line = "set -e".to_owned();
        for name in FILES {
            let (from, to) = (self.pristine.join(name), self.state.join(name));
            if from.metadata()?.len() < SMALL {
                let (from, to) = (text(&from)?, text(&to)?);
                write!(line, "; cmp -s '{from}' '{to}' || {{ cp '{from}' '{to}'; sync '{to}'; }}")?;
            }
        }
        Ok(self.case(case)?.after(&["/bin/sh", "-c", &line]))
    }
}

/// Keeps the files of a store as they are now.
fn keep(sh: &Shell, state: &Path, pristine: &Path) -> Result<()> {
    for name in FILES {
        sh.copy_file(state.join(name), pristine.join(name))?;
    }
    Ok(())
}

fn id(number: u32) -> String {
    format!("req-01900000-0000-7000-8000-{number:012x}")
}

/// Requests of one machine each that were over a while ago, in the form that `storage import` takes.
fn finished(count: u32) -> Result<String> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let (mut requests, mut machines) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (id, at) = (id(number), now - 60 * 60 * 1_000 + i64::from(number));
        let request = json!({
            "id": id, "kind": "acquire", "template_id": "bench", "provider": "sim", "requested": 1,
            "state": "complete", "created": at, "updated": at, "deadline": at + 300_000, "attempt": 1,
            "acknowledged": true, "version": 3, "order": null, "reason": null, "watch_until": null
        });
        let machine = json!({
            "id": format!("i-{number:017x}"), "provider": "sim", "request": id, "template_id": "bench",
            "name": format!("ip-11-{}-{}-{}.sim.internal", number >> 16, number >> 8 & 255, number & 255),
            "state": "terminated", "ending": "released",
            "private_ip": format!("11.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255),
            "instance_type": "m6i.large", "price_type": "ondemand", "tags": "team=bench",
            "launched": at, "updated": at, "version": 3,
            "returned_by": null, "public_ip": null, "reclaim_at": null, "message": null
        });
        requests.push(request.to_string());
        machines.push(machine.to_string());
    }
    let mut document = String::new();
    write!(
        document,
        "{{\"format\":\"ohfp-state\",\"version\":1,\"requests\":[\n{}],\"machines\":[\n{}],\"members\":[],\"documents\":[]}}",
        requests.join(",\n"),
        machines.join(",\n")
    )?;
    Ok(document)
}
