//! What every operation and command is given.

use std::cell::OnceCell;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use ohfp_broker::text::quoted;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Error, ErrorKind, Errors, RequestId};
use ohfp_cli::OutputFormat;
use ohfp_platform::terminal;
use ohfp_render::{Format, Rendered};
use ohfp_service::invocation::{Environment, Invocation};
use ohfp_service::notice::{self, stderr};
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use serde_json::Value;

use crate::present::look::Look;
use crate::present::rows;
use crate::reply::Reply;

/// The invocation, and the session where the command has asked for one.
pub(crate) struct Call {
    pub(crate) invocation: Arc<Invocation>,
    /// What is rendered.
    pub(crate) format: Format,
    /// What is written: a table can be written in other forms too.
    pub(crate) form: OutputFormat,
    /// Whether a person reads the answer on a terminal, and has not said in which form.
    pub(crate) is_screen: bool,
    session: OnceCell<Session>,
}

/// Names the format of answers for people, where the command line names none.
const FORMAT_VARIABLE: &str = "OHFP_FORMAT";

impl Call {
    /// Decides the form of the answer: by the command line, else by [`FORMAT_VARIABLE`]; else a person at a terminal
    /// gets tables, and everything else JSON. A scheduler's `operation` is JSON wherever it is written to.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the variable names no format.
    pub(crate) fn new(invocation: Invocation, operation: bool) -> Result<Self, Error> {
        let options = invocation.options();
        let env = invocation.env();
        let named = env.get(FORMAT_VARIABLE).filter(|name| !name.is_empty() && !operation);
        let mut is_screen = false;
        let form = if options.format_is_named {
            options.format
        } else if let Some(name) = named {
            let name = name.to_string_lossy();
            OutputFormat::named(&name).ok_or_else(|| {
                let known: Vec<&str> = OutputFormat::ALL.iter().map(|format| format.name()).collect();
                Error::new(ErrorKind::Usage, format!("{FORMAT_VARIABLE} names no format: {}", quoted(&name)))
                    .hint(format!("the formats are {}", known.join(", ")))
            })?
        } else {
            is_screen = !operation && options.output.is_none() && is_screen_of(env);
            if is_screen { OutputFormat::Table } else { options.format }
        };
        let format = format(form);
        Ok(Self { invocation: Arc::new(invocation), format, form, is_screen, session: OnceCell::new() })
    }

    /// How the answer is to look, in the names of this scheduler.
    pub(crate) fn look(&self, style: SchedulerKind) -> Look {
        Look::of(self.invocation.options(), style, self.format)
    }

    /// Chooses rows and columns of a table as the command line says.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a column that does not exist.
    pub(crate) fn shaped(&self, mut reply: Reply) -> Result<Reply, Errors> {
        let options = self.invocation.options();
        if options.sort_by.is_none() && options.columns.is_empty() {
            return Ok(reply);
        }
        if let Some(grid) = reply.document.grid.take() {
            let grid = grid.sorted(options.sort_by.as_deref())?.chosen(&options.columns)?;
            reply.document = Rendered::table(grid);
        }
        Ok(reply)
    }

    /// Whether an answer for people is a table whose cells are needed, and not only its text.
    pub(crate) fn needs_cells(&self) -> bool {
        self.form != OutputFormat::Table || self.is_fitted()
    }

    /// Whether a table is laid out otherwise than the snapshot has it.
    fn is_fitted(&self) -> bool {
        let options = self.invocation.options();
        let is_file = options.output.is_some();
        options.no_headers || !options.columns.is_empty() || (!is_file && is_screen_of(self.invocation.env()))
    }

    /// Tells a person that a list is empty, where nothing else would.
    pub(crate) fn tell_empty(&self, what: &str, is_empty: bool) {
        if is_empty && matches!(self.format, Format::Table | Format::List) {
            notice::note(&format!("no {what}"));
        }
    }

    /// The session of this invocation. Later calls get the same one, whatever their `access`.
    pub(crate) fn session(&self, access: AccessMode) -> Result<&Session, Errors> {
        match self.session.get() {
            Some(session) => Ok(session),
            None => {
                let session = Session::assemble(&self.invocation, access)?;
                Ok(self.session.get_or_init(|| session))
            }
        }
    }

    /// The session, where a command has asked for one.
    pub(crate) fn known_session(&self) -> Option<&Session> {
        self.session.get()
    }

    pub(crate) fn document(&self, value: &Value) -> Reply {
        let _phase = ohfp_timings::phase("render");
        Reply::answer(rows::document(value, self.format))
    }

    /// Whether what is written to this stream is styled.
    pub(crate) fn styled(&self, stream: &impl IsTerminal) -> bool {
        !self.invocation.options().no_color && styled(self.invocation.env(), stream)
    }

    /// Deferred work, once the answer is out. Errors go to the log only: the next invocation finds the same work.
    /// `announced` are the ids that the caller has received for the first time.
    pub(crate) fn finish(&self, announced: &[RequestId]) {
        if let Some(table) = self.session.get().and_then(|session| session.finish(announced)) {
            stderr(&table);
        }
        self.invocation.finish();
    }
}

/// Whether standard output is a screen: a terminal whose kind is known. The runtime, which leaves screens to this
/// program, looks at the variable first, since a terminal is found out by a system call.
pub(crate) fn is_screen_of(env: &Environment) -> bool {
    env.get("TERM").is_some_and(|kind| !kind.is_empty()) && io::stdout().is_terminal()
}

/// Whether output to a stream is styled, whatever the options say.
pub(crate) fn styled(env: &Environment, stream: &impl IsTerminal) -> bool {
    terminal::styled(|name| env.bytes(name), || stream.is_terminal())
}

/// The name that `render` has for a format.
fn format(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Yaml => Format::Yaml,
        OutputFormat::Table | OutputFormat::Csv | OutputFormat::Name => Format::Table,
        // What has no other form in such a format: its errors.
        OutputFormat::List | OutputFormat::Nagios | OutputFormat::Prometheus | OutputFormat::OpenMetrics => {
            Format::List
        }
    }
}

/// "1 machine", "2 machines".
pub(crate) fn counted(machines: usize) -> String {
    format!("{machines} machine{}", if machines == 1 { "" } else { "s" })
}
