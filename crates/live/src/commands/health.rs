//! `system health` and `system status`: the checks of the site, for people, programs and Nagios.

use ohfp_broker::{ErrorKind, Errors, Result};
use ohfp_cli::OutputFormat;
use ohfp_render::{Format, Rendered};
use ohfp_service::health::{self, Grade, HealthCheck, HealthReport, HealthScope};
use ohfp_service::site_store::AccessMode;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::present::nagios;
use crate::reply::Reply;

pub(super) fn run(call: &Call, scope: HealthScope) -> Result<Reply, Errors> {
    let report = health::run(&call.invocation, call.session(AccessMode::ReadOnly), scope);
    if call.invocation.options().format == OutputFormat::Nagios {
        let (code, text) = match &report {
            Ok(report) => (nagios::code(report.grade()), nagios::answer(report)),
            Err(errors) => (nagios::UNKNOWN, nagios::unknown(errors)),
        };
        return Ok(Reply { code, ..Reply::answer(Rendered::plain(text.into_bytes())) });
    }
    let report = report?;
    let code = if report.grade() == Grade::Unhealthy { ErrorKind::Unavailable.exit_code() } else { 0 };
    Ok(Reply { code, ..call.document(&document(&report, call.format)) })
}

/// `{"status", "checks": [{"check", "status", "value", "unit", "warning", "unhealthy", "detail", "hint"}]}`
fn document(report: &HealthReport, format: Format) -> Value {
    let checks: Vec<Value> = report.checks.iter().map(|check| row(check, format)).collect();
    json!({ "status": report.grade().name(), "checks": checks })
}

fn row(check: &HealthCheck, format: Format) -> Value {
    let bound = check.measured.map(|measured| measured.bound.thresholds());
    let mut row = Map::from_iter([
        ("check".to_owned(), json!(check.name)),
        ("status".to_owned(), json!(check.grade.name())),
        ("value".to_owned(), check.measured.map_or(Value::Null, |measured| number(measured.value))),
        (
            "unit".to_owned(),
            json!(check.measured.map(|measured| measured.unit.name()).filter(|unit| !unit.is_empty())),
        ),
        ("warning".to_owned(), json!(bound.map(|bound| bound.warning))),
        ("unhealthy".to_owned(), json!(bound.map(|bound| bound.unhealthy))),
        ("detail".to_owned(), json!(check.detail)),
    ]);
    // A table is wide enough already.
    if format != Format::Table {
        row.insert("hint".to_owned(), json!(check.hint));
    }
    Value::Object(row)
}

/// A whole number without a decimal point.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far below what both types hold")]
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}
