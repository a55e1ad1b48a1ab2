//! The configured providers, and the broker's operations on them.

mod factory;
mod kinds;
mod sim;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ohfp_broker::operations::{Broker, Policy, Providers};
use ohfp_broker::provider::Provider;
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_components::Deferred;
use ohfp_provider_sim::SimProvider;
use ohfp_resolver::{Configuration, Performance, ProviderInstance};

pub use factory::{Checked, ProviderFactory};
pub use kinds::{PROVIDERS, factory, simulated_kind};

use crate::site_store::SiteStore;

/// Requests and machines: the broker's operations on the store and the providers of this configuration.
pub struct Requests {
    /// The state store.
    pub store: Arc<SiteStore>,
    /// The configured providers.
    pub providers: Arc<Registry>,
    policy: Policy,
}

impl Requests {
    /// Operations on that store and those providers.
    pub(crate) fn new(
        store: Arc<SiteStore>,
        providers: Arc<Registry>,
        configuration: &Configuration,
    ) -> Self {
        Self { store, providers, policy: policy(configuration) }
    }

    /// The operations.
    pub fn broker(&self) -> Broker<'_> {
        Broker::new(&**self.store, self.providers.as_ref(), self.policy)
    }
}

/// The configured providers; each is built when it is first asked for something.
pub struct Registry {
    instances: Vec<ProviderInstance>,
    /// Kinds of providers that are switched off.
    performance: Performance,
    /// Not needed to know which providers there are.
    store: Deferred<SiteStore>,
    built: Mutex<HashMap<String, Arc<dyn Provider>>>,
}

impl Registry {
    /// The instances of that configuration. `performance` says which kinds are switched off.
    pub(crate) fn new(
        configuration: &Configuration,
        performance: &Performance,
        store: Deferred<SiteStore>,
    ) -> Self {
        Self {
            instances: preferred(&configuration.providers),
            performance: performance.clone(),
            store,
            built: Mutex::default(),
        }
    }

    /// How many of the enabled providers cannot be built. Builds all of them.
    pub(crate) fn build_all(&self) -> usize {
        self.names().iter().filter(|name| self.get(name).is_err()).count()
    }

    /// The configured instances, in the order of preference: the default one, then by priority.
    pub fn instances(&self) -> impl Iterator<Item = &ProviderInstance> {
        self.instances.iter()
    }

    /// The instance of that name, if a provider can be built of it, with the factory of its kind.
    fn buildable(&self, name: &str) -> Result<(&ProviderInstance, &'static ProviderFactory)> {
        let instance = self.instances.iter().find(|instance| instance.name == name).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, format!("provider `{name}` is not configured"))
                .hint("machines that it made can only be looked after when it is in config.json")
        })?;
        let factory = kinds::factory(&instance.kind);
        if let Some(key) = factory.and_then(|factory| factory.switched_off(&self.performance)) {
            let what =
                format!("provider `{name}` is of type `{}`, which is switched off by `{key}`", instance.kind);
            return Err(Error::new(ErrorKind::Unavailable, what).hint(format!("set `{key}` to true")));
        }
        if let Some(error) = instance.problems(&["type"]).pop() {
            return Err(error);
        }
        let Some(factory) = factory.filter(|factory| factory.is_built_in()) else {
            let what =
                format!("provider `{name}` is of type `{}`, which this build does not have", instance.kind);
            return Err(Error::new(ErrorKind::Unavailable, what).hint(kinds::built_in()));
        };
        let wrong = instance.problems(&["config"]);
        if wrong.is_empty() { Ok((instance, factory)) } else { Err(Errors::from(wrong).joined()) }
    }

    /// The simulated provider of that name, for playing its cloud.
    ///
    /// # Errors
    /// As [`Providers::get`].
    pub fn simulated(&self, name: &str) -> Result<SimProvider> {
        let (instance, _) = self.buildable(name)?;
        sim::provider(instance, self.store.get()?.documents()).map_err(Errors::joined)
    }
}

impl Providers for Registry {
    fn get(&self, name: &str) -> Result<Arc<dyn Provider>> {
        // Held while building: a provider is built once, and building one is quick.
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = built.get(name) {
            return Ok(Arc::clone(provider));
        }
        let (instance, factory) = self.buildable(name)?;
        let provider = factory.build(instance, self.store.get()?.documents()).map_err(Errors::joined)?;
        built.insert(name.to_owned(), Arc::clone(&provider));
        Ok(provider)
    }

    fn names(&self) -> Vec<String> {
        let enabled = self.instances.iter().filter(|instance| instance.enabled);
        enabled.map(|instance| instance.name.clone()).collect()
    }
}

/// What holds for requests that exist. New ones need each of these to be right; for the others a wrong time
/// limit is as long as one can be, since none must run out because of a typing error.
fn policy(configuration: &Configuration) -> Policy {
    /// Seconds of the longest time that can be configured.
    const LONGEST: u64 = 604_800;
    let settings = &configuration.settings;
    Policy {
        max_machines_per_request: settings.max_machines_per_request().ok().flatten().unwrap_or(u64::MAX),
        fulfillment_timeout: settings.fulfillment_timeout().unwrap_or(LONGEST),
        return_timeout: settings.return_timeout().unwrap_or(LONGEST),
        unacknowledged_timeout: settings.unacknowledged_timeout().unwrap_or(LONGEST),
    }
}

/// Enabled and disabled ones: a disabled one gets no requests, and its machines are looked after.
pub fn preferred(instances: &[ProviderInstance]) -> Vec<ProviderInstance> {
    let mut sorted = instances.to_vec();
    sorted.sort_by_key(|instance| (!instance.default, instance.priority));
    sorted
}
