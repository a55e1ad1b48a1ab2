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

mod call;
mod commands;
mod completing;
mod doctor;
mod example_config;
mod host_factory;
mod init;
mod metrics;
mod output;
mod present;
mod reply;
mod timings;

use std::ffi::OsString;
use std::io;
use std::mem::ManuallyDrop;
use std::process::ExitCode;
use std::time::Instant;

use ohfp_broker::{Error, ErrorKind};
use ohfp_cli::{Cli, Command, StorageCommand};
use ohfp_render::Rendered;
use ohfp_service::invocation::{Environment, Invocation};
use ohfp_service::{log, notice, spans};

use call::Call;
use reply::Reply;
use timings::Timings;

/// Runs the invocation of this process.
pub fn main() -> ExitCode {
    ohfp_platform::sys::survive_file_size_limit();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(run(arguments, Environment::from_process()))
}

/// Runs one invocation and gives its exit code.
fn run(arguments: Vec<OsString>, env: Environment) -> u8 {
    let timings = Timings::begin(&arguments, &env);
    let code = answered(arguments, env, Instant::now());
    timings.tell();
    code
}

fn answered(arguments: Vec<OsString>, env: Environment, start: Instant) -> u8 {
    let parsing = ohfp_timings::phase("arguments");
    let words = ohfp_cli::normalize(arguments);
    if words.get(1).is_some_and(|word| word == ohfp_cli::completion::COMMAND) {
        return completing::run(words.get(2..).unwrap_or_default(), env);
    }
    if words.get(1).is_some_and(|word| word == MANUAL) {
        return manual();
    }
    // Host Factory reads errors from standard output, even those of the command line.
    let host_factory = words
        .get(1)
        .and_then(|word| word.to_str())
        .is_some_and(|word| ohfp_cli::HF_OPERATIONS.contains(&word));
    let parsed = parsed(words);
    drop(parsing);
    let Cli { global, command, path } = match parsed {
        Ok(cli) => cli,
        Err(error) if host_factory && error.use_stderr() => {
            log::start(&env, log::Shown::default());
            // The first paragraph is the error; the usage after it is for people.
            let text = error.render().to_string();
            let paragraph: Vec<&str> =
                text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
            let message = paragraph.join(" ");
            let message = message.strip_prefix("error: ").unwrap_or(&message);
            return failed(host_factory, Error::new(ErrorKind::Input, message));
        }
        Err(error) if !error.use_stderr() => return output::help(&error, &env),
        Err(error) => return output::usage(&error, &env),
    };
    if global.quiet {
        notice::be_quiet();
    }
    if let Some(level) = global.log_level {
        log::keep_level(commands::level(level));
    }
    let preparing = ohfp_timings::phase("prepare");
    let invocation = match Invocation::new(global, env) {
        Ok(invocation) => invocation,
        Err(error) => return failed(host_factory, error),
    };
    let verbose = invocation.options().verbose;
    // Leaked, as the reply is: the process exits right after.
    let is_operation = ohfp_cli::HF_OPERATIONS.contains(&path.as_str());
    let call = match Call::new(invocation, is_operation) {
        Ok(call) => ManuallyDrop::new(call),
        Err(error) => return failed(host_factory, error),
    };
    log::start(
        call.invocation.env(),
        log::Shown { verbose, styled: verbose > 0 && call.styled(&io::stderr()) },
    );
    drop(preparing);
    let answering = ohfp_timings::phase("answer");
    let reply = ManuallyDrop::new(answer(&call, &command));
    drop(answering);
    tracing::debug!(code = reply.code, errors = reply.errors.iter().count(), "the answer is ready");
    note_state(&call, &command);
    let code = output::write(&reply, &call);
    let recording = ohfp_timings::phase("metrics");
    metrics::record(&call, &command, &reply, code, start);
    drop(recording);
    keep_spans(&path, code, &reply);
    code
}

/// Leaves in the spool where the time went, where the settings name a collector.
fn keep_spans(path: &str, code: u8, reply: &Reply) {
    if spans::is_wanted()
        && let Some(report) = ohfp_timings::report()
    {
        let requests: Vec<String> = reply.announced_ids.iter().map(|id| id.as_str().to_owned()).collect();
        spans::keep(&spans::CommandEnd { command: path, code, requests: &requests }, &report);
    }
}

/// The command by which the installed tree gets its manual pages; no help shows it.
const MANUAL: &str = "__manual";

/// Writes all manual pages as one JSON object, by the names of their files.
fn manual() -> u8 {
    let pages = ohfp_cli::manual_pages().unwrap_or_default().into_iter();
    let pages = pages.map(|(name, page)| (name, String::from_utf8_lossy(&page).into_owned().into()));
    let document = serde_json::Value::Object(pages.collect());
    output::write_failure(&Reply::answer(Rendered::plain(document.to_string().into_bytes())))
}

/// A note for a person whose command names a configuration of Host Factory but uses another state store than the
/// instance does.
fn note_state(call: &Call, command: &Command) {
    let asks_store = match command {
        Command::Storage(command) => !matches!(command, StorageCommand::List),
        Command::Machines(_)
        | Command::Requests(_)
        | Command::Sim(_)
        | Command::System(_)
        | Command::Metrics(_)
        | Command::Status
        | Command::Doctor(_)
        | Command::Report(_)
        | Command::RequestMachines(_)
        | Command::RequestReturnMachines(_)
        | Command::GetRequestStatus(_)
        | Command::GetReturnRequests(_) => true,
        _ => false,
    };
    if let Some(directory) = Some(()).filter(|()| asks_store).and_then(|()| call.invocation.personal_state())
    {
        notice::note(&format!(
            "the state store asked is the one in `{}`; an instance of Host Factory has its own, which --instance NAME \
             or --state-dir DIR asks",
            directory.display()
        ));
    }
}

/// Parses the command line. Host Factory's own lines are parsed without building the command tree, which would
/// be 40 % of the instructions of a status; those of a group with the tree of that group alone.
fn parsed(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    if let Some(cli) = ohfp_cli::plain_operation(&words).or_else(|| ohfp_cli::parse_branch(&words)) {
        return Ok(cli);
    }
    // Leaked: the process exits right after, and dropping the tree costs some fifty system calls.
    let mut command = ManuallyDrop::new(ohfp_cli::command());
    ohfp_cli::parse_by(&mut command, words)
}

/// Reports an invocation that failed before a command was known.
fn failed(host_factory: bool, error: Error) -> u8 {
    output::write_failure(&if host_factory { host_factory::failure(&[error]) } else { Reply::failure(error) })
}

fn answer(call: &Call, command: &Command) -> Reply {
    match command {
        Command::GetAvailableTemplates(input) => host_factory::available_templates(call, input),
        Command::RequestMachines(input) => host_factory::request_machines(call, input),
        Command::RequestReturnMachines(input) => host_factory::return_machines(call, input),
        Command::GetRequestStatus(input) => host_factory::request_status(call, input),
        Command::GetReturnRequests(input) => host_factory::return_requests(call, input),
        Command::Init(arguments) => init::run(call, arguments).unwrap_or_else(Reply::failure),
        other => commands::run(call, other),
    }
}
