//! Validation of the configuration as a whole: what `ohfp config validate` and `ohfp templates validate` report.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_resolver::load::Inputs;
use ohfp_resolver::nearest::{did_you_mean, nearest};
use ohfp_resolver::{LimitDecrease, ProviderInstance, Resolved, Warning};
use ohfp_snapshot_builder::freshness;

use crate::doubts;
use crate::invocation::Invocation;
use crate::registry::{self, Checked, LaunchCheck};
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
    validate_inputs(invocation, invocation.inputs()?)
}

/// The templates that a check is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope<'s> {
    /// Those of these ids.
    Ids(&'s [&'s str]),
    /// Those of a template file, with the name of the file.
    File(&'s Path, &'s str),
}

/// As [`validate`], about a part of the templates.
///
/// # Errors
/// As there, and [`ErrorKind::NotFound`] for an unknown id.
pub fn validate_part(invocation: &Invocation, scope: &Scope<'_>) -> Result<ValidConfiguration, Errors> {
    let (place, env) = (invocation.place()?, invocation.env());
    let inputs = Inputs::read(&place.origin, env);
    match scope {
        Scope::Ids(ids) => {
            let places = inputs.places(env);
            for id in *ids {
                if places.files_of(id).next().is_none() {
                    let error = Error::new(ErrorKind::NotFound, format!("there is no template `{id}`"));
                    let hint = did_you_mean(nearest(id, places.ids()));
                    return Err(hint.map_or(error.clone(), |hint| error.hint(hint)).into());
                }
            }
            let only = ids.iter().map(|id| (*id).to_owned()).collect();
            validate_inputs(invocation, &inputs.with_only(only))
        }
        Scope::File(name, text) => {
            validate_inputs(invocation, &inputs.with_templates((*name).to_owned(), text.as_bytes().to_vec()))
        }
    }
}

/// As [`validate`], of inputs that may differ from the files.
pub(crate) fn validate_inputs(
    invocation: &Invocation,
    inputs: &Inputs,
) -> Result<ValidConfiguration, Errors> {
    let resolved = inputs.resolve(invocation.env())?;
    if !resolved.problems.is_empty() {
        return Err(resolved.errors().into());
    }
    let mut warnings = resolved.warnings.clone();
    warnings.extend(provider_options(&resolved.providers)?);
    let (unlaunchable, refused) = {
        let cell = OnceCell::new();
        let with_place = |error| cell.get_or_init(|| inputs.places(invocation.env())).placed(error);
        // LSF's own variables, which Host Factory of Symphony does not set.
        let is_set = |name: &str| invocation.env().get(name).is_some_and(|value| !value.is_empty());
        let is_lsf = is_set("PRO_CONF_DIR") || is_set("PROVIDER_NAME");
        launches(&with_place, &resolved, is_lsf)
    };
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
fn launches(
    placed: &dyn Fn(Error) -> Error,
    resolved: &Resolved,
    is_lsf: bool,
) -> (Vec<Error>, Vec<Warning>) {
    let is_configured = |instance: &&ProviderInstance| !instance.implied || instance.source != "default";
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let mut checks: HashMap<&str, LaunchCheck> = HashMap::new();
    for template in &resolved.templates {
        let (id, spec) = (template.id(), template.spec());
        let candidates =
            selection::candidates(&resolved.settings, &resolved.providers, Some(template), Wish::default());
        let refused = candidates.as_ref().err().into_iter().flat_map(|errors| errors.iter().cloned());
        let field = if spec.provider_name.is_some() { "providerName" } else { "providerType" };
        let names_one = spec.provider_name.is_some() || spec.provider_type.is_some();
        warnings.extend(refused.filter(|_| names_one).map(|error| Warning {
            place: None,
            message: placed(error.in_field(id, field)).summary(),
            hint: None,
        }));
        let chosen = candidates.unwrap_or_default().into_iter().filter(is_configured);
        let kinds: BTreeMap<&str, &ProviderInstance> =
            chosen.map(|instance| (instance.kind.as_str(), instance)).collect();
        let mut wrong: Vec<String> = Vec::new();
        for (kind, instance) in &kinds {
            let Some(factory) = registry::factory(kind) else { continue };
            let check = checks.entry(&instance.name).or_insert_with(|| factory.launch_check(instance));
            for error in check(template, &resolved.origin.root) {
                let message = format!("template `{id}`: {error}");
                wrong.push(error.base().to_owned());
                let error = Error::new(ErrorKind::Input, message).in_field(id, error.base());
                errors.push(placed(error));
            }
        }
        // Simulated machines need no account: what is said of it is an example.
        let is_real = kinds.keys().any(|kind| *kind != registry::simulated_kind());
        let doubts = doubts::doubts(template, &resolved.origin.root, is_lsf);
        let told = doubts.into_iter().filter(|(field, _)| {
            (is_real || *field == "templateId") && !wrong.iter().any(|wrong| wrong == field)
        });
        warnings.extend(told.map(|(field, what)| {
            let message = format!("`{field}` of template `{id}` {what}");
            let error = Error::new(ErrorKind::Input, message).in_field(id, field);
            Warning { place: None, message: placed(error).summary(), hint: None }
        }));
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
