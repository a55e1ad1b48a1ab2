//! The command group `sim`: injects cloud-side events into the simulated provider.

use ohfp_broker::Errors;
use ohfp_broker::provider::Instance;
use ohfp_cli::SimCommand;
use ohfp_service::clock;
use ohfp_service::simulation::Simulation;
use ohfp_service::site_store::AccessMode;
use serde_json::json;

use crate::call::Call;
use crate::present::page::Page;
use crate::present::rows::{INSTANCES, document};
use crate::reply::Reply;

pub(super) fn run(call: &Call, command: &SimCommand) -> Result<Reply, Errors> {
    let access = if matches!(command, SimCommand::Live | SimCommand::List(_)) {
        AccessMode::ReadOnly
    } else {
        AccessMode::ReadWrite
    };
    let session = call.session(access)?;
    let provider = Simulation::of(session)?;
    let now = clock::now();
    let names = session.scheduler()?;
    let look = call.look(names);
    let shown = |instance: &Instance| INSTANCES.show(instance, &look);
    let answer = match command {
        SimCommand::Live => {
            provider.live_count(now).map(|live| document(&json!({ "live": live }), call.format))
        }
        SimCommand::List(options) => provider
            .list(now)
            .and_then(|instances| INSTANCES.list(&instances, options, Page::of(options), &look)),
        SimCommand::Reclaim { machine, grace } => {
            provider.reclaim(machine, *grace, now).map(|one| shown(&one))
        }
        SimCommand::Fail { machine } => provider.fail(machine, now).map(|one| shown(&one)),
    };
    answer.map(Reply::answer).map_err(Errors::from)
}
