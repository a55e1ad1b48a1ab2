//! The commands for people, a file for each group.

mod call;
mod configuration;
mod machines;
mod requests;
mod sim;
mod storage;
mod system;
mod waiting;

use std::cell::RefCell;

use ohfp_cli::{Command, GlobalOptions, ProvidersCommand};
use ohfp_render::Rendered;
use ohfp_resolver::Environment;

use call::{Call, format};

use crate::doctor;
use crate::output::Reply;

/// Runs a command other than `init` and the Host Factory operations.
pub(crate) fn run(global: &GlobalOptions, command: &Command, env: &Environment) -> Reply {
    let format = format(global.format);
    let assembled = RefCell::new(None);
    let call = Call { global, env, format, assembled: &assembled };
    let reply = match command {
        Command::Completions(arguments) => {
            return Reply::answer(Rendered::plain(ohfp_cli::completions(arguments.shell)));
        }
        Command::Doctor => return doctor::run(global, format, env),
        Command::Machines(command) => machines::run(&call, command),
        Command::Requests(command) => requests::run(&call, command),
        Command::Sim(command) => sim::run(&call, command),
        Command::System(command) => system::run(&call, command),
        Command::Providers(ProvidersCommand::Health { name }) => {
            system::providers_health(&call, name.as_deref())
        }
        Command::Storage(command) if storage::is_ours(command) => storage::run(&call, command),
        other => return configuration::run(global, other, env),
    };
    let reply = reply.unwrap_or_else(Reply::failure);
    // Component costs are reported after the answer, even if it is a failure.
    let session = reply.session.or_else(|| assembled.take());
    Reply { plain: global.no_color, session, ..reply }
}
