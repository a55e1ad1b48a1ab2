//! Commands of the groups `providers` and `scheduler` that are no queries of the snapshot.

use ohfp_broker::Errors;
use ohfp_render::queries::Query;
use serde_json::{Map, Value, json};

use super::configuration::wrong;
use crate::call::Call;
use crate::reply::Reply;

/// `providers get-default`: the provider of requests whose template names none.
pub(super) fn default(call: &Call) -> Result<Reply, Errors> {
    let provider = call.invocation.catalog()?.value(&Query::Provider(None))?;
    let field = |name: &str| (name.to_owned(), provider.get(name).cloned().unwrap_or_default());
    let fields = Map::from_iter(["name", "type", "enabled", "source"].map(field));
    Ok(call.document(&Value::Object(fields)))
}

/// `scheduler validate`: whether a scheduler is known, and what is wrong with its settings.
pub(super) fn check_scheduler(call: &Call, name: Option<&str>) -> Result<Reply, Errors> {
    let catalog = call.invocation.catalog()?;
    let found = catalog.value(&Query::Scheduler(name.map(str::to_owned)));
    let (scheduler, findings): (Value, Vec<Value>) = match &found {
        Ok(scheduler) => (scheduler.get("name").cloned().unwrap_or_default(), Vec::new()),
        Err(errors) => (json!(name), errors.iter().map(wrong).collect()),
    };
    let reply =
        call.document(&json!({ "scheduler": scheduler, "valid": found.is_ok(), "findings": findings }));
    Ok(Reply { code: u8::from(found.is_err()), ..reply })
}
