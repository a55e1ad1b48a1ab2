//! Templates as they stand in the files: what a document would change, and examples for this site.

use std::collections::BTreeSet;

use ohfp_broker::Errors;
use ohfp_resolver::load::Inputs;
use ohfp_template_file::{FieldChange, examples};
pub use ohfp_template_file::{TemplateInput, document};
use serde_json::{Map, Value};

use crate::invocation::Invocation;

/// What differs between the site's templates and those of a document, in the order of the site's files and then of the
/// document. Where the document is one template, only that one is compared.
///
/// # Errors
/// Those of finding the configuration.
pub fn differences(invocation: &Invocation, input: &TemplateInput) -> Result<Vec<FieldChange>, Errors> {
    let (place, env) = (invocation.place()?, invocation.env());
    let places = Inputs::read(&place.origin, env).places(env);
    let given: Vec<(&str, &Map<String, Value>)> = input.ids().zip(&input.templates).collect();
    let mut changes = Vec::new();
    for (id, fields) in &given {
        changes.extend(FieldChange::between(id, places.fields(id).as_ref(), Some(fields)));
    }
    if input.is_list {
        let named: BTreeSet<&str> = given.iter().map(|(id, _)| *id).collect();
        let mut gone: Vec<&str> = places.ids().filter(|id| !named.contains(id)).collect();
        gone.sort_unstable();
        for id in gone {
            changes.extend(FieldChange::between(id, places.fields(id).as_ref(), None));
        }
    }
    Ok(changes)
}

/// Example templates for an API, or for all of them, without what the default provider gives to templates anyway.
pub fn example_templates(invocation: &Invocation, api: Option<&str>) -> Vec<Map<String, Value>> {
    let configuration = invocation.configuration().ok();
    let default = configuration
        .and_then(|configuration| configuration.providers.iter().find(|instance| instance.default));
    let defaults = default.map(|instance| instance.template_defaults.clone()).unwrap_or_default();
    examples(api, &defaults)
}
