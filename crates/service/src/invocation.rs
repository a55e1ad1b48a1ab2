//! One invocation: its options, its environment, and the configuration that they name.
//!
//! It is made once, at the start. Each file of the configuration is read at the first use of what depends on it, and
//! once: an operation that needs the templates after the settings sees one state of both. It must not know what is
//! asked.

mod instance;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Errors, Result};
use ohfp_cli::{GlobalOptions, SchedulerType};
use ohfp_resolver::load::Inputs;
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Configuration, Resolved, location};

pub use ohfp_resolver::Environment;

use crate::catalog::{Catalog, Reading};
use crate::state_dir::{self, LocationRule};

/// The options and the environment of one invocation, and what they lead to.
pub struct Invocation {
    options: GlobalOptions,
    env: Environment,
    place: OnceLock<Result<ConfigLocation>>,
    inputs: OnceLock<Inputs>,
    configuration: OnceLock<Result<Arc<Configuration>, Errors>>,
    catalog: OnceLock<Result<Catalog, Errors>>,
}

impl Invocation {
    /// Makes the invocation of these options in this environment, which `--instance` and `--state-dir` change. No file
    /// of the configuration is read.
    ///
    /// # Errors
    /// [`ErrorKind::Input`](ohfp_broker::ErrorKind::Input) where Host Factory's files or a directory are missing or
    /// wrong, [`ErrorKind::NotFound`](ohfp_broker::ErrorKind::NotFound) for an unknown instance.
    pub fn new(options: GlobalOptions, mut env: Environment) -> Result<Self> {
        instance::apply(&options, &mut env)?;
        Ok(Self {
            options,
            env,
            place: OnceLock::new(),
            inputs: OnceLock::new(),
            configuration: OnceLock::new(),
            catalog: OnceLock::new(),
        })
    }

    /// The options that every command takes.
    pub fn options(&self) -> &GlobalOptions {
        &self.options
    }

    /// The variables, as this invocation sees them.
    pub fn env(&self) -> &Environment {
        &self.env
    }

    /// Where the configuration is read from, and where the snapshot is.
    pub(crate) fn place(&self) -> Result<&ConfigLocation> {
        let found =
            self.place.get_or_init(|| location::find(self.options.config.as_deref(), None, &self.env));
        found.as_ref().map_err(Clone::clone)
    }

    fn inputs(&self) -> Result<&Inputs> {
        let place = self.place()?;
        Ok(self.inputs.get_or_init(|| Inputs::read(&place.origin, &self.env)))
    }

    /// Settings and providers, without the templates.
    pub(crate) fn configuration(&self) -> Result<&Arc<Configuration>, Errors> {
        let inputs = self.inputs()?;
        let loaded = self.configuration.get_or_init(|| inputs.configuration(&self.env).map(Arc::new));
        loaded.as_ref().map_err(Clone::clone)
    }

    /// Configuration and templates as the files have them, whatever is published.
    pub(crate) fn resolved(&self) -> Result<Resolved, Errors> {
        self.inputs()?.resolve(&self.env)
    }

    /// Configuration and templates, with the published limits.
    ///
    /// # Errors
    /// Every error found, where nothing can be answered because of one of them.
    pub fn catalog(&self) -> Result<&Catalog, Errors> {
        let (place, inputs) = (self.place()?, self.inputs()?);
        let loaded = self.catalog.get_or_init(|| {
            let Self { options, env, .. } = self;
            Catalog::load(&Reading { options, env, place, inputs, scheduler: self.scheduler() })
        });
        loaded.as_ref().map_err(Clone::clone)
    }

    /// The catalog, where it was loaded without an error.
    pub(crate) fn loaded_catalog(&self) -> Option<&Catalog> {
        self.catalog.get().and_then(|loaded| loaded.as_ref().ok())
    }

    /// Does for the snapshot what [`Catalog::queue_refresh`] has asked for. Runs after the answer, so errors go to the
    /// log only.
    pub fn finish(&self) {
        if let Some(catalog) = self.loaded_catalog() {
            catalog.refresh_snapshot();
        }
    }

    /// Whether a snapshot may stand for the files: a configuration that the command line names has none.
    pub(crate) fn may_use_snapshot(&self) -> bool {
        !self.options.no_snapshot && self.options.config.is_none()
    }

    /// The scheduler that the command line names.
    pub(crate) fn scheduler(&self) -> Option<SchedulerKind> {
        self.options.scheduler.map(|named| match named {
            SchedulerType::HostFactory => SchedulerKind::HostFactory,
            SchedulerType::Default => SchedulerKind::Default,
        })
    }

    /// The state directory.
    pub(crate) fn state_directory(&self) -> Result<PathBuf> {
        state_dir::directory(self.place()?, &self.env)
    }

    /// The state directory, where the command line names the configuration and no variable says whose state is meant:
    /// an instance of Host Factory with that configuration has another one.
    pub fn personal_state(&self) -> Option<PathBuf> {
        if self.options.config.is_none() || state_dir::rule(&self.env) != LocationRule::User {
            return None;
        }
        self.state_directory().ok()
    }
}
