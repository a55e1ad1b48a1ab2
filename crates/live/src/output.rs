//! The edge: the one place that writes to standard output, once.

pub(crate) mod file;

use std::io::{self, IsTerminal};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::OutputFormat;
use ohfp_platform::sys::{self, Written};
use ohfp_render::Rendered;
use ohfp_render::fitted::{self, Layout};
use ohfp_service::invocation::Environment;
use ohfp_service::notice::{self, stderr};
use ohfp_wire::input::DASH;

use crate::call::{Call, is_screen_of, styled};
use crate::reply::Reply;

/// Writes a reply to standard output, or its document to the file that the options name, and does the deferred work.
/// Gives the exit code.
pub(crate) fn write(reply: &Reply, call: &Call) -> u8 {
    // A stream is asked whether it is a terminal only where that matters: each time is a system call.
    let has_errors = !reply.errors.is_empty();
    diagnostics(reply, has_errors && call.styled(&io::stderr()));
    let named = call.invocation.options().output.as_deref().filter(|path| *path != Path::new(DASH));
    let file = named.filter(|_| reply.code == 0);
    let rendering = ohfp_timings::phase("render");
    let bytes = bytes(reply, call, file.is_none());
    drop(rendering);
    let writing = ohfp_timings::phase("write");
    let written = match file {
        Some(path) => file::replace(path, &bytes).map(|()| true),
        None => to_stdout(&bytes),
    };
    drop(writing);
    if let Ok(delivered) = written {
        let _phase = ohfp_timings::phase("after the answer");
        call.finish(if delivered { &reply.announced_ids } else { &[] });
    }
    code(reply, written)
}

/// The document in the form that was asked for. On a screen a table fits it.
fn bytes(reply: &Reply, call: &Call, is_stdout: bool) -> Vec<u8> {
    let document = &reply.document;
    let styled = || is_stdout && call.styled(&io::stdout());
    let as_it_is = || document.bytes(document.head != document.head_styled && styled());
    let Some(grid) = &document.grid else { return as_it_is() };
    let headings = !call.invocation.options().no_headers;
    match call.form {
        OutputFormat::Csv => return fitted::csv(grid, headings).into_bytes(),
        OutputFormat::Name => return fitted::names(grid).into_bytes(),
        _ => {}
    }
    let width = if is_stdout && is_screen_of(call.invocation.env()) { screen_width() } else { None };
    if width.is_none() && headings {
        return as_it_is();
    }
    let laid_out = fitted::fitted(grid, Layout { width, styled: styled(), headings });
    if !laid_out.left_out.is_empty() && io::stderr().is_terminal() {
        let names = laid_out.left_out.join(", ").to_lowercase();
        notice::note(&format!("no room for {names}; --columns chooses, --format list shows all"));
    }
    laid_out.text.into_bytes()
}

/// Columns of the terminal that standard output is.
fn screen_width() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

/// Writes the reply of an invocation that failed before its command was known.
pub(crate) fn write_failure(reply: &Reply) -> u8 {
    diagnostics(reply, false);
    code(reply, to_stdout(&reply.document.bytes(false)))
}

fn diagnostics(reply: &Reply, styled: bool) {
    for error in reply.errors.iter() {
        stderr(&told(error, styled));
    }
    if !reply.notes.is_empty() && !notice::is_quiet() && io::stderr().is_terminal() {
        stderr(&reply.notes.iter().map(|note| format!("ohfp: note: {note}\n")).collect::<String>());
    }
}

fn code(reply: &Reply, written: Result<bool>) -> u8 {
    match written {
        Ok(_) => reply.code,
        Err(error) => {
            stderr(&told(&error, false));
            error.kind().exit_code()
        }
    }
}

/// An error as a person reads it, in the form of clap's.
pub(crate) fn told(error: &Error, styled: bool) -> String {
    let (on, off) = if styled { ("\x1b[1m\x1b[31m", "\x1b[0m") } else { ("", "") };
    format!("{on}error:{off} {}\n", error.lines())
}

/// Writes help or version, as clap rendered it; styled where `NO_COLOR` and the terminal allow it.
pub(crate) fn help(error: &clap::Error, env: &Environment) -> u8 {
    let text = error.render();
    let bytes =
        if styled(env, &io::stdout()) { text.ansi().to_string() } else { text.to_string() }.into_bytes();
    write_failure(&Reply::answer(Rendered::plain(bytes)))
}

/// Reports a usage error: clap's message on standard error, exit code 2.
pub(crate) fn usage(error: &clap::Error, env: &Environment) -> u8 {
    stderr(&ohfp_cli::usage_error(error, styled(env, &io::stderr())));
    ErrorKind::Usage.exit_code()
}

/// Writes a part of an answer that has no end; `false` once its reader is gone.
///
/// # Errors
/// [`ErrorKind::System`] where standard output cannot be written.
pub(crate) fn part(bytes: &[u8]) -> Result<bool> {
    to_stdout(bytes)
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
