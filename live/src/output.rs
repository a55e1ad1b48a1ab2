//! The edge: the one place that writes to standard output, once.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_snapshot_builder::load::Environment;
use ohfp_snapshot_builder::place;
use ohfp_snapshot_builder::render::Rendered;
use ohfp_snapshot_format::{sys, terminal};

use crate::source::Source;

/// What an invocation says and how it ends.
#[derive(Default)]
pub(crate) struct Reply {
    /// The one document of standard output.
    pub(crate) document: Rendered,
    /// Plain output even on a terminal.
    pub(crate) plain: bool,
    /// For standard error.
    pub(crate) errors: Vec<Error>,
    /// Exit code.
    pub(crate) code: u8,
    /// What the answer was made from; the snapshot is looked after once the answer is out.
    pub(crate) source: Option<Source>,
}

impl Reply {
    /// A good answer.
    pub(crate) fn answer(document: Rendered) -> Self {
        Self { document, ..Self::default() }
    }

    /// A failure; the first error's kind decides the exit code.
    pub(crate) fn failure(errors: Vec<Error>) -> Self {
        let code = errors.first().map_or(1, |error| error.kind().exit_code());
        Self { errors, code, ..Self::default() }
    }

    /// Either.
    pub(crate) fn from_result(result: Result<Rendered>) -> Self {
        result.map_or_else(|error| Self::failure(vec![error]), Self::answer)
    }
}

/// Whether output to this stream is styled.
fn styled(env: &Environment, stream: &impl IsTerminal) -> bool {
    terminal::styled(place::lookup(env), || stream.is_terminal())
}

/// Writes a reply to standard output, or its document to a file, and gives the exit code.
pub(crate) fn write(reply: &Reply, file: Option<&Path>, env: &Environment) -> u8 {
    for error in &reply.errors {
        stderr(&format!("ohfp: {error}\n"));
    }
    let written = match file {
        Some(path) if reply.code == 0 => to_file(path, &reply.document.bytes(false)),
        _ => {
            let styled = !reply.plain && styled(env, &io::stdout());
            to_stdout(&reply.document.bytes(styled))
        }
    };
    match written {
        Ok(()) => {
            if let Some(source) = &reply.source {
                source.look_after_snapshot();
            }
            reply.code
        }
        Err(error) => {
            stderr(&format!("ohfp: {error}\n"));
            error.kind().exit_code()
        }
    }
}

/// Help and version: what clap rendered, in our style decision.
pub(crate) fn help(error: &clap::Error, env: &Environment) -> u8 {
    let text = error.render();
    let bytes =
        if styled(env, &io::stdout()) { text.ansi().to_string() } else { text.to_string() }.into_bytes();
    write(&Reply::answer(Rendered::plain(bytes)), None, env)
}

/// A wrong command line: clap's own words on standard error, exit code 2.
pub(crate) fn usage(error: &clap::Error, env: &Environment) -> u8 {
    let text = error.render();
    let styled = styled(env, &io::stderr());
    stderr(&if styled { text.ansi().to_string() } else { text.to_string() });
    ErrorKind::Usage.exit_code()
}

/// Nobody is left to tell when standard error fails.
fn stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The same call as the runtime's, past std's buffer: one document, one write where the kernel takes
/// it in one. A reader that has gone is success.
fn to_stdout(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    sys::write_all(sys::STDOUT, [bytes, &[], &[]]).map(|_| ()).map_err(|error| {
        Error::new(ErrorKind::System, format!("cannot write the answer: {}", sys::write_failure(&error)))
    })
}

/// Temporary file in the same directory, fsync, rename, fsync of the directory.
pub(crate) fn to_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = directory.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    };
    written().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Error::new(ErrorKind::System, format!("cannot write `{}`", path.display())).cause(error)
    })
}
