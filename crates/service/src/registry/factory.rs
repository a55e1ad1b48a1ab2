//! What a kind of provider is to a configuration: its options, and how one is built.

use std::sync::Arc;

use ohfp_broker::documents::DocumentStore;
use ohfp_broker::provider::Provider;
use ohfp_broker::{Error, Errors};
use ohfp_resolver::{Performance, ProviderInstance};

/// A kind of provider.
pub struct ProviderFactory {
    /// As `type` of an instance in `config.json`.
    pub kind: &'static str,
    /// Whether its machines do not exist.
    pub simulated: bool,
    pub(super) feature: Option<Feature>,
    /// `None` where this build does not have it.
    pub(super) back_end: Option<BackEnd>,
}

/// A key of `config.json` that switches a kind off.
pub(super) struct Feature {
    pub(super) key: &'static str,
    pub(super) value: fn(&Performance) -> Option<bool>,
}

/// Builds the provider of an instance, which keeps its documents in that store.
pub(super) type Build = fn(&ProviderInstance, Arc<dyn DocumentStore>) -> Result<Arc<dyn Provider>, Errors>;

/// What a kind that is built in can do.
pub(super) struct BackEnd {
    pub(super) check: fn(&ProviderInstance) -> Checked,
    pub(super) build: Build,
}

/// What there is to say about the options of an instance.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong: no provider is built of such options.
    pub errors: Vec<Error>,
    /// What is doubtful.
    pub warnings: Vec<String>,
}

impl ProviderFactory {
    /// Whether this build has it.
    pub fn is_built_in(&self) -> bool {
        self.back_end.is_some()
    }

    /// The key of `config.json` that switches this kind off, where it does.
    pub(super) fn switched_off(&self, performance: &Performance) -> Option<&'static str> {
        self.feature
            .as_ref()
            .filter(|feature| (feature.value)(performance) == Some(false))
            .map(|feature| feature.key)
    }

    /// Looks at the options of an instance, without building anything.
    pub fn check(&self, instance: &ProviderInstance) -> Checked {
        self.back_end.as_ref().map(|back_end| (back_end.check)(instance)).unwrap_or_default()
    }
}
