//! Small documents: configuration, providers, schedulers, storage. Each is one JSON value, and every format
//! follows from it by the same rule.
//!
//! A document whose only array holds objects is a list (a row or block per object); any other is a
//! record (a line per field).

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_resolver::settings::{insert, keys};
use ohfp_resolver::{ProviderInstance, Resolved, Secrets, Settings, StorageStrategy};
use serde_json::{Map, Value, json};

use super::table::Table;
use super::{Format, Rendered, json, text, yaml};

/// Renders a document.
pub fn render(document: &Value, format: Format) -> Rendered {
    match format {
        Format::Json => Rendered::plain(json::document(document)),
        Format::Yaml => Rendered::plain(yaml::document(document)),
        Format::Table => table(document),
        Format::List => Rendered::plain(blocks(document)),
    }
}

/// The rows of a list document; `None` for a record.
fn rows(document: &Value) -> Option<Vec<&Map<String, Value>>> {
    let mut arrays = document.as_object()?.values().filter_map(Value::as_array);
    let array = arrays.next().filter(|_| arrays.next().is_none())?;
    array.iter().map(Value::as_object).collect()
}

fn cell(value: &Value) -> String {
    let mut out = String::new();
    text::value(&mut out, value);
    if out.is_empty() { "-".to_owned() } else { out }
}

fn table(document: &Value) -> Rendered {
    let mut out;
    match rows(document) {
        Some(rows) => {
            let mut columns: Vec<&String> = Vec::new();
            for name in rows.iter().flat_map(|row| row.keys()) {
                if !columns.contains(&name) {
                    columns.push(name);
                }
            }
            out = Table::new(columns.iter().map(|name| name.to_uppercase()).collect());
            for row in rows {
                for name in &columns {
                    out.cell(&row.get(*name).map_or_else(|| "-".to_owned(), cell));
                }
            }
        }
        None => {
            out = Table::record(vec!["FIELD".to_owned(), "VALUE".to_owned()]);
            for (name, value) in document.as_object().into_iter().flatten() {
                out.cell(name);
                out.cell(&cell(value));
            }
        }
    }
    Rendered::table(out)
}

fn blocks(document: &Value) -> Vec<u8> {
    let mut out = String::new();
    let record = |out: &mut String, record: &Map<String, Value>| {
        for (name, value) in record {
            out.push_str(name);
            out.push_str(": ");
            out.push_str(&cell(value));
            out.push('\n');
        }
    };
    match (rows(document), document.as_object()) {
        (Some(rows), _) => {
            for (number, row) in rows.into_iter().enumerate() {
                if number > 0 {
                    out.push('\n');
                }
                record(&mut out, row);
            }
        }
        (None, Some(fields)) => record(&mut out, fields),
        (None, None) => {
            out.push_str(&cell(document));
            out.push('\n');
        }
    }
    out.into_bytes()
}

/// `config show`: a row per setting for people, a tree for programs.
pub fn config(resolved: &Resolved, format: Format, secrets: Secrets) -> Rendered {
    let entries = resolved.settings.entries();
    if matches!(format, Format::Table | Format::List) {
        let rows: Vec<Value> = entries
            .map(|setting| {
                json!({
                    "key": setting.key,
                    "value": secrets.of(setting.key, &setting.value),
                    "source": setting.source.to_string(),
                })
            })
            .collect();
        return render(&json!({ "settings": rows }), format);
    }
    let mut tree = Map::new();
    for setting in entries {
        insert(&mut tree, setting.key, secrets.of(setting.key, &setting.value));
    }
    render(&Value::Object(tree), format)
}

/// `config get KEY`: one setting with its source, or the values of a whole section.
pub fn setting(resolved: &Resolved, key: &str, secrets: Secrets) -> Option<Value> {
    let wanted = keys::canonical(key).unwrap_or(key);
    if let Some(setting) = resolved.settings.entries().find(|setting| setting.key == wanted) {
        return Some(json!({
            "key": wanted,
            "value": secrets.of(wanted, &setting.value),
            "source": setting.source.to_string(),
        }));
    }
    let mut section = Map::new();
    for setting in resolved.settings.entries() {
        if let Some(rest) = setting.key.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')) {
            insert(&mut section, rest, secrets.of(setting.key, &setting.value));
        }
    }
    (!section.is_empty()).then_some(Value::Object(section))
}

