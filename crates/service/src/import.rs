//! Imports the configuration and state of another broker: all of it, or none.
//!
//! The new directory is made under another name beside its place, validated there, and renamed. The other broker's files
//! are only read.

mod stage;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Cursor};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ohfp_broker::administration::{Import, ImportFormat};
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_migration::plan::TEMPLATES;
use ohfp_migration::{ImportPlan, plan, source, state};
pub use ohfp_migration::{ImportReport, ImportRow, Mapping, Source};
use ohfp_resolver::load::Inputs;
use ohfp_resolver::{Environment, Problem, Subject};

use self::stage::Stage;
use crate::invocation::Invocation;
use crate::site_store::AccessMode;
use crate::{state_dir, store_factory, validation};

/// What is imported, and where to.
#[derive(Debug)]
pub struct ImportRequest<'r> {
    /// The broker that the files are of.
    pub source: Source,
    /// The directory that they are in.
    pub directory: &'r Path,
    /// The content of the file in which the broker keeps requests and machines.
    pub state: Option<Vec<u8>>,
    /// The new configuration directory, which must not exist or be empty.
    pub to: &'r Path,
    /// Whether to tell what would be done.
    pub dry_run: bool,
}

/// What an import has made.
#[derive(Debug)]
pub struct ImportedSite {
    /// The directory in which the other broker's files were found.
    pub from: PathBuf,
    /// The new configuration directory.
    pub to: PathBuf,
    /// Names of the files in it.
    pub files: Vec<String>,
    /// Number of templates that are offered.
    pub templates: usize,
    /// Templates that are not offered: id and reason.
    pub left_out: Vec<(String, String)>,
    /// What became of every key and field.
    pub report: ImportReport,
    /// What `config validate` still has to say.
    pub findings: Vec<String>,
    /// The requests and machines that were imported.
    pub state: Option<Import>,
}

/// Imports.
///
/// # Errors
/// [`ErrorKind::Input`] where the other broker's files cannot be read or none of their templates can be offered,
/// [`ErrorKind::Refused`] where the new directory has files. Nothing is left behind.
pub fn import(request: &ImportRequest<'_>, env: &Environment) -> Result<ImportedSite, Errors> {
    let instance =
        |name: &str| env.get(name).and_then(|value| value.to_str()).filter(|name| !name.is_empty());
    let instance = instance("HF_PROVIDER_NAME").or_else(|| instance("PROVIDER_NAME"));
    let files = source::read(request.source, request.directory, instance)?;
    let mut plan = plan(request.source, &files)?;
    let to = std::path::absolute(request.to).unwrap_or_else(|_| request.to.to_owned());
    must_be_new(&to)?;

    let mut stage = Stage::make(&to, request.dry_run, mode_of(&files))?;
    let Settled { names, findings } = settle(&mut plan, &stage, env)?;
    if plan.templates.is_empty() {
        return Err(none_offered(&plan).into());
    }
    let provider = provider_of(&plan);
    let mut made = ImportedSite {
        from: files.root,
        files: names,
        templates: plan.templates.len(),
        left_out: plan.left_out.iter().map(|(template, why)| (template.id.clone(), why.clone())).collect(),
        report: plan.report,
        findings,
        state: None,
        to,
    };
    if request.dry_run {
        return Ok(made);
    }
    stage.sync(&made.files)?;
    let records = match (&request.state, request.source) {
        (Some(bytes), Source::Ibm) => Some(state::of_ibm(bytes, &provider)?),
        (records, _) => records.clone(),
    };
    stage.place()?;
    if let Some(records) = records {
        made.state = Some(import_state(&stage.site(env)?, records)?);
    }
    stage.keep();
    Ok(made)
}

/// Refuses a directory that has files.
fn must_be_new(to: &Path) -> Result<()> {
    let taken = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound || to.symlink_metadata().is_ok(),
    };
    if !taken {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        format!("`{}` exists already, and is no empty directory", to.display()),
    )
    .hint("an import replaces nothing: name a new directory with --to"))
}

/// The permissions that all configuration files of the other broker give: they may have secrets.
fn mode_of(files: &ohfp_migration::SourceFiles) -> u32 {
    let config = files.config.iter().chain(&files.ibm_config);
    let modes = config.filter_map(|file| fs::metadata(files.root.join(&file.name)).ok());
    modes.fold(0o644, |mode, metadata| mode & metadata.permissions().mode()) | 0o600
}

