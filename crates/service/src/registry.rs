//! The configured providers, and the broker's operations on them.

#[cfg(feature = "aws")]
mod aws;
mod factory;
mod kinds;
mod sim;
mod timed;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ohfp_broker::operations::{Broker, Policy, Providers};
use ohfp_broker::provider::{Health, Provider};
use ohfp_broker::{Deadline, Error, ErrorKind, Errors, Result, Timestamp};
use ohfp_components::Deferred;
use ohfp_provider_sim::SimProvider;
use ohfp_resolver::settings::key_table::LONGEST_TIMEOUT;
use ohfp_resolver::{Configuration, Performance, ProviderInstance};

pub(crate) use factory::{Checked, LaunchCheck};
pub(crate) use kinds::{compiled_in, factory, simulated_kind};

use factory::{BackEnd, Home};

use crate::action_time::ActionTime;
use crate::invocation::Invocation;
use crate::site_store::SiteStore;

/// Requests and machines: the broker's operations on the store and the providers of this configuration.
pub struct Requests {
    /// The state store.
    pub store: Arc<SiteStore>,
    /// The configured providers.
    pub providers: Arc<Registry>,
    policy: Policy,
    time: ActionTime,
}

impl Requests {
    /// Creates the operations on `store` and `providers`.
    pub(crate) fn new(
        store: Arc<SiteStore>,
        providers: Arc<Registry>,
        configuration: &Configuration,
        time: ActionTime,
    ) -> Self {
        Self { store, providers, policy: policy(configuration), time }
    }

    /// A broker on this store and these providers, which have to answer in time for the question that is asked now.
    pub fn broker(&self) -> Broker<'_> {
        self.broker_until(self.deadline())
    }

    /// The same where providers have so much time at most.
    pub fn broker_within(&self, time: Duration) -> Broker<'_> {
        let now = Instant::now();
        self.broker_until(Deadline::at(now + self.deadline().left(now).unwrap_or_default().min(time)))
    }

    /// The same for what follows an answer.
    pub(crate) fn upkeep(&self) -> Broker<'_> {
        self.broker_until(self.time.upkeep(Instant::now()))
    }

    /// Until when providers have to answer a question that is asked now.
    pub fn deadline(&self) -> Deadline {
        self.time.answer(Instant::now())
    }

    fn broker_until(&self, deadline: Deadline) -> Broker<'_> {
        Broker::new(&**self.store, self.providers.as_ref(), self.policy, deadline)
    }
}

/// The configured providers, each built on first use.
pub struct Registry {
    instances: Vec<ProviderInstance>,
    /// Kinds of providers that are switched off.
    performance: Performance,
    invocation: Arc<Invocation>,
    /// Deferred: listing providers does not need the store.
    store: Deferred<SiteStore>,
    built: Mutex<HashMap<String, Arc<dyn Provider>>>,
}

impl Registry {
    /// The instances of that configuration. `performance` says which kinds are switched off.
    pub(crate) fn new(
        invocation: Arc<Invocation>,
        configuration: &Configuration,
        performance: &Performance,
        store: Deferred<SiteStore>,
    ) -> Self {
        Self {
            instances: preferred(&configuration.providers).into_iter().cloned().collect(),
            performance: performance.clone(),
            invocation,
            store,
            built: Mutex::default(),
        }
    }

    /// Builds all enabled providers and returns the number that failed.
    pub(crate) fn build_all(&self) -> usize {
        self.names().iter().filter(|name| self.get(name).is_err()).count()
    }

    /// Whether a provider that is not simulated was used so far.
    pub(crate) fn has_used_cloud(&self) -> bool {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.values().any(|provider| provider.kind() != simulated_kind())
    }

    /// The configured instances in the order of preference: the default one first, then by priority.
    pub(crate) fn instances(&self) -> &[ProviderInstance] {
        &self.instances
    }

