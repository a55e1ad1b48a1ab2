//! Loading: finds, reads and parses the files, passes them to settings, providers and templates, and records
//! every input on the trail.
//!
//! This is the only place where configuration is read. It must not know what is made of the result.

mod explain;
mod layers;
mod places;
#[cfg(test)]
mod tests;
mod unread;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use serde_json::Map;

use crate::providers::instance::ProviderInstance;
use crate::providers::{aws_config, choice, configured};
use crate::resolved::{Configuration, Origin, Resolved};
use crate::settings::effective::Settings;
use crate::settings::{config_file, log_settings};
use crate::source::environment::Environment;
use crate::source::findings::{Findings, Problem, Subject};
use crate::source::open;
use crate::source::text::Text;
use crate::source::trail::{Contents, Recorder, Trail};
use crate::templates::defaults::Defaults;
use crate::templates::files;
use crate::templates::files::{TemplateFiles, ibm_names};
use crate::templates::resolver::Resolver;
use crate::templates::site_types::SiteTypes;

pub use explain::{LayerFile, LayerValue};
pub use layers::LayerKind;
use layers::Layers;
pub use places::Places;

// Numbers of the files, for the order of findings.
const CONFIG: usize = 0;
const IBM_CONFIG: usize = 1;
const TYPES: usize = 2;
const TEMPLATES: usize = 3;

/// Loads and resolves a configuration that must be valid as a whole.
///
/// # Errors
/// Every error found, in the order of the files.
pub fn load(origin: &Origin, env: &Environment) -> Result<Resolved, Errors> {
    let resolved = load_with_problems(origin, env)?;
    if resolved.problems.is_empty() { Ok(resolved) } else { Err(resolved.errors().into()) }
}

/// Loads and resolves a configuration. Errors are returned beside the valid parts, for the operations that they
/// affect.
///
/// # Errors
/// Every error found, where nothing can be answered because of one of them.
pub fn load_with_problems(origin: &Origin, env: &Environment) -> Result<Resolved, Errors> {
    Inputs::read(origin, env).resolve(env)
}

/// Loads and resolves the configuration without the templates. Errors are returned beside the valid parts.
///
/// # Errors
/// Every error found, where nothing can be answered because of one of them.
pub fn configuration(origin: &Origin, env: &Environment) -> Result<Configuration, Errors> {
    Inputs::read(origin, env).configuration(env)
}

/// What every way of loading reads first: the layers of the configuration and IBM's configuration file. An invocation
/// that needs the templates after the configuration opens them once, and sees one state of both.
#[derive(Debug)]
pub struct Inputs {
    origin: Origin,
    root: PathBuf,
    layers: Layers,
    instance_name: Result<Option<String>>,
    ibm_config: Result<Option<Text>>,
    trail: Trail,
    read_at: SystemTime,
    variation: Variation,
}

/// How a load differs from the files: for checks before something is written.
#[derive(Debug, Default)]
struct Variation {
    /// Contents in place of those of files.
    contents: Contents,
    /// Templates in place of those of the site's files.
    templates: Option<(PathBuf, Vec<u8>)>,
    /// The only templates to look at.
    only: Option<BTreeSet<String>>,
}

impl Inputs {
    /// Reads the files. What cannot be read is an error of what is resolved from them.
    pub fn read(origin: &Origin, env: &Environment) -> Self {
        Self::recorded(origin, env, Recorder::new(env))
    }

    /// Reads the files as if one of them held `content`, to check a change before it is made.
    pub fn planned(origin: &Origin, env: &Environment, file: &Path, content: &str) -> Self {
        let contents = Contents::from([(file.to_owned(), content.as_bytes().to_vec())]);
        Self::recorded(origin, env, Recorder::new(env).with(contents))
    }

