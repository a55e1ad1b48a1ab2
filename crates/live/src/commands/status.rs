//! The command `status`: a site on one screen.

use std::collections::BTreeMap;

use ohfp_broker::Errors;
use ohfp_broker::store::{MachineFilter, RequestFilter};
use ohfp_render::Format;
use ohfp_render::queries::Query;
use ohfp_service::diagnosis::{self, CheckStatus};
use ohfp_service::site_store::AccessMode;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::reply::Reply;

/// Most templates that a person sees, those first that have the fewest machines left.
const SHOWN: usize = 5;

/// A template with its machines.
struct Used<'t> {
    id: &'t str,
    existing: u64,
    limit: Option<u64>,
}

pub(super) fn run(call: &Call) -> Result<Reply, Errors> {
    let catalog = call.invocation.catalog()?;
    // One site without a usable provider still has requests and machines.
    let provider = catalog.value(&Query::Provider(None)).unwrap_or_default();
    let session = call.session(AccessMode::ReadOnly)?;
    let requests = session.requests()?;
    let open = requests.store.requests(&RequestFilter::open())?;
    let machines = requests.store.machines(&MachineFilter::existing())?;
    let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
    let mut by_template: BTreeMap<&str, u64> = BTreeMap::new();
    for machine in &machines {
        *by_state.entry(machine.state.name()).or_default() += 1;
        *by_template.entry(machine.template_id.as_str()).or_default() += u64::from(machine.units);
    }
    let mut used: Vec<Used<'_>> = catalog
        .templates()?
        .iter()
        .map(|template| Used {
            id: template.id(),
            existing: by_template.get(template.id()).copied().unwrap_or(0),
            limit: u64::try_from(template.max_number()).ok(),
        })
        .filter(|used| used.existing > 0)
        .collect();
    used.sort_by_key(|used| used.limit.map_or(u64::MAX, |limit| limit.saturating_sub(used.existing)));
    let checks = diagnosis::run(&call.invocation);
    let warnings: Vec<String> = checks
        .iter()
        .filter(|check| check.status != CheckStatus::Ok)
        .map(|check| format!("{}: {}", check.what, check.detail))
        .collect();
    let document = if matches!(call.format, Format::Json | Format::Yaml) {
        json!({
            "provider": { "name": provider.get("name"), "type": provider.get("type") },
            "openRequests": open.len(),
            "machines": by_state,
            "templates": used.iter().map(|used| json!({
                "templateId": used.id, "existing": used.existing, "maxNumber": used.limit.map_or(json!(-1), |limit| json!(limit)),
            })).collect::<Vec<_>>(),
            "warnings": warnings,
        })
    } else {
        Value::Object(for_people(&provider, open.len(), &by_state, &used, &warnings))
    };
    Ok(call.document(&document))
}

/// The same as a line each.
fn for_people(
    provider: &Value,
    open: usize,
    machines: &BTreeMap<&str, u64>,
    used: &[Used<'_>],
    warnings: &[String],
) -> Map<String, Value> {
    let text = |name: &str| provider.get(name).and_then(Value::as_str).unwrap_or("-");
    let states: Vec<String> = machines.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let mut lines = Map::new();
    let mut put = |name: &str, text: String| lines.insert(name.to_owned(), Value::String(text));
    put("provider", format!("{} ({})", text("name"), text("type")));
    put("open requests", open.to_string());
    put("machines", if states.is_empty() { "none".to_owned() } else { states.join(", ") });
    for Used { id, existing, limit } in used.iter().take(SHOWN) {
        let limit = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("at most {limit}"));
        put(&format!("template {id}"), format!("{existing} in use, {limit}"));
    }
    for (number, warning) in warnings.iter().enumerate() {
        put(&format!("warning {}", number + 1), warning.clone());
    }
    lines
}
