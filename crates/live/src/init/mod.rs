//! `ohfp init`: a configuration to start from or an imported one, Host Factory's five scripts, the entries of its files,
//! and the snapshot.

mod answers;
mod detect;
mod files;
mod questions;
mod wiring;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::{GlobalOptions, HF_OPERATIONS, Init};
use ohfp_render::Format;
use ohfp_render::documents;
use ohfp_service::import::{self, ImportRequest};
use ohfp_service::invocation::{Environment, Invocation};
use ohfp_service::notice;
use serde_json::{Map, Value, json};

use self::answers::{Answers, Start};
use self::detect::Installation;
use self::files::{Content, Done, Group, Planned};
use crate::call::Call;
use crate::commands::import::{document, read_state};
use crate::commands::program::beside;
use crate::example_config;
use crate::reply::Reply;

/// Sets a site up, or writes the parts of one that are named.
pub(crate) fn run(call: &Call, arguments: &Init) -> Result<Reply, Errors> {
    let env = call.invocation.env();
    let names_parts = arguments.config_dir.is_some() || arguments.scripts_dir.is_some();
    if arguments.non_interactive {
        return set_up(env, arguments, &Answers::of(arguments, env)?);
    }
    if names_parts {
        return parts(env, arguments);
    }
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        let error =
            Error::new(ErrorKind::Usage, "init asks questions, and standard input or error is no terminal");
        return Err(Errors::from(error.hint(
            "--non-interactive takes options and defaults; --config-dir DIR or --scripts-dir DIR writes one part",
        )));
    }
    let answers = questions::ask(arguments, env, &mut stdin.lock(), &mut stderr)?;
    set_up(env, arguments, &answers)
}

/// Writes the configuration or the scripts alone.
fn parts(env: &Environment, arguments: &Init) -> Result<Reply, Errors> {
    let mut groups = Vec::new();
    if let Some(directory) = &arguments.scripts_dir {
        groups.push(Group::alone(scripts(directory, arguments.direct)?));
    }
    let start = answers::start(arguments, env)?;
    if let Some(directory) = &arguments.config_dir {
        groups.push(configuration(directory, &start));
    }
    let written = files::write(&groups, arguments.force)?;
    Ok(Reply::answer(documents::render(&Value::Object(told(&written)), Format::Json)))
}

/// Sets up everything.
fn set_up(env: &Environment, arguments: &Init, answers: &Answers) -> Result<Reply, Errors> {
    let Answers { directory, start, scripts: scripts_directory } = answers;
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
    let scripts_absolute =
        std::path::absolute(scripts_directory).unwrap_or_else(|_| scripts_directory.clone());
    let detected = detect::installations(env, &absolute);
    let mut groups = Vec::new();
    if !matches!(start, Start::Import(_)) {
        groups.push(configuration(directory, start));
    }
    groups.push(Group::alone(scripts(scripts_directory, arguments.direct)?));
    groups.push(Group::alone(wiring::files(detect::scheduler(env), env, &absolute, &scripts_absolute)));
    // Before the import, which writes: what is refused leaves nothing behind.
    files::must_be_free(&groups)?;
    let imported = match start {
        Start::Import(found) => Some(import_from(found, directory, env)?),
        Start::Sim | Start::Aws(_) => None,
    };
    let written = files::write(&groups, arguments.force)?;
    let snapshot = publish(&absolute, env)?;

    let mut answer = told(&written);
    if let Some(imported) = imported {
        answer.insert("imported".to_owned(), imported);
    }
    if let Some(snapshot) = snapshot {
        answer.insert("snapshot".to_owned(), json!(snapshot.display().to_string()));
    }
    let not_imported = |found: &&Installation| !matches!(start, Start::Import(chosen) if chosen == *found);
    let others: Vec<Value> = detected.iter().filter(not_imported).map(Installation::document).collect();
    if !others.is_empty() {
        answer.insert("detected".to_owned(), others.into());
    }
    let next = next_commands(env, &absolute);
    answer.insert("next".to_owned(), json!(next));
    let mut notes: Vec<String> = detected
        .iter()
        .filter(not_imported)
        .map(|found| {
            let (title, place) = (found.source.title(), found.directory.display());
            format!("a configuration of {title} is in `{place}`; to import it: {}", found.command())
        })
        .collect();
    notes.extend(next.iter().map(|command| format!("next: {command}")));
    let document = documents::render(&Value::Object(answer), Format::Json);
    Ok(Reply { notes, ..Reply::answer(document) })
}

