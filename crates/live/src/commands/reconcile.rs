//! The command `reconcile`: what only the store or only a provider has.

use ohfp_broker::operations::{Reconciled, Reconciliation};
use ohfp_broker::owned::{Marks, OtherPlugin};
use ohfp_broker::reconcile::{Finding, Misfit, Remedy};
use ohfp_broker::{Error, Errors, MachineId, RequestId, Timestamp};
use ohfp_cli::{AdoptFrom, Reconcile};
use ohfp_render::Format;
use ohfp_service::clock;
use ohfp_service::reconcile;
use ohfp_service::site_store::AccessMode;
use serde_json::{Map, Value, json};

use super::narrowing;
use crate::call::{Call, counted};
use crate::present::confirm::confirm;
use crate::reply::Reply;

pub(super) fn run(call: &Call, arguments: &Reconcile) -> Result<Reply, Errors> {
    let is_dry = !arguments.fix || arguments.dry_run || call.invocation.options().dry_run;
    let session = call.session(if is_dry { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    let providers = narrowing::providers(call, session)?;
    let plugin = arguments.adopt_from.map(|plugin| match plugin {
        AdoptFrom::Orb => OtherPlugin::Orb,
        AdoptFrom::Ibm => OtherPlugin::Ibm,
    });
    let now = clock::now();
    let found = reconcile::find(session, &arguments.store, plugin, providers, now)?;
    let machines = wanted(arguments);
    let is_mended = !is_dry && !found.findings.is_empty();
    let done = if is_mended {
        confirm(&question(&found.findings, machines), arguments.yes)?;
        reconcile::mend(session, &found.findings, machines, now)?
    } else {
        Reconciled::default()
    };
    call.tell_empty("findings", found.findings.is_empty());
    let mut errors: Vec<Error> = found.unlisted.iter().map(unlisted).collect();
    errors.extend(done.errors.iter().cloned());
    let is_left = !found.findings.is_empty() && !is_mended;
    let reply = Reply {
        notes: notes(&found, is_dry),
        code: u8::from(is_left || !errors.is_empty()),
        errors: errors.into(),
        ..call.document(&document(call, &found, machines, is_mended.then_some(&done), now))
    };
    Ok(if is_mended { reply.after_answer(session, Vec::new()) } else { reply })
}

/// What a person wants for machines that the store does not know.
fn wanted(arguments: &Reconcile) -> Option<Remedy> {
    match (arguments.adopt, arguments.release) {
        (true, _) => Some(Remedy::Adopt),
        (_, true) => Some(Remedy::Release),
        _ => None,
    }
}

/// "Adopt 2 machines, terminate 1 machine, delete 3 resources, note 1 machine as gone?"
fn question(findings: &[Finding], machines: Option<Remedy>) -> String {
    let count = |remedy, of_machines: bool| {
        let is_machine = |finding: &Finding| !matches!(finding.misfit, Misfit::Resource(_));
        findings.iter().filter(|one| one.remedy(machines) == remedy && is_machine(one) == of_machines).count()
    };
    let resources = count(Remedy::Release, false);
    let plural = if resources == 1 { "" } else { "s" };
    let parts = [
        (count(Remedy::Adopt, true), "adopt", String::new()),
        (count(Remedy::Release, true), "terminate", String::new()),
        (count(Remedy::Refresh, true), "note", " as gone".to_owned()),
    ];
    let mut said: Vec<String> = parts
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, verb, rest)| format!("{verb} {}{rest}", counted(*number)))
        .collect();
    if resources > 0 {
        said.push(format!("delete {resources} resource{plural} after the last of their machines"));
    }
    let text = said.join(", ");
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("{}{}?", first.unwrap_or_default(), letters.as_str())
}

fn unlisted(unlisted: &ohfp_broker::operations::Unlisted) -> Error {
    let what = match unlisted.kind {
        "all" => "nothing".to_owned(),
        kind => format!("no {kind}"),
    };
    let message = format!(
        "provider `{}` could not be listed to the end, so {what} of it was looked at: {}",
        unlisted.provider,
        unlisted.error.summary()
    );
    unlisted.error.clone().with_message(message)
}

