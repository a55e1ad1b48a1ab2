//! The command group `machines`: request, list, show and return machines.

use ohfp_broker::operations::Accepted;
use ohfp_broker::provider::Detail;
use ohfp_broker::store::{Lookup, MachineFilter};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::wire_format::MachinesWanted;
use ohfp_broker::{
    Ending, Error, ErrorKind, Errors, Machine, MachineRef, MachineState, RequestKind, RequestState, Result,
};
use ohfp_cli::{
    MachineStatus, MachinesCommand, MachinesList, MachinesRequest, MachinesReturn, MachinesStatus,
};
use ohfp_render::queries::not_found;
use ohfp_service::clock;
use ohfp_service::log;
use ohfp_service::request_machines;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use ohfp_wire::{input, read};
use serde_json::json;

use super::{naming, narrowing, refreshing, waiting};
use crate::call::{Call, counted};
use crate::host_factory;
use crate::present::confirm::confirm;
use crate::present::page::{self, Page};
use crate::present::{recorded, rows};
use crate::reply::Reply;

pub(super) fn run(call: &Call, command: &MachinesCommand) -> Result<Reply, Errors> {
    match command {
        MachinesCommand::Request(arguments) => request(call, arguments),
        MachinesCommand::Return(arguments) => return_machines(call, arguments),
        MachinesCommand::List(arguments) => list(call, arguments),
        MachinesCommand::Show(arguments) => show(call, arguments.named()),
        MachinesCommand::Status(arguments) => status(call, arguments),
    }
}

fn request(call: &Call, arguments: &MachinesRequest) -> Result<Reply, Errors> {
    let document = input::read(arguments.input.file.as_deref(), arguments.input.data.as_deref())?;
    let session =
        call.session(if arguments.dry_run { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    let wire = ohfp_wire::of(session.scheduler()?);
    // A scheduler learns from the status why a request came to nothing; an error would make it request again.
    let is_for_person = document.is_none();
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
    if let Some(seconds) = arguments.waiting.seconds() {
        return waiting::for_new(call, session, &id, seconds);
    }
    let refused = (is_for_person && accepted.state == RequestState::Failed).then(|| refused(&accepted));
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
        Some(document) => Found { refs: read::return_machines(&document)?, completed: Vec::new() },
        None => named(session, arguments)?,
    };
    let broker = requests.broker();
    if arguments.dry_run {
        let (active, unknown) = broker.rehearse_return(&machines.refs)?;
        return Ok(call.document(&json!({
            "dryRun": true,
            "machines": active.iter().map(|machine| json!({
                "machineId": machine.id.as_str(), "name": machine.name, "status": machine.state.name(),
            })).collect::<Vec<_>>(),
            "unknown": unknown.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })));
    }
    if arguments.all {
        confirm(&format!("Return {}?", counted(machines.refs.len())), arguments.yes)?;
    } else if !machines.completed.is_empty() {
        confirm(&format!("Return {}?", machines.completed.join(", ")), arguments.yes)?;
    }
    let machines = machines.refs;
    let now = clock::now();
    let id = clock::new_id(RequestKind::Return, now)?;
    let accepted = broker.return_machines(id.clone(), &machines, now)?;
    log::log_errors(&accepted.errors);
    host_factory::log_doubts(&accepted.renamed);
    tracing::info!(request = id.as_str(), machines = accepted.active, "machines returned");
    if let Some(seconds) = arguments.waiting.seconds() {
        return waiting::for_new(call, session, &id, seconds);
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

/// The machines that are to be returned.
#[derive(Default)]
struct Found {
    /// As they were named.
    refs: Vec<MachineRef>,
    /// Ids of those that were named by the beginning of their id alone.
    completed: Vec<String>,
}

/// The machines that a command line names. An unknown machine is an error, raised before anything is changed.
fn named(session: &Session, arguments: &MachinesReturn) -> Result<Found> {
    let requests = session.requests()?;
    let exact = |machine: &Machine| MachineRef::of_id(machine.id.clone());
    let mut found = Found::default();
    if arguments.all {
        found.refs = existing(session)?.iter().map(exact).collect();
    }
    for id in &arguments.request_ids {
        let id = naming::request(session, id)?;
        let view = requests.store.views(std::slice::from_ref(&id))?.into_iter().next().flatten();
        let view = view.ok_or_else(|| waiting::unknown(&id))?;
        found.refs.extend(view.machines.iter().filter(|machine| !machine.state.is_ending()).map(exact));
    }
    for (name, looked_up) in arguments.named().zip(look_up(session, arguments.named())?) {
        match looked_up {
            LookedUp::Named(_) => found.refs.push(MachineRef::of_text(name)),
            LookedUp::Begun(machine) => {
                found.refs.push(exact(&machine));
                found.completed.push(machine.id.as_str().to_owned());
            }
        }
    }
    if found.refs.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "no machine to return")
            .hint("`ohfp machines list --format table` shows what exists"));
    }
    Ok(found)
}

/// A machine, and how it was named.
enum LookedUp {
    /// By its id or host name.
    Named(Machine),
    /// By the beginning of one.
    Begun(Machine),
}

/// The machines of these ids or host names, or of their beginnings.
fn find<'n>(session: &Session, names: impl Iterator<Item = &'n str>) -> Result<Vec<Machine>> {
    let found = look_up(session, names)?.into_iter();
    Ok(found.map(|(LookedUp::Named(machine) | LookedUp::Begun(machine))| machine).collect())
}

