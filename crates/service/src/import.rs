//! Imports the configuration and state of another broker: all of it, or none.
//!
//! The new directory is made under another name beside its place, validated there, and renamed. The other broker's files
//! are only read.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Cursor, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ohfp_broker::administration::{Import, ImportFormat};
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::GlobalOptions;
use ohfp_migration::{ImportPlan, plan, source, state};
pub use ohfp_migration::{ImportReport, ImportRow, Mapping, Source};
use ohfp_platform::files;
use ohfp_resolver::{Environment, Problem, Resolved, Subject};

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

/// Mode of a directory; the file creation mask takes away from it.
const DIRECTORY_MODE: u32 = 0o777;

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

    let stage = Stage::make(&to, request.dry_run, mode_of(&files))?;
    let findings = settle(&mut plan, &stage, env)?;
    if plan.templates.is_empty() {
        return Err(none_offered(&plan).into());
    }
    let names = stage.write(&plan)?;
    stage.sync(&names)?;
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
    let records = match (&request.state, request.source) {
        (Some(bytes), Source::Ibm) => Some(state::of_ibm(bytes, &provider)?),
        (records, _) => records.clone(),
    };
    let placed = stage.place(&made.to)?;
    if let Some(records) = records {
        made.state = Some(import_state(&made.to, records, env)?);
    }
    placed.keep();
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

/// Leaves out templates until the rest is valid; gives the findings that remain.
fn settle(plan: &mut ImportPlan, stage: &Stage, env: &Environment) -> Result<Vec<String>, Errors> {
    loop {
        stage.write(plan)?;
        let site = stage.site(env)?;
        let resolved = site.resolved().map_err(|errors| stage.renamed(&errors))?;
        let mut wrong: Vec<(String, String)> =
            resolved.left_out.iter().map(|left| (left.id.clone(), left.why.clone())).collect();
        if has_wrong_templates(&resolved) {
            wrong.extend(wrong_templates(plan, stage, env)?);
            if wrong.is_empty() {
                return Err(stage.renamed(&resolved.errors().into()));
            }
        }
        let validated = if wrong.is_empty() { Some(validation::validate(&site)) } else { None };
        let Some(valid) = validated.transpose().map_err(|errors| stage.renamed(&errors))? else {
            if !leave_out(plan, wrong) {
                return Err(stage.renamed(&resolved.errors().into()));
            }
            continue;
        };
        let unlaunchable = valid
            .unlaunchable
            .iter()
            .filter_map(|error| error.field().map(|at| (at.template.clone(), stage.text(&error.summary()))));
        if !leave_out(plan, unlaunchable.collect()) {
            return Ok(valid.warnings.iter().map(|warning| stage.text(warning)).collect());
        }
    }
}

/// Leaves templates out; gives whether there was one of them.
fn leave_out(plan: &mut ImportPlan, wrong: Vec<(String, String)>) -> bool {
    let mut any = false;
    for (id, why) in wrong {
        any |= plan.leave_out(&id, &why);
    }
    any
}

fn has_wrong_templates(resolved: &Resolved) -> bool {
    resolved.problems.iter().any(is_of_templates)
}

fn is_of_templates(problem: &Problem) -> bool {
    matches!(problem.subject, Subject::Templates | Subject::Template)
}

/// The templates with errors, each looked at alone: an error's text says where it is, not in which template.
fn wrong_templates(
    plan: &ImportPlan,
    stage: &Stage,
    env: &Environment,
) -> Result<Vec<(String, String)>, Errors> {
    let mut wrong = Vec::new();
    let mut alone =
        ImportPlan { templates: Vec::new(), left_out: Vec::new(), copies: Vec::new(), ..plan.clone() };
    for template in &plan.templates {
        alone.templates = vec![template.clone()];
        stage.write(&alone)?;
        let resolved = stage.site(env)?.resolved().map_err(|errors| stage.renamed(&errors))?;
        let mut problems = resolved.problems.iter().filter(|problem| is_of_templates(problem));
        if let Some(problem) = problems.next() {
            let text = problem.error.summary();
            // Line and column are those of a file that does not stay.
            let text = text.split_once(": ").map_or(text.as_str(), |(_, message)| message);
            wrong.push((template.id.clone(), text.to_owned()));
        }
    }
    Ok(wrong)
}

/// The new directory, under another name until it is complete.
struct Stage {
    path: PathBuf,
    /// Where it belongs, for messages.
    to: PathBuf,
    mode: u32,
}

