//! Host Factory's operations: one JSON document on standard output, exit code 0 or 1.
//!
//! | what happened | Host Factory gets | and so |
//! |---|---|---|
//! | a machine is returned that the store does not know, and a provider cannot be asked; it is doubtful which machine is meant | message, exit 1 | it asks again; what is known was returned |
//! | the question makes no sense, the template is unknown, a limit is exceeded | message, exit 1 | it asks again as long as it wants to; nothing was made |
//! | store or provider cannot be reached | message, exit 1 | it asks again |
//! | the provider will never do it, or has nothing now | an id; its status says `complete_with_error` and why | it gives up on that id |
//! | nobody knows whether the provider did it | an id; its status says `running` | it keeps asking, and we find out |

use std::mem::ManuallyDrop;

use ohfp_broker::scheduler::Scheduler;
use ohfp_broker::scheduler::SchedulerKind;
use ohfp_broker::store::Doubt;
use ohfp_broker::{Error, ErrorKind, RequestKind, Result};
use ohfp_cli::{GlobalOptions, HostFactoryInput};
use ohfp_render::templates::Catalogue;
use ohfp_render::{Format, Rendered, documents, json};
use ohfp_resolver::{Environment, LeftOut};
use ohfp_service::cached_status;
use ohfp_service::catalog;
use ohfp_service::clock;
use ohfp_service::log;
use ohfp_service::request_machines;
use ohfp_service::session::Parts;
use ohfp_service::store_factory::Access;
use ohfp_wire::input;
use serde_json::Value;

use crate::output::Reply;

/// How many templates a message names.
const NAMED: usize = 5;

/// `getAvailableTemplates`: pure, and never an empty list.
pub(crate) fn available_templates(
    global: &GlobalOptions,
    input: &HostFactoryInput,
    env: &Environment,
) -> Reply {
    if let Err(error) = read(input) {
        return failure(&[error]);
    }
    let source = match catalog::load(global, env) {
        Ok(source) => source,
        Err(errors) => return failure(&errors),
    };
    let resolved = &source.resolved;
    if let Err(errors) = resolved.templates() {
        return failure(&errors);
    }
    if resolved.templates.is_empty() {
        let place = resolved.origin.root.display();
        let reasons: Vec<String> = resolved.left_out.iter().take(NAMED).map(LeftOut::message).collect();
        let message = match (reasons.as_slice(), resolved.left_out.len().saturating_sub(NAMED)) {
            ([], _) => format!("there are no templates in `{place}`"),
            (all, 0) => format!("no template of `{place}` can be offered: {}", all.join("; ")),
            (some, more) => {
                format!(
                    "no template of `{place}` can be offered: {}; {more} more are left out",
                    some.join("; ")
                )
            }
        };
        return failure(&[Error::new(ErrorKind::Input, message)
            .hint("Host Factory drops a provider that answers none, so this is an error; `ohfp templates validate` tells more")]);
    }
    let catalogue = Catalogue { templates: &resolved.templates, scheduler: SchedulerKind::HostFactory };
    let list = catalogue.list(Format::Json, false);
    let document = Rendered::plain([list.head, list.records, list.tail].concat());
    Reply { source: Some(source), ..Reply::answer(document) }
}

/// `requestMachines`
pub(crate) fn request_machines(global: &GlobalOptions, input: &HostFactoryInput, env: &Environment) -> Reply {
    answered(request(global, input, env))
}

fn request(global: &GlobalOptions, input: &HostFactoryInput, env: &Environment) -> Result<Reply, Vec<Error>> {
    let (parts, wire, wanted) = asked(global, input, env, <dyn Scheduler>::read_request)?;
    let asked = request_machines::acquire(&parts, &wanted, clock::now())?;
    let reply = document(wire.write_accepted(&asked.accepted)).told(parts, vec![asked.accepted.id]);
    Ok(Reply { source: asked.source, ..reply })
}

/// `requestReturnMachines`
pub(crate) fn return_machines(global: &GlobalOptions, input: &HostFactoryInput, env: &Environment) -> Reply {
    answered(give_back(global, input, env))
}

