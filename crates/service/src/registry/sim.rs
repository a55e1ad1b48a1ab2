//! The simulated provider: its factory.

use std::sync::Arc;

use ohfp_broker::Errors;
use ohfp_broker::documents::DocumentStore;
use ohfp_provider_sim::{KEYS, SimConfig, SimProvider};
use ohfp_resolver::ProviderInstance;

use super::factory::{BackEnd, ProviderFactory, unchecked};

pub(super) const FACTORY: ProviderFactory = ProviderFactory {
    kind: "sim",
    simulated: true,
    options: KEYS,
    feature: None,
    back_end: Some(BackEnd {
        findings: |options| SimConfig::read(options).1,
        launch_check: |_| unchecked(),
        rendered: |instance, template, count, _| {
            Ok(ohfp_provider_sim::plan(&SimConfig::read(&instance.config).0, template, count))
        },
        build: |instance, home| Ok(Arc::new(provider(instance, home.documents)?)),
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
    let (config, findings) = SimConfig::read(&instance.config);
    let errors = FACTORY.judge(instance, &findings).errors;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    Ok(SimProvider::new(&*instance.name, config, documents))
}
