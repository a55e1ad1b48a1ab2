//! Lists that are filtered, sorted and cut after they were made: those of the configuration.

use ohfp_broker::{Errors, Result, Template};
use ohfp_render::{table, text};
use ohfp_service::catalog::{field_name, field_names};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::present::filter;
use crate::present::page::{self, Page};
use crate::reply::Reply;

/// Whether the command line narrows a list down.
pub(super) fn is_narrowed(call: &Call) -> bool {
    let options = call.invocation.options();
    !options.filter.is_empty()
        || options.limit.is_some()
        || options.offset > 0
        || options.provider_name.is_some()
        || options.provider_type.is_some()
        || options.sort_by.is_some()
}

/// A document whose only member is a list, with the entries that are wanted.
///
/// # Errors
/// [`Usage`](ohfp_broker::ErrorKind::Usage) for a filter that is wrong.
pub(super) fn narrowed(call: &Call, document: Value) -> std::result::Result<Reply, Errors> {
    let options = call.invocation.options();
    let mut conditions = options.filter.clone();
    conditions.extend(options.provider_name.as_ref().map(|name| format!("name={name}")));
    conditions.extend(options.provider_type.as_ref().map(|kind| format!("type={kind}")));
    let filters = filter::parse(&conditions, |name| name)?;
    let mut lists = Map::new();
    if let Value::Object(members) = document {
        for (name, value) in members {
            let Value::Array(items) = value else { continue };
            let entries = items.into_iter().filter_map(|item| match item {
                Value::Object(fields) => Some(fields),
                _ => None,
            });
            let entries: Vec<Map<String, Value>> = entries.collect();
            let field = options.sort_by.as_deref().map(|by| sort_field(&entries, by)).transpose()?;
            let mut kept = filter::retain(&filters, entries, &[], |entry| entry)?;
            if let (Some(by), Some(field)) = (&options.sort_by, field) {
                kept = table::sort(kept, by, |entry| shown(entry.get(&field)));
            }
            let page = Page::of(&page::everywhere(options)).cut(kept);
            lists.insert(name, page.into_iter().map(Value::Object).collect());
        }
    }
    let mut reply = call.document(&Value::Object(lists));
    reply.document.grid = reply.document.grid.map(table::Table::ordered);
    Ok(reply)
}

/// The field of these entries that `--sort-by` names.
fn sort_field(entries: &[Map<String, Value>], by: &str) -> Result<String> {
    let wanted = table::sort_field(by);
    let mut known: Vec<&str> = Vec::new();
    for name in entries.iter().flat_map(Map::keys) {
        if !known.contains(&name.as_str()) {
            known.push(name);
        }
    }
    let found = known.iter().find(|name| table::same_name(name, wanted));
    found
        .map(|name| (*name).to_owned())
        .ok_or_else(|| table::no_sort_field(by).hint(format!("the fields are {}", known.join(", "))))
}

/// A value as lists show it.
fn shown(value: Option<&Value>) -> String {
    let mut out = String::new();
    if let Some(value) = value {
        text::value(&mut out, value);
    }
    out
}

/// Sorts templates by a field in any spelling, or by an attribute; a name that begins with `-` is descending.
///
/// # Errors
/// [`Usage`](ohfp_broker::ErrorKind::Usage) for a field that does not exist.
pub(super) fn sorted_templates<'t>(
    templates: Vec<&'t Template>,
    by: Option<&str>,
) -> Result<Vec<&'t Template>> {
    let Some(by) = by else { return Ok(templates) };
    let wanted = table::sort_field(by);
    let name = field_name(wanted);
    let value = |template: &Template| {
        let fields = template.fields();
        let attribute = fields.get("attributes").and_then(|attributes| attributes.get(wanted));
        shown(fields.get(name).or(attribute))
    };
    let is_known = field_names().any(|known| known == name)
        || templates.iter().any(|template| !value(template).is_empty());
    if !is_known {
        return Err(table::no_sort_field(by)
            .hint("name a field of a template, as in maxNumber, or an attribute, as in ncpus"));
    }
    Ok(table::sort(templates, by, |template| value(template)))
}
