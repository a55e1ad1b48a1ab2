//! What an operation on AWS costs beside its calls: threads, connections, memory.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::{hosts, wanted};
use ohfp_tests::{c_program, ended, program};
use serde_json::{Value, json};

/// Largest resident set of an operation on 100 machines, in KiB.
const PEAK: u64 = 20_000;

/// What `tests/tools/reached.c` noted.
struct Reached {
    /// Threads and processes that were made.
    made: Vec<String>,
    /// Addresses, in order.
    addresses: Vec<String>,
    /// In KiB.
    peak: u64,
    answer: Value,
}

/// Runs an operation of the live program, which must succeed.
fn reached(site: &AwsSite, operation: &str, input: &Value) -> Reached {
    let sandbox = &site.grid.sandbox;
    let (tool, report) = (c_program("reached", &sandbox.path), sandbox.path.join("reached.txt"));
    let input = sandbox.input("in.json", input.to_string());
    let mut command = sandbox.command(tool);
    command.args([
        report.as_os_str(),
        program("ohfp-live").as_os_str(),
        OsStr::new(operation),
        OsStr::new("-f"),
    ]);
    let ended = ended(command.arg(input));
    assert_eq!(ended.code, 0, "{operation}: {ended:?}");
    let report = fs::read_to_string(report).unwrap();
    let (made, others): (Vec<&str>, Vec<&str>) =
        report.lines().partition(|line| ["thread", "process"].contains(line));
    let (peak, addresses): (Vec<&str>, Vec<&str>) =
        others.into_iter().partition(|line| line.starts_with("peak "));
    Reached {
        made: made.into_iter().map(str::to_owned).collect(),
        addresses: addresses.into_iter().map(str::to_owned).collect(),
        peak: peak[0].trim_start_matches("peak ").parse().unwrap(),
        answer: serde_json::from_slice(&ended.stdout).unwrap(),
    }
}

fn host_and_port(site: &AwsSite) -> String {
    site.cloud.address().trim_start_matches("http://").to_owned()
}

/// One connection to the endpoint and none elsewhere, no thread, and little memory.
#[test]
fn operations_on_100_machines() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let cloud = host_and_port(&site);
    let check = |operation: &str, input: &Value| {
        let reached = reached(&site, operation, input);
        assert_eq!(reached.addresses, [cloud.as_str()], "{operation}");
        assert_eq!(reached.made, Vec::<String>::new(), "{operation}: more than one thread");
        assert!(reached.peak <= PEAK, "{operation}: {} KiB, allowed {PEAK}", reached.peak);
        reached.answer
    };
    let id = check("requestMachines", &wanted("run", 100))["requestId"].clone();
    let status = json!({ "requests": [{ "requestId": id }] });
    site.grid.settled(id.as_str().unwrap());
    let all = hosts(&check("getRequestStatus", &status)["requests"][0]);
    assert_eq!(all.len(), 100);
    let named: Vec<Value> =
        all.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
    check("getReturnRequests", &json!({ "machines": named }));
    check("requestReturnMachines", &json!({ "machines": named }));
}

/// Calls side by side take a thread each, and only they.
#[test]
fn threads_are_made_for_calls_side_by_side() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let all: Vec<_> = (0..2).flat_map(|_| site.grid.machines("run", 300)).collect();
    let named: Vec<Value> =
        all.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
    // 500 ids are a call, and 600 are two.
    let reached = reached(&site, "requestReturnMachines", &json!({ "machines": named }));
    assert_eq!(site.cloud.counts()["TerminateInstances"], 2);
    assert_eq!(reached.made, ["thread"; 2]);
}

/// Where credentials are found elsewhere, the metadata address is never asked: no packet may wait for its silence.
#[test]
fn metadata_is_not_asked_where_credentials_are_elsewhere() {
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let cloud = host_and_port(&site);
    site.grid.sandbox.unset("AWS_EC2_METADATA_DISABLED");
    let key = site.cloud.access_key().to_owned();
    let check = |site: &AwsSite, source: &str| {
        let reached = reached(site, "requestMachines", &wanted("run", 1));
        assert_eq!(reached.addresses, [cloud.as_str()], "{source}");
    };
    check(&site, "environment");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        site.grid.sandbox.unset(name);
    }
    // The region of the configuration counts; the metadata are not asked for one either.
    site.grid.sandbox.unset("AWS_REGION");
    let keys = format!("aws_access_key_id = {key}\naws_secret_access_key = secret\n");
    let home = site.grid.sandbox.path.join("home/.aws");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("credentials"), format!("[default]\n{keys}")).unwrap();
    check(&site, "profile");
    fs::remove_file(home.join("credentials")).unwrap();

    let file = site.grid.sandbox.input("keys.ini", format!("[default]\n{keys}"));
    let configured = |site: &AwsSite, name: &str, path: &str| {
        let config = json!({ "region": "us-east-1", name: path });
        let all =
            json!({ "provider": { "providers": [{ "name": "aws", "type": "aws", "config": config }] } });
        site.grid.sandbox.write("config.json", all.to_string());
    };
    configured(&site, "AWS_CREDENTIAL_FILE", file.to_str().unwrap());
    check(&site, "credential file");
    let script = site.grid.sandbox.input("keys.sh", format!("#!/bin/sh\ncat '{}'\n", file.display()));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    configured(&site, "AWS_CREDENTIAL_SCRIPT", script.to_str().unwrap());
    check(&site, "credential script");
}

/// Where there are none elsewhere, the metadata address is the last to be asked, and once.
#[test]
fn metadata_is_asked_last_and_once() {
    let Some(mut site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    for name in ["AWS_EC2_METADATA_DISABLED", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        site.grid.sandbox.unset(name);
    }
    let sandbox = &site.grid.sandbox;
    let (tool, report) = (c_program("reached", &sandbox.path), sandbox.path.join("reached.txt"));
    let input = sandbox.input("in.json", wanted("run", 1).to_string());
    let mut command = sandbox.command(tool);
    // A listener that never answers, in place of the address that every machine of AWS has.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{address}"));
    command.args([
        report.as_os_str(),
        program("ohfp-live").as_os_str(),
        OsStr::new("requestMachines"),
        OsStr::new("-f"),
    ]);
    let ended = ended(command.arg(input));
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.text().contains("instance metadata"), "{ended:?}");
    let report = fs::read_to_string(report).unwrap();
    let asked: Vec<&str> = report.lines().filter(|line| !line.starts_with("peak ")).collect();
    assert_eq!(asked, [address.as_str()]);
}
