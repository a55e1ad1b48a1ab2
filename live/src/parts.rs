//! The parts of an invocation: which there are, and what each is built from. None is built before it is
//! used, but what the configuration wants at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ohfp_broker::operations::{Broker, Policy, Providers};
use ohfp_broker::provider::Provider;
use ohfp_broker::scheduler::Scheduler;
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::{GlobalOptions, SchedulerType};
use ohfp_provider_sim::SimProvider;
use ohfp_snapshot_builder::load::{self, Configuration, Environment};
use ohfp_snapshot_builder::place::{self, Place};
use ohfp_snapshot_builder::resolve::performance::{Mode, Performance};
use ohfp_snapshot_builder::resolve::{ProviderInstance, SchedulerKind};
use ohfp_storage::{Options, SqliteStore, Traces};
use serde_json::Value;

use crate::cache::{Limits, ResultCache};
use crate::components::{Batch, Container, Deferred, environment};
use crate::templates::Templates;
use crate::{log, selection, state, wire};

/// Whether an invocation may change state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It may.
    Change,
    /// It must not: a dry run, or a look.
    Look,
}

/// One invocation's parts.
#[derive(Clone)]
pub(crate) struct Parts {
    container: Container,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) place: Place,
}

/// The wire format that this invocation speaks where a scheduler asks.
pub(crate) struct Wire(pub(crate) &'static dyn Scheduler);

/// Where events are logged; nothing is opened before the first.
#[derive(Clone, Debug)]
pub(crate) struct Log(pub(crate) Option<PathBuf>);

/// What the parts of an invocation have cost so far.
pub(crate) struct Monitoring(Value);

/// Requests and machines: the broker's operations on the store and the providers of this configuration.
pub(crate) struct Requests {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) providers: Arc<Registry>,
    policy: Policy,
}

impl Requests {
    /// The operations.
    pub(crate) fn broker(&self) -> Broker<'_> {
        Broker::new(self.store.as_ref(), self.providers.as_ref(), self.policy)
    }
}

/// The configured providers; each is built when it is first asked for something.
pub(crate) struct Registry {
    instances: Vec<ProviderInstance>,
    /// `features.aws_integration`
    aws: Option<bool>,
    /// Not needed to know which providers there are.
    store: Deferred<SqliteStore>,
    built: Mutex<HashMap<String, Arc<SimProvider>>>,
}