fn none_offered(plan: &ImportPlan) -> Error {
    let mut message = "none of the templates can be offered".to_owned();
    for (template, why) in plan.left_out.iter().take(3) {
        let _ = write!(message, "; `{}`: {why}", template.id);
    }
    Error::new(ErrorKind::Input, message)
        .hint("a template needs a known machine type, or `attributes` with type, ncpus and nram")
}

/// The name of the provider that the other broker's machines belong to.
fn provider_of(plan: &ImportPlan) -> String {
    let provider = plan.config.get("provider");
    let name = provider.and_then(|provider| provider.get("active_provider")).and_then(|name| name.as_str());
    name.unwrap_or("aws").to_owned()
}

/// What is written of a plan whose templates are valid.
struct Settled {
    /// Names of the files.
    names: Vec<String>,
    /// What validation still has to say.
    findings: Vec<String>,
}

/// Leaves out templates until the rest is valid, and writes that.
fn settle(plan: &mut ImportPlan, stage: &Stage, env: &Environment) -> Result<Settled, Errors> {
    loop {
        let names = stage.write(plan)?;
        let site = stage.site(env)?;
        let resolved = site.resolved().map_err(|errors| stage.renamed(&errors))?;
        let has_wrong = resolved.problems.iter().any(is_of_templates);
        if has_wrong || !resolved.left_out.is_empty() {
            let wrong = if has_wrong { wrong_templates(plan, stage, &site)? } else { Vec::new() };
            let mut wrong = wrong.into_iter();
            let left: HashMap<&str, &str> =
                resolved.left_out.iter().map(|left| (left.id.as_str(), left.why.as_str())).collect();
            let any = plan.leave_out(|template| {
                let alone = wrong.next().flatten();
                left.get(template.id.as_str()).map(|why| (*why).to_owned()).or(alone)
            });
            if !any {
                return Err(stage.renamed(&resolved.errors().into()));
            }
            continue;
        }
        let valid = validation::validate(&site).map_err(|errors| stage.renamed(&errors))?;
        let unlaunchable: HashMap<&str, String> = valid
            .unlaunchable
            .iter()
            .filter_map(|error| error.field().map(|at| (at.template.as_str(), stage.text(&error.summary()))))
            .collect();
        if !plan.leave_out(|template| unlaunchable.get(template.id.as_str()).cloned()) {
            let findings = valid.warnings.iter().map(|warning| stage.text(warning)).collect();
            return Ok(Settled { names, findings });
        }
    }
}

fn is_of_templates(problem: &Problem) -> bool {
    matches!(problem.subject, Subject::Templates | Subject::Template)
}

/// For each template what is wrong with it, looked at alone: an error's text says where it is, not in which template.
fn wrong_templates(
    plan: &ImportPlan,
    stage: &Stage,
    site: &Invocation,
) -> Result<Vec<Option<String>>, Errors> {
    let mut wrong = Vec::with_capacity(plan.templates.len());
    let mut inputs = Inputs::read(&site.place()?.origin, site.env());
    for template in &plan.templates {
        inputs = inputs.with_templates(PathBuf::from(TEMPLATES), template.alone());
        let resolved = inputs.resolve(site.env()).map_err(|errors| stage.renamed(&errors))?;
        let mut problems = resolved.problems.iter().filter(|problem| is_of_templates(problem));
        wrong.push(problems.next().map(|problem| {
            let text = problem.error.summary();
            // Line and column are those of a file that does not exist.
            text.split_once(": ").map_or(text.as_str(), |(_, message)| message).to_owned()
        }));
    }
    Ok(wrong)
}

/// Imports the state into the store of the new configuration.
fn import_state(site: &Invocation, state: Vec<u8>) -> Result<Import, Errors> {
    let store = store_factory::open(site, AccessMode::ReadWrite, false)?;
    let imported = store.import(&mut Cursor::new(state), Some(ImportFormat::OpenResourceBroker))?;
    // Cached statuses of an older store there may belong to other requests.
    if let Some(directory) = store.file().and_then(Path::parent) {
        let _ = fs::remove_file(state_dir::cache(directory));
    }
    Ok(imported)
}
