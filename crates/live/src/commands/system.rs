//! The command group `system`, and `providers health`: health and costs of the components.

use ohfp_broker::operations::Providers as _;
use ohfp_broker::provider::Health;
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::SystemCommand;
use ohfp_render::queries::not_found;
use ohfp_service::clock;
use ohfp_service::diagnosis;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use serde_json::{Value, json};

use super::storage;
use crate::call::Call;
use crate::reply::Reply;

pub(super) fn run(call: &Call, command: &SystemCommand) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    match command {
        SystemCommand::Health => Ok(health(call, session)),
        SystemCommand::Status => {
            touch(session);
            let report = session.container().health();
            Ok(call.document(&report))
        }
        SystemCommand::Metrics => {
            touch(session);
            let report = session.container().report();
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

fn health(call: &Call, session: &Session) -> Reply {
    let mut checks = Vec::new();
    let mut healthy = true;
    let mut check = |name: String, sound: Result<String>| {
        healthy &= sound.is_ok();
        let status = if sound.is_ok() { "healthy" } else { "unhealthy" };
        let detail = sound.unwrap_or_else(|error| error.summary());
        checks.push(json!({ "check": name, "status": status, "detail": detail }));
    };
    let store = session.store().map(|store| storage::health(&store)).and_then(|health| {
        if health.healthy {
            Ok(health.path)
        } else {
            Err(Error::new(ErrorKind::Unavailable, health.problems.join("; ")))
        }
    });
    check("store".to_owned(), store);
    // A missing log does not prevent requests.
    let (status, detail) = match session.log().map(|log| log.0.clone()) {
        Err(error) => ("unhealthy", error.summary()),
        Ok(None) => ("degraded", "nothing is logged".to_owned()),
        Ok(Some(path)) => match diagnosis::log_problem(&path) {
            None => ("healthy", path.display().to_string()),
            Some(problem) => {
                ("degraded", format!("nothing can be logged to `{}`: {problem}", path.display()))
            }
        },
    };
    let log = json!({ "check": "log", "status": status, "detail": detail });
    match session.providers() {
        Err(error) => check("providers".to_owned(), Err(error)),
        Ok(registry) => {
            for name in registry.names() {
                let Health { healthy, detail } = registry.health(&name, clock::now(), session.deadline());
                let sound =
                    if healthy { Ok(detail) } else { Err(Error::new(ErrorKind::Unavailable, detail)) };
                check(format!("provider {name}"), sound);
            }
        }
    }
    checks.insert(1, log);
    let reply = call.document(&json!({ "checks": checks }));
    Reply { code: u8::from(!healthy), ..reply }
}

pub(super) fn providers_health(call: &Call, name: Option<&str>) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let registry = session.providers()?;
    if let Some(name) = name
        && !registry.configured().any(|known| known == name)
    {
        return Err(Errors::from(not_found("provider", Some(name), registry.configured())));
    }
    let mut healthy = true;
    let rows: Vec<Value> = registry
        .configured()
        .filter(|known| name.is_none_or(|name| *known == name))
        .map(|name| {
            let health = registry.health(name, clock::now(), session.deadline());
            healthy &= health.healthy;
            json!({ "name": name, "healthy": health.healthy, "detail": health.detail })
        })
        .collect();
    let reply = call.document(&json!({ "providers": rows }));
    Ok(Reply { code: u8::from(!healthy), ..reply })
}
