//! Validation of the configuration as a whole: what `ohfp config validate` and `ohfp templates validate` report.

use ohfp_broker::Errors;
use ohfp_resolver::{LimitDecrease, Resolved, Warning};
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
/// Every error in the files, in their order; where there is none, those in the options of the providers.
pub fn validate(invocation: &Invocation) -> Result<ValidConfiguration, Errors> {
    let resolved = invocation.resolved()?;
    if !resolved.problems.is_empty() {
        return Err(resolved.errors().into());
    }
    let mut warnings = resolved.warnings.clone();
    warnings.extend(provider_options(&resolved)?);
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
