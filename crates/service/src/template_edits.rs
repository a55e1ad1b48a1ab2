//! Changes of templates in their files: checked as the configuration would be afterwards, written atomically under a
//! lock, and published.
//!
//! It must not know how a change is asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_platform::files;
use ohfp_resolver::load::{Inputs, Places};
use ohfp_resolver::nearest::{did_you_mean, nearest};
use ohfp_resolver::source::trail::SIZE_LIMIT;
use ohfp_resolver::{LimitDecrease, Resolved, template_id};
pub use ohfp_template_file::FieldChange;
use ohfp_template_file::TemplateFile;
use serde_json::{Map, Value};

use crate::invocation::Invocation;
use crate::publication::Published;
use crate::site_files::{lock, replace_regular};
use crate::validation;

/// A change of templates.
#[derive(Clone, Debug)]
pub enum TemplateChange {
    /// Adds templates that no file has, to this one of the site's files, else to the one that has most templates.
    Create(Vec<Map<String, Value>>, Option<PathBuf>),
    /// Changes these fields of a template; null removes one.
    Update(String, Map<String, Value>),
    /// Puts these fields in the place of a template's.
    Replace(String, Map<String, Value>),
    /// Removes a template from all files.
    Delete(String),
}

/// How a change is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditMode {
    /// Nothing is written.
    pub dry_run: bool,
    /// A `maxNumber` below the present one is accepted.
    pub allow_lower_max: bool,
}

/// What a change comes to.
#[derive(Debug)]
pub struct EditedTemplates {
    /// Ids of the templates.
    pub ids: Vec<String>,
    /// The fields that differ in the files.
    pub changes: Vec<FieldChange>,
    /// The files that are written, or would be.
    pub files: Vec<PathBuf>,
    /// Files that have one of the templates too, and are left as they are: their fields count where the template has
    /// none.
    pub also_in: Vec<PathBuf>,
    /// What is doubtful about the templates.
    pub warnings: Vec<String>,
    /// What has become of the snapshot; `None` where nothing was written.
    pub published: Option<Result<Published, Errors>>,
}

/// Name of the file by which processes take turns.
const LOCK: &str = ".ohfp-templates.lock";
/// Name of the file that the first template makes.
const FIRST_FILE: &str = "templates.json";

/// Makes a change.
///
/// # Errors
/// [`ErrorKind::NotFound`] for a template that no file has, [`ErrorKind::Refused`] for one that exists or a lower
/// `maxNumber`, [`ErrorKind::Input`] for what the change would make wrong; nothing is written then.
pub fn edit(
    invocation: &Invocation,
    change: &TemplateChange,
    mode: EditMode,
) -> Result<EditedTemplates, Errors> {
    let (place, env) = (invocation.place()?, invocation.env());
    let root = std::path::absolute(&place.origin.root).unwrap_or_else(|_| place.origin.root.clone());
    let _lock = if mode.dry_run { None } else { lock(&root, LOCK)? };
    let read = || Inputs::read(&place.origin, env);
    let before = read();
    let places = before.places(env);
    let ids = change.ids();
    let (targets, also_in) = targets(change, &places, &root)?;
    let mut edited = Vec::new();
    for path in targets {
        let (old, new) = edited_file(&path, change)?;
        edited.push(EditedFile { path, old, new });
    }
    let mut after = read();
    for file in &edited {
        after = after.with_content(file.path.clone(), file.new.clone().into_bytes());
    }
    let after = after.with_only(ids.iter().cloned().collect::<BTreeSet<_>>());
    let mut warnings = Vec::new();
    if !matches!(change, TemplateChange::Delete(_)) {
        let valid = validation::validate_inputs(invocation, &after)?;
        if !valid.unlaunchable.is_empty() {
            return Err(valid.unlaunchable.into());
        }
        warnings = valid.warnings;
        let lowered = lowered(before.resolve(env).ok().as_ref(), &after.resolve(env)?);
        if let Some(first) = lowered.first().filter(|_| !mode.allow_lower_max) {
            return Err(refused(first).into());
        }
    }
    let changes = ids.iter().flat_map(|id| {
        let first = |file: fn(&EditedFile) -> &TemplateFile| {
            edited.iter().find_map(|edited| file(edited).template(id))
        };
        FieldChange::between(id, first(|file| &file.old).as_ref(), first(|file| &file.new).as_ref())
    });
    let changes: Vec<FieldChange> = changes.collect();
    edited.retain(|file| file.old != file.new);
    let files: Vec<PathBuf> = edited.iter().map(|file| file.path.clone()).collect();
    let mut published = None;
    if !mode.dry_run && !edited.is_empty() {
        for file in edited {
            replace_regular(&file.path, &file.new.into_bytes())?;
        }
        tracing::info!(templates = ids.join(" "), "templates are changed");
        let result = Published::now(invocation, mode.allow_lower_max);
        Published::log(&result);
        published = Some(result);
    }
    Ok(EditedTemplates { ids, changes, files, also_in, warnings, published })
}

