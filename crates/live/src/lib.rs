//! `ohfp-live`: answers every invocation from the configuration files, the store and the providers.
//!
//! The runtime executes this program for every invocation that the snapshot cannot answer exactly. This crate is the
//! command line alone: parsing, presentation, exit codes. It must not know how requests are carried out; `ohfp-service`
//! does that.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     ohfp_live::main() // parses the arguments of this process, answers, and does the deferred work
//! }
//! ```

mod commands;
mod doctor;
mod example_config;
mod host_factory;
mod init;
mod instance;
mod output;
mod present;

use ohfp_service::log;
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use ohfp_broker::{Error, ErrorKind};
use ohfp_cli::{Cli, Command};
use ohfp_resolver::Environment;

use output::Reply;

/// Runs the invocation of this process.
pub fn main() -> ExitCode {
    ohfp_platform::sys::survive_file_size_limit();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let env = Environment::from_process();
    ExitCode::from(run(arguments, &env))
}

/// Runs one invocation and gives its exit code.
fn run(arguments: Vec<OsString>, env: &Environment) -> u8 {
    let words = ohfp_cli::normalize(arguments);
    // Host Factory reads errors from standard output, even those of the command line.
    let host_factory = words
        .get(1)
        .and_then(|word| word.to_str())
        .is_some_and(|word| ohfp_cli::HF_OPERATIONS.contains(&word));
    let cli = match parsed(words) {
        Ok(cli) => cli,
        Err(error) if host_factory && error.use_stderr() => {
            log::start(env);
            // The first paragraph is the error; the usage after it is for people.
            let text = error.render().to_string();
            let paragraph: Vec<&str> =
                text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
            let message = paragraph.join(" ");
            let message = message.strip_prefix("error: ").unwrap_or(&message);
            return failed(host_factory, Error::new(ErrorKind::Input, message), env);
        }
        Err(error) if !error.use_stderr() => return output::help(&error, env),
        Err(error) => return output::usage(&error, env),
    };
    let adjusted;
    let env = if cli.global.instance.is_some() || cli.global.state_dir.is_some() {
        match instance::environment(&cli.global, env) {
            Ok(environment) => {
                adjusted = environment;
                &adjusted
            }
            Err(error) => return failed(host_factory, error, env),
        }
    } else {
        env
    };
    log::start(env);
    let mut reply = ManuallyDrop::new(answer(&cli, env));
    reply.note = instance::note(&cli.global, &cli.command, env);
    output::write(&reply, cli.global.output.as_deref(), env)
}

/// Parses the command line. Host Factory's own lines are parsed without building the command tree, which would
/// be 40 % of the instructions of a status.
fn parsed(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    if let Some(cli) = ohfp_cli::plain_operation(&words) {
        return Ok(cli);
    }
    // Leaked: the process exits right after, and dropping the tree costs some fifty system calls.
    let mut command = ManuallyDrop::new(ohfp_cli::command());
    ohfp_cli::parse_by(&mut command, words)
}

/// Reports an invocation that failed before a command was known.
fn failed(host_factory: bool, error: Error, env: &Environment) -> u8 {
    let reply = if host_factory { host_factory::failure(&[error]) } else { Reply::failure(error) };
    output::write(&reply, None, env)
}

fn answer(cli: &Cli, env: &Environment) -> Reply {
    let global = &cli.global;
    match &cli.command {
        Command::GetAvailableTemplates(input) => host_factory::available_templates(global, input, env),
        Command::RequestMachines(input) => host_factory::request_machines(global, input, env),
        Command::RequestReturnMachines(input) => host_factory::return_machines(global, input, env),
        Command::GetRequestStatus(input) => host_factory::request_status(global, input, env),
        Command::GetReturnRequests(input) => host_factory::return_requests(global, input, env),
        Command::Init(arguments) => Reply::from_result(init::run(arguments)),
        other => commands::run(global, other, env),
    }
}
