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
    let lines = checks.iter().map(|check| Line {
        what: check.what,
        status: check.status,
        said: &check.detail,
        fix: check.fix.as_deref(),
    });
    Ok(reply(call, &lines.collect::<Vec<_>>(), "detail"))
}

fn performance(call: &Call) -> Result<Reply, Errors> {
    let checks = diagnosis::performance(&call.invocation, call.session(AccessMode::ReadOnly))?;
    let lines = checks.iter().map(|check| Line {
        what: check.what,
        status: check.status,
        said: &check.measured,
        fix: check.fix.as_deref(),
    });
    Ok(reply(call, &lines.collect::<Vec<_>>(), "measured"))
}

/// A check, whichever kind it is of.
struct Line<'c> {
    what: &'c str,
    status: CheckStatus,
    said: &'c str,
    fix: Option<&'c str>,
}

/// The checks as a list of marks on a screen, else as a document in which `said` names what was found.
fn reply(call: &Call, lines: &[Line<'_>], said: &str) -> Reply {
    let document = if call.is_screen {
        checklist(lines)
    } else {
        let rows = lines.iter().map(|line| {
            json!({ "check": line.what, "status": line.status.name(), (said): line.said, "fix": line.fix })
        });
        documents::render(&json!({ "checks": rows.collect::<Vec<Value>>() }), call.format)
    };
    let failed = lines.iter().any(|line| line.status == CheckStatus::Failed);
    Reply { code: u8::from(failed), ..Reply::answer(document) }
}

/// Each check with a mark, and below it what to do.
fn checklist(lines: &[Line<'_>]) -> Rendered {
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
    Rendered { head: text(false), head_styled: text(true), ..Rendered::default() }
}