    /// A text as the only file of a configuration, to check it. The ending of `name` says its format.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where it is not UTF-8.
    pub fn alone(name: &Path, content: Vec<u8>) -> Result<Self> {
        let layers = Layers::alone(Text::new(name, CONFIG, content)?);
        Ok(Self {
            origin: Origin { root: PathBuf::new(), config_file: None },
            root: PathBuf::new(),
            layers,
            instance_name: Ok(None),
            ibm_config: Ok(None),
            trail: Trail::default(),
            read_at: SystemTime::now(),
            variation: Variation::default(),
        })
    }

    fn recorded(origin: &Origin, env: &Environment, mut recorder: Recorder<'_>) -> Self {
        let read_at = SystemTime::now();
        let root = std::path::absolute(&origin.root).unwrap_or_else(|_| origin.root.clone());
        let layers = Layers::read(origin, &root, env, &mut recorder);
        let instance_name = read_instance_name(&recorder);
        let named = instance_name.as_ref().ok().and_then(Option::as_deref);
        let ibm_config = open_ibm_config(&root, named, &mut recorder);
        let trail = recorder.finish();
        let variation = Variation::default();
        Self { origin: origin.clone(), root, layers, instance_name, ibm_config, trail, read_at, variation }
    }

    /// The same inputs with this content of a template file. What is resolved from them has no stamps to publish.
    #[must_use]
    pub fn with_content(mut self, path: PathBuf, content: Vec<u8>) -> Self {
        self.variation.contents.insert(path, content);
        self
    }

    /// The same inputs with the templates of this text, which messages call `path`, in place of the site's.
    #[must_use]
    pub fn with_templates(mut self, path: PathBuf, content: Vec<u8>) -> Self {
        self.variation.templates = Some((path, content));
        self
    }

    /// The same inputs without the templates that have other ids.
    #[must_use]
    pub fn with_only(mut self, ids: BTreeSet<String>) -> Self {
        self.variation.only = Some(ids);
        self
    }

    /// A moment before the first file was opened.
    pub fn read_at(&self) -> SystemTime {
        self.read_at
    }

    /// As [`load_with_problems`], in the environment that the files were read in.
    ///
    /// # Errors
    /// As there.
    pub fn resolve(&self, env: &Environment) -> Result<Resolved, Errors> {
        let (files, providers, catalog) = self.template_files(env);
        let Files { root, mut recorder, mut findings, config, mut settings, instance_name, .. } = files;
        if !catalog.has_any() {
            findings.failure(TEMPLATES, catalog.nothing_found(root));
        }

        let defaults = Defaults::new(&settings, &providers, config, &mut findings);
        let mut parts: Vec<(&Text, Vec<&str>)> =
            catalog.texts.iter().map(|text| (text, files::templates(text, &mut findings))).collect();
        if let Some(only) = &self.variation.only {
            for (text, parts) in &mut parts {
                parts.retain(|part| files::id(text, part).is_some_and(|id| only.contains(&id)));
            }
        }
        let types = SiteTypes::new(root, TYPES, &mut recorder);
        let mut resolver = Resolver::new(&defaults, &catalog, types, &mut findings);
        for (text, parts) in parts {
            for part in parts {
                resolver.add(text, part);
            }
        }
        let (templates, left_out) = resolver.finish();
        drop(defaults);
        let (mut warnings, mut problems) = findings.finish()?;
        settings.mark(&problems);
        let providers = marked(providers, &problems);
        let trail = recorder.finish();
        problems.extend(unread::second_formats(root, &trail));
        if self.variation.templates.is_none() && self.variation.only.is_none() {
            warnings.extend(unread::find(&unread::Loaded {
                root,
                instance_name,
                settings: &settings,
                templates: &templates,
                trail: &trail,
            }));
        }
        Ok(Resolved {
            origin: self.origin.clone(),
            settings,
            providers,
            templates,
            left_out,
            held: Vec::new(),
            warnings,
            problems,
            trail,
        })
    }

