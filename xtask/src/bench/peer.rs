//! The peer, orb-py, on the same templates.

use std::path::Path;

use serde_json::{Value, json};
use xshell::cmd;

use super::measure::{Case, Output, Row, Tools};
use super::site::Site;
use crate::project::{Project, Result, step, text};

const PACKAGE: &str = "orb-py==1.8.5";

/// Rounds for programs that take seconds.
const ROUNDS: u32 = 5;

/// Installs the peer in a virtual environment and measures it.
pub(super) fn measure(project: &Project, tools: &Tools<'_>, site: &Site, count: u32) -> Result<Vec<Row>> {
    let sh = &project.sh;
    let environment = project.target.join("bench/orb-venv");
    let orb = environment.join("bin/orb");
    if !orb.is_file() {
        step(format_args!("installing {PACKAGE} in a virtual environment"));
        cmd!(sh, "python3 -m venv {environment}").quiet().run()?;
        let pip = environment.join("bin/pip");
        cmd!(sh, "{pip} install --quiet --disable-pip-version-check {PACKAGE}").quiet().run()?;
    }
    let root = project.fresh_dir("bench/orb")?;
    configure(project, site, &root.join("config"))?;

    step("measuring the peer");
    let (root, config) = (text(&root)?, root.join("config"));
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", root),
        ("ORB_ROOT_DIR", root),
        ("ORB_CONFIG_DIR", text(&config)?),
    ];
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

/// The same templates under the file name it looks for.
fn configure(project: &Project, site: &Site, config: &Path) -> Result<()> {
    let mut catalogue: Value =
        serde_json::from_str(&project.sh.read_file(site.config.join("awsprov_templates.json"))?)?;
    for template in catalogue.get_mut("templates").and_then(Value::as_array_mut).into_iter().flatten() {
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
    project.sh.write_file(config.join("aws_templates.json"), catalogue.to_string())?;
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
