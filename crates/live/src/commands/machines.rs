//! The command group `machines`: request, list, show and return machines.

use ohfp_broker::operations::Accepted;
use ohfp_broker::provider::Detail;
use ohfp_broker::store::{Lookup, MachineFilter};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::wire_format::MachinesWanted;
use ohfp_broker::{
    Error, ErrorKind, Errors, Machine, MachineRef, MachineState, RequestId, RequestKind, RequestState, Result,
};
use ohfp_cli::{MachinesCommand, MachinesList, MachinesRequest, MachinesReturn, MachinesStatus};
use ohfp_render::queries::not_found;
use ohfp_service::clock;
use ohfp_service::log;
use ohfp_service::request_machines;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use ohfp_wire::{input, read};
use serde_json::json;

use super::waiting;
use crate::call::{Call, counted};
use crate::host_factory;
use crate::present::confirm::confirm;
use crate::present::page::Page;
use crate::present::{recorded, rows};
use crate::reply::Reply;

pub(super) fn run(call: &Call, command: &MachinesCommand) -> Result<Reply, Errors> {
    match command {
        MachinesCommand::Request(arguments) => request(call, arguments),
        MachinesCommand::Return(arguments) => return_machines(call, arguments),
        MachinesCommand::List(arguments) => list(call, arguments),
        MachinesCommand::Show { machine } => show(call, machine),
        MachinesCommand::Status(arguments) => status(call, arguments),
    }
}

