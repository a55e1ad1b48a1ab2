//! One invocation: its options, its environment, and the configuration that they name.
//!
//! It is made once, at the start. Each file of the configuration is read at the first use of what depends on it, and
//! once: an operation that needs the templates after the settings sees one state of both. It must not know what is
//! asked.

mod instance;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Error, Errors, Result};
use ohfp_cli::{GlobalOptions, SchedulerType};
use ohfp_resolver::load::{Inputs, Places};
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Configuration, Resolved, Settings, location};

pub use ohfp_resolver::Environment;

use crate::catalog::{Catalog, Reading};
use crate::log;
use crate::state_dir::{self, LocationRule};

/// The options and the environment of one invocation, and what they lead to.
pub struct Invocation {
    options: GlobalOptions,
    env: Environment,
    place: OnceLock<Result<ConfigLocation>>,
    inputs: OnceLock<Inputs>,
    places: OnceLock<Places>,
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
            places: OnceLock::new(),
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

    /// Where the snapshot of this configuration belongs; `None` where no directory is known.
    pub fn snapshot(&self) -> Option<PathBuf> {
        self.place().ok().and_then(|place| place.snapshot.clone())
    }

    pub(crate) fn inputs(&self) -> Result<&Inputs> {
        let place = self.place()?;
        Ok(self.inputs.get_or_init(|| {
            let _phase = ohfp_timings::phase("load");
            Inputs::read(&place.origin, &self.env)
        }))
    }

    /// Settings and providers, without the templates.
    pub(crate) fn configuration(&self) -> Result<&Arc<Configuration>, Errors> {
        let inputs = self.inputs()?;
        let loaded = self.configuration.get_or_init(|| {
            let _phase = ohfp_timings::phase("settings");
            inputs.configuration(&self.env).map(Arc::new)
        });
        loaded.as_ref().map_err(Clone::clone)
    }

    /// The error of a field of a template with its place in the files; any other error as it is.
    pub(crate) fn placed(&self, error: Error) -> Error {
        if error.field().is_none() {
            return error;
        }
        let Ok(inputs) = self.inputs() else { return error };
        self.places.get_or_init(|| inputs.places(&self.env)).placed(error)
    }

    /// The settings, where they were read without an error.
    pub(crate) fn known_settings(&self) -> Option<&Settings> {
        match self.configuration.get() {
            Some(Ok(configuration)) => Some(&configuration.settings),
            _ => self.loaded_catalog().map(Catalog::settings),
        }
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
            let _phase = ohfp_timings::phase("resolve");
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
            let _phase = ohfp_timings::phase("snapshot");
            catalog.refresh_snapshot();
        }
    }

    /// Whether a snapshot may stand for the files: a configuration that the command line names has none, and neither has
    /// one with keys that variables override.
    pub(crate) fn may_use_snapshot(&self) -> bool {
        !self.options.no_snapshot && self.options.config.is_none() && self.env.overrides().next().is_none()
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

    /// The log file, by the settings as far as they can be read; `None` where no directory is known.
    pub fn log_path(&self) -> Option<PathBuf> {
        self.named_log().or_else(|| log::path(&self.env))
    }

    /// The log file that the settings name.
    pub(crate) fn named_log(&self) -> Option<PathBuf> {
        let (configuration, place) = (self.configuration().ok()?, self.place().ok()?);
        log::named(&configuration.settings, &self.env, &place.origin.root)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TEMPLATE: &str =
        r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large", "imageId": "ami-1"}]"#;

    /// A directory that goes away with the test, with an invocation of these files that reads none of them yet.
    struct Site(PathBuf);

    impl Site {
        fn new(name: &str, config: &str, templates: &str) -> (Self, Invocation) {
            let site =
                Self(std::env::temp_dir().join(format!("ohfp-invocation-{name}-{}", std::process::id())));
            fs::create_dir_all(&site.0).unwrap();
            site.write("config.json", config);
            site.write("templates.json", templates);
            let options = GlobalOptions { config: Some(site.0.clone()), ..GlobalOptions::default() };
            (site, Invocation::new(options, Environment::from_iter([("HOME", "/nonexistent")])).unwrap())
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.join(name), text).unwrap();
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Two files, and whether configuration, catalog, all templates and an offer can be had of them.
    #[test]
    fn each_part_fails_alone() {
        let sim = r#"{"provider": {"type": "sim"}}"#;
        for (config, templates, expected) in [
            (sim, TEMPLATE, [true; 4]),
            (sim, "[]", [true, true, true, false]),
            (sim, "[{}]", [true, true, false, false]),
            (r#"{"scheduler": {"type": "x"}}"#, TEMPLATE, [true; 4]),
            ("{", TEMPLATE, [false; 4]),
        ] {
            let (_site, invocation) = Site::new("parts", config, templates);
            let catalog = invocation.catalog();
            let found = [
                invocation.configuration().is_ok(),
                catalog.is_ok(),
                catalog.as_ref().is_ok_and(|catalog| catalog.templates().is_ok()),
                catalog.as_ref().is_ok_and(|catalog| catalog.offered().is_ok()),
            ];
            assert_eq!(found, expected, "{config} {templates}");
        }
    }

    /// Settings that change after they were read: the templates are resolved with those that the operation began with,
    /// while a file that was not read yet is as it is.
    #[test]
    fn an_invocation_sees_one_state_of_its_settings() {
        let (site, invocation) = Site::new("state", r#"{"scheduler": {"type": "default"}}"#, "[]");
        assert!(invocation.configuration().is_ok());
        site.write("config.json", "{");
        site.write("templates.json", TEMPLATE);
        let catalog = invocation.catalog().map_err(Errors::joined).unwrap();
        assert_eq!(catalog.scheduler(), Ok(SchedulerKind::Default));
        assert!(catalog.template("a").is_ok());
        site.write("templates.json", "[]");
        assert!(invocation.catalog().is_ok_and(|catalog| catalog.template("a").is_ok()));
    }

    #[test]
    fn personal_state_is_that_of_a_named_configuration() {
        let named = GlobalOptions { config: Some("/nonexistent".into()), ..GlobalOptions::default() };
        let (_site, invocation) = Site::new("personal", "{}", "[]");
        assert!(
            invocation
                .personal_state()
                .is_some_and(|path| path.starts_with("/nonexistent/.local/state/ohfp"))
        );
        for (options, variable) in [
            (GlobalOptions::default(), "OHFP_CONFIG_DIR"),
            (invocation.options().clone(), "HF_PROVIDER_WORKDIR"),
            (named, "HOME"),
        ] {
            let invocation = Invocation::new(options, Environment::from_iter([(variable, "/w")])).unwrap();
            assert_eq!(invocation.personal_state(), None, "{variable}");
        }
    }
}
