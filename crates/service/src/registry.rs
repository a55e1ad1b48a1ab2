//! The configured providers, and the broker's operations on them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ohfp_broker::operations::{Broker, Policy, Providers};
use ohfp_broker::provider::Provider;
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_components::Deferred;
use ohfp_provider_sim::{OptionFinding, SimConfig, SimProvider};
use ohfp_resolver::nearest::{did_you_mean, nearest_dotted};
use ohfp_resolver::{Configuration, ProviderInstance};
use ohfp_store_sqlite::SqliteStore;

/// Requests and machines: the broker's operations on the store and the providers of this configuration.
pub struct Requests {
    /// The state store.
    pub store: Arc<SqliteStore>,
    /// The configured providers.
    pub providers: Arc<Registry>,
    policy: Policy,
}

impl Requests {
    /// Operations on that store and those providers.
    pub(crate) fn new(
        store: Arc<SqliteStore>,
        providers: Arc<Registry>,
        configuration: &Configuration,
    ) -> Self {
        Self { store, providers, policy: policy(configuration) }
    }

    /// The operations.
    pub fn broker(&self) -> Broker<'_> {
        Broker::new(self.store.as_ref(), self.providers.as_ref(), self.policy)
    }
}

/// The configured providers; each is built when it is first asked for something.
pub struct Registry {
    instances: Vec<ProviderInstance>,
    /// `features.aws_integration`
    aws: Option<bool>,
    /// Not needed to know which providers there are.
    store: Deferred<SqliteStore>,
    built: Mutex<HashMap<String, Arc<SimProvider>>>,
}

impl Registry {
    /// The instances of that configuration. `aws` is `features.aws_integration`.
    pub(crate) fn new(
        configuration: &Configuration,
        aws: Option<bool>,
        store: Deferred<SqliteStore>,
    ) -> Self {
        Self { instances: preferred(&configuration.providers), aws, store, built: Mutex::default() }
    }

    /// How many of the enabled providers cannot be built. Builds all of them.
    pub(crate) fn build_all(&self) -> usize {
        self.names().iter().filter(|name| self.sim(name).is_err()).count()
    }

    /// The configured instances, in the order of preference: the default one, then by priority.
    pub fn instances(&self) -> impl Iterator<Item = &ProviderInstance> {
        self.instances.iter()
    }

    /// The simulated provider of that name, for playing its cloud.
    pub fn sim(&self, name: &str) -> Result<Arc<SimProvider>> {
        // Held while building: a provider is built once, and building one is quick.
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = built.get(name) {
            return Ok(Arc::clone(provider));
        }
        let instance = self.instances.iter().find(|instance| instance.name == name).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, format!("provider `{name}` is not configured"))
                .hint("machines that it made can only be looked after when it is in config.json")
        })?;
        if instance.kind == "aws" && self.aws == Some(false) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "provider `{name}` is of type `aws`, which is switched off by `features.aws_integration`"
                ),
            )
            .hint("set `features.aws_integration` to true"));
        }
        if let Some(error) = instance.problems(&["type"]).pop() {
            return Err(error);
        }
        if instance.kind != "sim" {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("provider `{name}` is of type `{}`, which this build does not have", instance.kind),
            )
            .hint("`sim` is the type that is built in"));
        }
        let wrong = instance.problems(&["config"]);
        if !wrong.is_empty() {
            return Err(joined(wrong));
        }
        let config = simulated(instance).map_err(joined)?;
        let provider = Arc::new(SimProvider::new(name, config, self.store.get()?));
        built.insert(name.to_owned(), Arc::clone(&provider));
        Ok(provider)
    }
}

impl Providers for Registry {
    fn get(&self, name: &str) -> Result<Arc<dyn Provider>> {
        self.sim(name).map(|provider| provider as Arc<dyn Provider>)
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

/// The type of providers whose machines do not exist.
pub const SIMULATED: &str = "sim";

/// The options of a provider of that type.
///
/// # Errors
/// What is wrong with them, each finding with the provider's name and its place.
pub fn simulated(instance: &ProviderInstance) -> Result<SimConfig, Vec<Error>> {
    let (config, findings) = SimConfig::read(&instance.config);
    let wrong: Vec<Error> = findings
        .iter()
        .filter(|finding| finding.is_wrong())
        .map(|finding| {
            let error = Error::new(ErrorKind::Input, named(instance, finding));
            match hint(finding) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
        .collect();
    if wrong.is_empty() { Ok(config) } else { Err(wrong) }
}

/// What is doubtful about the options of a simulated provider, without being wrong.
pub fn simulated_warnings(instance: &ProviderInstance) -> Vec<String> {
    let (_, findings) = SimConfig::read(&instance.config);
    findings.iter().filter(|finding| !finding.is_wrong()).map(|finding| named(instance, finding)).collect()
}

fn named(instance: &ProviderInstance, finding: &OptionFinding) -> String {
    format!("{}: provider `{}`: config of a `sim` provider: {finding}", instance.source, instance.name)
}

fn hint(finding: &OptionFinding) -> Option<String> {
    let OptionFinding::Unknown(path) = finding else { return None };
    let known: Vec<&str> = ohfp_provider_sim::KEYS.iter().map(|key| key.path).collect();
    did_you_mean(nearest_dotted(path, &known))
}

/// Several errors as one, for those who can pass on only one.
pub fn joined(errors: Vec<Error>) -> Error {
    let mut errors = errors.into_iter();
    match (errors.next(), errors.len()) {
        (Some(only), 0) => only,
        (Some(first), _) => errors.fold(first, |error, next| error.cause(next.summary())),
        (None, _) => Error::new(ErrorKind::Input, "the configuration is wrong"),
    }
}
