//! `ohfp doctor`: shows the diagnosis of the installation, or what makes it slow.

use std::fmt::Write as _;

use ohfp_broker::Errors;
use ohfp_cli::DoctorOptions;
use ohfp_render::{Rendered, documents, text};
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
    if call.is_screen {
        let lines = checks.iter().map(|check| Line {
            what: check.what,
            status: check.status,
            said: &check.detail,
            fix: check.fix.as_deref(),
        });
        return Ok(checklist(&lines.collect::<Vec<_>>()));
    }
    let failed = checks.iter().any(|check| check.status == CheckStatus::Failed);
    let rows = checks.iter().map(|check| {
        json!({ "check": check.what, "status": check.status.name(), "detail": check.detail, "fix": check.fix })
    });
    Ok(reply(call, &rows.collect::<Vec<Value>>(), failed))
}

fn performance(call: &Call) -> Result<Reply, Errors> {
    let checks = diagnosis::performance(&call.invocation, call.session(AccessMode::ReadOnly))?;
    if call.is_screen {
        let lines = checks.iter().map(|check| Line {
            what: check.what,
            status: check.status,
            said: &check.measured,
            fix: check.fix.as_deref(),
        });
        return Ok(checklist(&lines.collect::<Vec<_>>()));
    }
    let failed = checks.iter().any(|check| check.status == CheckStatus::Failed);
    let rows = checks.iter().map(|check| {
        json!({ "check": check.what, "status": check.status.name(), "measured": check.measured, "fix": check.fix })
    });
    Ok(reply(call, &rows.collect::<Vec<Value>>(), failed))
}

/// A check as a person reads it on a screen.
struct Line<'c> {
    what: &'c str,
    status: CheckStatus,
    said: &'c str,
    fix: Option<&'c str>,
}

/// Each check with a mark, and below it what to do.
fn checklist(lines: &[Line<'_>]) -> Reply {
    let width = lines.iter().map(|line| line.what.chars().count()).max().unwrap_or(0);
    let text = |styled: bool| {
        let mut out = String::new();
        for line in lines {
            let (mark, color) = match line.status {
                CheckStatus::Ok => ("✓", "\x1b[32m"),
                CheckStatus::Warning => ("!", "\x1b[33m"),
                CheckStatus::Failed => ("✗", "\x1b[31m"),
            };
            let mark = if styled { format!("{color}{mark}\x1b[0m") } else { mark.to_owned() };
            let _ = write!(out, "{mark} {:width$}  ", line.what);
            text::visible(&mut out, line.said);
            out.push('\n');
            if let Some(fix) = line.fix {
                let _ = write!(out, "  {:width$}  → ", "");
                text::visible(&mut out, fix);
                out.push('\n');
            }
        }
        out.into_bytes()
    };
    let failed = lines.iter().any(|line| line.status == CheckStatus::Failed);
    let document = Rendered { head: text(false), head_styled: text(true), ..Rendered::default() };
    Reply { code: u8::from(failed), ..Reply::answer(document) }
}

fn reply(call: &Call, rows: &[Value], failed: bool) -> Reply {
    let document = documents::render(&json!({ "checks": rows }), call.format);
    Reply { code: u8::from(failed), ..Reply::answer(document) }
}
