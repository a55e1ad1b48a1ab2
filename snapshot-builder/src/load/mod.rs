//! Loading: finds, reads and takes apart the files, hands them to [`crate::resolve`], and keeps the
//! trail of all that was looked at.
//!
//! This is the only place where configuration is read. It must not know what is made of the result.

mod catalogue;
mod environment;
mod findings;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod trail;

use std::path::{Path, PathBuf};

use ohfp_broker::template::Template;
use ohfp_broker::{Error, ErrorKind, Result};

pub use environment::Environment;
pub(crate) use findings::Findings;
pub use findings::Warning;
pub use text::Place;
pub(crate) use text::{Step, Text, find, members};
pub(crate) use trail::Recorder;
pub use trail::{FileState, InputFile, Trail};

use crate::resolve::defaults::Defaults;
use crate::resolve::providers::{self, ProviderInstance};
use crate::resolve::templates::Resolver;
use crate::resolve::{LeftOut, Lowered, Settings, aws_config, config_file};
use catalogue::{Catalogue, ibm_names};

/// Where configuration comes from; decided elsewhere, by one rule shared with the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The folder.
    pub root: PathBuf,
    /// A file named on the command line; nothing means `config.json` in the folder, if it exists.
    pub config_file: Option<PathBuf>,
}

/// Configuration and templates, ready to be rendered.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it came from.
    pub origin: Origin,
    /// The effective configuration.
    pub settings: Settings,
    /// At least one; exactly one of them is the default.
    pub providers: Vec<ProviderInstance>,
    /// In file order.
    pub templates: Vec<Template>,
    /// In the files, and not among `templates`.
    pub left_out: Vec<LeftOut>,
    /// Templates with the published `maxNumber` instead of the file's; none until it is compared with what is
    /// published.
    pub held: Vec<Lowered>,
    /// What is doubtful.
    pub warnings: Vec<Warning>,
    /// Everything this depends on.
    pub trail: Trail,
}

/// Configuration without templates: what it takes to look after requests and machines that exist. Its cost
/// does not depend on the size of the catalogue.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The effective configuration.
    pub settings: Settings,
    /// At least one; exactly one of them is the default.
    pub providers: Vec<ProviderInstance>,
    /// What is doubtful.
    pub warnings: Vec<Warning>,
}

// Numbers that keep findings in the order of the files.
const CONFIG: usize = 0;
const IBM_CONFIG: usize = 1;
const TEMPLATES: usize = 3;

/// Loads and resolves. Every error found comes back, in the order of the files.
pub fn load(origin: &Origin, env: &Environment) -> Result<Resolved, Vec<Error>> {
    let mut files = Files::read(origin, env);
    let Files { root, recorder, findings, called, .. } = &mut files;
    let mut catalogue = Catalogue::find_ibm(root, called.as_deref(), TEMPLATES, recorder, findings);
    let providers = files.providers(catalogue.has_any());
    let Files { root, mut recorder, mut findings, config, settings, .. } = files;
    if !catalogue.has_any() {
        catalogue.find_chain(&root, &providers, TEMPLATES, &mut recorder, &mut findings);
    }
    if !catalogue.has_any() {
        findings.failure(TEMPLATES, catalogue.nothing_found(&root));
    }

    let defaults = Defaults::new(&settings, &providers, config.as_ref(), &mut findings);
    let parts: Vec<(&Text, Vec<&str>)> =
        catalogue.texts.iter().map(|text| (text, catalogue::templates(text, &mut findings))).collect();
    let mut resolver = Resolver::new(&defaults, &mut findings);
    for (text, parts) in parts {
        for part in parts {
            resolver.add(text, part);
        }
    }
    let (templates, left_out) = resolver.finish();
    let warnings = findings.finish()?;
    drop(defaults);
    Ok(Resolved {
        origin: origin.clone(),
        settings,
        providers,
        templates,
        left_out,
        held: Vec::new(),
        warnings,
        trail: recorder.finish(),
    })
}

/// Loads and resolves all but the templates. Every error found comes back, in the order of the files.
pub fn configuration(origin: &Origin, env: &Environment) -> Result<Configuration, Vec<Error>> {
    let mut files = Files::read(origin, env);
    // As in `load`, templates under IBM's name mean AWS where nothing else is said.
    let names = ibm_names(files.called.as_deref(), "templates");
    let ibm_templates = names.iter().any(|name| files.root.join(name).symlink_metadata().is_ok());
    let providers = files.providers(ibm_templates);
    let warnings = files.findings.finish()?;
    Ok(Configuration { settings: files.settings, providers, warnings })
}