/// What became of the files, as members of the answer. Files that were kept are named on standard error too.
fn told(written: &Done) -> Map<String, Value> {
    let Done { written, unchanged, kept } = written;
    for path in kept {
        notice::note(&format!(
            "`{}` exists and differs; it was kept, and --force replaces it",
            path.display()
        ));
    }
    let shown =
        |paths: &[PathBuf]| -> Value { paths.iter().map(|path| path.display().to_string()).collect() };
    let mut told = Map::new();
    told.insert("written".to_owned(), shown(written));
    for (name, paths) in [("unchanged", unchanged), ("kept", kept)] {
        if !paths.is_empty() {
            told.insert(name.to_owned(), shown(paths));
        }
    }
    told
}

fn configuration(directory: &Path, start: &Start) -> Group {
    let of =
        |(name, text): (&str, String)| Planned { path: directory.join(name), content: Content::Data(text) };
    let files = match start {
        Start::Aws(aws) => example_config::aws(&example_config::AwsSite {
            region: &aws.region,
            profile: aws.profile.as_deref(),
            subnets: &aws.subnets,
            groups: &aws.groups,
            fleet_role: aws.fleet_role.as_deref(),
        }),
        Start::Sim | Start::Import(_) => {
            example_config::FILES.iter().map(|(name, text)| (*name, (*text).to_owned())).collect()
        }
    };
    Group { files: files.into_iter().map(of).collect(), configuration: Some(directory.to_owned()) }
}

fn import_from(found: &Installation, to: &Path, env: &Environment) -> Result<Value, Errors> {
    let state = found.state.as_deref().map(read_state).transpose()?;
    let request =
        ImportRequest { source: found.source, directory: &found.directory, state, to, dry_run: false };
    import::import(&request, env).map(|made| document(&made, false))
}

/// Publishes the snapshot of a configuration, and gives its path; `None` where no directory is known for it.
fn publish(directory: &Path, env: &Environment) -> Result<Option<PathBuf>, Errors> {
    let mut env = env.clone();
    env.set("OHFP_CONFIG_DIR", directory);
    let site = Invocation::new(GlobalOptions::default(), env)?;
    site.catalog()?.queue_refresh();
    site.finish();
    Ok(site.snapshot().filter(|path| path.is_file()))
}

/// The commands that a person wants next.
fn next_commands(env: &Environment, directory: &Path) -> [String; 3] {
    let is_found = answers::default_directory(env).is_ok_and(|found| found == directory);
    let option = if is_found { String::new() } else { format!(" --config {}", detect::quoted(directory)) };
    [
        format!("ohfp{option} config validate"),
        format!("ohfp{option} templates list --format table"),
        format!("ohfp{option} doctor --format table"),
    ]
}

/// The five scripts.
fn scripts(directory: &Path, direct: bool) -> Result<Vec<Planned>> {
    let program = program()?;
    let script = |operation: &str| -> Result<Planned> {
        let content = if direct {
            Content::Link(program.clone())
        } else {
            Content::Script(script(&program, operation)?)
        };
        Ok(Planned { path: directory.join(format!("{operation}.sh")), content })
    };
    HF_OPERATIONS.into_iter().map(script).collect()
}

/// Path of the runtime, which is installed beside this program.
fn program() -> Result<PathBuf> {
    let beside = beside(ohfp_cli::PROGRAM)?;
    if beside.is_file() {
        Ok(beside)
    } else {
        Err(Error::new(ErrorKind::NotFound, format!("`{}` does not exist", beside.display()))
            .hint("install ohfp beside ohfp-live; the scripts run it"))
    }
}

/// A script of two lines for any POSIX shell, run directly or through `bash FILE`.
fn script(program: &Path, operation: &str) -> Result<String> {
    let path = program.to_str().ok_or_else(|| {
        Error::new(ErrorKind::Input, format!("the path `{}` is not UTF-8", program.display()))
            .hint("install ohfp under another path, or use --direct")
    })?;
    let quoted = path.replace('\'', r"'\''");
    Ok(format!("#!/bin/sh\nexec '{quoted}' {operation} \"$@\"\n"))
}
