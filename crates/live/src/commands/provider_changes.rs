//! `providers add`, `update`, `remove` and `set-default`.

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_cli::{ProviderAdd, ProviderDefault, ProviderRemove, ProviderUpdate};
use ohfp_service::provider_edits::{ProviderChange, ProviderPlan, ProviderUse};
use ohfp_service::site_store::AccessMode;
use serde_json::json;

use crate::call::Call;
use crate::present::confirm::confirm;
use crate::reply::Reply;

pub(super) fn add(call: &Call, arguments: &ProviderAdd) -> Result<Reply, Errors> {
    let options = arguments.aws.with(&arguments.options);
    let change = ProviderChange::Add { kind: arguments.kind.clone(), options, default: arguments.default };
    let plan = plan(call, arguments.name(), &change)?;
    check_use(call, &plan)?;
    finish(call, arguments.name(), &plan, "added", arguments.dry_run)
}

pub(super) fn update(call: &Call, arguments: &ProviderUpdate) -> Result<Reply, Errors> {
    let change = ProviderChange::Update(arguments.aws.with(&arguments.options));
    let plan = plan(call, &arguments.name, &change)?;
    finish(call, &arguments.name, &plan, "updated", arguments.dry_run)
}

pub(super) fn remove(call: &Call, arguments: &ProviderRemove) -> Result<Reply, Errors> {
    let plan = plan(call, &arguments.name, &ProviderChange::Remove)?;
    if !arguments.force {
        check_use(call, &plan)?;
    }
    if !arguments.dry_run {
        confirm(&format!("Remove provider {}?", arguments.name), arguments.yes || arguments.force)?;
    }
    finish(call, &arguments.name, &plan, "removed", arguments.dry_run)
}

pub(super) fn set_default(call: &Call, arguments: &ProviderDefault) -> Result<Reply, Errors> {
    let plan = plan(call, &arguments.name, &ProviderChange::SetDefault)?;
    finish(call, &arguments.name, &plan, "default", arguments.dry_run)
}

fn plan(call: &Call, name: &str, change: &ProviderChange) -> Result<ProviderPlan, Errors> {
    ProviderPlan::new(&call.invocation, name, change)
}

/// Refuses a change that leaves machines or open requests without their provider.
fn check_use(call: &Call, plan: &ProviderPlan) -> Result<(), Errors> {
    for name in &plan.gone {
        let ProviderUse { machines, requests } = ProviderUse::of(call.session(AccessMode::ReadOnly)?, name)?;
        if machines > 0 || requests > 0 {
            let message = format!(
                "provider `{name}` has {machines} machines and {requests} open requests in the store"
            );
            let error = Error::new(ErrorKind::Refused, message)
                .cause("without it, nothing watches or terminates them")
                .hint(format!("return the machines first; `ohfp providers update {name} enabled=false` stops new requests"));
            return Err(error.into());
        }
    }
    Ok(())
}

fn finish(call: &Call, name: &str, plan: &ProviderPlan, done: &str, dry_run: bool) -> Result<Reply, Errors> {
    if !dry_run {
        plan.apply()?;
    }
    let mut answer = json!({
        "provider": name,
        "status": if plan.is_change() { done } else { "unchanged" },
        "file": plan.file,
        "defaultProvider": plan.default,
    });
    if dry_run && let Some(answer) = answer.as_object_mut() {
        answer.insert("dryRun".to_owned(), json!(true));
    }
    let mut notes = Vec::new();
    if done == "default" && plan.default.as_deref() != Some(name) {
        let other = plan.default.as_deref().unwrap_or("none");
        notes.push(format!("new requests go to `{other}` in this environment, which Host Factory names"));
    }
    Ok(Reply { notes, ..call.document(&answer) })
}
