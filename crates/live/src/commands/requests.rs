//! The command group `requests`: list, show, watch and cancel requests.

use std::time::Duration;

use ohfp_broker::store::RequestFilter;
use ohfp_broker::{Error, ErrorKind, Errors, RequestId, RequestKind, RequestState, Result};
use ohfp_cli::{OptionalInput, RequestStatus, RequestType, RequestsCancel, RequestsCommand, RequestsList};
use ohfp_cli::{RequestsShow, RequestsStatus, RequestsWatch};
use ohfp_service::cached_status;
use ohfp_service::clock;
use ohfp_service::log;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use ohfp_wire::{input, read};
use serde_json::json;

use super::waiting::{self, Awaited, Pace};
use super::{naming, narrowing, refreshing};
use crate::call::{Call, counted};
use crate::host_factory;
use crate::present::confirm::confirm;
use crate::present::{page, recorded, rows};
use crate::reply::Reply;

pub(super) fn run(call: &Call, command: &RequestsCommand) -> Result<Reply, Errors> {
    match command {
        RequestsCommand::Status(arguments) => status(call, arguments),
        RequestsCommand::List(arguments) => list(call, arguments),
        RequestsCommand::Show(arguments) => show(call, arguments),
        RequestsCommand::Cancel(arguments) => cancel(call, arguments),
        RequestsCommand::Watch(arguments) => watch(call, arguments),
        RequestsCommand::ListReturns(input) => list_returns(call, input),
    }
}

fn status(call: &Call, arguments: &RequestsStatus) -> Result<Reply, Errors> {
    let document = input::read(arguments.input.file.as_deref(), arguments.input.data.as_deref())?;
    let is_dry = call.invocation.options().dry_run;
    let session = call.session(if is_dry { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    // Wrong names are refused before a provider is asked.
    session.scheduler()?;
    // An input document is a scheduler's operation, so every id in it is answered, even an unknown one.
    let must_exist = document.is_none();
    let ids: Vec<RequestId> = match document {
        Some(document) => read::status(&document)?,
        None if arguments.all => unfinished(session)?,
        None => arguments.named().map(|id| naming::request(session, id)).collect::<Result<_>>()?,
    };
    call.tell_empty("open requests", ids.is_empty());
    if is_dry {
        let views = session.requests()?.store.views(&ids)?;
        return waiting::statuses(call, session, &ids, &views, must_exist);
    }
    if let Some(seconds) = arguments.waiting.seconds() {
        let awaited = Awaited { must_exist, ..Awaited::of(&ids, seconds) };
        return waiting::wait(call, session, &awaited);
    }
    let (views, errors) = cached_status::status(session, &ids, clock::now())?;
    log::log_errors(&errors);
    waiting::statuses(call, session, &ids, &views, must_exist)
}

fn unfinished(session: &Session) -> Result<Vec<RequestId>> {
    let views = session.requests()?.store.requests(&RequestFilter::open())?;
    Ok(views.into_iter().map(|view| view.request.id).collect())
}

fn list(call: &Call, arguments: &RequestsList) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let look = call.look(session.scheduler()?);
    let providers = narrowing::providers(call, session)?;
    let (in_store, afterwards) =
        page::Page::shared(&arguments.list, providers.is_some() || look.is_ordered());
    let filter = RequestFilter {
        kind: arguments.kind.map(|kind| match kind {
            RequestType::Acquire => RequestKind::Acquire,
            RequestType::Return => RequestKind::Return,
        }),
        states: arguments.status.iter().flat_map(|status| states(*status)).copied().collect(),
        template_id: arguments.template_id.clone(),
        limit: in_store.limit,
        offset: in_store.offset,
    };
    let requests = session.requests()?;
    let views = requests.store.requests(&filter)?;
    let is_cached = arguments.cached || call.invocation.options().dry_run;
    let (mut views, is_fresh) = if is_cached { (views, false) } else { refreshing::requests(call, views) };
    if !filter.states.is_empty() {
        views.retain(|view| filter.states.contains(&view.request.state));
    }
    if let Some(names) = &providers {
        views.retain(|view| view.request.provider.as_ref().is_some_and(|provider| names.contains(provider)));
    }
    let rendered = rows::REQUESTS.list(&views, &arguments.list, afterwards, &look);
    call.tell_empty("requests", views.is_empty());
    let changed = views.iter().filter(|_| !is_fresh).map(|view| view.request.updated).max();
    let notes = recorded::note(changed, clock::now(), "requests status --all");
    rendered.map(|rendered| Reply { notes, ..Reply::answer(rendered) }).map_err(Errors::from)
}

fn states(status: RequestStatus) -> &'static [RequestState] {
    use RequestState::{Cancelled, Complete, Failed, Partial, Recorded, Started};
    match status {
        RequestStatus::Running => &[Recorded, Started],
        RequestStatus::Recorded => &[Recorded],
        RequestStatus::Started => &[Started],
        RequestStatus::Complete => &[Complete],
        RequestStatus::CompleteWithError => &[Partial, Failed, Cancelled],
        RequestStatus::Partial => &[Partial],
        RequestStatus::Failed => &[Failed],
        RequestStatus::Cancelled => &[Cancelled],
    }
}

