//! What a stored request or machine may become. One rule for every store.

use crate::error::{Error, ErrorKind, Result};
use crate::machine::Machine;
use crate::request::Request;

/// Checks that `after` may take the place of `before`: what never changes is the same, and states follow their table.
///
/// # Errors
/// `Refused`, naming the request and what is wrong.
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

/// The same of a machine, whose end and whose return are for good.
///
/// # Errors
/// `Refused`, naming the machine and what is wrong.
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