fn give_back(
    global: &GlobalOptions,
    input: &HostFactoryInput,
    env: &Environment,
) -> Result<Reply, Vec<Error>> {
    let one = |error| vec![error];
    let (parts, wire, machines) = asked(global, input, env, <dyn Scheduler>::read_return)?;
    let requests = parts.requests().map_err(one)?;
    // Machines that cannot be returned go on costing money.
    requests.store.use_reserve();
    let now = clock::now();
    let id = clock::new_id(RequestKind::Return, now).map_err(one)?;
    let given_back = requests.broker().give_back(id, &machines, now).map_err(one)?;
    log::log_errors(&given_back.errors);
    let request = given_back.id.as_str();
    for unknown in &given_back.unknown {
        tracing::warn!(
            request,
            machine = unknown.to_string(),
            "a machine was returned that is not stored here"
        );
    }
    log_doubts(&given_back.renamed);
    tracing::info!(request, machines = given_back.active, "machines returned");
    Ok(document(wire.write_given_back(&given_back)).told(parts, vec![given_back.id]))
}

/// `getRequestStatus`
pub(crate) fn request_status(global: &GlobalOptions, input: &HostFactoryInput, env: &Environment) -> Reply {
    answered(status(global, input, env))
}

fn status(global: &GlobalOptions, input: &HostFactoryInput, env: &Environment) -> Result<Reply, Vec<Error>> {
    let one = |error| vec![error];
    let (parts, wire, ids) = asked(global, input, env, <dyn Scheduler>::read_status)?;
    let (views, errors) = cached_status::status(&parts, &ids, clock::now()).map_err(one)?;
    // A provider that is out of reach is no failure of the question: what it makes is still running.
    log::log_errors(&errors);
    Ok(document(wire.write_statuses(&ids, &views)).told(parts, Vec::new()))
}

/// `getReturnRequests`
pub(crate) fn return_requests(global: &GlobalOptions, input: &HostFactoryInput, env: &Environment) -> Reply {
    answered(reclaims(global, input, env))
}

fn reclaims(
    global: &GlobalOptions,
    input: &HostFactoryInput,
    env: &Environment,
) -> Result<Reply, Vec<Error>> {
    let one = |error| vec![error];
    let (parts, wire, known) = asked(global, input, env, <dyn Scheduler>::read_reclaims)?;
    let requests = parts.requests().map_err(one)?;
    let reclaims = requests.broker().reclaimed(known.as_deref(), clock::now()).map_err(one)?;
    log_doubts(&reclaims.doubtful);
    let reclaims = reclaims.machines;
    for reclaim in &reclaims {
        let (machine, grace) = (&reclaim.name, reclaim.grace_seconds);
        tracing::info!(machine, grace, reason = reclaim.reason, "reclaimed");
    }
    Ok(document(wire.write_reclaims(&reclaims)).told(parts, Vec::new()))
}

/// What each of these begins with: the parts, the wire format, and the question that it reads from the input.
fn asked<T>(
    global: &GlobalOptions,
    input: &HostFactoryInput,
    env: &Environment,
    question: impl FnOnce(&'static dyn Scheduler, &Value) -> Result<T>,
) -> Result<(Parts, &'static dyn Scheduler, T), Vec<Error>> {
    let one = |error| vec![error];
    let value = read(input).map_err(one)?;
    let parts = Parts::assemble(global, env, Access::Change)?;
    let wire = parts.wire().map_err(one)?;
    let question = question(wire, &value).map_err(one)?;
    Ok((parts, wire, question))
}

fn answered(result: Result<Reply, Vec<Error>>) -> Reply {
    result.unwrap_or_else(|errors| failure(&errors))
}

/// The answer. The process ends soon: taking the value apart would cost as much as writing it.
fn document(value: Value) -> Reply {
    Reply::answer(documents::render(&ManuallyDrop::new(value), Format::Json))
}

fn read(input: &HostFactoryInput) -> Result<Value> {
    let read = input::read(input.file.as_deref(), input.data.as_deref())?;
    read.ok_or_else(|| Error::new(ErrorKind::Usage, "there is no input: give --file or --data"))
}

/// What is odd about how machines were named.
pub(crate) fn log_doubts(doubts: &[Doubt]) {
    for doubt in doubts {
        tracing::warn!(machine = doubt.wanted.to_string(), why = doubt.why, "id and host name disagree");
    }
}

/// A failure as Host Factory reads it: the message on standard output, exit code 1.
pub(crate) fn failure(errors: &[Error]) -> Reply {
    let message = errors.iter().map(Error::summary).collect::<Vec<_>>().join("; ");
    for error in errors {
        tracing::error!(error = error.summary(), "the operation failed");
    }
    let mut document = b"{\"message\": ".to_vec();
    json::string(&mut document, &message);
    document.extend_from_slice(b"}\n");
    Reply { document: Rendered::plain(document), errors: errors.to_vec(), code: 1, ..Reply::default() }
}