fn show(call: &Call, arguments: &RequestsShow) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let look = call.look(session.scheduler()?);
    let requests = session.requests()?;
    if arguments.all {
        let views = requests.store.requests(&RequestFilter::default())?;
        call.tell_empty("requests", views.is_empty());
        return Ok(Reply::answer(rows::show_requests(&views, &look)?));
    }
    let ids = arguments.named().map(|id| naming::request(session, id)).collect::<Result<Vec<_>>>()?;
    let found = ids.iter().zip(requests.store.views(&ids)?);
    let views =
        found.map(|(id, view)| view.ok_or_else(|| waiting::unknown(id))).collect::<Result<Vec<_>>>()?;
    Ok(Reply::answer(match views.as_slice() {
        [one] => rows::show_request(one, &look),
        several => rows::show_requests(several, &look)?,
    }))
}

fn cancel(call: &Call, arguments: &RequestsCancel) -> Result<Reply, Errors> {
    let session =
        call.session(if arguments.dry_run { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    let id = naming::request(session, arguments.id())?;
    let requests = session.requests()?;
    let view = requests.broker().cancellable(&id)?;
    let kind = session.scheduler()?;
    if arguments.dry_run {
        let machines: Vec<_> =
            view.machines.iter().map(|machine| rows::MACHINES.entry(machine, kind)).collect();
        return Ok(call.document(&json!({ "dryRun": true, "requestId": id.as_str(), "machines": machines })));
    }
    let question = format!("Cancel {id} and end its {}?", counted(view.machines.len()));
    confirm(&question, arguments.yes)?;
    let (view, errors) = requests.broker().cancel(&id, clock::now())?;
    log::log_errors(&errors);
    tracing::info!(request = id.as_str(), "request cancelled");
    Ok(Reply::answer(rows::show_request(&view, &call.look(kind))).after_answer(session, Vec::new()))
}

fn watch(call: &Call, arguments: &RequestsWatch) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadWrite)?;
    let id = match arguments.id() {
        Some(id) => naming::request(session, id)?,
        None => newest_open(session)?,
    };
    let awaited = Awaited {
        ids: &[id],
        timeout: arguments.timeout.map(Duration::from_secs),
        pace: Pace::Every(Duration::from_secs(arguments.interval)),
        must_exist: true,
    };
    waiting::wait(call, session, &awaited)
}

/// The newest request or return that is not finished.
fn newest_open(session: &Session) -> Result<RequestId> {
    let newest = unfinished(session)?.into_iter().next();
    newest.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "no request is open")
            .hint("`ohfp requests list` shows those that are finished")
    })
}

fn list_returns(call: &Call, input: &OptionalInput) -> Result<Reply, Errors> {
    let document = input::read(input.file.as_deref(), input.data.as_deref())?;
    let session = call.session(AccessMode::ReadWrite)?;
    let wire = ohfp_wire::of(session.scheduler()?);
    let known = document.map(|document| read::reclaims(&document)).transpose()?.flatten();
    let requests = session.requests()?;
    let reclaims = requests.broker().reclaimed(known.as_deref(), clock::now())?;
    host_factory::log_doubts(&reclaims.doubtful);
    Ok(call.document(&wire.write_reclaims(&reclaims.machines)).after_answer(session, Vec::new()))
}
