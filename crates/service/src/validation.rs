//! Validation of the configuration as a whole: what `ohfp config validate` and `ohfp templates validate` report.

use std::collections::BTreeSet;
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_resolver::load::Inputs;
use ohfp_resolver::{LimitDecrease, ProviderInstance, Resolved, Warning};
use ohfp_snapshot_builder::freshness;

use crate::invocation::Invocation;
use crate::registry::{self, Checked};
use crate::selection::{self, Wish};

/// A configuration whose files have no errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidConfiguration {
    /// What keeps templates from being launched by the provider that they are for.
    pub unlaunchable: Vec<Error>,
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
/// Every error in the files, in their order; where there is none, those in the options of the providers.
pub fn validate(invocation: &Invocation) -> Result<ValidConfiguration, Errors> {
    let resolved = invocation.resolved()?;
    if !resolved.problems.is_empty() {
        return Err(resolved.errors().into());
    }
    let mut warnings = resolved.warnings.clone();
    warnings.extend(provider_options(&resolved.providers)?);
    let (unlaunchable, refused) = launches(invocation, &resolved);
    warnings.extend(refused);
    // A `maxNumber` of the files that differs from the published one.
    let held = freshness::held(&resolved, invocation.place()?, invocation.env());
    warnings.extend(held.iter().map(|held| Warning {
        place: None,
        message: held.message(),
        hint: Some(LimitDecrease::HINT.to_owned()),
    }));
    Ok(ValidConfiguration {
        unlaunchable,
        warnings: warnings.iter().map(ToString::to_string).collect(),
        templates: resolved.templates.len(),
        left_out: resolved.left_out.into_iter().map(|left_out| left_out.id).collect(),
    })
}

/// Checks one text as the only configuration file, without templates. The ending of `name` says its format.
///
/// # Errors
/// Every error in it.
pub fn validate_alone(
    invocation: &Invocation,
    name: &Path,
    content: Vec<u8>,
) -> Result<ValidConfiguration, Errors> {
    let configuration = Inputs::alone(name, content)?.configuration(invocation.env())?;
    if !configuration.problems.is_empty() {
        return Err(configuration.problems.into_iter().map(|problem| problem.error).collect());
    }
    let mut warnings = configuration.warnings.clone();
    warnings.extend(provider_options(&configuration.providers)?);
    Ok(ValidConfiguration {
        unlaunchable: Vec::new(),
        warnings: warnings.iter().map(ToString::to_string).collect(),
        templates: 0,
        left_out: Vec::new(),
    })
}

/// What keeps templates from being launched by the providers that requests for them go to, field by field; and, as
/// warnings, templates that name a provider which no request can go to. Where nothing configures a provider, none is
/// known to be meant.
fn launches(invocation: &Invocation, resolved: &Resolved) -> (Vec<Error>, Vec<Warning>) {
    let is_configured = |instance: &&ProviderInstance| !instance.implied || instance.source != "default";
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for template in &resolved.templates {
        let (id, spec) = (template.id(), template.spec());
        let candidates =
            selection::candidates(&resolved.settings, &resolved.providers, Some(template), Wish::default());
        let refused = candidates.as_ref().err().into_iter().flat_map(|errors| errors.iter().cloned());
        let field = if spec.provider_name.is_some() { "providerName" } else { "providerType" };
        let names_one = spec.provider_name.is_some() || spec.provider_type.is_some();
        warnings.extend(refused.filter(|_| names_one).map(|error| Warning {
            place: None,
            message: invocation.placed(error.in_field(id, field)).summary(),
            hint: None,
        }));
        let chosen = candidates.unwrap_or_default().into_iter().filter(is_configured);
        let kinds: BTreeSet<&str> = chosen.map(|instance| instance.kind.as_str()).collect();
        for factory in kinds.into_iter().filter_map(registry::factory) {
            for error in factory.unlaunchable(spec, &resolved.origin.root) {
                let message = format!("template `{id}`: {error}");
                let error = Error::new(ErrorKind::Input, message).in_field(id, error.base());
                errors.push(invocation.placed(error));
            }
        }
    }
    (errors, warnings)
}

/// Checks the options of each configured provider against the table of its kind; gives the warnings.
fn provider_options(providers: &[ProviderInstance]) -> Result<Vec<Warning>, Errors> {
    let checked = providers
        .iter()
        .filter_map(|instance| registry::factory(&instance.kind).map(|factory| factory.check(instance)));
    let (mut errors, mut doubtful) = (Vec::new(), Vec::new());
    for Checked { errors: wrong, warnings } in checked {
        errors.extend(wrong);
        doubtful.extend(warnings.into_iter().map(|message| Warning { place: None, message, hint: None }));
    }
    if errors.is_empty() { Ok(doubtful) } else { Err(errors.into()) }
}
