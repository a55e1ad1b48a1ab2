//! The simulated provider: its options from an instance, and its factory.

use std::sync::Arc;

use ohfp_broker::documents::DocumentStore;
use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_provider_sim::{KEYS, OptionFinding, SimConfig, SimProvider};
use ohfp_resolver::ProviderInstance;
use ohfp_resolver::nearest::{did_you_mean, nearest_dotted};

use super::factory::{BackEnd, Checked, ProviderFactory};

pub(super) const FACTORY: ProviderFactory = ProviderFactory {
    kind: "sim",
    simulated: true,
    option_names: || KEYS.iter().map(|key| key.path).collect(),
    feature: None,
    back_end: Some(BackEnd {
        check,
        build: |instance, documents| Ok(Arc::new(provider(instance, documents)?)),
    }),
};

/// The provider of an instance.
///
/// # Errors
/// What is wrong with its options, each finding with the instance's name and its place.
pub(super) fn provider(
    instance: &ProviderInstance,
    documents: Arc<dyn DocumentStore>,
) -> Result<SimProvider, Errors> {
    let errors = check(instance).errors;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let (config, _) = SimConfig::read(&instance.config);
    Ok(SimProvider::new(&*instance.name, config, documents))
}

fn check(instance: &ProviderInstance) -> Checked {
    let (_, findings) = SimConfig::read(&instance.config);
    let (wrong, doubtful): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_wrong());
    let error = |finding: &OptionFinding| {
        let error = Error::new(ErrorKind::Input, named(instance, finding));
        match hint(finding) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    };
    Checked {
        errors: wrong.into_iter().map(error).collect(),
        warnings: doubtful.into_iter().map(|finding| named(instance, finding)).collect(),
    }
}

fn named(instance: &ProviderInstance, finding: &OptionFinding) -> String {
    format!("{}: provider `{}`: config of a `sim` provider: {finding}", instance.source, instance.name)
}

fn hint(finding: &OptionFinding) -> Option<String> {
    let OptionFinding::Unknown(path) = finding else { return None };
    let known: Vec<&str> = ohfp_provider_sim::KEYS.iter().map(|key| key.path).collect();
    did_you_mean(nearest_dotted(path, &known))
}
