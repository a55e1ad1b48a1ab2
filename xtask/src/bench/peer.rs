//! The peer, orb-py, on the same templates.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use xshell::cmd;

use super::measure::{Case, Output, Row, Tools};
use super::site::Site;
use crate::project::{Project, Result, step, text};

const PACKAGE: &str = "orb-py==1.8.5";

/// Rounds for programs that take seconds.
const ROUNDS: u32 = 5;

/// Installs the peer in a virtual environment.
pub(super) fn install(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let environment = project.target.join("bench/orb-venv");
    let orb = environment.join("bin/orb");
    if !orb.is_file() {
        step(format_args!("installing {PACKAGE} in a virtual environment"));
        cmd!(sh, "python3 -m venv {environment}").quiet().run()?;
        let pip = environment.join("bin/pip");
        cmd!(sh, "{pip} install --quiet --disable-pip-version-check {PACKAGE}").quiet().run()?;
    }
    Ok(orb)
}

/// Installs the peer and measures how it starts and lists.
pub(super) fn measure(project: &Project, tools: &Tools<'_>, site: &Site, count: u32) -> Result<Vec<Row>> {
    let orb = install(project)?;
    let root = project.fresh_dir("bench/orb")?;
    let catalog = project.sh.read_file(site.config.join("awsprov_templates.json"))?;
    configure(project, serde_json::from_str(&catalog)?, &root.join("config"))?;

    step("measuring the peer");
    let (root, config) = (text(&root)?, root.join("config"));
    let variables = variables(root, text(&config)?);
    // It lists 50 unless told otherwise.
    let limit = count.to_string();
    let cases = [
        Case::new("orb --help", Output::Nowhere, &orb, &["--help"])?,
        Case::new(
            format!("orb templates list ({count})"),
            Output::Pipe,
            &orb,
            &["templates", "list", "--limit", &limit],
        )?,
    ];
    check(project, &orb, &variables, &limit)?;
    tools.measure(&variables, &cases, ROUNDS)
}

/// Installs the peer and measures how it tells the status of a finished request: no cloud is asked.
pub(super) fn status(project: &Project, tools: &Tools<'_>, rounds: u32) -> Result<Row> {
    let orb = install(project)?;
    let root = project.fresh_dir("bench/orb")?;
    let template = json!({
        "templateId": "bench", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmType": "m6i.large"
    });
    configure(project, json!({ "templates": [template] }), &root.join("config"))?;
    let (id, state) = finished();
    project.sh.write_file(root.join("work/data/request_database.json"), state.to_string())?;

    step("measuring the peer");
    let (root, config) = (text(&root)?, root.join("config"));
    let variables = variables(root, text(&config)?);
    let answer = cmd!(project.sh, "{orb} requests status {id}")
        .env_clear()
        .envs(variables.iter().copied())
        .quiet()
        .ignore_stderr()
        .read()?;
    let answer: Value = serde_json::from_str(&answer)?;
    if answer.pointer("/requests/0/status").and_then(Value::as_str) != Some("complete") {
        return Err(format!("orb does not know the request: {answer}").into());
    }
    let case = Case::new("orb requests status ID", Output::Pipe, &orb, &["requests", "status", &id])?;
    let mut rows = tools.measure(&variables, &[case], rounds)?;
    rows.pop().ok_or_else(|| "the peer was not measured".into())
}

/// The state of a finished request of one machine, as the peer keeps it.
fn finished() -> (String, Value) {
    let (id, machine, at) =
        ("req-9d5c5672-c448-4301-94fe-408afa29503f", "i-1a6c1582b10bc7c95", "2026-11-24T12:00:00+00:00");
    let request = json!({
        "request_id": id, "template_id": "bench", "machine_count": 1, "requested_count": 1,
        "desired_capacity": 1, "request_type": "acquire", "status": "complete", "provider_name": "aws",
        "provider_api": "RunInstances", "provider_type": "aws", "resource_ids": ["r-1a25709cce90d750e"],
        "machine_ids": [machine], "successful_count": 1, "failed_count": 0, "metadata": {}, "error_details": {},
        "provider_data": {}, "created_at": at, "started_at": at, "completed_at": at, "version": 3,
        "schema_version": "2.0.0"
    });
    let machine_record = json!({
        "machine_id": machine, "template_id": "bench", "request_id": id, "provider_type": "aws",
        "provider_name": "aws", "provider_api": "RunInstances", "resource_id": "r-1a25709cce90d750e",
        "instance_type": "m6i.large", "image_id": "ami-1", "private_ip": "10.0.0.4", "status": "running",
        "launch_time": at, "tags": {}, "metadata": {}, "provider_data": {}, "security_group_ids": [],
        "created_at": at, "version": 0, "schema_version": "2.0.0"
    });
    (id.to_owned(), json!({ "requests": { id: request }, "machines": { machine: machine_record } }))
}

/// The environment it runs in.
fn variables<'a>(root: &'a str, config: &'a str) -> [(&'static str, &'a str); 4] {
    [("PATH", "/usr/bin:/bin"), ("HOME", root), ("ORB_ROOT_DIR", root), ("ORB_CONFIG_DIR", config)]
}

/// The same templates under the file name it looks for.
pub(super) fn configure(project: &Project, mut catalog: Value, config: &Path) -> Result<()> {
    for template in catalog.get_mut("templates").and_then(Value::as_array_mut).into_iter().flatten() {
        // It drops templates without a limit or with none to offer, and would have less to do.
        if let Some(number) = template.get_mut("maxNumber")
            && number.as_i64().is_none_or(|number| number < 1)
        {
            *number = 1.into();
        }
    }
    let settings = json!({
        "scheduler": { "type": "hostfactory" },
        "provider": { "active_provider": "aws", "providers": [
            { "name": "aws", "type": "aws", "enabled": true, "config": { "region": "us-east-1" } },
        ] },
    });
    project.sh.write_file(config.join("aws_templates.json"), catalog.to_string())?;
    project.sh.write_file(config.join("config.json"), settings.to_string())?;
    Ok(())
}

/// It skips what it does not like without failing, so its answer is counted.
fn check(project: &Project, orb: &Path, variables: &[(&str, &str)], limit: &str) -> Result<()> {
    let answer = cmd!(project.sh, "{orb} templates list --limit {limit}")
        .env_clear()
        .envs(variables.iter().copied())
        .quiet()
        .ignore_stderr()
        .read()?;
    let answer: Value = serde_json::from_str(&answer)?;
    let listed = answer.get("templates").and_then(Value::as_array).map_or(0, Vec::len);
    if listed.to_string() == limit {
        Ok(())
    } else {
        Err(format!("orb listed {listed} templates instead of {limit}").into())
    }
}