fn notes(found: &Reconciliation, is_dry: bool) -> Vec<String> {
    let mut notes: Vec<String> = found
        .others
        .iter()
        .map(|(store, other)| {
            let known = if other.known > 0 {
                format!(", {} of which this store knows", other.known)
            } else {
                String::new()
            };
            format!(
                "{}{known} and {} resources belong to store {store}; if that store is lost: --store {store}",
                counted(usize::try_from(other.machines).unwrap_or(usize::MAX)),
                other.resources
            )
        })
        .collect();
    if is_dry && !found.findings.is_empty() {
        notes.push("nothing was changed; --fix does what the column REMEDY says".to_owned());
    }
    notes
}

fn document(
    call: &Call,
    found: &Reconciliation,
    machines: Option<Remedy>,
    done: Option<&Reconciled>,
    now: Timestamp,
) -> Value {
    let findings: Vec<Value> = found.findings.iter().map(|one| finding(one, machines, now)).collect();
    let mut document = Map::from_iter([("findings".to_owned(), findings.into())]);
    // A table has one list; notes and errors say the rest.
    if matches!(call.format, Format::Json | Format::Yaml) {
        let others = found.others.iter().map(|(store, other)| {
            json!({
                "store": store, "machines": other.machines, "knownMachines": other.known, "resources": other.resources,
            })
        });
        document.insert("otherStores".to_owned(), others.collect());
        let unlisted = found
            .unlisted
            .iter()
            .map(|one| json!({ "provider": one.provider, "kind": one.kind, "reason": one.error.summary() }));
        document.insert("unlisted".to_owned(), unlisted.collect());
        if let Some(done) = done {
            document.insert("done".to_owned(), done_of(done));
        }
    }
    Value::Object(document)
}

fn finding(finding: &Finding, machines: Option<Remedy>, now: Timestamp) -> Value {
    let mut row = json!({
        "kind": finding.kind().name(),
        "id": finding.id(),
        "provider": finding.provider,
        "remedy": finding.remedy(machines).name(),
        "reason": finding.why.text(),
    });
    let age = |since: Option<Timestamp>| {
        since
            .filter(|since| *since != Timestamp::default())
            .map(|since| now.millis_since(since).max(0) / 1_000)
    };
    let (marks, more) = match &finding.misfit {
        Misfit::Machine(machine) => {
            let seen = &machine.instance;
            let more = json!({
                "name": seen.name, "status": seen.state.name(), "instanceType": seen.instance_type,
                "priceType": seen.price_type, "ageSeconds": age(Some(seen.launched)),
            });
            (machine.marks.clone(), more)
        }
        Misfit::Resource(resource) => {
            (resource.marks.clone(), json!({ "ageSeconds": age(resource.created) }))
        }
        Misfit::Missing(machine) => {
            let marks = Marks {
                request: Some(machine.request.clone()),
                template: Some(machine.template_id.clone()),
                ..Marks::default()
            };
            let more = json!({
                "name": machine.name, "status": machine.state.name(), "instanceType": machine.instance_type,
                "priceType": machine.price_type, "ageSeconds": age(Some(machine.launched)),
            });
            (marks, more)
        }
    };
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
        row.insert("requestId".to_owned(), json!(marks.request.as_ref().map(RequestId::as_str)));
        row.insert("templateId".to_owned(), json!(marks.template));
        row.insert("store".to_owned(), json!(marks.store));
    }
    row
}

fn done_of(done: &Reconciled) -> Value {
    let ids = |ids: &[MachineId]| -> Value { ids.iter().map(MachineId::as_str).collect() };
    let adopted = done
        .adopted
        .iter()
        .map(|(request, machines)| json!({ "requestId": request.as_str(), "machines": ids(machines) }));
    json!({
        "adopted": adopted.collect::<Value>(),
        "released": ids(&done.released),
        "resources": done.resources,
        "gone": ids(&done.refreshed),
    })
}