    /// The names of all configured providers, enabled or not, in the same order.
    pub fn configured(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().map(|instance| instance.name.as_str())
    }

    /// The type of the provider of that name, if it is configured.
    pub fn kind(&self, name: &str) -> Option<&str> {
        self.instances.iter().find(|instance| instance.name == name).map(|instance| instance.kind.as_str())
    }

    /// The health of the provider of that name. One that cannot be built is not healthy, for that reason.
    pub fn health(&self, name: &str, now: Timestamp, deadline: Deadline) -> Health {
        match self.get(name) {
            Ok(provider) => provider.health(now, deadline),
            Err(error) => Health { healthy: false, detail: error.summary() },
        }
    }

    /// The instance of that name, if a provider can be built of it, with what builds it.
    fn buildable(&self, name: &str) -> Result<(&ProviderInstance, &'static BackEnd)> {
        let instance = self.instances.iter().find(|instance| instance.name == name).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, format!("provider `{name}` is not configured"))
                .hint("its machines can be polled and released only while it is in config.json")
        })?;
        let factory = kinds::factory(&instance.kind);
        if let Some(key) = factory.and_then(|factory| factory.switched_off(&self.performance)) {
            let what =
                format!("provider `{name}` is of type `{}`, which is disabled by `{key}`", instance.kind);
            return Err(Error::new(ErrorKind::Unavailable, what).hint(format!("set `{key}` to true")));
        }
        if let Some(error) = instance.problems(&["type"]).pop() {
            return Err(error);
        }
        let Some(back_end) = factory.and_then(|factory| factory.back_end.as_ref()) else {
            let what = format!(
                "provider `{name}` is of type `{}`, which is not compiled into this build",
                instance.kind
            );
            return Err(Error::new(ErrorKind::Unavailable, what).hint(kinds::built_in()));
        };
        let wrong = instance.problems(&["config"]);
        if wrong.is_empty() { Ok((instance, back_end)) } else { Err(Errors::from(wrong).joined()) }
    }

    /// The simulated provider of that name, for `ohfp sim`.
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
        // Held during the build: a provider is built once, and quickly.
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = built.get(name) {
            return Ok(Arc::clone(provider));
        }
        let (instance, back_end) = self.buildable(name)?;
        let home = Home { documents: self.store.get()?.documents(), invocation: &self.invocation };
        let building = ohfp_timings::phase_of(|| format!("build provider {name}").into());
        let provider = timed::timed((back_end.build)(instance, home).map_err(Errors::joined)?);
        drop(building);
        built.insert(name.to_owned(), Arc::clone(&provider));
        Ok(provider)
    }

    fn names(&self) -> Vec<String> {
        let enabled = self.instances.iter().filter(|instance| instance.enabled);
        enabled.map(|instance| instance.name.clone()).collect()
    }
}

/// The policy for existing requests. New requests require every value to be valid; for existing ones an invalid
/// timeout counts as the longest one, so that no request expires because of a typing error.
fn policy(configuration: &Configuration) -> Policy {
    const LONGEST: u64 = LONGEST_TIMEOUT as u64;
    let settings = &configuration.settings;
    Policy {
        max_machines_per_request: settings.max_machines_per_request().ok().flatten().unwrap_or(u64::MAX),
        fulfillment_timeout: settings.fulfillment_timeout().unwrap_or(LONGEST),
        return_timeout: settings.return_timeout().unwrap_or(LONGEST),
        unacknowledged_timeout: settings.unacknowledged_timeout().unwrap_or(LONGEST),
    }
}

/// Instances in the order of preference, the disabled ones as well: they get no new requests, but their machines are
/// still polled and released.
pub(crate) fn preferred(instances: &[ProviderInstance]) -> Vec<&ProviderInstance> {
    let mut sorted: Vec<&ProviderInstance> = instances.iter().collect();
    sorted.sort_by_key(|instance| (!instance.default, instance.priority));
    sorted
}