fn request(call: &Call, arguments: &MachinesRequest) -> Result<Reply, Errors> {
    let document = input::read(arguments.input.file.as_deref(), arguments.input.data.as_deref())?;
    let session =
        call.session(if arguments.dry_run { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    let wire = ohfp_wire::of(session.scheduler()?);
    let wanted = match document {
        Some(document) => read::request(&document)?,
        None => MachinesWanted {
            template_id: arguments.template_id().unwrap_or_default().to_owned(),
            count: arguments.machine_count(),
            ..MachinesWanted::default()
        },
    };
    let now = clock::now();
    if arguments.dry_run {
        let rehearsal = request_machines::dry_run(session, &wanted, now)?;
        return Ok(call.document(&json!({
            "dryRun": true,
            "templateId": wanted.template_id,
            "machineCount": wanted.count,
            "provider": rehearsal.provider,
            "existing": rehearsal.existing,
            "maxNumber": match rehearsal.limit {
                MaxNumber::Unlimited => json!(-1),
                MaxNumber::AtMost(most) => json!(most),
            },
            "steps": rehearsal.plan.steps,
        })));
    }
    let accepted = request_machines::acquire(session, &wanted, now)?;
    let id = accepted.id.clone();
    if arguments.waiting.wait {
        return waiting::for_new(call, session, &id, arguments.waiting.timeout);
    }
    let refused = (accepted.state == RequestState::Failed).then(|| refused(&accepted));
    let reply = call.document(&wire.write_accepted(&accepted)).after_answer(session, vec![id]);
    let (code, errors) = (u8::from(refused.is_some()), refused.into_iter().collect());
    Ok(Reply { errors, code, ..reply })
}

/// The error for a person whose request failed at once. Host Factory gets an id instead, and reads the failure
/// from its status.
fn refused(accepted: &Accepted) -> Error {
    let why = accepted.reason.as_deref().unwrap_or("the provider launched none");
    Error::new(ErrorKind::Refused, format!("{} gets no machines: {why}", accepted.id))
}

fn return_machines(call: &Call, arguments: &MachinesReturn) -> Result<Reply, Errors> {
    let document = input::read(arguments.input.file.as_deref(), arguments.input.data.as_deref())?;
    let session =
        call.session(if arguments.dry_run { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    let wire = ohfp_wire::of(session.scheduler()?);
    let requests = session.requests()?;
    // Host Factory's document gets Host Factory's answer; a person who names machines gets one in a person's words.
    let is_for_person = document.is_none();
    let machines = match document {
        Some(document) => read::return_machines(&document)?,
        None => named(session, arguments)?,
    };
    let broker = requests.broker();
    if arguments.dry_run {
        let (active, unknown) = broker.rehearse_return(&machines)?;
        return Ok(call.document(&json!({
            "dryRun": true,
            "machines": active.iter().map(|machine| json!({
                "machineId": machine.id.as_str(), "name": machine.name, "status": machine.state.name(),
            })).collect::<Vec<_>>(),
            "unknown": unknown.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })));
    }
    if arguments.all {
        confirm(&format!("Return {}?", counted(machines.len())), arguments.yes)?;
    }
    let now = clock::now();
    let id = clock::new_id(RequestKind::Return, now)?;
    let accepted = broker.return_machines(id.clone(), &machines, now)?;
    log::log_errors(&accepted.errors);
    host_factory::log_doubts(&accepted.renamed);
    tracing::info!(request = id.as_str(), machines = accepted.active, "machines returned");
    if arguments.waiting.wait {
        return waiting::for_new(call, session, &id, arguments.waiting.timeout);
    }
    let mut answer = wire.write_return_accepted(&accepted);
    if is_for_person && let Some(message) = answer.get_mut("message") {
        *message = json!(match accepted.active {
            0 => "return accepted: all of these machines are terminated already".to_owned(),
            1 => "return accepted: 1 machine is terminating".to_owned(),
            number => format!("return accepted: {number} machines are terminating"),
        });
    }
    Ok(call.document(&answer).after_answer(session, vec![id]))
}

/// The machines that a command line names. An unknown machine is an error, raised before anything is changed.
fn named(session: &Session, arguments: &MachinesReturn) -> Result<Vec<MachineRef>> {
    let requests = session.requests()?;
    let exact = |machine: &Machine| MachineRef::of_id(machine.id.clone());
    let machines: Vec<MachineRef> = if let Some(id) = &arguments.request_id {
        let id = RequestId::from_text(id.as_str());
        let view = requests.store.views(std::slice::from_ref(&id))?.into_iter().next().flatten();
        let view = view.ok_or_else(|| waiting::unknown(&id))?;
        view.machines.iter().filter(|machine| !machine.state.is_ending()).map(exact).collect()
    } else if arguments.all {
        existing(session)?.iter().map(exact).collect()
    } else {
        let wanted: Vec<MachineRef> = arguments.named().map(MachineRef::of_text).collect();
        find(session, &wanted)?;
        wanted
    };
    if machines.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "no machine to return")
            .hint("`ohfp machines list --format table` shows what exists"));
    }
    Ok(machines)
}

/// Looks machines up by id or host name. An unknown name is an error that suggests the nearest known one.
fn find(session: &Session, wanted: &[MachineRef]) -> Result<Vec<Machine>> {
    let mut machines = Vec::with_capacity(wanted.len());
    for (wanted, found) in wanted.iter().zip(session.requests()?.store.find_machines(wanted)?) {
        match found {
            Lookup::Known(machine) => machines.push(machine),
            Lookup::Unknown => return Err(unknown(session, wanted)?),
            Lookup::Doubtful(why) => {
                let what = format!("it is not clear which machine `{wanted}` is: {why}");
                return Err(Error::new(ErrorKind::Refused, what)
                    .hint("name it by its id; `ohfp machines list --format table` shows ids"));
            }
        }
    }
    Ok(machines)
}

fn unknown(session: &Session, wanted: &MachineRef) -> Result<Error> {
    let known = existing(session)?;
    let names =
        known.iter().flat_map(|machine| machine.name.as_deref().into_iter().chain([machine.id.as_str()]));
    let error = not_found("machine", wanted.name.as_deref(), names);
    let hinted = error.hint_text().is_some();
    let hint = "`ohfp machines list --format table` shows what exists";
    Ok(if hinted { error } else { error.hint(hint) })
}

fn existing(session: &Session) -> Result<Vec<Machine>> {
    let states = MachineState::ALL.iter().copied().filter(|state| !state.is_ending()).collect();
    session.requests()?.store.machines(&MachineFilter { states, ..MachineFilter::default() })
}

fn list(call: &Call, arguments: &MachinesList) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let mut states: Vec<MachineState> =
        arguments.status.iter().filter_map(|status| MachineState::parse(status.name())).collect();
    if states.is_empty() && arguments.request_id.is_none() {
        states =
            MachineState::ALL.iter().copied().filter(|state| *state != MachineState::Terminated).collect();
    }
    let (in_store, afterwards) = Page::shared(&arguments.list);
    let filter = MachineFilter {
        states,
        request: arguments.request_id.as_deref().map(RequestId::from_text),
        template_id: arguments.template_id.clone(),
        limit: in_store.limit,
        offset: in_store.offset,
    };
    let requests = session.requests()?;
    let machines = requests.store.machines(&filter)?;
    let kind = session.scheduler()?;
    let rendered = rows::MACHINES.list(&machines, &arguments.list, afterwards, kind, call.format);
    let changed = machines.iter().map(|machine| machine.updated).max();
    let notes = recorded::note(changed, clock::now(), "machines status --all");
    rendered.map(|rendered| Reply { notes, ..Reply::answer(rendered) }).map_err(Errors::from)
}

fn show(call: &Call, machine: &str) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let found = find(session, &[MachineRef::of_text(machine)])?.into_iter().next();
    let machine =
        found.ok_or_else(|| Errors::from(not_found("machine", Some(machine), std::iter::empty())))?;
    let kind = session.scheduler()?;
    Ok(Reply::answer(rows::MACHINES.show(&machine, kind, call.format)))
}

fn status(call: &Call, arguments: &MachinesStatus) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadWrite)?;
    let machines = if arguments.all {
        existing(session)?
    } else {
        let wanted: Vec<MachineRef> =
            arguments.machines.iter().map(|text| MachineRef::of_text(text)).collect();
        find(session, &wanted)?
    };
    let requests = session.requests()?;
    let (machines, errors) = requests.broker().refresh_machines(machines, Detail::State, clock::now())?;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let kind = session.scheduler()?;
    let options = ohfp_cli::ListOptions::default();
    let rendered = rows::MACHINES.list(&machines, &options, Page::of(&options), kind, call.format);
    Ok(Reply::answer(rendered?).after_answer(session, Vec::new()))
}
