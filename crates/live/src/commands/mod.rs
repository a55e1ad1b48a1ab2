//! The commands for people, a file for each group.

mod config_commands;
mod configuration;
mod health;
pub(crate) mod import;
mod listed;
mod logs;
mod machines;
mod metrics;
mod naming;
mod narrowing;
pub(crate) mod program;
mod provider_changes;
mod providers;
mod push;
mod reconcile;
mod refreshing;
mod report;
mod requests;
mod sim;
mod status;
mod storage;
mod system;
mod templates;
mod waiting;

use ohfp_broker::Errors;
use ohfp_cli::{Command, ProvidersCommand, SchedulerCommand};
use ohfp_render::Rendered;

use crate::call::Call;
use crate::doctor;
use crate::reply::Reply;

pub(crate) use logs::level;

/// Runs a command other than `init` and the Host Factory operations.
pub(crate) fn run(call: &Call, command: &Command) -> Reply {
    let reply = match command {
        Command::Completions(arguments) => {
            return Reply::answer(Rendered::plain(ohfp_cli::completions(arguments.shell)));
        }
        Command::Version => Ok(program::version(call)),
        Command::Snapshot(arguments) => program::snapshot(arguments),
        Command::Status => status::run(call),
        Command::Doctor(options) => doctor::run(call, *options),
        Command::Logs(arguments) => logs::run(call, arguments).map_err(Errors::from),
        Command::Machines(command) => machines::run(call, command),
        Command::Reconcile(arguments) => reconcile::run(call, arguments),
        Command::Report(options) => report::run(call, *options),
        Command::Requests(command) => requests::run(call, command),
        Command::Config(command) if config_commands::is_ours(command) => config_commands::run(call, command),
        Command::Sim(command) => sim::run(call, command),
        Command::Metrics(arguments) => metrics::run(call, arguments),
        Command::System(command) => system::run(call, command),
        Command::Providers(ProvidersCommand::Health(choice)) => {
            system::providers_health(call, choice.named())
        }
        Command::Providers(ProvidersCommand::GetDefault) => providers::default(call),
        Command::Providers(ProvidersCommand::Add(arguments)) => provider_changes::add(call, arguments),
        Command::Providers(ProvidersCommand::Update(arguments)) => provider_changes::update(call, arguments),
        Command::Providers(ProvidersCommand::Remove(arguments)) => provider_changes::remove(call, arguments),
        Command::Providers(ProvidersCommand::SetDefault(arguments)) => {
            provider_changes::set_default(call, arguments)
        }
        Command::Scheduler(SchedulerCommand::Validate(choice)) => {
            providers::check_scheduler(call, choice.named())
        }
        Command::Templates(command) if templates::is_ours(command) => templates::run(call, command),
        Command::Storage(command) if storage::is_ours(command) => storage::run(call, command),
        other => configuration::run(call, other),
    };
    reply.and_then(|reply| call.shaped(reply)).unwrap_or_else(Reply::failure)
}
