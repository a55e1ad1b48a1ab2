//! The composition root: registers every component of an invocation. Components are built at their first use,
//! except those that `preload_critical` names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ohfp_broker::wire_format::{SchedulerKind, WireFormat};
use ohfp_broker::{Deadline, Errors, RequestId, Result};
use ohfp_components::{Container, Tier, environment};
use ohfp_resolver::Configuration;
use ohfp_resolver::settings::performance::{Mode, Performance};
use ohfp_wire;
use serde_json::Value;

use crate::action_time::ActionTime;
use crate::cache::{Limits, ResultCache};
use crate::clock;
use crate::invocation::Invocation;
use crate::log;
use crate::maintenance::{self, Upkeep};
use crate::registry::{Registry, Requests};
use crate::site_store::{AccessMode, SiteStore};
use crate::spans;
use crate::state_dir;
use crate::store_factory;
use crate::template_lookup::TemplateLookup;
use crate::timings;

/// The components of one invocation.
#[derive(Clone)]
pub struct Session {
    container: Container,
    access: AccessMode,
    pub(crate) invocation: Arc<Invocation>,
    /// Settings and providers, without templates.
    pub(crate) configuration: Arc<Configuration>,
}

/// The wire format of Host Factory operations in this invocation.
pub struct Wire(pub &'static dyn WireFormat);

/// Path of the log; the file is opened at the first event.
#[derive(Clone, Debug)]
pub struct Log(pub Option<PathBuf>);

/// Component costs of this invocation so far.
pub struct Monitoring(Value);

impl Session {
    /// Reads the configuration and registers all components.
    ///
    /// # Errors
    /// Errors in the configuration that every operation needs, and of the components that are built at once.
    pub fn assemble(invocation: &Arc<Invocation>, access: AccessMode) -> Result<Self, Errors> {
        let configuration = Arc::clone(invocation.configuration()?);
        let performance = Performance::new(&configuration.settings);
        let performance = environment::overridden(performance, invocation.env())?;
        log::configure(&performance, invocation.env(), invocation.named_log());
        timings::configure(&performance);
        spans::configure(&configuration.settings, || invocation.state_directory());
        if let Ok(place) = invocation.place() {
            let (root, rule) = (place.origin.root.display(), place.source);
            tracing::debug!(configuration = %root, %rule, "the settings are read from the files");
        }
        let invocation = Arc::clone(invocation);
        let session = Self { container: Container::new(performance), access, invocation, configuration };
        session.register(access).and_then(|()| session.container.start())?;
        Ok(session)
    }

    fn register(&self, access: AccessMode) -> Result<()> {
        let wire = ohfp_wire::of(self.invocation.scheduler().unwrap_or(SchedulerKind::HostFactory));
        let (configuration, log) = (Arc::clone(&self.configuration), Log(self.invocation.log_path()));
        self.container.register(Tier::Critical, move |critical| {
            critical.register_singleton("LoggingPort", move |_| Ok(Arc::new(log.clone())))?;
            critical.register_instance("ConfigurationPort", Arc::clone(&configuration))?;
            critical.register_instance("SchedulerPort", Arc::new(Wire(wire)))
        })?;

        let options = self.container.options();
        let at_start = !options.lazy_loading;
        let connects = at_start || options.connection_mode == Mode::Eager;
        let on = options.database_support;
        let performance = options.clone();
        let settings = Arc::clone(&self.configuration);
        let (bounds, time) = (Arc::clone(&self.configuration), ActionTime::of(self.invocation.env()));
        let invocation = Arc::clone(&self.invocation);
        self.container.register(Tier::Core, move |core| {
            let (site, home) = (Arc::clone(&invocation), Arc::clone(&invocation));
            let database = core.connecting().feature("features.database_support", on);
            database.register_singleton("StoragePort", move |_| {
                store_factory::open(&site, access, connects).map(Arc::new).map_err(Errors::joined)
            })?;
            core.register_singleton("ProviderPort", move |container| {
                let registry = Registry::new(Arc::clone(&home), &settings, &performance, container.later());
                if at_start {
                    // A component that cannot be built is an error for the caller that requests it.
                    let failed = registry.build_all();
                    tracing::debug!(target: "performance", failed, "all providers are built at start");
                }
                Ok(Arc::new(registry))
            })?;
            core.register_singleton("TemplateService", move |_| {
                let templates = TemplateLookup::new(Arc::clone(&invocation));
                if at_start {
                    templates.load_all();
                }
                Ok(Arc::new(templates))
            })?;
            core.register_singleton("RequestService", move |container| {
                Ok(Arc::new(Requests::new(container.get()?, container.get()?, &bounds, time)))
            })
        })?;

        let limits = Limits::new(self.container.options());
        let monitoring = self.container.options().monitoring;
        let invocation = Arc::clone(&self.invocation);
        self.container.register(Tier::Optional, move |optional| {
            optional.register_on_demand::<ResultCache>("CachePort", move |demanded| {
                let path = state_dir::cache(&invocation.state_directory()?);
                demanded.register_singleton("CachePort", move |_| {
                    Ok(Arc::new(ResultCache::open(path.clone(), limits)))
                })
            })?;
            // A report is a point-in-time reading, so it is built anew at each request.
            let watching = optional.feature("features.monitoring", monitoring);
            watching.register_factory("MonitoringService", |container| {
                Ok(Arc::new(Monitoring(container.report())))
            })
        })
    }

    /// Whether it may change state.
    pub fn may_change(&self) -> bool {
        self.access == AccessMode::ReadWrite
    }

    /// The container, for its report and its deferred work.
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// The log.
    pub fn log(&self) -> Result<Arc<Log>> {
        self.container.get()
    }

    /// The wire format of this invocation.
    pub fn wire(&self) -> Result<&'static dyn WireFormat> {
        Ok(self.container.get::<Wire>()?.0)
    }

    /// The names that fields of the answer have.
    ///
    /// # Errors
    /// [`ErrorKind::Input`](ohfp_broker::ErrorKind::Input) where `scheduler.type` is invalid and the options name none.
    pub fn scheduler(&self) -> Result<SchedulerKind> {
        self.invocation.scheduler().map_or_else(|| self.configuration.settings.scheduler(), Ok)
    }

    /// Until when a provider has to answer what it is asked now.
    pub fn deadline(&self) -> Deadline {
        ActionTime::of(self.invocation.env()).answer(Instant::now())
    }

    /// The state store.
    pub fn store(&self) -> Result<Arc<SiteStore>> {
        self.container.get()
    }

    /// Queues what is due for the store once the answer is out; it is done now where nothing shall be deferred.
    pub fn queue_upkeep(&self) {
        if let Ok(requests) = self.requests() {
            let settings = &self.configuration.settings;
            let upkeep = Upkeep {
                history_days: settings.history_days(),
                reconcile_interval: settings.reconcile_interval(),
            };
            self.container
                .defer("upkeep of the store", move || maintenance::run(&requests, upkeep, clock::now()));
        }
    }

    /// Ends the session once the answer is out: notes that the scheduler received the ids that it announced, does
    /// what was queued, and logs what the components have cost where `features.monitoring` asks for it. Failures go
    /// to the log, since the next invocation finds the same work. Gives the table of load times, where it is asked
    /// for.
    pub fn finish(&self, announced: &[RequestId]) -> Option<String> {
        if !announced.is_empty()
            && let Err(error) = self.requests().and_then(|requests| requests.broker().acknowledge(announced))
        {
            tracing::warn!(error = error.summary(), "cannot store the acknowledgement of request ids");
        }
        if self.container.options().monitoring
            && let Ok(monitoring) = self.container.get::<Monitoring>()
        {
            tracing::info!(target: "performance", report = monitoring.0.to_string(), "components");
        }
        self.container.finish()
    }

    /// The result cache.
    pub fn cache(&self) -> Result<Arc<ResultCache>> {
        self.container.get()
    }

    /// The template catalog.
    pub fn templates(&self) -> Result<Arc<TemplateLookup>> {
        self.container.get()
    }

    /// The broker on this site's store and providers.
    pub fn requests(&self) -> Result<Arc<Requests>> {
        self.container.get()
    }

    /// The configured providers.
    pub fn providers(&self) -> Result<Arc<Registry>> {
        self.container.get()
    }
}
