//! `ohfp doctor`: shows the diagnosis of the installation, or what makes it slow.

use ohfp_broker::Errors;
use ohfp_cli::DoctorOptions;
use ohfp_render::documents;
use ohfp_service::diagnosis::{self, CheckStatus};
use ohfp_service::site_store::AccessMode;
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::Reply;

/// Runs all checks and reports them; exit code 1 when one has failed.
pub(crate) fn run(call: &Call, options: DoctorOptions) -> Result<Reply, Errors> {
    if options.performance {
        return performance(call);
    }
    let checks = diagnosis::run(&call.invocation);
    let failed = checks.iter().any(|check| check.status == CheckStatus::Failed);
    let rows = checks.iter().map(|check| {
        json!({ "check": check.what, "status": check.status.name(), "detail": check.detail, "fix": check.fix })
    });
    Ok(reply(call, &rows.collect::<Vec<Value>>(), failed))
}

fn performance(call: &Call) -> Result<Reply, Errors> {
    let checks = diagnosis::performance(&call.invocation, call.session(AccessMode::ReadOnly))?;
    let failed = checks.iter().any(|check| check.status == CheckStatus::Failed);
    let rows = checks.iter().map(|check| {
        json!({ "check": check.what, "status": check.status.name(), "measured": check.measured, "fix": check.fix })
    });
    Ok(reply(call, &rows.collect::<Vec<Value>>(), failed))
}

fn reply(call: &Call, rows: &[Value], failed: bool) -> Reply {
    let document = documents::render(&json!({ "checks": rows }), call.format);
    Reply { code: u8::from(failed), ..Reply::answer(document) }
}
