//! What every operation and command is given.

use std::cell::OnceCell;
use std::io::IsTerminal;
use std::sync::Arc;

use ohfp_broker::{Errors, RequestId};
use ohfp_cli::OutputFormat;
use ohfp_platform::terminal;
use ohfp_render::Format;
use ohfp_service::invocation::{Environment, Invocation};
use ohfp_service::notice::stderr;
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use serde_json::Value;

use crate::present::rows;
use crate::reply::Reply;

/// The invocation, and the session where the command has asked for one.
pub(crate) struct Call {
    pub(crate) invocation: Arc<Invocation>,
    pub(crate) format: Format,
    session: OnceCell<Session>,
}

impl Call {
    pub(crate) fn new(invocation: Invocation) -> Self {
        let format = format(invocation.options().format);
        Self { invocation: Arc::new(invocation), format, session: OnceCell::new() }
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

/// Whether output to a stream is styled, whatever the options say.
pub(crate) fn styled(env: &Environment, stream: &impl IsTerminal) -> bool {
    terminal::styled(|name| env.bytes(name), || stream.is_terminal())
}

/// The name that `render` has for a format.
fn format(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Yaml => Format::Yaml,
        OutputFormat::Table => Format::Table,
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
