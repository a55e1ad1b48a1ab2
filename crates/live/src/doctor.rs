//! `ohfp doctor`: shows the diagnosis of the installation.

use ohfp_render::documents;
use ohfp_service::diagnosis::{self, CheckStatus};
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::Reply;

/// Runs all checks and reports them; exit code 1 when one has failed.
pub(crate) fn run(call: &Call) -> Reply {
    let checks = diagnosis::run(&call.invocation);
    let code = u8::from(checks.iter().any(|check| check.status == CheckStatus::Failed));
    let rows: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({ "check": check.what, "status": check.status.name(), "detail": check.detail, "fix": check.fix })
        })
        .collect();
    let document = documents::render(&json!({ "checks": rows }), call.format);
    Reply { code, ..Reply::answer(document) }
}
