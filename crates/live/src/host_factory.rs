//! Host Factory's operations: one JSON document on standard output, exit code 0 or 1.
//!
//! | what happened | Host Factory gets | what Host Factory does |
//! |---|---|---|
//! | a returned machine is unknown to the store while a provider is unreachable; a name is ambiguous | message, exit 1 | it retries; the known machines are returned already |
//! | the input is invalid, the template is unknown, a limit is exceeded | message, exit 1 | it retries at its own interval; no machine was launched |
//! | store or provider is unreachable | message, exit 1 | it retries |
//! | the provider refuses, or has no capacity | an id; its status is `complete_with_error` with the reason | it abandons that id |
//! | the outcome of the launch is unknown | an id; its status is `running` | it keeps polling, and a later poll resolves the outcome |

use std::mem::ManuallyDrop;

use ohfp_broker::store::Doubt;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::wire_format::WireFormat;
use ohfp_broker::{Error, ErrorKind, Errors, RequestKind, Result};
use ohfp_cli::HostFactoryInput;
use ohfp_render::templates::TemplateList;
use ohfp_render::{Format, Rendered, documents, json};
use ohfp_service::cached_status;
use ohfp_service::clock;
use ohfp_service::log;
use ohfp_service::request_machines;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use ohfp_wire::{input, read};
use serde_json::Value;

use crate::call::Call;
use crate::reply::Reply;

/// Contract: "getAvailableTemplates, output". Depends on the configuration alone, and never answers with an
/// empty list.
pub(crate) fn available_templates(call: &Call, input: &HostFactoryInput) -> Reply {
    answered(templates(call, input))
}

fn templates(call: &Call, input: &HostFactoryInput) -> Result<Reply, Errors> {
    document_of(input)?;
    let catalog = call.invocation.catalog()?;
    let list = TemplateList { templates: catalog.offered()?, scheduler: SchedulerKind::HostFactory };
    let list = list.list(Format::Json, false);
    catalog.queue_refresh();
    Ok(Reply::answer(Rendered::plain([list.head, list.records, list.tail].concat())))
}

/// Contract: "requestMachines". Answers with the request id once the launch is stored and accepted.
pub(crate) fn request_machines(call: &Call, input: &HostFactoryInput) -> Reply {
    answered(request(call, input))
}

fn request(call: &Call, input: &HostFactoryInput) -> Result<Reply, Errors> {
    let (session, wire, wanted) = asked(call, input, read::request)?;
    let accepted = request_machines::acquire(session, &wanted, clock::now())?;
    Ok(document(wire.write_accepted(&accepted)).after_answer(session, vec![accepted.id]))
}

/// Contract: "requestReturnMachines". Answers with the id of the return.
pub(crate) fn return_machines(call: &Call, input: &HostFactoryInput) -> Reply {
    answered(accept_return(call, input))
}

fn accept_return(call: &Call, input: &HostFactoryInput) -> Result<Reply, Errors> {
    let (session, wire, machines) = asked(call, input, read::return_machines)?;
    let requests = session.requests()?;
    // Machines that cannot be returned keep costing money, so a return may use the disk space reserved for it.
    requests.store.use_reserve();
    let now = clock::now();
    let id = clock::new_id(RequestKind::Return, now)?;
    let accepted = requests.broker().return_machines(id, &machines, now)?;
    log::log_errors(&accepted.errors);
    let request = accepted.id.as_str();
    for unknown in &accepted.unknown {
        tracing::warn!(request, machine = unknown.to_string(), "a returned machine is unknown to the store");
    }
    log_doubts(&accepted.renamed);
    tracing::info!(request, machines = accepted.active, "machines returned");
    Ok(document(wire.write_return_accepted(&accepted)).after_answer(session, vec![accepted.id]))
}

/// Contract: "getRequestStatus". Polls requests and returns; unknown ids are answered too.
pub(crate) fn request_status(call: &Call, input: &HostFactoryInput) -> Reply {
    answered(status(call, input))
}

fn status(call: &Call, input: &HostFactoryInput) -> Result<Reply, Errors> {
    let (session, wire, ids) = asked(call, input, read::status)?;
    let (views, errors) = cached_status::status(session, &ids, clock::now())?;
    // An unreachable provider does not fail the operation: its requests still are `running`.
    log::log_errors(&errors);
    Ok(document(wire.write_statuses(&ids, &views)).after_answer(session, Vec::new()))
}

/// Contract: "getReturnRequests". Lists machines that the provider reclaims.
pub(crate) fn return_requests(call: &Call, input: &HostFactoryInput) -> Reply {
    answered(reclaims(call, input))
}

fn reclaims(call: &Call, input: &HostFactoryInput) -> Result<Reply, Errors> {
    let (session, wire, known) = asked(call, input, read::reclaims)?;
    let requests = session.requests()?;
    let reclaims = requests.broker().reclaimed(known.as_deref(), clock::now())?;
    log_doubts(&reclaims.doubtful);
    let reclaims = reclaims.machines;
    for reclaim in &reclaims {
        let (machine, grace) = (&reclaim.name, reclaim.grace_seconds);
        tracing::info!(machine, grace, reason = reclaim.reason, "reclaimed");
    }
    Ok(document(wire.write_reclaims(&reclaims)).after_answer(session, Vec::new()))
}

/// The common start of the operations: assembles the session and parses the input.
fn asked<'c, T>(
    call: &'c Call,
    input: &HostFactoryInput,
    question: impl FnOnce(&Value) -> Result<T>,
) -> Result<(&'c Session, &'static dyn WireFormat, T), Errors> {
    let value = document_of(input)?;
    let session = call.session(AccessMode::ReadWrite)?;
    let wire = session.wire()?;
    let question = question(&value)?;
    Ok((session, wire, question))
}

fn answered(result: Result<Reply, Errors>) -> Reply {
    result.unwrap_or_else(|errors| failure(&errors))
}

/// Renders the answer. The value is leaked: the process exits soon, and dropping it costs as much as writing it.
fn document(value: Value) -> Reply {
    let _phase = ohfp_timings::phase("render");
    Reply::answer(documents::render(&ManuallyDrop::new(value), Format::Json))
}

fn document_of(input: &HostFactoryInput) -> Result<Value> {
    let read = input::read(input.file.as_deref(), input.data.as_deref())?;
    read.ok_or_else(|| Error::new(ErrorKind::Usage, "no input: pass --file or --data"))
}

/// Logs what is doubtful about the names of machines in an input.
pub(crate) fn log_doubts(doubts: &[Doubt]) {
    for doubt in doubts {
        tracing::warn!(machine = doubt.wanted.to_string(), why = doubt.why, "id and host name disagree");
    }
}

/// A failure as Host Factory reads it: an object with `message` on standard output, exit code 1.
pub(crate) fn failure(errors: &[Error]) -> Reply {
    let message = errors.iter().map(Error::summary).collect::<Vec<_>>().join("; ");
    for error in errors {
        tracing::error!(error = error.summary(), "the operation failed");
    }
    let mut document = b"{\"message\": ".to_vec();
    json::string(&mut document, &message);
    document.extend_from_slice(b"}\n");
    Reply { document: Rendered::plain(document), errors: errors.to_vec().into(), code: 1, ..Reply::default() }
}