    /// The providers and the template files; findings that follow are about templates.
    fn template_files<'i>(
        &'i self,
        env: &'i Environment,
    ) -> (Files<'i>, Vec<ProviderInstance>, TemplateFiles) {
        let mut files = Files::new(self, env);
        let Files { root, recorder, findings, instance_name, .. } = &mut files;
        findings.about(Subject::Templates);
        let catalog = match &self.variation.templates {
            Some((path, content)) => TemplateFiles::given(path, content, TEMPLATES, findings),
            None => TemplateFiles::find_ibm(root, *instance_name, TEMPLATES, recorder, findings),
        };
        findings.about(Subject::Everything);
        let (providers, mut catalog) = files.providers(Some(catalog));
        let Files { root, recorder, findings, .. } = &mut files;
        findings.about(Subject::Templates);
        if !catalog.has_any() {
            catalog.find_chain(root, &providers, TEMPLATES, recorder, findings);
        }
        (files, providers, catalog)
    }

    /// Where templates and their fields are. It reads the template files.
    pub fn places(&self, env: &Environment) -> Places {
        let (mut files, _, catalog) = self.template_files(env);
        Places::new(catalog.texts, &mut files.findings)
    }

    /// As [`configuration`](fn@configuration), in the environment that the files were read in.
    ///
    /// # Errors
    /// As there.
    pub fn configuration(&self, env: &Environment) -> Result<Configuration, Errors> {
        let mut files = Files::new(self, env);
        let (providers, _) = files.providers(None);
        let Files { findings, mut settings, .. } = files;
        let (warnings, problems) = findings.finish()?;
        settings.mark(&problems);
        let providers = marked(providers, &problems);
        Ok(Configuration { settings, providers, warnings, problems })
    }
}

fn marked(mut providers: Vec<ProviderInstance>, problems: &[Problem]) -> Vec<ProviderInstance> {
    for instance in &mut providers {
        instance.mark(problems);
    }
    providers
}

/// The inputs with what is found in them so far, the common start of all ways of loading.
struct Files<'i> {
    root: &'i Path,
    recorder: Recorder<'i>,
    findings: Findings,
    config: Option<&'i Text>,
    settings: Settings,
    instance_name: Option<&'i str>,
    ibm_config: &'i Result<Option<Text>>,
}

/// Variables that Host Factory or LSF sets. If one of them is set, a scheduler runs this process, or a person
/// acts for one.
const SCHEDULERS: &[&str] = &[
    "HF_PROVIDER_NAME",
    "HF_PROVIDER_CONFDIR",
    "HF_PROVIDER_WORKDIR",
    "HF_PROVIDER_LOGDIR",
    "HF_TOP",
    "HF_CONFDIR",
    "HF_WORKDIR",
    "HF_LOGDIR",
    "PROVIDER_NAME",
    "PRO_CONF_DIR",
    "PRO_DATA_DIR",
    "PRO_LSF_LOGDIR",
];

impl<'i> Files<'i> {
    fn new(inputs: &'i Inputs, env: &'i Environment) -> Self {
        let Inputs { root, layers, instance_name, ibm_config, trail, .. } = inputs;
        let recorder = Recorder::resume(env, trail).with(inputs.variation.contents.clone());
        let mut findings = Findings::default();
        layers.report(CONFIG, &mut findings);
        let config = layers.text();
        let settings = config_file::read(config, root, &recorder, &mut findings);
        let instance_name = instance_name.as_ref().unwrap_or_else(|error| {
            findings.failure(CONFIG, error.clone());
            &None
        });
        let instance_name = instance_name.as_deref();
        Self { root, recorder, findings, config, settings, instance_name, ibm_config }
    }

