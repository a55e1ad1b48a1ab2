//! The command `logs`.

use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::{Lines, Logs, Severity};
use ohfp_platform::files::Refused;
use ohfp_platform::sys;
use ohfp_render::Format;
use ohfp_render::Rendered;
use ohfp_service::log::{self, Journal, LogLine};
use ohfp_service::notice::note;
use serde_json::{Map, Value, json};
use tracing::Level;

use crate::call::Call;
use crate::output;
use crate::present::rows;
use crate::reply::Reply;

/// Interval at which the log is looked at for more.
const INTERVAL: Duration = Duration::from_millis(200);

/// How a record is written.
#[derive(Clone, Copy)]
enum Form {
    /// A line for people.
    Text { styled: bool },
    /// A line with the record as it was logged.
    Json,
}

pub(super) fn run(call: &Call, arguments: &Logs) -> Result<Reply> {
    let options = call.invocation.options();
    if arguments.follow && options.output.is_some() {
        return Err(Error::new(
            ErrorKind::Usage,
            "--follow has no end, so it cannot be written with --output",
        )
        .hint("leave --output out, or --follow"));
    }
    let document = options.format_is_named && call.format != Format::Json;
    if arguments.follow && document {
        let message =
            format!("--follow has no end, so it cannot be a document: --format {}", call.format.name());
        return Err(
            Error::new(ErrorKind::Usage, message).hint("--format json is allowed, and no --format at all")
        );
    }
    let Some(path) = call.invocation.log_path() else {
        note(
            "no log is configured: none of HF_PROVIDER_LOGDIR, HF_LOGDIR, PRO_LSF_LOGDIR, XDG_STATE_HOME, HOME is set",
        );
        return Ok(Reply::default());
    };
    let unreadable = |refused: Refused| {
        Error::new(ErrorKind::System, format!("cannot read the log `{}`: {refused}", path.display()))
    };
    let mut journal = Journal::open(&path).map_err(unreadable)?;
    if !journal.exists() {
        note(&format!("there is no log at `{}` yet", path.display()));
        if !arguments.follow {
            return Ok(Reply::default());
        }
    }
    let count = match arguments.lines {
        Lines::All => usize::MAX,
        Lines::Last(count) => count,
    };
    let mut lines = journal.last(count, |line| is_wanted(arguments, line)).map_err(unreadable)?;
    if !arguments.follow {
        if let Some(rest) = journal.unfinished().filter(|rest| count > 0 && is_wanted(arguments, rest)) {
            lines.push(rest.to_vec());
            let surplus = lines.len().saturating_sub(count);
            lines.drain(..surplus);
        }
        return Ok(if document { records(call, &lines) } else { text(call, &lines) });
    }
    let form = if options.format_is_named {
        Form::Json
    } else {
        Form::Text { styled: call.styled(&std::io::stdout()) }
    };
    loop {
        let mut bytes = Vec::new();
        for line in lines.iter().filter(|line| is_wanted(arguments, line)) {
            add(&mut bytes, line, form);
        }
        if !output::part(&bytes)? || !sys::wait_while_read(sys::STDOUT, INTERVAL) {
            return Ok(Reply::default());
        }
        lines = journal.more().map_err(unreadable)?;
    }
}

/// The level of a word.
pub(crate) fn level(word: Severity) -> Level {
    match word {
        Severity::Error => Level::ERROR,
        Severity::Warn => Level::WARN,
        Severity::Info => Level::INFO,
        Severity::Debug => Level::DEBUG,
        Severity::Trace => Level::TRACE,
    }
}

/// Lines that are no records have neither a level nor a request.
fn is_wanted(arguments: &Logs, line: &[u8]) -> bool {
    let Logs { request, level, .. } = arguments;
    if request.is_none() && level.is_none() {
        return !line.is_empty();
    }
    let Some(record) = LogLine::parse(line) else { return false };
    let level = level.map(self::level);
    level.is_none_or(|level| record.level().is_some_and(|found| found <= level))
        && request.as_ref().is_none_or(|request| record.mentions(request))
}

fn text(call: &Call, lines: &[Vec<u8>]) -> Reply {
    let all = |form| {
        let mut bytes = Vec::new();
        for line in lines {
            add(&mut bytes, line, form);
        }
        bytes
    };
    Reply::answer(if call.invocation.options().format_is_named {
        Rendered::plain(all(Form::Json))
    } else {
        let [head, head_styled] = [false, true].map(|styled| all(Form::Text { styled }));
        Rendered { head, head_styled, ..Rendered::default() }
    })
}

fn add(bytes: &mut Vec<u8>, line: &[u8], form: Form) {
    match (form, LogLine::parse(line)) {
        (Form::Json, Some(_)) => bytes.extend_from_slice(line),
        (Form::Json, None) => bytes.extend_from_slice(no_record(line).to_string().as_bytes()),
        (Form::Text { styled }, Some(record)) => bytes.extend_from_slice(record.laid_out(styled).as_bytes()),
        (Form::Text { .. }, None) => bytes.extend_from_slice(log::foreign(line).as_bytes()),
    }
    bytes.push(b'\n');
}

/// A line that is no record, for programs.
fn no_record(line: &[u8]) -> Value {
    json!({ "text": String::from_utf8_lossy(line) })
}

/// The records as one document; tables have the fields in one column.
fn records(call: &Call, lines: &[Vec<u8>]) -> Reply {
    let people = matches!(call.format, Format::Table | Format::List);
    let records = lines.iter().map(|line| match LogLine::parse(line) {
        None if people => json!({ "time": "", "level": "", "message": log::foreign(line), "fields": "" }),
        None => no_record(line),
        Some(record) if people => {
            let mut fields = record.fields().clone();
            let mut take = |name: &str| fields.shift_remove(name).unwrap_or_default();
            let (time, level, message) = (take("timestamp"), take("level"), take("message"));
            json!({ "time": time, "level": level, "message": message, "fields": in_one_line(&fields) })
        }
        Some(record) => Value::Object(record.fields().clone()),
    });
    Reply::answer(rows::document(&json!({ "records": records.collect::<Vec<_>>() }), call.format))
}

fn in_one_line(fields: &Map<String, Value>) -> String {
    let fields = fields.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    });
    fields.collect::<Vec<_>>().join(" ")
}
