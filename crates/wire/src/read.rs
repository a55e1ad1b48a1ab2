//! Inputs. Host Factory sends lists, while IBM's pages print single objects; both are read, in the names of
//! either format. Unknown members are ignored.

use ohfp_broker::wire_format::MachinesWanted;
use ohfp_broker::{Error, ErrorKind, MachineId, MachineRef, RequestId, Result, UserData};
use serde_json::{Map, Value};

/// The names of a field in the two formats.
type Names = [&'static str; 2];

const TEMPLATE_ID: Names = ["templateId", "template_id"];
const MACHINE_COUNT: Names = ["machineCount", "machine_count"];
const MACHINE_ID: Names = ["machineId", "machine_id"];
const REQUEST_ID: Names = ["requestId", "request_id"];
// LSF only: "requestMachines, input".
const RC_ACCOUNT: Names = ["rc_account", "rcAccount"];
const USER_DATA: Names = ["userData", "user_data"];

/// Longest user data in bytes: the limit of EC2.
const LONGEST_USER_DATA: usize = 16 * 1024;

/// Longest name that is accepted, in bytes. No provider uses longer ones, and they would fill the log.
const LONGEST_NAME: usize = 1_024;

/// Contract: "requestMachines, input": `{"template": {"templateId", "machineCount"}}`, and LSF's optional
/// `rc_account` and `userData`.
///
/// # Errors
/// [`ErrorKind::Input`], naming the field, where a required one is missing or one is not what the contract says.
pub fn request(input: &Value) -> Result<MachinesWanted> {
    let template = match object(input, "the input")?.get("template") {
        Some(Value::Object(template)) => template,
        None | Some(Value::Null) => {
            return Err(missing("template", "{\"templateId\": …, \"machineCount\": …}"));
        }
        Some(other) => {
            return Err(wrong("template", "an object {\"templateId\": …, \"machineCount\": …}", other));
        }
    };
    let template_id = match field(template, TEMPLATE_ID) {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        None | Some(Value::Null) => return Err(missing("template.templateId", "the id of a template")),
        Some(other) => return Err(wrong("template.templateId", "the id of a template", other)),
    };
    let count = match field(template, MACHINE_COUNT) {
        None | Some(Value::Null) => {
            return Err(missing("template.machineCount", "the number of machines, at least 1"));
        }
        Some(value) => {
            count(value).ok_or_else(|| wrong("template.machineCount", "a whole number, at least 1", value))?
        }
    };
    let top = object(input, "the input")?;
    // An invalid value of a field that is only passed on does not stop the request.
    let rc_account = match field(top, RC_ACCOUNT) {
        Some(Value::String(account)) => Some(account.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let rc_account = rc_account.filter(|account| (1..=LONGEST_NAME).contains(&account.len()));
    let user_data = match field(top, USER_DATA) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(Value::Object(members)) if members.is_empty() => None,
        Some(other) => Some(other.to_string()),
    };
    if user_data.as_ref().is_some_and(|text| text.len() > LONGEST_USER_DATA) {
        return Err(Error::new(
            ErrorKind::Input,
            "`userData` must not be longer than 16 KiB, the limit of EC2",
        ));
    }
    Ok(MachinesWanted { template_id, count, rc_account, user_data: user_data.map(UserData::new) })
}

/// A whole number of at least 1. IBM's own plug-in also accepts it as a string.
fn count(value: &Value) -> Option<u64> {
    let count = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    count.filter(|count| *count >= 1)
}

/// Contract: "requestReturnMachines, input": `{"machines": [{"name", "machineId"}]}`, where either of the two
/// suffices. An empty list is an error.
///
/// # Errors
/// As [`request`]; also where no machine is named.
pub fn return_machines(input: &Value) -> Result<Vec<MachineRef>> {
    let machines = match object(input, "the input")?.get("machines") {
        None | Some(Value::Null) => {
            return Err(missing("machines", "a list of {\"name\": …, \"machineId\": …}"));
        }
        Some(machines) => self::machines(machines)?,
    };
    if machines.is_empty() {
        return Err(Error::new(ErrorKind::Input, "`machines` is empty: no machine to return is named"));
    }
    Ok(machines)
}

/// Contract: "getReturnRequests, input": `{}`, which is `None`, or `{"machines": [{"name", "machineId"}]}`, the
/// hosts that Host Factory knows.
///
/// # Errors
/// As [`request`].
pub fn reclaims(input: &Value) -> Result<Option<Vec<MachineRef>>> {
    match object(input, "the input")?.get("machines") {
        None | Some(Value::Null) => Ok(None),
        Some(machines) => self::machines(machines).map(Some),
    }
}

/// Contract: "getRequestStatus, input": `{"requests": [{"requestId"}]}`, ids of requests and returns mixed.
///
/// # Errors
/// As [`request`].
pub fn status(input: &Value) -> Result<Vec<RequestId>> {
    let requests = match object(input, "the input")?.get("requests") {
        None | Some(Value::Null) => return Err(missing("requests", "a list of {\"requestId\": …}")),
        Some(requests) => elements(requests, "requests")?,
    };
    let mut ids = Vec::with_capacity(requests.len());
    for (place, request) in requests {
        let request = object(request, &place)?;
        let name = format!("{place}.requestId");
        match field(request, REQUEST_ID) {
            Some(Value::String(id)) if !id.is_empty() && id.len() <= LONGEST_NAME => {
                ids.push(RequestId::from_text(id.as_str()));
            }
            None | Some(Value::Null) => return Err(missing(&name, "the id of a request")),
            Some(other) => return Err(wrong(&name, "the id of a request", other)),
        }
    }
    Ok(ids)
}

/// The elements of `machines`; each has a name, an id, or both.
fn machines(value: &Value) -> Result<Vec<MachineRef>> {
    let mut machines = Vec::new();
    for (place, machine) in elements(value, "machines")? {
        let machine = object(machine, &place)?;
        let text = |names: Names| -> Result<Option<&str>> {
            match field(machine, names) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) if text.len() <= LONGEST_NAME => {
                    Ok(Some(text.as_str()).filter(|text| !text.is_empty()))
                }
                Some(other) => Err(wrong(&format!("{place}.{}", names[0]), "a text", other)),
            }
        };
        let found = MachineRef {
            name: text(["name", "name"])?.map(str::to_owned),
            id: text(MACHINE_ID)?.map(MachineId::new),
        };
        if found == MachineRef::default() {
            return Err(missing(&format!("{place}.name"), "the host name of a machine"));
        }
        machines.push(found);
    }
    Ok(machines)
}

/// The elements of a list, or the single object in its place, each with its path for messages.
fn elements<'v>(value: &'v Value, name: &str) -> Result<Vec<(String, &'v Value)>> {
    match value {
        Value::Array(list) => {
            Ok(list.iter().enumerate().map(|(at, element)| (format!("{name}[{at}]"), element)).collect())
        }
        Value::Object(_) => Ok(vec![(name.to_owned(), value)]),
        other => Err(wrong(name, "a list of objects", other)),
    }
}

fn object<'v>(value: &'v Value, name: &str) -> Result<&'v Map<String, Value>> {
    value.as_object().ok_or_else(|| wrong(name, "an object", value))
}

fn field(object: &Map<String, Value>, names: Names) -> Option<&Value> {
    names.iter().find_map(|name| object.get(*name))
}

fn missing(name: &str, allowed: &str) -> Error {
    Error::new(ErrorKind::Input, format!("`{name}` is missing: expected {allowed}"))
}

fn wrong(name: &str, allowed: &str, found: &Value) -> Error {
    let found: String = found.to_string().chars().take(60).collect();
    Error::new(ErrorKind::Input, format!("`{name}` must be {allowed}, not {found}"))
}
