//! `sim …`: plays the cloud of the simulated provider.

use std::sync::Arc;

use ohfp_broker::provider::Instance;
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::Sim;
use ohfp_provider_sim::SimProvider;
use ohfp_service::clock;
use ohfp_service::session::Parts;
use ohfp_service::store_factory::Access;
use serde_json::json;

use super::{Call, one};
use crate::output::Reply;
use crate::present::page::Page;
use crate::present::rows::{INSTANCES, document};

pub(super) fn run(call: &Call<'_>, command: &Sim) -> Result<Reply, Vec<Error>> {
    let access = if matches!(command, Sim::Live | Sim::List(_)) { Access::Look } else { Access::Change };
    let parts = call.parts(access)?;
    let provider = provider(&parts).map_err(one)?;
    let now = clock::now();
    let names = call.scheduler(&parts.configuration.settings)?;
    let shown = |instance: &Instance| INSTANCES.show(instance, names, call.format);
    let answer = match command {
        Sim::Live => provider.live_count(now).map(|live| document(&json!({ "live": live }), call.format)),
        Sim::List(options) => provider
            .list(now)
            .and_then(|instances| INSTANCES.list(&instances, options, Page::of(options), names, call.format)),
        Sim::Reclaim { machine, grace } => provider.reclaim(machine, *grace, now).map(|one| shown(&one)),
        Sim::Fail { machine } => provider.fail(machine, now).map(|one| shown(&one)),
    };
    answer.map(Reply::answer).map_err(one)
}

/// The first simulated provider of the configuration.
fn provider(parts: &Parts) -> Result<Arc<SimProvider>> {
    let registry = parts.providers()?;
    let simulated = registry.instances().find(|instance| instance.kind == "sim");
    match simulated {
        Some(instance) => registry.sim(&instance.name),
        None => Err(Error::new(ErrorKind::NotFound, "no simulated provider is configured")
            .hint("add one of type `sim` to `provider.providers` in config.json")),
    }
}
