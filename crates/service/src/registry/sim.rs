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
    feature: None,
    back_end: Some(BackEnd {
        check: |instance| read(instance).1,
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
    let (config, Checked { errors, .. }) = read(instance);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    Ok(SimProvider::new(&*instance.name, config, documents))
}

/// The options of an instance, as far as they are right, and what there is to say about them.
fn read(instance: &ProviderInstance) -> (SimConfig, Checked) {
    let (config, findings) = SimConfig::read(&instance.config);
    let (wrong, doubtful): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_wrong());
    let error = |finding: &OptionFinding| {
        let error = Error::new(ErrorKind::Input, named(instance, finding));
        match hint(finding) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    };
    let checked = Checked {
        errors: wrong.into_iter().map(error).collect(),
        warnings: doubtful.into_iter().map(|finding| named(instance, finding)).collect(),
    };
    (config, checked)
}

fn named(instance: &ProviderInstance, finding: &OptionFinding) -> String {
    format!("{}: provider `{}`: config of a `sim` provider: {finding}", instance.source, instance.name)
}

fn hint(finding: &OptionFinding) -> Option<String> {
    let OptionFinding::Unknown(path) = finding else { return None };
    let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
    did_you_mean(nearest_dotted(path, &known))
}