/// The files of the configuration, read: what each way of loading begins with.
struct Files<'e> {
    root: PathBuf,
    recorder: Recorder<'e>,
    findings: Findings,
    config: Option<Text>,
    settings: Settings,
    called: Option<String>,
    ibm_config: Option<Text>,
}

impl<'e> Files<'e> {
    fn read(origin: &Origin, env: &'e Environment) -> Self {
        let root = std::path::absolute(&origin.root).unwrap_or_else(|_| origin.root.clone());
        let mut recorder = Recorder::new(env);
        let mut findings = Findings::default();

        let config = open_config(origin, &root, &mut recorder, &mut findings);
        let settings = config_file::read(config.as_ref(), &root, &recorder, &mut findings);
        let called = instance_name(&recorder, &mut findings);
        let ibm_config = open_ibm_config(&root, called.as_deref(), &mut recorder, &mut findings);
        Self { root, recorder, findings, config, settings, called, ibm_config }
    }

    fn providers(&mut self, ibm_templates: bool) -> Vec<ProviderInstance> {
        let Self { root, settings, findings, .. } = self;
        let (config, called) = (self.config.as_ref(), self.called.as_deref());
        let mut instances =
            config.map(|text| providers::configured(text, settings, findings)).unwrap_or_default();
        if let Some(text) = &self.ibm_config {
            let options = aws_config::read(text, findings);
            let source = text.path().strip_prefix(&*root).unwrap_or(text.path()).display().to_string();
            providers::add_ibm(&mut instances, called.unwrap_or("aws"), options, source);
        }
        if instances.is_empty() {
            instances.push(if ibm_templates {
                ProviderInstance::new(called.unwrap_or("aws"), "aws", "default".to_owned())
            } else {
                ProviderInstance::new("sim", "sim", "default".to_owned())
            });
        }
        providers::mark_default(&mut instances, called, config, settings, findings);
        instances
    }
}

/// Reads a file as text; nothing when there is none.
fn open(path: &Path, number: usize, recorder: &mut Recorder<'_>) -> Result<Option<Text>> {
    match recorder.read(path)? {
        Some(content) => Text::new(path, number, content).map(Some),
        None => Ok(None),
    }
}

fn open_config(
    origin: &Origin,
    root: &Path,
    recorder: &mut Recorder<'_>,
    findings: &mut Findings,
) -> Option<Text> {
    let path = match &origin.config_file {
        Some(file) => std::path::absolute(file).unwrap_or_else(|_| file.clone()),
        None => root.join("config.json"),
    };
    match open(&path, CONFIG, recorder) {
        Ok(None) if origin.config_file.is_some() => {
            let message = format!("the configuration file `{}` does not exist", path.display());
            findings.failure(CONFIG, Error::new(ErrorKind::Input, message).hint("`--config` names it"));
            None
        }
        Ok(text) => text,
        Err(error) => {
            findings.failure(CONFIG, error);
            None
        }
    }
}

/// What the scheduler calls this instance. LSF has its own variable for it.
fn instance_name(recorder: &Recorder<'_>, findings: &mut Findings) -> Option<String> {
    let set = |name: &'static str| {
        let value = recorder.variable(name).filter(|value| !value.is_empty());
        value.map(|value| (name, value))
    };
    let (variable, value) = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME"))?;
    match value.to_str() {
        // It becomes part of file names.
        Some(name) if !name.contains(|letter: char| letter == '/' || letter.is_control()) => {
            Some(name.to_owned())
        }
        _ => {
            let message = format!(
                "the environment variable {variable} must be a name without `/`, not {}",
                value.display()
            );
            findings.failure(CONFIG, Error::new(ErrorKind::Input, message));
            None
        }
    }
}

fn open_ibm_config(
    root: &Path,
    called: Option<&str>,
    recorder: &mut Recorder<'_>,
    findings: &mut Findings,
) -> Option<Text> {
    for name in ibm_names(called, "config") {
        match open(&root.join(name), IBM_CONFIG, recorder) {
            Ok(None) => (),
            Ok(Some(text)) => return Some(text),
            Err(error) => {
                findings.failure(IBM_CONFIG, error);
                return None;
            }
        }
    }
    None
}
