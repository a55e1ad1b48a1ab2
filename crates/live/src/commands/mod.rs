//! The commands for people. Each group has a file; `catalog` holds what configuration and templates answer.

mod configuration;
mod machines;
mod requests;
mod sim;
mod storage;
mod system;
mod waiting;

use std::cell::RefCell;

use ohfp_broker::Error;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_cli::{Command, GlobalOptions, OutputFormat, ProvidersCommand, SchedulerType};
use ohfp_render::{Format, Rendered};
use ohfp_resolver::{Environment, Settings};
use ohfp_service::session::Session;
use ohfp_service::store_factory::AccessMode;
use serde_json::Value;

use crate::doctor;
use crate::output::Reply;
use crate::present::rows;

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
    // What the components cost is told once the answer is out, whatever the answer is.
    let session = reply.session.or_else(|| assembled.take());
    Reply { plain: global.no_color, session, ..reply }
}

/// What every command is given.
#[derive(Clone, Copy)]
struct Call<'c> {
    global: &'c GlobalOptions,
    env: &'c Environment,
    format: Format,
    /// The session that the command has asked for.
    assembled: &'c RefCell<Option<Session>>,
}

impl Call<'_> {
    fn session(&self, access: AccessMode) -> Result<Session, Vec<Error>> {
        let session = Session::assemble(self.global, self.env, access)?;
        self.assembled.replace(Some(session.clone()));
        Ok(session)
    }

    /// The names that fields of the answer have.
    fn scheduler(&self, settings: &Settings) -> Result<SchedulerKind, Vec<Error>> {
        scheduler(self.global, settings).map_err(one)
    }

    fn document(&self, value: &Value) -> Reply {
        Reply::answer(rows::document(value, self.format))
    }
}

fn scheduler(global: &GlobalOptions, settings: &Settings) -> ohfp_broker::Result<SchedulerKind> {
    match global.scheduler {
        Some(SchedulerType::HostFactory) => Ok(SchedulerKind::HostFactory),
        Some(SchedulerType::Default) => Ok(SchedulerKind::Default),
        None => settings.scheduler(),
    }
}

/// The builder's name for a format.
fn format(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Yaml => Format::Yaml,
        OutputFormat::Table => Format::Table,
        OutputFormat::List => Format::List,
    }
}

/// A single error as the list that failures are.
fn one(error: Error) -> Vec<Error> {
    vec![error]
}

/// "1 machine", "2 machines".
fn counted(machines: usize) -> String {
    format!("{machines} machine{}", if machines == 1 { "" } else { "s" })
}
