//! The product and its peer on one cloud, each operation a cold process: `tests/bench/on_cloud.py` with the cloud for
//! tests.

use std::path::Path;

use serde_json::{Value, json};
use xshell::cmd;

use super::measure::{Output, Row};
use super::peer;
use super::report::{Budget, Columns, Limit, Table};
use crate::cloud;
use crate::dist::Tree;
use crate::project::{Project, Result, note, step, text};

/// Machines that are requested, polled and returned at once.
const MACHINES: u32 = 100;
/// Rounds; the peer takes seconds for each.
const ROUNDS: u32 = 5;
/// How much more processor time the peer is expected to take.
const RATIO: f64 = 50.0;

/// The table, with what is expected of it; `None`, with a note, where one of them cannot be installed or the tree is
/// built without AWS.
pub(super) fn measure(project: &Project, tree: &Tree, quick: bool) -> Result<Option<(Table, Vec<Budget>)>> {
    if !tree.has_aws(project)? {
        note("note: the tree is built without AWS, so it is not compared with the peer on a cloud");
        return Ok(None);
    }
    let Some(python) = cloud::python(project) else { return Ok(None) };
    let orb = match peer::install(project) {
        Ok(orb) => orb,
        Err(error) => {
            note(format_args!(
                "note: the peer cannot be installed, so it is NOT measured on a cloud: {error}"
            ));
            return Ok(None);
        }
    };
    let Some(cloud) = cloud::Shared::start(project)? else { return Ok(None) };
    step(format_args!("measuring: {MACHINES} machines on the cloud for tests, ohfp and the peer in turn"));
    let root = project.fresh_dir("bench/on-cloud")?;
    let contenders = [
        ohfp(project, tree, &root.join("ohfp"), &cloud.address)?,
        peer(project, &orb, &root.join("orb"), &cloud.address)?,
    ];
    let plan = json!({
        "cloud": cloud.address, "rounds": if quick { 2 } else { ROUNDS }, "machines": MACHINES,
        "contenders": contenders
    });
    let file = root.join("plan.json");
    project.sh.write_file(&file, plan.to_string())?;
    let script = project.root.join("tests/bench/on_cloud.py");
    let found = cmd!(project.sh, "{python} {script} {file}").quiet().read()?;
    let rows: Vec<Row> = found.lines().filter_map(row).collect();
    if rows.len() != 3 * contenders.len() {
        return Err(format!("cannot understand what on_cloud.py wrote:\n{found}").into());
    }
    let budgets = rows.chunks(contenders.len()).filter_map(ratio).collect();
    let title = format!("Request, poll and return of {MACHINES} machines of AWS, on the cloud for tests");
    Ok(Some((Table { title, rows, columns: Columns::Cloud, before: Vec::new() }, budgets)))
}

/// What both have in their template.
fn template() -> Value {
    json!({
        "templateId": "bench", "maxNumber": 100_000, "imageId": "ami-0abcdef1234567890",
        "subnetId": "subnet-320aaaaaaaaaaaaaa", "securityGroupIds": ["sg-0123456789abcdef0"], "vmType": "m5.large",
        "priceType": "ondemand"
    })
}

/// Of both, in accounts of their own.
fn environment(address: &str, account: &str, home: &Path) -> Result<Value> {
    Ok(json!({
        "PATH": "/usr/bin:/bin", "HOME": text(home)?, "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true"
    }))
}

fn ohfp(project: &Project, tree: &Tree, root: &Path, address: &str) -> Result<Value> {
    let sh = &project.sh;
    let (config, work, log) = (root.join("conf"), root.join("work"), root.join("log"));
    for directory in [&work, &log] {
        sh.create_dir(directory)?;
    }
    let provider = json!({ "name": "aws", "type": "aws", "config": { "region": "us-east-1" } });
    let settings = json!({ "provider": { "providers": [provider] } });
    sh.write_file(config.join("config.json"), settings.to_string())?;
    let templates = json!({ "templates": [template()] });
    sh.write_file(config.join("awsprov_templates.json"), templates.to_string())?;
    let account = "AKIABENCHOHFP0000001";
    let mut environment = environment(address, account, root)?;
    if let Some(variables) = environment.as_object_mut() {
        for (name, value) in [
            ("HF_PROVIDER_NAME", "bench"),
            ("HF_PROVIDER_CONFDIR", text(&config)?),
            ("HF_PROVIDER_WORKDIR", text(&work)?),
            ("HF_PROVIDER_LOGDIR", text(&log)?),
        ] {
            variables.insert(name.to_owned(), value.into());
        }
    }
    let script = |operation: &str| -> Result<Value> {
        let path = tree.root.join("scripts").join(operation).with_extension("sh");
        Ok(json!([text(&path)?, "-f", "{input}"]))
    };
    Ok(json!({
        "name": "ohfp", "account": account, "environment": environment, "directory": text(root)?,
        "request": script("requestMachines")?, "status": script("getRequestStatus")?,
        "return": script("requestReturnMachines")?
    }))
}

fn peer(project: &Project, orb: &Path, root: &Path, address: &str) -> Result<Value> {
    let config = root.join("config");
    peer::configure(project, json!({ "templates": [template()] }), &config)?;
    let account = "AKIABENCHPEER0000001";
    let mut environment = environment(address, account, root)?;
    if let Some(variables) = environment.as_object_mut() {
        for (name, value) in [("ORB_ROOT_DIR", text(root)?), ("ORB_CONFIG_DIR", text(&config)?)] {
            variables.insert(name.to_owned(), value.into());
        }
    }
    // As its scripts for Host Factory do.
    let command =
        |words: [&str; 2]| -> Result<Value> { Ok(json!([text(orb)?, words[0], words[1], "-f", "{input}"])) };
    Ok(json!({
        "name": "orb", "account": account, "environment": environment, "directory": text(root)?,
        "request": command(["machines", "request"])?, "status": command(["requests", "status"])?,
        "return": command(["machines", "return"])?
    }))
}

fn row(line: &str) -> Option<Row> {
    let mut parts = line.split('\t');
    let mut next = || parts.next();
    Some(Row {
        name: next()?.to_owned(),
        output: Output::Pipe,
        rounds: next()?.parse().ok()?,
        min: next()?.parse().ok()?,
        median: next()?.parse().ok()?,
        p90: next()?.parse().ok()?,
        cpu: next()?.parse().ok()?,
        peak: next()?.parse().ok(),
        calls: next()?.parse().ok(),
        ..Row::default()
    })
}

/// Processor time of the peer against ours, for one operation.
fn ratio(rows: &[Row]) -> Option<Budget> {
    let [ours, peers] = rows else { return None };
    let operation = ours.name.split_once(", ").map_or("", |(_, operation)| operation);
    Some(Budget {
        what: format!("cpu of the peer / cpu of ohfp, {operation} machines"),
        found: peers.cpu / ours.cpu,
        limit: Limit::AtLeast(RATIO),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_compared() {
        let ours = row("ohfp, poll of 100\t5\t8.0\t10.0\t12.0\t4.0\t15000\t1").unwrap();
        assert_eq!((ours.name.as_str(), ours.rounds, ours.calls), ("ohfp, poll of 100", 5, Some(1)));
        let peers = row("orb, poll of 100\t5\t8.0\t10.0\t12.0\t800.0\t90000\t3").unwrap();
        let budget = ratio(&[ours, peers]).unwrap();
        assert_eq!(budget.what, "cpu of the peer / cpu of ohfp, poll of 100 machines");
        assert!((budget.found - 200.0).abs() < 1e-9);
        assert!(row("ohfp\t5").is_none());
    }
}
