//! `config import`.

use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::{ConfigImport, ImportedBroker};
use ohfp_render::Format;
use ohfp_service::import::{self, ImportRequest, ImportedSite, Mapping, Source};
use ohfp_service::invocation::Environment;
use ohfp_wire::input;
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::Reply;

pub(super) fn run(call: &Call, arguments: &ConfigImport) -> Result<Reply, Errors> {
    let source = match arguments.from {
        ImportedBroker::Orb => Source::Orb,
        ImportedBroker::OhfpPython => Source::OhfpPython,
        ImportedBroker::Ibm => Source::Ibm,
    };
    let to = match &arguments.to {
        Some(to) => to.clone(),
        None => personal_directory(call.invocation.env())?,
    };
    let state = arguments.state.as_deref().map(read_state).transpose()?;
    let request =
        ImportRequest { source, directory: &arguments.directory, state, to: &to, dry_run: arguments.dry_run };
    let made = import::import(&request, call.invocation.env())?;
    let answer = match call.format {
        Format::Json | Format::Yaml => document(&made, arguments.dry_run),
        // A list of the entries alone, since a table shows one list.
        Format::Table | Format::List => json!({ "entries": entries(&made) }),
    };
    Ok(Reply { notes: notes(&made, arguments.dry_run), ..call.document(&answer) })
}

/// A person's own configuration directory.
pub(crate) fn personal_directory(env: &Environment) -> Result<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let base = base.filter(|base| base.is_absolute()).ok_or_else(|| {
        Error::new(
            ErrorKind::Input,
            "neither XDG_CONFIG_HOME nor HOME is set, so there is no default directory",
        )
        .hint("name the directory with an option")
    })?;
    Ok(base.join(ohfp_cli::PROGRAM))
}

/// The content of a state file.
pub(crate) fn read_state(file: &Path) -> Result<Vec<u8>> {
    // As long as the history that it holds.
    input::contents(file, u64::MAX).map_err(|error| {
        Error::new(ErrorKind::Input, format!("cannot read `{}`", file.display())).cause(error)
    })
}

/// What an import has made, as one document.
pub(crate) fn document(made: &ImportedSite, dry_run: bool) -> Value {
    let left_out = made.left_out.iter().map(|(id, why)| json!({ "templateId": id, "why": why }));
    let mut document = json!({
        "dryRun": dry_run,
        "from": made.from.display().to_string(),
        "to": made.to.display().to_string(),
        "files": made.files,
        "templates": made.templates,
        "leftOut": left_out.collect::<Vec<_>>(),
        "mapped": made.report.count(Mapping::Mapped),
        "dropped": made.report.count(Mapping::Dropped),
        "guessed": made.report.count(Mapping::Guessed),
        "entries": entries(made),
        "findings": made.findings,
    });
    if let (Some(state), Some(members)) = (&made.state, document.as_object_mut()) {
        members.insert("state".to_owned(), json!(state));
    }
    document
}

fn entries(made: &ImportedSite) -> Vec<Value> {
    made.report.rows().iter().map(|row| json!(row)).collect()
}

fn notes(made: &ImportedSite, dry_run: bool) -> Vec<String> {
    if dry_run {
        return vec![format!(
            "nothing was written; `{}` would have {}",
            made.to.display(),
            made.files.join(", ")
        )];
    }
    let mut notes = Vec::new();
    if !made.left_out.is_empty() {
        notes.push(format!(
            "{} templates are not offered; left-out.json has them with the reasons",
            made.left_out.len()
        ));
    }
    let directory = made.to.display();
    notes.push(format!("check it: ohfp --config {directory} config validate"));
    notes.push(format!("its templates: ohfp --config {directory} templates list --format table"));
    notes.push(format!(
        "use it: export OHFP_CONFIG_DIR={directory}, or name it as `confPath` in hostProviders.json"
    ));
    notes
}
