//! The command group `sim`: injects cloud-side events into the simulated provider.

use ohfp_broker::provider::Instance;
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::SimCommand;
use ohfp_provider_sim::SimProvider;
use ohfp_service::clock;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use serde_json::json;

use super::call::Call;
use crate::output::Reply;
use crate::present::page::Page;
use crate::present::rows::{INSTANCES, document};

pub(super) fn run(call: &Call<'_>, command: &SimCommand) -> Result<Reply, Errors> {
    let access = if matches!(command, SimCommand::Live | SimCommand::List(_)) {
        AccessMode::ReadOnly
    } else {
        AccessMode::ReadWrite
    };
    let session = call.session(access)?;
    let provider = provider(&session)?;
    let now = clock::now();
    let names = call.scheduler(&session.configuration.settings)?;
    let shown = |instance: &Instance| INSTANCES.show(instance, names, call.format);
    let answer = match command {
        SimCommand::Live => {
            provider.live_count(now).map(|live| document(&json!({ "live": live }), call.format))
        }
        SimCommand::List(options) => provider
            .list(now)
            .and_then(|instances| INSTANCES.list(&instances, options, Page::of(options), names, call.format)),
        SimCommand::Reclaim { machine, grace } => {
            provider.reclaim(machine, *grace, now).map(|one| shown(&one))
        }
        SimCommand::Fail { machine } => provider.fail(machine, now).map(|one| shown(&one)),
    };
    answer.map(Reply::answer).map_err(Errors::from)
}

/// The first simulated provider of the configuration.
fn provider(session: &Session) -> Result<SimProvider> {
    let registry = session.providers()?;
    let simulated = registry.instances().find(|instance| instance.kind == "sim");
    match simulated {
        Some(instance) => registry.simulated(&instance.name),
        None => Err(Error::new(ErrorKind::NotFound, "no simulated provider is configured")
            .hint("add one of type `sim` to `provider.providers` in config.json")),
    }
}