/// `providers list`.
pub fn providers(resolved: &Resolved) -> Value {
    let rows: Vec<Value> = resolved.providers.iter().map(provider_row).collect();
    json!({ "providers": rows })
}

fn provider_row(provider: &ProviderInstance) -> Value {
    json!({
        "name": provider.name,
        "type": provider.kind,
        "enabled": provider.enabled,
        "default": provider.default,
        "priority": provider.priority,
        "weight": provider.weight,
    })
}

/// `providers show [NAME]`: the named one, else the default one.
pub fn provider(resolved: &Resolved, name: Option<&str>, secrets: Secrets) -> Option<Value> {
    let provider = match name {
        Some(name) => resolved.providers.iter().find(|provider| provider.name == name),
        None => resolved.providers.iter().find(|provider| provider.default),
    }?;
    let mut record = provider_row(provider);
    if let Value::Object(fields) = &mut record {
        let config =
            provider.config.iter().map(|(key, value)| (key.clone(), secrets.of(key, value))).collect();
        fields.insert("source".to_owned(), Value::String(provider.source.clone()));
        fields.insert("config".to_owned(), Value::Object(config));
    }
    Some(record)
}

/// An entry of `scheduler list` or `storage list`.
struct Choice {
    name: &'static str,
    description: &'static str,
    details: &'static [(&'static str, &'static str)],
}

const SCHEDULERS: [Choice; 2] = [
    Choice {
        name: SchedulerKind::HostFactory.name(),
        description: "IBM Spectrum Symphony and LSF Host Factory",
        details: &[("names", "camelCase"), ("template_id", "templateId"), ("request_id", "requestId")],
    },
    Choice {
        name: SchedulerKind::Default.name(),
        description: "Any other caller",
        details: &[("names", "snake_case"), ("template_id", "template_id"), ("request_id", "request_id")],
    },
];

const STORES: [Choice; 1] = [Choice {
    name: StorageStrategy::Sqlite.name(),
    description: "Embedded database in the work directory",
    details: &[("transactions", "yes"), ("shared_between_processes", "yes"), ("shared_between_hosts", "no")],
}];

fn choices(all: &[Choice], active: &str) -> Vec<Value> {
    all.iter()
        .map(|choice| {
            json!({ "name": choice.name, "active": choice.name == active, "description": choice.description })
        })
        .collect()
}

fn choice(all: &[Choice], active: &str, name: Option<&str>) -> Option<Value> {
    let wanted = name.unwrap_or(active);
    let choice = all.iter().find(|choice| choice.name == wanted)?;
    let mut record =
        json!({ "name": choice.name, "active": choice.name == active, "description": choice.description });
    if let Value::Object(fields) = &mut record {
        for (key, value) in choice.details {
            fields.insert((*key).to_owned(), Value::String((*value).to_owned()));
        }
    }
    Some(record)
}

fn active_scheduler(resolved: &Resolved) -> &'static str {
    resolved.settings.scheduler().unwrap_or(SchedulerKind::HostFactory).name()
}

fn active_store(settings: &Settings) -> &'static str {
    settings.storage_strategy().map_or("", StorageStrategy::name)
}

/// `scheduler list`.
pub fn schedulers(resolved: &Resolved) -> Value {
    json!({ "schedulers": choices(&SCHEDULERS, active_scheduler(resolved)) })
}

/// `scheduler show [NAME]`: the named one, else the configured one.
pub fn scheduler(resolved: &Resolved, name: Option<&str>) -> Option<Value> {
    choice(&SCHEDULERS, active_scheduler(resolved), name)
}

/// The names that `scheduler show` accepts.
pub fn scheduler_names() -> impl Iterator<Item = &'static str> {
    SCHEDULERS.iter().map(|choice| choice.name)
}

/// `storage list`.
pub fn stores(resolved: &Resolved) -> Value {
    json!({ "strategies": choices(&STORES, active_store(&resolved.settings)) })
}

/// `storage show [NAME]`: the named one, else the configured one.
pub fn store(settings: &Settings, name: Option<&str>) -> Option<Value> {
    choice(&STORES, active_store(settings), name)
}

/// The names that `storage show` accepts.
pub fn store_names() -> impl Iterator<Item = &'static str> {
    STORES.iter().map(|choice| choice.name)
}
