//! What Host Factory relies on in every answer of an operation, whatever it was asked.

use std::collections::BTreeSet;

use serde_json::Value;

const REQUEST_STATUS: [&str; 3] = ["running", "complete", "complete_with_error"];
const RESULTS: [&str; 3] = ["executing", "fail", "succeed"];
const MACHINE_STATUS: [&str; 6] =
    ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"];

/// Fails where an answer of this operation breaks the contract.
pub fn check(operation: &str, answer: &Value) {
    let fault = match operation {
        "requestMachines" => accepted(answer, "req-"),
        "requestReturnMachines" => accepted(answer, "ret-"),
        "getRequestStatus" => statuses(answer),
        "getReturnRequests" => reclaims(answer),
        _ => Ok(()),
    };
    if let Err(what) = fault {
        panic!("{operation}: {what} in {answer}");
    }
}

type Checked = Result<(), String>;

fn hold(holds: bool, what: &str) -> Checked {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, String> {
    value[name].as_str().ok_or_else(|| format!("`{name}` is no text"))
}

fn word<'v>(value: &'v Value, name: &str, known: &[&str]) -> Result<&'v str, String> {
    let word = text(value, name)?;
    hold(known.contains(&word), &format!("`{name}` is `{word}`")).map(|()| word)
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>, String> {
    value[name].as_array().ok_or_else(|| format!("`{name}` is no list"))
}

fn accepted(answer: &Value, prefix: &str) -> Checked {
    let uuid = text(answer, "requestId")?.strip_prefix(prefix).unwrap_or_default();
    hold(uuid.len() == 36, "`requestId` is none of ours")?;
    hold(!text(answer, "message")?.is_empty(), "`message` is empty")?;
    hold(answer.get("error").is_none(), "there is an `error` in a success")
}

fn statuses(answer: &Value) -> Checked {
    for request in list(answer, "requests")? {
        hold(!text(request, "requestId")?.is_empty(), "`requestId` is empty")?;
        let status = word(request, "status", &REQUEST_STATUS)?;
        let message = text(request, "message")?;
        hold(status != "complete_with_error" || !message.is_empty(), "an error has no message")?;
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for machine in list(request, "machines")? {
            let id = text(machine, "machineId")?;
            hold(!id.is_empty() && ids.insert(id), "a `machineId` is empty or twice there")?;
            let (result, name) = machine_result(machine)?;
            hold(result == "fail" || names.insert(name), "a `name` is twice there")?;
            hold(status == "running" || result != "executing", "a finished request still executes")?;
        }
    }
    Ok(())
}

fn machine_result(machine: &Value) -> Result<(&str, &str), String> {
    let result = word(machine, "result", &RESULTS)?;
    let status = word(machine, "status", &MACHINE_STATUS)?;
    let (name, address) = (text(machine, "name")?, text(machine, "privateIpAddress")?);
    // Seconds: milliseconds would be a time in fifty thousand years.
    let launched = machine["launchtime"].as_u64().ok_or("`launchtime` is no whole number")?;
    hold((1_600_000_000..4_000_000_000).contains(&launched), "`launchtime` is not in seconds")?;
    hold(result != "fail" || !text(machine, "message")?.is_empty(), "a failed machine has no message")?;
    if result == "succeed" {
        hold(["running", "terminated"].contains(&status), "a success is neither there nor gone")?;
        hold(address.parse::<std::net::Ipv4Addr>().is_ok(), "`privateIpAddress` is no address")?;
        let is_host = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        hold(name.contains('.') && name.split('.').all(is_host), "`name` is no host name")?;
    }
    Ok((result, name))
}

fn reclaims(answer: &Value) -> Checked {
    word(answer, "status", &["complete"])?;
    text(answer, "message")?;
    let mut named = BTreeSet::new();
    for reclaim in list(answer, "requests")? {
        let machine = text(reclaim, "machine")?;
        hold(!machine.is_empty() && named.insert(machine), "a `machine` is empty or twice there")?;
        hold(reclaim["gracePeriod"].is_u64(), "`gracePeriod` is no number of seconds")?;
    }
    Ok(())
}