/// Looks machines up. An unknown name is an error that suggests the nearest known one.
fn look_up<'n>(session: &Session, names: impl Iterator<Item = &'n str>) -> Result<Vec<LookedUp>> {
    let wanted: Vec<MachineRef> = names.map(MachineRef::of_text).collect();
    let mut machines = Vec::with_capacity(wanted.len());
    for (wanted, found) in wanted.iter().zip(session.requests()?.store.find_machines(&wanted)?) {
        match found {
            Lookup::Known(machine) => machines.push(LookedUp::Named(machine)),
            Lookup::Unknown => machines.push(LookedUp::Begun(completed(session, wanted)?)),
            Lookup::Doubtful(why) => {
                let what = format!("it is not clear which machine `{wanted}` is: {why}");
                return Err(Error::new(ErrorKind::Refused, what)
                    .hint("name it by its id; `ohfp machines list --format table` shows ids"));
            }
        }
    }
    Ok(machines)
}

/// The only machine whose id or host name begins so.
fn completed(session: &Session, wanted: &MachineRef) -> Result<Machine> {
    let known = existing(session)?;
    let text = wanted.name.as_deref().unwrap_or_default();
    let begins = |machine: &&Machine| {
        text.len() >= SHORTEST
            && (machine.id.as_str().starts_with(text)
                || machine.name.as_deref().is_some_and(|name| name.starts_with(text)))
    };
    let ids = known.iter().filter(begins).map(|machine| machine.id.as_str());
    let id = naming::only("machine", text, ids)?;
    let machine = id.and_then(|id| known.iter().find(|machine| machine.id.as_str() == id));
    machine.cloned().ok_or_else(|| unknown(&known, wanted))
}

/// The shortest beginning of an id or a name that stands for it.
const SHORTEST: usize = 4;

fn unknown(known: &[Machine], wanted: &MachineRef) -> Error {
    let names =
        known.iter().flat_map(|machine| machine.name.as_deref().into_iter().chain([machine.id.as_str()]));
    let error = not_found("machine", wanted.name.as_deref(), names);
    error.hint_or("`ohfp machines list --format table` shows what exists")
}

fn existing(session: &Session) -> Result<Vec<Machine>> {
    session.requests()?.store.machines(&MachineFilter::existing())
}

fn list(call: &Call, arguments: &MachinesList) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let mut states: Vec<MachineState> = arguments.status.iter().filter_map(|status| state(*status)).collect();
    if arguments.status.is_empty() && arguments.request_id.is_none() {
        states =
            MachineState::ALL.iter().copied().filter(|state| *state != MachineState::Terminated).collect();
    }
    let look = call.look(session.scheduler()?);
    let providers = narrowing::providers(call, session)?;
    // These say more than a state does.
    let is_narrow =
        arguments.status.iter().any(|word| matches!(word, MachineStatus::Failed | MachineStatus::Unknown));
    let (in_store, afterwards) =
        Page::shared(&arguments.list, is_narrow || providers.is_some() || look.is_ordered());
    let request = arguments.request_id.as_deref().map(|id| naming::request(session, id)).transpose()?;
    let filter = MachineFilter {
        states,
        request,
        template_id: arguments.template_id.clone(),
        limit: in_store.limit,
        offset: in_store.offset,
    };
    let requests = session.requests()?;
    let machines = requests.store.machines(&filter)?;
    let is_cached = arguments.cached || call.invocation.options().dry_run;
    let (mut machines, is_fresh) =
        if is_cached { (machines, false) } else { refreshing::machines(call, machines) };
    machines.retain(|machine| {
        let wanted = &arguments.status;
        (filter.states.is_empty() || filter.states.contains(&machine.state))
            && (wanted.is_empty() || wanted.iter().any(|word| is_in(*word, machine)))
            && providers.as_ref().is_none_or(|names| names.contains(&machine.provider))
    });
    let rendered = rows::MACHINES.list(&machines, &arguments.list, afterwards, &look);
    call.tell_empty("machines", machines.is_empty());
    let changed = machines.iter().filter(|_| !is_fresh).map(|machine| machine.updated).max();
    let notes = recorded::note(changed, clock::now(), "machines status --all");
    rendered.map(|rendered| Reply { notes, ..Reply::answer(rendered) }).map_err(Errors::from)
}

/// The state that a word stands for.
fn state(status: MachineStatus) -> Option<MachineState> {
    match status {
        MachineStatus::Failed => Some(MachineState::Terminated),
        status => MachineState::parse(status.name()),
    }
}

/// Whether a word describes a machine.
fn is_in(status: MachineStatus, machine: &Machine) -> bool {
    let is_failed = status != MachineStatus::Failed || machine.ending == Some(Ending::FailedToStart);
    state(status) == Some(machine.state) && is_failed
}

fn show(call: &Call, machine: &str) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let found = find(session, std::iter::once(machine))?.into_iter().next();
    let machine =
        found.ok_or_else(|| Errors::from(not_found("machine", Some(machine), std::iter::empty())))?;
    Ok(Reply::answer(rows::MACHINES.show(&machine, &call.look(session.scheduler()?))))
}

fn status(call: &Call, arguments: &MachinesStatus) -> Result<Reply, Errors> {
    let options = call.invocation.options();
    let access = if options.dry_run { AccessMode::ReadOnly } else { AccessMode::ReadWrite };
    let session = call.session(access)?;
    let look = call.look(session.scheduler()?);
    let mut machines = if arguments.all { existing(session)? } else { find(session, arguments.named())? };
    if !options.dry_run {
        let requests = session.requests()?;
        let (refreshed, errors) =
            requests.broker().refresh_machines(machines, Detail::State, clock::now())?;
        if !errors.is_empty() {
            return Err(errors.into());
        }
        machines = refreshed;
    }
    call.tell_empty("machines", machines.is_empty());
    let list = page::everywhere(options);
    let reply = Reply::answer(rows::MACHINES.list(&machines, &list, Page::of(&list), &look)?);
    Ok(if options.dry_run { reply } else { reply.after_answer(session, Vec::new()) })
}
