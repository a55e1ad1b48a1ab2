//! The part of the command group `storage` that the store itself answers.

use std::fs;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use ohfp_broker::administration::ImportFormat;
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::{ImportSource, MigrationStep, StorageCommand};
use ohfp_platform::files;
use ohfp_render::Rendered;
use ohfp_service::cached_status;
use ohfp_service::clock;
use ohfp_service::diagnosis;
use ohfp_service::site_store::{AccessMode, SiteStore};
use ohfp_service::state_dir;
use ohfp_service::store_factory;
use ohfp_wire::input::DASH;
use serde::Serialize;
use serde_json::Value;

use crate::call::Call;
use crate::output;
use crate::reply::Reply;

/// Whether the answer depends on the store or its path; all other commands are answered from the configuration.
pub(super) fn is_ours(command: &StorageCommand) -> bool {
    !matches!(command, StorageCommand::List)
}

pub(super) fn run(call: &Call, command: &StorageCommand) -> Result<Reply, Errors> {
    if let StorageCommand::Show { name, choice } = command {
        let name = name.as_deref().or(choice.strategy.as_deref());
        return Ok(call.document(&store_factory::describe(&call.invocation, name)?));
    }
    check_choice(call, command)?;
    let looks = matches!(
        command,
        StorageCommand::Health
            | StorageCommand::Validate(_)
            | StorageCommand::Metrics(_)
            | StorageCommand::Backup { .. }
            | StorageCommand::Export { .. }
            | StorageCommand::Migrate { dry_run: true, .. }
            | StorageCommand::Migrate { step: MigrationStep::Current, .. }
    );
    if matches!(command, StorageCommand::Init | StorageCommand::Restore { .. }) {
        return anew(call, command);
    }
    let session = call.session(if looks { AccessMode::ReadOnly } else { AccessMode::ReadWrite })?;
    if let StorageCommand::Backup { file } = command
        && file == Path::new(DASH)
    {
        let error = Error::new(
            ErrorKind::Usage,
            "a backup is a database file and cannot be written to standard output",
        );
        return Err(Errors::from(
            error.hint("name a file; `ohfp storage export -` writes everything as JSON"),
        ));
    }
    let store = session.store()?;
    if let StorageCommand::Export { file, .. } = command
        && file == Path::new(DASH)
    {
        return export_to_stdout(&store).map(Reply::answer).map_err(Errors::from);
    }
    let (answer, good) = answer(&store, command)?;
    if matches!(command, StorageCommand::Import { .. }) {
        // The cached statuses may belong to other requests now.
        let cache = session.cache()?;
        cache.invalidate(cached_status::PREFIX);
        cache.flush(clock::now())?;
    }
    Ok(Reply { code: u8::from(!good), ..call.document(&answer) })
}

/// Replaces or creates the store (`restore`, `init`). The components are not assembled, since they might open
/// the old one.
fn anew(call: &Call, command: &StorageCommand) -> Result<Reply, Errors> {
    let store = store_factory::open(&call.invocation, AccessMode::ReadWrite, false)?;
    let answer = match command {
        StorageCommand::Restore { file, unverified } => {
            store.restore(file, *unverified).and_then(|restored| value(&restored))
        }
        _ => store.init().and_then(|created| value(&created)),
    };
    // The cached statuses belong to the replaced store.
    if answer.is_ok()
        && let Some(directory) = store.file().and_then(Path::parent)
    {
        let _ = fs::remove_file(state_dir::cache(directory));
    }
    Ok(call.document(&answer?))
}

/// The answer, and whether the exit code is 0.
fn answer(store: &SiteStore, command: &StorageCommand) -> Result<(Value, bool)> {
    match command {
        StorageCommand::Health => {
            let health = diagnosis::completed(store.health(), store.file());
            Ok((value(&health)?, health.healthy))
        }
        StorageCommand::Validate(_) => {
            let validation = store.validate()?;
            Ok((value(&validation)?, validation.valid))
        }
        StorageCommand::Test { timeout, .. } => test(store, *timeout),
        StorageCommand::Metrics(_) => good(&store.metrics()?),
        StorageCommand::Backup { file } => good(&store.backup(file)?),
        StorageCommand::Migrate { step, dry_run } => {
            good(&store.migrate(*dry_run || *step == MigrationStep::Current)?)
        }
        StorageCommand::Export { file, force } => good(&export(store, file, *force)?),
        StorageCommand::Import { file, from } => good(&import(store, file, *from)?),
        StorageCommand::List
        | StorageCommand::Show { .. }
        | StorageCommand::Init
        | StorageCommand::Restore { .. } => {
            Err(Error::new(ErrorKind::Usage, "this command is not answered here"))
        }
    }
}

/// Refuses a store that is not the configured one: the others are not opened.
fn check_choice(call: &Call, command: &StorageCommand) -> Result<(), Errors> {
    let (StorageCommand::Validate(choice)
    | StorageCommand::Metrics(choice)
    | StorageCommand::Test { choice, .. }) = command
    else {
        return Ok(());
    };
    let Some(name) = choice.strategy.as_deref() else { return Ok(()) };
    let found = store_factory::describe(&call.invocation, Some(name))?;
    if found.get("active") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Refused, format!("the store `{name}` is not the configured one")).into())
}

/// Tests the store, and fails if that takes longer than the person allows, in seconds.
fn test(store: &SiteStore, timeout: Option<u64>) -> Result<(Value, bool)> {
    let started = Instant::now();
    let tested = value(&store.test()?)?;
    let is_in_time = timeout.is_none_or(|seconds| started.elapsed() <= Duration::from_secs(seconds));
    Ok((tested, is_in_time))
}

fn good(answer: &impl Serialize) -> Result<(Value, bool)> {
    Ok((value(answer)?, true))
}

fn value(answer: &impl Serialize) -> Result<Value> {
    serde_json::to_value(answer)
        .map_err(|error| Error::new(ErrorKind::System, "cannot write the answer as JSON").cause(error))
}

/// Exports to standard output, which then carries no other document.
fn export_to_stdout(store: &SiteStore) -> Result<Rendered> {
    let mut document = Vec::new();
    store.export(&mut document)?;
    Ok(Rendered::plain(document))
}

/// Exports to a file, which appears complete or not at all.
fn export(store: &SiteStore, file: &Path, force: bool) -> Result<impl Serialize> {
    output::file::state(file, force, |out| {
        let mut out = BufWriter::new(out);
        let counts = store.export(&mut out)?;
        out.flush().map_err(|error| {
            Error::new(ErrorKind::System, format!("cannot write `{}`", file.display())).cause(error)
        })?;
        Ok(counts)
    })
}

fn import(store: &SiteStore, file: &Path, from: ImportSource) -> Result<impl Serialize> {
    let document: Box<dyn Read> = if file == Path::new(DASH) {
        Box::new(io::stdin())
    } else {
        let bytes = files::read_regular(file, u64::MAX).map_err(|error| {
            Error::new(ErrorKind::Input, format!("cannot read `{}`", file.display())).cause(error)
        })?;
        Box::new(io::Cursor::new(bytes))
    };
    let source = match from {
        ImportSource::Ohfp => ImportFormat::Ohfp,
        ImportSource::Orb => ImportFormat::OpenResourceBroker,
    };
    store.import(&mut BufReader::new(document), Some(source))
}
