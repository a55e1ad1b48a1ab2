//! The command `metrics`.

use ohfp_broker::Errors;
use ohfp_cli::{MetricsCommand, MetricsOptions, OutputFormat};
use ohfp_render::{Rendered, documents};
use ohfp_service::clock;
use ohfp_service::metrics::{self, Exposition, SiteMetrics};
use ohfp_service::site_store::AccessMode;
use serde_json::json;

use super::push;
use crate::call::Call;
use crate::reply::Reply;

pub(super) fn run(call: &Call, arguments: &MetricsOptions) -> Result<Reply, Errors> {
    if let Some(MetricsCommand::Push) = arguments.command {
        return push::run(call);
    }
    let session = call.session(AccessMode::ReadOnly)?;
    let now = clock::now();
    let report = SiteMetrics::gather(session, metrics::ago(now, arguments.since.millis()), now)?;
    if let Some(path) = &arguments.textfile {
        metrics::textfile(path, &report)?;
        return Ok(call.document(&json!({ "textfile": path.display().to_string() })));
    }
    let text = |format| Reply::answer(Rendered::plain(metrics::text(&report, format).into_bytes()));
    Ok(match call.form {
        OutputFormat::Prometheus => text(Exposition::Prometheus),
        OutputFormat::OpenMetrics => text(Exposition::OpenMetrics),
        OutputFormat::Table => tables(call, &report),
        OutputFormat::Csv | OutputFormat::Name => call.document(&report.operation_rows()),
        _ => call.document(&report.document()),
    })
}

/// A table of operations, one of templates, and the notes.
fn tables(call: &Call, report: &SiteMetrics) -> Reply {
    let mut parts = vec![report.operation_rows()];
    parts.extend(report.template_rows());
    let tables = parts.iter().map(|part| documents::render(part, call.format).bytes(false));
    let mut reply = Reply::answer(Rendered::plain(tables.collect::<Vec<_>>().join(&b'\n')));
    reply.notes.extend(report.notes());
    reply
}
