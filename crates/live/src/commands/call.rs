//! What every command is given, and how it answers.

use std::cell::RefCell;

use ohfp_broker::Errors;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_cli::{GlobalOptions, OutputFormat, SchedulerType};
use ohfp_render::Format;
use ohfp_resolver::{Environment, Settings};
use ohfp_service::session::Session;
use ohfp_service::site_store::AccessMode;
use serde_json::Value;

use crate::output::Reply;
use crate::present::rows;

/// What every command is given.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    pub(super) global: &'c GlobalOptions,
    pub(super) env: &'c Environment,
    pub(super) format: Format,
    /// The session that the command has asked for.
    pub(super) assembled: &'c RefCell<Option<Session>>,
}

impl Call<'_> {
    pub(super) fn session(&self, access: AccessMode) -> Result<Session, Errors> {
        let session = Session::assemble(self.global, self.env, access)?;
        self.assembled.replace(Some(session.clone()));
        Ok(session)
    }

    /// The names that fields of the answer have.
    pub(super) fn scheduler(&self, settings: &Settings) -> Result<SchedulerKind, Errors> {
        scheduler(self.global, settings).map_err(Errors::from)
    }

    pub(super) fn document(&self, value: &Value) -> Reply {
        Reply::answer(rows::document(value, self.format))
    }
}

pub(super) fn scheduler(global: &GlobalOptions, settings: &Settings) -> ohfp_broker::Result<SchedulerKind> {
    match global.scheduler {
        Some(SchedulerType::HostFactory) => Ok(SchedulerKind::HostFactory),
        Some(SchedulerType::Default) => Ok(SchedulerKind::Default),
        None => settings.scheduler(),
    }
}

/// The builder's name for a format.
pub(super) fn format(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Yaml => Format::Yaml,
        OutputFormat::Table => Format::Table,
        OutputFormat::List => Format::List,
    }
}

/// "1 machine", "2 machines".
pub(super) fn counted(machines: usize) -> String {
    format!("{machines} machine{}", if machines == 1 { "" } else { "s" })
}
