//! Host Factory's inputs: any bytes are refused with words, or understood, by every operation and in
//! either format.

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{MachineRef, Result};
use ohfp_wire as wire;
use ohfp_wire::{input, read};
use serde_json::Value;

use crate::directory::check_errors;

/// The content of the file of `-f`.
pub fn check(bytes: &[u8]) {
    let Some(value) = understood(input::parse("input file `in.json`", bytes)) else { return };
    assert!(value.is_object());
    if let Some(wanted) = understood(read::request(&value)) {
        assert!(wanted.count >= 1 && !wanted.template_id.is_empty(), "{wanted:?}");
    }
    if let Some(machines) = understood(read::return_machines(&value)) {
        assert!(!machines.is_empty(), "a return of nothing");
        check_machines(&machines);
    }
    if let Some(machines) = understood(read::reclaims(&value)).flatten() {
        check_machines(&machines);
    }
    let Some(ids) = understood(read::status(&value)) else { return };
    for kind in [SchedulerKind::HostFactory, SchedulerKind::Default] {
        // All ids are unknown: each is answered nevertheless, as ended.
        let answer = wire::of(kind).write_statuses(&ids, &vec![None; ids.len()]);
        let text = serde_json::to_vec(&answer).expect("an answer is JSON");
        assert_eq!(serde_json::from_slice::<Value>(&text).expect("it is read back"), answer);
        let requests = answer.get("requests").and_then(Value::as_array).expect("a list");
        assert_eq!(requests.len(), ids.len());
        for (id, request) in ids.iter().zip(requests) {
            let told = request.get("requestId").or_else(|| request.get("request_id"));
            assert_eq!(told.and_then(Value::as_str), Some(id.as_str()));
            assert_ne!(request.get("status").and_then(Value::as_str), Some("running"));
        }
    }
}

fn understood<T>(result: Result<T>) -> Option<T> {
    result.map_err(|error| check_errors(&[error])).ok()
}

fn check_machines(machines: &[MachineRef]) {
    assert!(!machines.contains(&MachineRef::default()), "a machine without a name");
}
