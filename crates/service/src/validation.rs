//! Validation of the configuration as a whole: what `ohfp config validate` and `ohfp templates validate` report.

use ohfp_broker::launch_spec::FieldError;
use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_resolver::{LimitDecrease, ProviderInstance, Resolved, Warning};
use ohfp_snapshot_builder::freshness;

use crate::invocation::Invocation;
use crate::registry::{self, Checked};

/// A configuration without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidConfiguration {
    /// What is doubtful, with position and hint.
    pub warnings: Vec<String>,
    /// Number of templates that are offered.
    pub templates: usize,
    /// Ids of the templates that are left out.
    pub left_out: Vec<String>,
}

/// Checks everything that can be checked without a provider or the store.
///
/// # Errors
/// Every error in the files, in their order; where there is none, those in the options of the providers, and then what
/// keeps templates from being launched by the provider that they are for.
pub fn validate(invocation: &Invocation) -> Result<ValidConfiguration, Errors> {
    let resolved = invocation.resolved()?;
    if !resolved.problems.is_empty() {
        return Err(resolved.errors().into());
    }
    let mut warnings = resolved.warnings.clone();
    warnings.extend(provider_options(&resolved)?);
    let unlaunchable = unlaunchable(invocation, &resolved)?;
    if !unlaunchable.is_empty() {
        return Err(unlaunchable.into());
    }
    // A `maxNumber` of the files that differs from the published one.
    let held = freshness::held(&resolved, invocation.place()?, invocation.env());
    warnings.extend(held.iter().map(|held| Warning {
        place: None,
        message: held.message(),
        hint: Some(LimitDecrease::HINT.to_owned()),
    }));
    Ok(ValidConfiguration {
        warnings: warnings.iter().map(ToString::to_string).collect(),
        templates: resolved.templates.len(),
        left_out: resolved.left_out.into_iter().map(|left_out| left_out.id).collect(),
    })
}

/// Of so many errors in templates the place is told.
const MOST_PLACES: usize = 100;

/// What keeps templates from being launched by the kind of provider that they are for, field by field. Where nothing
/// configures a provider, none is known to be meant.
fn unlaunchable(invocation: &Invocation, resolved: &Resolved) -> Result<Vec<Error>, Errors> {
    let settings = &resolved.settings;
    let is_configured = |instance: &&ProviderInstance| !instance.implied || instance.source != "default";
    let configured = |name: &str| {
        let mut named = resolved.providers.iter().filter(is_configured);
        named.find(|instance| instance.name == name).map(|instance| instance.kind.as_str())
    };
    let usual = match settings.default_provider_name()? {
        Some(name) => configured(name),
        None => settings.default_provider_type()?,
    };
    let usual = usual.or_else(|| {
        let default = resolved.providers.iter().filter(is_configured).find(|instance| instance.default);
        default.map(|instance| instance.kind.as_str())
    });
    let mut errors = Vec::new();
    for template in &resolved.templates {
        let spec = template.spec();
        let kind = match (spec.provider_name.as_deref(), spec.provider_type.as_deref()) {
            (Some(name), _) => configured(name),
            (None, Some(kind)) => Some(kind),
            (None, None) => usual,
        };
        let Some(factory) = kind.and_then(registry::factory) else { continue };
        for FieldError { field, why } in factory.unlaunchable(spec, &resolved.origin.root) {
            let base = field.split('.').next().unwrap_or_default();
            // Each place takes a look at the files.
            let is_placed = errors.len() < MOST_PLACES;
            let place = is_placed.then(|| invocation.place_of(template.id(), base)).flatten();
            let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
            let message = format!("{place}template `{}`: `{field}` {why}", template.id());
            errors.push(Error::new(ErrorKind::Input, message));
        }
    }
    Ok(errors)
}

/// Checks the options of each configured provider against the table of its kind; gives the warnings.
fn provider_options(resolved: &Resolved) -> Result<Vec<Warning>, Errors> {
    let checked = resolved
        .providers
        .iter()
        .filter_map(|instance| registry::factory(&instance.kind).map(|factory| factory.check(instance)));
    let (mut errors, mut doubtful) = (Vec::new(), Vec::new());
    for Checked { errors: wrong, warnings } in checked {
        errors.extend(wrong);
        doubtful.extend(warnings.into_iter().map(|message| Warning { place: None, message, hint: None }));
    }
    if errors.is_empty() { Ok(doubtful) } else { Err(errors.into()) }
}