/// A file before and after the change.
struct EditedFile {
    path: PathBuf,
    old: TemplateFile,
    new: TemplateFile,
}

impl TemplateChange {
    fn ids(&self) -> Vec<String> {
        match self {
            Self::Create(templates, _) => {
                templates.iter().filter_map(template_id).map(str::to_owned).collect()
            }
            Self::Update(id, _) | Self::Replace(id, _) | Self::Delete(id) => vec![id.clone()],
        }
    }
}

/// The files to edit, and those that have the template too.
fn targets(change: &TemplateChange, places: &Places, root: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    match change {
        TemplateChange::Create(_, into) => {
            for id in change.ids() {
                if let Some(file) = places.files_of(&id).next() {
                    return Err(Error::new(
                        ErrorKind::Refused,
                        format!("there is a template `{id}` already, in `{}`", file.display()),
                    )
                    .hint("`templates update` changes fields of it, `templates replace` all of it"));
                }
            }
            let file = match into {
                Some(name) => file_of(places, name)?,
                None => places.fullest().map_or_else(|| root.join(FIRST_FILE), Path::to_owned),
            };
            Ok((vec![file], Vec::new()))
        }
        TemplateChange::Update(id, _) | TemplateChange::Replace(id, _) | TemplateChange::Delete(id) => {
            let mut files: Vec<PathBuf> = places.files_of(id).map(Path::to_owned).collect();
            if files.is_empty() {
                let error = Error::new(ErrorKind::NotFound, format!("there is no template `{id}`"));
                return Err(match did_you_mean(nearest(id, places.ids())) {
                    Some(hint) => error.hint(hint),
                    None => error.hint("`ohfp templates list --format table` shows all templates"),
                });
            }
            let is_delete = matches!(change, TemplateChange::Delete(_));
            let others = if is_delete { Vec::new() } else { files.split_off(1) };
            Ok((files, others))
        }
    }
}

/// The template file of a path, or of a name in the configuration directory.
fn file_of(places: &Places, wanted: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(wanted).unwrap_or_else(|_| wanted.to_owned());
    let is_it = |file: &&Path| *file == absolute || file.file_name() == Some(wanted.as_os_str());
    places.files().find(is_it).map(Path::to_owned).ok_or_else(|| {
        let read: Vec<String> = places.files().map(|file| format!("`{}`", file.display())).collect();
        let message = format!("no templates are read from `{}`", wanted.display());
        let hint = if read.is_empty() {
            "without --into, the first template makes a file".to_owned()
        } else {
            format!("name one of {}", read.join(", "))
        };
        Error::new(ErrorKind::NotFound, message).hint(hint)
    })
}

/// A file as it is, and with the change.
fn edited_file(path: &Path, change: &TemplateChange) -> Result<(TemplateFile, TemplateFile)> {
    let named = |error: Error| {
        let message = format!("{}: {}", path.display(), error.summary());
        error.with_message(message)
    };
    let old = match files::read_regular(path, SIZE_LIMIT) {
        Ok(content) => TemplateFile::parse(&content).map_err(named)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => TemplateFile::new(),
        Err(error) => {
            let message = format!("cannot read `{}`", path.display());
            return Err(Error::new(ErrorKind::System, message).cause(error));
        }
    };
    let mut new = old.clone();
    match change {
        TemplateChange::Create(templates, _) => templates.iter().try_for_each(|template| new.add(template)),
        TemplateChange::Update(id, fields) => new.merge(id, fields),
        TemplateChange::Replace(_, fields) => new.replace(fields),
        TemplateChange::Delete(id) => new.remove(id),
    }
    .map_err(named)?;
    Ok((old, new))
}

/// Templates whose limit the change lowers.
fn lowered(before: Option<&Resolved>, after: &Resolved) -> Vec<LimitDecrease> {
    let known = |id: &str| before?.templates.iter().find(|template| template.id() == id);
    let decrease = after.templates.iter().filter_map(|template| {
        let before = known(template.id())?.max_number();
        LimitDecrease::between(template.id(), before, template.max_number())
    });
    decrease.collect()
}

fn refused(LimitDecrease { id, published, now }: &LimitDecrease) -> Error {
    Error::new(
        ErrorKind::Refused,
        format!("maxNumber of template `{id}` is lowered from {published} to {now}: nothing was written"),
    )
    .cause("a running Host Factory can hang when the limit of a template shrinks")
    .hint("stop Host Factory, pass --allow-lower-max, and start it again")
}
