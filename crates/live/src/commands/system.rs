//! The command group `system`, and `providers health`: health and costs of the components.

use ohfp_broker::operations::Providers as _;
use ohfp_broker::{Errors, Result};
use ohfp_cli::SystemCommand;
use ohfp_render::queries::not_found;
use ohfp_service::clock;
use ohfp_service::health::HealthScope;
use ohfp_service::metrics;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use serde_json::{Value, json};

use super::{health, narrowing};
use crate::call::Call;
use crate::reply::Reply;

pub(super) fn run(call: &Call, command: &SystemCommand) -> Result<Reply, Errors> {
    match command {
        SystemCommand::Health => health::run(call, HealthScope::Everything),
        SystemCommand::Status => health::run(call, HealthScope::OwnCost),
        SystemCommand::Metrics => {
            let session = call.session(AccessMode::ReadOnly)?;
            touch(session);
            let mut report = session.container().report();
            // What the processes of this host have cost, beside the components of this one.
            if let Some(fields) = report.as_object_mut() {
                fields.insert("operations".to_owned(), metrics::operations(&call.invocation));
            }
            Ok(call.document(&report))
        }
    }
}

/// Builds the components that a typical operation needs, so that the report is not empty. A component that
/// fails is reported like any other.
fn touch(session: &Session) {
    let _ = session.requests().map(|requests| requests.providers.names());
    let _ = session.templates();
}

pub(super) fn providers_health(call: &Call, name: Option<&str>) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let registry = session.providers()?;
    let wanted = narrowing::providers(call, session)?;
    if let Some(name) = name
        && !registry.configured().any(|known| known == name)
    {
        return Err(Errors::from(not_found("provider", Some(name), registry.configured())));
    }
    let mut healthy = true;
    let rows: Vec<Value> = registry
        .configured()
        .filter(|known| name.is_none_or(|name| *known == name))
        .filter(|known| wanted.as_ref().is_none_or(|names| names.iter().any(|name| name == known)))
        .map(|name| {
            let health = registry.health(name, clock::now(), session.deadline());
            healthy &= health.healthy;
            json!({ "name": name, "healthy": health.healthy, "detail": health.detail })
        })
        .collect();
    let reply = call.document(&json!({ "providers": rows }));
    Ok(Reply { code: u8::from(!healthy), ..reply })
}
