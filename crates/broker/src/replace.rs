//! Valid changes of stored requests and machines. One rule for all stores.

use crate::error::{Error, ErrorKind, Result};
use crate::machine::Machine;
use crate::request::Request;

/// Checks that `after` may replace `before`: immutable fields are equal, and states follow their table.
///
/// # Errors
/// `Refused`, naming the request and the invalid change.
pub fn request(before: &Request, after: &Request) -> Result<()> {
    let id = &after.id;
    if (before.kind, &before.template_id, &before.weights, before.created)
        != (after.kind, &after.template_id, &after.weights, after.created)
    {
        return Err(refused(format!("kind, template, weights and time of request `{id}` cannot change")));
    }
    if before.state != after.state && !before.state.can_transition_to(before.kind, after.state) {
        let (from, to) = (before.state.name(), after.state.name());
        return Err(refused(format!("request `{id}` is {from}; it cannot become {to}")));
    }
    Ok(())
}

/// As [`request`] for a machine, whose ending and return are final.
///
/// # Errors
/// `Refused`, naming the machine and the invalid change.
pub fn machine(before: &Machine, after: &Machine) -> Result<()> {
    let id = &after.id;
    if (&before.request, &before.template_id) != (&after.request, &after.template_id) {
        return Err(refused(format!("request and template of machine `{id}` cannot change")));
    }
    if before.state != after.state && !before.state.can_transition_to(after.state) {
        let (from, to) = (before.state.name(), after.state.name());
        return Err(refused(format!("machine `{id}` is {from}; it cannot become {to}")));
    }
    if before.ending.is_some() && before.ending != after.ending {
        return Err(refused(format!("who ended machine `{id}` cannot change")));
    }
    if before.returned_by.is_some() && before.returned_by != after.returned_by {
        return Err(refused(format!("the return of machine `{id}` cannot change")));
    }
    Ok(())
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Refused, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A value with other members.
    fn with(value: &Value, members: Value) -> Value {
        let mut value = value.clone();
        if let (Value::Object(value), Value::Object(members)) = (&mut value, members) {
            value.extend(members);
        }
        value
    }

    fn check<T: serde::de::DeserializeOwned>(
        rule: fn(&T, &T) -> Result<()>,
        before: &Value,
        changes: Value,
        expected: Option<&str>,
    ) {
        let read = |value: Value| serde_json::from_value(value).unwrap();
        let found = rule(&read(before.clone()), &read(with(before, changes))).err();
        assert_eq!(found.as_ref().map(Error::summary).as_deref(), expected);
        assert!(found.is_none_or(|error| error.kind() == ErrorKind::Refused));
    }

    #[test]
    fn what_a_request_may_become() {
        let before = json!({
            "id": "req-1", "kind": "acquire", "template_id": "t", "provider": "sim", "requested": 1,
            "launch_fields": null, "state": "started", "reason": null, "created": 1, "updated": 1, "deadline": 2,
            "attempt": 1, "acknowledged": false, "watch_until": null, "version": 1,
        });
        let check = |changes, expected: Option<&str>| check(request, &before, changes, expected);
        let fixed = Some("kind, template, weights and time of request `req-1` cannot change");
        check(json!({}), None);
        check(json!({ "requested": 2, "reason": "x", "updated": 3, "version": 9 }), None);
        for state in ["complete", "partial", "failed", "cancelled"] {
            check(json!({ "state": state }), None);
        }
        check(json!({ "state": "recorded" }), Some("request `req-1` is started; it cannot become recorded"));
        check(json!({ "kind": "return" }), fixed);
        check(json!({ "template_id": "u" }), fixed);
        check(json!({ "weights": { "a": 2 } }), fixed);
        check(json!({ "created": 2 }), fixed);
    }

    #[test]
    fn what_a_machine_may_become() {
        let before = json!({
            "id": "i-1", "provider": "sim", "request": "req-1", "template_id": "t", "name": null, "state": "running",
            "ending": null, "returned_by": null, "private_ip": null, "public_ip": null, "instance_type": null,
            "price_type": null, "tags": null, "launched": 1, "reclaim_at": null, "message": null, "updated": 1,
            "version": 1,
        });
        let ended = with(&before, json!({ "ending": "released", "returned_by": "ret-1" }));
        let fixed = Some("request and template of machine `i-1` cannot change");
        let check =
            |before: &Value, changes, expected: Option<&str>| check(machine, before, changes, expected);
        check(&before, json!({ "name": "h", "ending": "released", "returned_by": "ret-1" }), None);
        check(&before, json!({ "state": "terminated" }), None);
        check(
            &before,
            json!({ "state": "pending" }),
            Some("machine `i-1` is running; it cannot become pending"),
        );
        check(&before, json!({ "request": "req-2" }), fixed);
        check(&before, json!({ "template_id": "u" }), fixed);
        check(&ended, json!({ "state": "terminated" }), None);
        check(&ended, json!({ "ending": "reclaimed" }), Some("who ended machine `i-1` cannot change"));
        check(&ended, json!({ "ending": null }), Some("who ended machine `i-1` cannot change"));
        check(&ended, json!({ "returned_by": "ret-2" }), Some("the return of machine `i-1` cannot change"));
        check(&ended, json!({ "returned_by": null }), Some("the return of machine `i-1` cannot change"));
    }
}
