//! The edge: the one place that writes to standard output, once.

pub(crate) mod file;

use std::io::{self, IsTerminal};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Errors, RequestId, Result};
use ohfp_platform::sys::{self, Written};
use ohfp_platform::terminal;
use ohfp_render::Rendered;
use ohfp_resolver::{Environment, location};

use ohfp_service::catalog::Catalog;
use ohfp_service::notice::{note, stderr};
use ohfp_service::session::Session;
use ohfp_wire::input::DASH;

/// The result of an invocation: its output, exit code and deferred work.
#[derive(Default)]
pub(crate) struct Reply {
    /// The document for standard output.
    pub(crate) document: Rendered,
    /// Plain output even on a terminal.
    pub(crate) plain: bool,
    /// A note beside the answer; for standard error.
    pub(crate) note: Option<String>,
    /// Errors and their hints; for standard error.
    pub(crate) errors: Errors,
    /// Notes that are written to standard error only where it is a terminal.
    pub(crate) notes: Vec<String>,
    /// Exit code.
    pub(crate) code: u8,
    /// The catalog behind the answer; after the answer it refreshes the snapshot.
    pub(crate) source: Option<Catalog>,
    /// The session behind the answer; after the answer it runs the deferred work.
    pub(crate) session: Option<Session>,
    /// Ids of requests that the answer announces for the first time.
    pub(crate) announced_ids: Vec<RequestId>,
}

impl Reply {
    /// A successful answer, exit code 0.
    pub(crate) fn answer(document: Rendered) -> Self {
        Self { document, ..Self::default() }
    }

    /// Adds the session that made the answer, and the new ids that it announces. Upkeep of the store is queued for
    /// when the answer is out.
    pub(crate) fn after_answer(self, session: Session, announced_ids: Vec<RequestId>) -> Self {
        session.queue_upkeep();
        Self { session: Some(session), announced_ids, ..self }
    }

    /// Deferred work, after the answer is written. Errors go to the log only: the answer is out, and the next
    /// invocation finds the same work.
    fn follow_up(&self, delivered: bool) {
        let Some(session) = &self.session else { return };
        if let Some(table) = session.finish(if delivered { &self.announced_ids } else { &[] }) {
            stderr(&table);
        }
    }

    /// A failure; the first error's kind decides the exit code.
    pub(crate) fn failure(errors: impl Into<Errors>) -> Self {
        let errors = errors.into();
        let code = errors.first().map_or(1, |error| error.kind().exit_code());
        Self { errors, code, ..Self::default() }
    }

    /// Converts a result: `Ok` to an answer, `Err` to a failure.
    pub(crate) fn from_result(result: Result<Rendered>) -> Self {
        result.map_or_else(Self::failure, Self::answer)
    }
}

/// Whether output to this stream is styled.
fn styled(env: &Environment, stream: &impl IsTerminal) -> bool {
    terminal::styled(location::lookup(env), || stream.is_terminal())
}

/// Writes a reply to standard output, or its document to a file, and gives the exit code.
pub(crate) fn write(reply: &Reply, file: Option<&Path>, env: &Environment) -> u8 {
    if let Some(text) = &reply.note {
        note(text);
    }
    for error in reply.errors.iter() {
        stderr(&format!("ohfp: {error}\n"));
    }
    if !reply.notes.is_empty() && io::stderr().is_terminal() {
        stderr(&reply.notes.iter().map(|note| format!("ohfp: note: {note}\n")).collect::<String>());
    }
    let written = match file.filter(|path| *path != Path::new(DASH)) {
        Some(path) if reply.code == 0 => file::replace(path, &reply.document.bytes(false)).map(|()| true),
        _ => {
            let styled = !reply.plain && styled(env, &io::stdout());
            to_stdout(&reply.document.bytes(styled))
        }
    };
    match written {
        Ok(delivered) => {
            reply.follow_up(delivered);
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

/// Writes help or version, as clap rendered it; styled where `NO_COLOR` and the terminal allow it.
pub(crate) fn help(error: &clap::Error, env: &Environment) -> u8 {
    let text = error.render();
    let bytes =
        if styled(env, &io::stdout()) { text.ansi().to_string() } else { text.to_string() }.into_bytes();
    write(&Reply::answer(Rendered::plain(bytes)), None, env)
}

/// Reports a usage error: clap's message on standard error, exit code 2.
pub(crate) fn usage(error: &clap::Error, env: &Environment) -> u8 {
    let text = error.render();
    let styled = styled(env, &io::stderr());
    stderr(&if styled { text.ansi().to_string() } else { text.to_string() });
    ErrorKind::Usage.exit_code()
}

/// The same call as the runtime's, past std's buffer: one document, one write where the kernel takes it in one.
/// A closed pipe counts as success, but the caller has not received the answer: returns whether it was
/// delivered.
fn to_stdout(bytes: &[u8]) -> Result<bool> {
    if bytes.is_empty() {
        return Ok(true);
    }
    sys::write_all(sys::STDOUT, [bytes, &[], &[]]).map(|written| written == Written::All).map_err(|error| {
        Error::new(ErrorKind::System, format!("cannot write the answer: {}", sys::write_failure(&error)))
    })
}