    /// The providers, and the template files that had to be read to determine them. `ibm` is the result of the
    /// search for IBM's file names, if it was done.
    fn providers(&mut self, ibm: Option<TemplateFiles>) -> (Vec<ProviderInstance>, TemplateFiles) {
        let Self { root, recorder, settings, findings, .. } = self;
        let (config, instance_name, ibm_config) = (self.config, self.instance_name, self.ibm_config);
        let mut instances =
            config.map(|text| configured::configured(text, settings, findings)).unwrap_or_default();
        // Like a template file under IBM's name, IBM's configuration file implies AWS unless another provider
        // is configured.
        let mut options = None;
        if !matches!(ibm_config, Ok(None)) {
            let name = choice::ibm_instance(&instances, instance_name.unwrap_or("aws"));
            let (given, source) = match ibm_config {
                Ok(Some(text)) => {
                    let path = text.path().strip_prefix(*root).unwrap_or(text.path()).to_owned();
                    let given = options.insert((aws_config::read(text, &name, findings), path));
                    (given.0.clone(), given.1.display().to_string())
                }
                Ok(None) | Err(_) => (Map::new(), "default".to_owned()),
            };
            if let Err(error) = ibm_config {
                findings.about(Subject::Provider(name.clone(), "config".to_owned()));
                findings.failure(IBM_CONFIG, error.clone());
                findings.about(Subject::Everything);
            }
            choice::add_ibm(&mut instances, &name, given, source);
        }
        let ibm_file = ibm_config.as_ref().ok().and_then(Option::as_ref).zip(options.as_ref());
        let ibm_file =
            ibm_file.map(|(text, (options, path))| log_settings::Ibm { text, options, path: path.as_path() });
        log_settings::decide(settings, ibm_file.as_ref(), recorder, findings);

        let mut catalog = ibm.unwrap_or_default();
        if instances.is_empty() {
            let names = ibm_names(instance_name, "templates");
            let has_ibm =
                catalog.has_any() || names.iter().any(|name| root.join(name).symlink_metadata().is_ok());
            let asked_by_scheduler = || {
                // All of them are looked up, since each could change the answer.
                let set = SCHEDULERS
                    .iter()
                    .filter(|name| recorder.variable(name).is_some_and(|value| !value.is_empty()));
                set.count() > 0
            };
            let is_real = has_ibm || asked_by_scheduler() || {
                findings.about(Subject::Templates);
                let candidates =
                    ["aws", "sim"].map(|kind| ProviderInstance::implied(kind, kind, String::new()));
                catalog.find_chain(root, &candidates, TEMPLATES, recorder, findings);
                findings.about(Subject::Everything);
                catalog.is_for_a_cloud()
            };
            instances.push(if is_real {
                ProviderInstance::implied(instance_name.unwrap_or("aws"), "aws", "default".to_owned())
            } else {
                ProviderInstance::implied("sim", "sim", "default".to_owned())
            });
        }
        if let Some(text) = config {
            configured::add_type_defaults(text, settings, &mut instances, findings);
        }
        configured::add_shared_options(settings, &mut instances);
        choice::mark_default(&mut instances, instance_name, config, settings, findings);
        (instances, catalog)
    }
}

/// The scheduler's name of this instance. LSF has its own variable for it.
fn read_instance_name(recorder: &Recorder<'_>) -> Result<Option<String>> {
    let set = |name: &'static str| {
        let value = recorder.variable(name).filter(|value| !value.is_empty());
        value.map(|value| (name, value))
    };
    let Some((variable, value)) = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME")) else {
        return Ok(None);
    };
    match value.to_str() {
        // The name becomes part of file names.
        Some(name) if !name.contains(|letter: char| letter == '/' || letter.is_control()) => {
            Ok(Some(name.to_owned()))
        }
        _ => {
            let message = format!(
                "the environment variable {variable} must be a name without `/`, not {}",
                value.display()
            );
            Err(Error::new(ErrorKind::Input, message))
        }
    }
}

fn open_ibm_config(
    root: &Path,
    instance_name: Option<&str>,
    recorder: &mut Recorder<'_>,
) -> Result<Option<Text>> {
    for name in ibm_names(instance_name, "config") {
        match open(&root.join(name), IBM_CONFIG, recorder) {
            Ok(None) => (),
            found => return found,
        }
    }
    Ok(None)
}