impl Stage {
    fn make(to: &Path, dry_run: bool, mode: u32) -> Result<Self> {
        let failed = |path: &Path, error: io::Error| {
            Error::new(ErrorKind::System, format!("cannot make the directory `{}`", path.display()))
                .cause(error)
        };
        let name = to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!(".{name}.{}.import", std::process::id());
        let parent = if dry_run { std::env::temp_dir() } else { files::directory(to).to_owned() };
        files::create_directories(&parent, DIRECTORY_MODE).map_err(|error| failed(&parent, error))?;
        let path = parent.join(name);
        let mode_of_directory = if dry_run || mode.trailing_zeros() >= 6 { 0o700 } else { DIRECTORY_MODE };
        DirBuilder::new().mode(mode_of_directory).create(&path).map_err(|error| failed(&path, error))?;
        Ok(Self { path, to: to.to_owned(), mode })
    }

    /// Writes the files of a plan, and gives their names.
    fn write(&self, plan: &ImportPlan) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (name, content) in plan.files() {
            self.file(Path::new(name), &content)?;
            names.push(name.to_owned());
        }
        let left_out = Path::new(ohfp_migration::plan::LEFT_OUT);
        if plan.left_out.is_empty() {
            let _ = fs::remove_file(self.path.join(left_out));
        }
        for (from, to) in &plan.copies {
            let content = files::read_regular(from, u64::MAX).map_err(|error| {
                Error::new(ErrorKind::Input, format!("cannot read `{}`", from.display())).cause(error)
            })?;
            self.file(to, &content)?;
            names.push(to.display().to_string());
        }
        Ok(names)
    }

    fn file(&self, name: &Path, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let failed = |error: io::Error| {
            Error::new(ErrorKind::System, format!("cannot write `{}`", self.to.join(name).display()))
                .cause(error)
        };
        files::create_directories(files::directory(&path), DIRECTORY_MODE).map_err(failed)?;
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(content)
            .and_then(|()| file.set_permissions(Permissions::from_mode(self.mode)))
            .map_err(failed)
    }

    /// Makes the files durable, once each.
    fn sync(&self, names: &[String]) -> Result<()> {
        for name in names {
            let path = self.path.join(name);
            File::open(&path).and_then(|file| file.sync_all()).map_err(|error| {
                Error::new(ErrorKind::System, format!("cannot write `{}`", self.to.join(name).display()))
                    .cause(error)
            })?;
        }
        Ok(())
    }

    /// The site that it would be.
    fn site(&self, env: &Environment) -> Result<Invocation> {
        let options = GlobalOptions { config: Some(self.path.clone()), ..GlobalOptions::default() };
        Invocation::new(options, env.clone())
    }

    /// A message with the path that the directory will have.
    fn text(&self, message: &str) -> String {
        message.replace(&self.path.display().to_string(), &self.to.display().to_string())
    }

    fn renamed(&self, errors: &Errors) -> Errors {
        let renamed = |error: &Error| {
            let text = self.text(&error.summary());
            error.clone().with_message(text)
        };
        errors.iter().map(renamed).collect()
    }

    /// Renames it to its place.
    fn place(mut self, to: &Path) -> Result<Placed> {
        // Replaces an empty directory, and nothing else.
        fs::rename(&self.path, to).map_err(|error| {
            Error::new(ErrorKind::Refused, format!("cannot make `{}`", to.display()))
                .cause(error)
                .hint("an import replaces nothing: name a new directory with --to")
        })?;
        files::sync_directory(to);
        self.path = PathBuf::new();
        Ok(Placed(to.to_owned()))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The directory in its place. It goes away again unless it is kept.
struct Placed(PathBuf);

impl Placed {
    fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Imports the state into the store of the new configuration.
fn import_state(to: &Path, state: Vec<u8>, env: &Environment) -> Result<Import, Errors> {
    let options = GlobalOptions { config: Some(to.to_owned()), ..GlobalOptions::default() };
    let site = Invocation::new(options, env.clone())?;
    let store = store_factory::open(&site, AccessMode::ReadWrite, false)?;
    let imported = store.import(&mut Cursor::new(state), Some(ImportFormat::OpenResourceBroker))?;
    // Cached statuses of an older store there may belong to other requests.
    if let Some(directory) = store.file().and_then(Path::parent) {
        let _ = fs::remove_file(state_dir::cache(directory));
    }
    Ok(imported)
}