impl Registry {
    /// The configured instances, in the order of preference: the default one, then by priority.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &ProviderInstance> {
        self.instances.iter()
    }

    /// The simulated provider of that name, for playing its cloud.
    pub(crate) fn sim(&self, name: &str) -> Result<Arc<SimProvider>> {
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
        let config = selection::simulated(instance).map_err(joined)?;
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

impl Parts {
    /// Reads the configuration and registers what there is.
    pub(crate) fn assemble(
        global: &GlobalOptions,
        env: &Environment,
        access: Access,
    ) -> Result<Self, Vec<Error>> {
        let one = |error| vec![error];
        let place = place::find(global.config.as_deref(), None, env).map_err(one)?;
        let configuration = Arc::new(load::configuration(&place.origin, env)?);
        let performance =
            environment::overridden(Performance::new(&configuration.settings), env).map_err(one)?;
        log::configure(&performance, env);
        let parts = Self { container: Container::new(performance), configuration, place };
        parts.register(global, env, access).and_then(|()| parts.container.start()).map_err(one)?;
        Ok(parts)
    }

    fn register(&self, global: &GlobalOptions, env: &Environment, access: Access) -> Result<()> {
        let wire = wire::of(match global.scheduler {
            Some(SchedulerType::Default) => SchedulerKind::Default,
            Some(SchedulerType::HostFactory) | None => SchedulerKind::HostFactory,
        });
        let (configuration, log) = (Arc::clone(&self.configuration), Log(log::path(env)));
        self.container.register(Batch::Critical, move |critical| {
            critical.register_singleton("LoggingPort", move |_| Ok(Arc::new(log.clone())))?;
            critical.register_instance("ConfigurationPort", Arc::clone(&configuration))?;
            critical.register_instance("SchedulerPort", Arc::new(Wire(wire)))
        })?;

        let options = self.container.options();
        let at_start = !options.lazy_loading;
        let connects = at_start || options.connection_mode == Mode::Eager;
        let (on, aws) = (options.database_support, options.aws_integration);
        let (configuration, place) = (Arc::clone(&self.configuration), self.place.clone());
        let (cache_at, cache_variables) = (place.clone(), env.clone());
        let settings = Arc::clone(&self.configuration);
        let (global, env) = (global.clone(), env.clone());
        let policy = policy(&configuration);
        self.container.register(Batch::Core, move |core| {
            let (at, variables) = (place.clone(), env.clone());
            let database = core.connecting().feature("features.database_support", on);
            database.register_singleton("StoragePort", move |_| {
                store(&configuration, &at, &variables, access, connects).map(Arc::new)
            })?;
            core.register_singleton("ProviderPort", move |container| {
                let registry = Registry {
                    instances: preferred(&settings.providers),
                    aws,
                    store: container.later(),
                    built: Mutex::default(),
                };
                if at_start {
                    // One that cannot be built is an error for whoever asks for it.
                    let failed = registry.names().iter().filter(|name| registry.sim(name).is_err()).count();
                    tracing::debug!(target: "performance", failed, "all providers are built at start");
                }
                Ok(Arc::new(registry))
            })?;
            core.register_singleton("TemplateService", move |_| {
                let templates = Templates::new(place.clone(), global.clone(), env.clone());
                if at_start {
                    templates.load_all();
                }
                Ok(Arc::new(templates))
            })?;
            core.register_singleton("RequestService", move |container| {
                Ok(Arc::new(Requests { store: container.get()?, providers: container.get()?, policy }))
            })
        })?;

        let limits = Limits::new(self.container.options());
        let monitoring = self.container.options().monitoring;
        self.container.register(Batch::Optional, move |optional| {
            optional.register_on_demand::<ResultCache>("CachePort", move |demanded| {
                let path = state::cache(&state::directory(&cache_at, &cache_variables)?);
                demanded.register_singleton("CachePort", move |_| {
                    Ok(Arc::new(ResultCache::open(path.clone(), limits)))
                })
            })?;
            // Each is of its moment.
            let watching = optional.feature("features.monitoring", monitoring);
            watching.register_factory("MonitoringService", |container| {
                Ok(Arc::new(Monitoring(container.report())))
            })
        })
    }

    /// The container, for its report and its upkeep.
    pub(crate) fn container(&self) -> &Container {
        &self.container
    }

    pub(crate) fn log(&self) -> Result<Arc<Log>> {
        self.container.get()
    }

    pub(crate) fn wire(&self) -> Result<&'static dyn Scheduler> {
        Ok(self.container.get::<Wire>()?.0)
    }

    pub(crate) fn store(&self) -> Result<Arc<SqliteStore>> {
        self.container.get()
    }

    /// Where `features.monitoring` asks for it, puts into the log what the parts have cost, for those who
    /// collect it from there.
    pub(crate) fn monitor(&self) {
        if self.container.options().monitoring
            && let Ok(monitoring) = self.container.get::<Monitoring>()
        {
            tracing::info!(target: "performance", report = monitoring.0.to_string(), "components");
        }
    }

    pub(crate) fn cache(&self) -> Result<Arc<ResultCache>> {
        self.container.get()
    }

    pub(crate) fn templates(&self) -> Result<Arc<Templates>> {
        self.container.get()
    }

    pub(crate) fn requests(&self) -> Result<Arc<Requests>> {
        self.container.get()
    }

    pub(crate) fn providers(&self) -> Result<Arc<Registry>> {
        self.container.get()
    }
}

/// Where the database of this configuration lies.
pub(crate) fn database(configuration: &Configuration, place: &Place, env: &Environment) -> Result<PathBuf> {
    let name = configuration.settings.database_name()?;
    let path = state::directory(place, env)?.join(name);
    if !state::is_usable(&path) {
        return Err(Error::new(ErrorKind::Input, format!("`{}` cannot be a file's name", path.display())));
    }
    if state::is_reserved(name) {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "`storage.sql_strategy.name` is `{name}`, which is another file's name beside the database"
            ),
        )
        .hint("choose another name, such as `ohfp.db`"));
    }
    Ok(path)
}

pub(crate) fn store(
    configuration: &Configuration,
    place: &Place,
    env: &Environment,
    access: Access,
    eager: bool,
) -> Result<SqliteStore> {
    let path = database(configuration, place, env)?;
    let file_system = state::file_system(&path);
    let options = Options {
        local_file_system: file_system.is_some_and(|found| found.local),
        block_size: file_system.map_or(0, |found| found.block_size),
        busy_timeout: Duration::from_secs(configuration.settings.busy_timeout()),
        eager,
        read_only: access == Access::Look,
    };
    let traces = Traces {
        marker: state::marker(place, env, &path),
        companions: path.parent().map(state::cache).into_iter().collect(),
        log: log::path(env),
    };
    SqliteStore::open_with(path, options, traces)
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

/// Several errors as one, for those who can pass on only one.
pub(crate) fn joined(errors: Vec<Error>) -> Error {
    let mut errors = errors.into_iter();
    match (errors.next(), errors.len()) {
        (Some(only), 0) => only,
        (Some(first), _) => errors.fold(first, |error, next| error.cause(next.summary())),
        (None, _) => Error::new(ErrorKind::Input, "the configuration is wrong"),
    }
}

/// Enabled and disabled ones: a disabled one gets no requests, and its machines are looked after.
pub(crate) fn preferred(instances: &[ProviderInstance]) -> Vec<ProviderInstance> {
    let mut sorted = instances.to_vec();
    sorted.sort_by_key(|instance| (!instance.default, instance.priority));
    sorted
}
