//! Requests and machines that IBM's LSF plug-ins remember, in the form of Open Resource Broker, which every state store
//! imports.
//!
//! Their file is `aws-db.json` in LSF's data directory: a list of requests, each with its machines; a machine that was
//! returned names the return. Symphony's plug-in keeps its state in a form that is not documented.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ohfp_broker::{Error, ErrorKind, Result, json};
use serde_json::{Map, Value, json};

/// Converts the content of `aws-db.json`. `provider` is the provider that the machines belong to.
///
/// # Errors
/// [`ErrorKind::Input`] where it is no such file.
pub fn of_ibm(bytes: &[u8], provider: &str) -> Result<Vec<u8>> {
    let wrong = |what: String| {
        Error::new(ErrorKind::Input, what)
            .hint("the state of IBM's LSF plug-in is in `aws-db.json` of its data directory")
    };
    let document =
        json::from_slice(bytes).map_err(|error| wrong("the state cannot be read".to_owned()).cause(error))?;
    let list = document
        .get("requests")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("the state has no list `requests`".to_owned()))?;
    let mut state = State { provider, requests: Map::new(), machines: Map::new(), returns: BTreeMap::new() };
    for (index, request) in list.iter().enumerate() {
        let id = text(request, &["requestId"]);
        let id = id.ok_or_else(|| wrong(format!("requests[{index}] has no `requestId`")))?;
        state.request(id, request);
    }
    state.returns();
    let State { requests, machines, .. } = state;
    serde_json::to_vec(&json!({ "requests": requests, "machines": machines }))
        .map_err(|error| wrong("the state cannot be converted".to_owned()).cause(error))
}

struct State<'s> {
    provider: &'s str,
    requests: Map<String, Value>,
    machines: Map<String, Value>,
    /// The machines of each return, when it began at the earliest, and whether all of them are gone.
    returns: BTreeMap<String, (Vec<String>, i64, bool)>,
}

impl State<'_> {
    fn request(&mut self, id: &str, request: &Value) {
        let none = Vec::new();
        let machines = request.get("machines").and_then(Value::as_array).unwrap_or(&none);
        let created = request.get("time").and_then(Value::as_i64).unwrap_or_default();
        let is_open = machines.is_empty()
            || machines.iter().any(|machine| text(machine, &["result"]) == Some("executing"));
        let template = text(request, &["templateId"]);
        let template = template
            .or_else(|| machines.iter().find_map(|machine| text(machine, &["template", "templateId"])));
        let ids: Vec<&str> = machines.iter().filter_map(|machine| text(machine, &["machineId"])).collect();
        let resource = ["fleet-", "sfr-", "r-"].iter().any(|prefix| id.starts_with(prefix));
        let entry = json!({
            "request_id": id,
            "request_type": "acquire",
            "status": if is_open { "in_progress" } else { "complete" },
            "template_id": template.unwrap_or("unknown"),
            "created_at": time(created),
            "requested_count": machines.len().max(1),
            "machine_ids": ids,
            "status_message": text(request, &["message"]),
            "provider_name": self.provider,
            "resource_ids": if resource { vec![id] } else { Vec::new() },
        });
        self.requests.insert(id.to_owned(), entry);
        for machine in machines {
            self.machine(id, template, created, machine);
        }
    }

    fn machine(&mut self, request: &str, template: Option<&str>, created: i64, machine: &Value) {
        let Some(id) = text(machine, &["machineId"]) else { return };
        let launched =
            machine.get("launchtime").and_then(Value::as_i64).map(|seconds| seconds.saturating_mul(1000));
        let status = match text(machine, &["status"]).unwrap_or_default().to_ascii_lowercase().as_str() {
            known @ ("pending" | "running" | "stopping" | "stopped" | "shutting-down" | "terminated") => {
                known.to_owned()
            }
            _ => "unknown".to_owned(),
        };
        let back = text(machine, &["returnId", "retId"]);
        if let Some(back) = back {
            let (machines, began, gone) =
                self.returns.entry(back.to_owned()).or_insert_with(|| (Vec::new(), created, true));
            machines.push(id.to_owned());
            *began = (*began).max(launched.unwrap_or(created));
            *gone &= status == "terminated";
        }
        let entry = json!({
            "machine_id": id,
            "name": text(machine, &["name"]),
            "status": status,
            "request_id": request,
            "template_id": text(machine, &["template", "templateId"]).or(template),
            "launch_time": time(launched.unwrap_or(created)),
            "private_ip": text(machine, &["privateIpAddress"]),
            "public_ip": text(machine, &["publicIpAddress"]),
            "return_request_id": back,
            "status_reason": text(machine, &["message"]),
            "provider_name": self.provider,
            "price_type": text(machine, &["lifeCycleType"]).map(|kind| if kind == "spot" { "spot" } else { "ondemand" }),
            "instance_type": text(machine, &["instanceType"]),
        });
        self.machines.insert(id.to_owned(), entry);
    }

    fn returns(&mut self) {
        for (id, (machines, began, gone)) in std::mem::take(&mut self.returns) {
            let entry = json!({
                "request_id": id,
                "request_type": "return",
                "status": if gone { "complete" } else { "pending" },
                "created_at": time(began),
                "requested_count": machines.len(),
                "machine_ids": machines,
            });
            self.requests.insert(id, entry);
        }
    }
}

/// The first of these members that is a text.
fn text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()))
}

fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_machines_and_returns() {
        let state = json!({ "requests": [
            { "requestId": "r-1", "templateId": "t", "time": 1_700_000_000_000_i64, "machines": [
                { "machineId": "i-1", "name": "a", "status": "running", "result": "succeed", "launchtime": 1_700_000_001 },
                { "machineId": "i-2", "name": "b", "status": "terminated", "result": "succeed", "returnId": "ret-1" }
            ] },
            { "requestId": "r-2", "time": 1_700_000_000_000_i64, "machines": [] }
        ] });
        let converted = of_ibm(state.to_string().as_bytes(), "aws").unwrap();
        let converted: Value = serde_json::from_slice(&converted).unwrap();
        let status = |id: &str| converted["requests"][id]["status"].clone();
        assert_eq!(
            (status("r-1"), status("r-2"), status("ret-1")),
            (json!("complete"), json!("in_progress"), json!("complete"))
        );
        assert_eq!(converted["machines"]["i-2"]["return_request_id"], "ret-1");
        assert_eq!(converted["machines"]["i-1"]["launch_time"], "2023-11-14T22:13:21Z");
        assert_eq!(converted["requests"]["ret-1"]["machine_ids"], json!(["i-2"]));
    }

    #[test]
    fn other_documents_are_refused() {
        for (document, part) in [
            ("{", "cannot be read"),
            ("{}", "no list `requests`"),
            (r#"{"requests": [{}]}"#, "requests[0] has no `requestId`"),
        ] {
            let error = of_ibm(document.as_bytes(), "aws").unwrap_err();
            assert!(error.summary().contains(part), "{document}: {error}");
        }
    }
}
