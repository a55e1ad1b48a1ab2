//! `report`: collects what the page shows, and has it written.

use ohfp_broker::{Errors, Result};
use ohfp_cli::ReportOptions;
use ohfp_render::Rendered;
use ohfp_report::{CostFigure, OperationCost, OwnCost, ReportData, ReportProblem};
use ohfp_service::clock;
use ohfp_service::diagnosis::{self, Check, CheckStatus};
use ohfp_service::health::{self, Grade, HealthCheck, HealthScope};
use ohfp_service::metrics::{self, RecordedCost};
use ohfp_service::site_store::AccessMode;

use crate::call::Call;
use crate::reply::Reply;

/// Parts that the health measures, so that the diagnosis need not say them again.
const MEASURED: [&str; 5] = ["log", "snapshot", "store", "disk", "program"];

/// Figures of the health that are costs of ohfp itself.
const COSTS: [&str; 4] = ["startup_time", "live_startup_time", "first_access", "memory"];

pub(super) fn run(call: &Call, options: ReportOptions) -> Result<Reply, Errors> {
    let session = call.session(AccessMode::ReadOnly)?;
    let now = clock::now();
    let window = ohfp_report::window(now, options.since.duration())?;
    let activity = {
        let _phase = ohfp_timings::phase("activity");
        session.store()?.activity(&window)?
    };
    let recorded = metrics::costs(session, window.since(), window.until())?;
    let checked = health::run(&call.invocation, Ok(session), HealthScope::WithoutProviders)?;
    let data = ReportData {
        site: site(call),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: now,
        activity,
        problems: problems(&checked.checks, &diagnosis::run(&call.invocation)),
        own_cost: OwnCost {
            now: costs(&checked.checks),
            recorded: recorded.map(|costs| costs.into_iter().map(cost).collect()),
        },
    };
    let _phase = ohfp_timings::phase("page");
    Ok(Reply::answer(Rendered::plain(ohfp_report::page(&data).into_bytes())))
}

/// The instance that Host Factory calls, if a variable names it.
fn site(call: &Call) -> String {
    let named = ["HF_PROVIDER_NAME", "PROVIDER_NAME"].iter().find_map(|name| call.invocation.env().get(name));
    let name = named.filter(|name| !name.is_empty()).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "Host Factory".to_owned())
}

/// What is not as it should be, the worst first.
fn problems(checked: &[HealthCheck], diagnosed: &[Check]) -> Vec<ReportProblem> {
    let wrong = checked.iter().filter(|check| check.grade != Grade::Healthy);
    let mut problems: Vec<ReportProblem> = wrong
        .map(|check| ReportProblem {
            is_severe: check.grade == Grade::Unhealthy,
            what: check.name.replace('_', " "),
            detail: match check.measured {
                Some(found) => {
                    let limits = found.bound.thresholds();
                    let limit =
                        if check.grade == Grade::Unhealthy { limits.unhealthy } else { limits.warning };
                    format!("{} {} (limit {limit}); {}", found.value, found.unit.name(), check.detail)
                }
                None => check.detail.clone(),
            },
            fix: check.hint.clone(),
        })
        .collect();
    let wrong =
        diagnosed.iter().filter(|check| check.status != CheckStatus::Ok && !MEASURED.contains(&check.what));
    problems.extend(wrong.map(|check| ReportProblem {
        is_severe: check.status == CheckStatus::Failed,
        what: check.what.to_owned(),
        detail: check.detail.clone(),
        fix: check.fix.clone(),
    }));
    problems.sort_by_key(|problem| !problem.is_severe);
    problems
}

fn cost(recorded: RecordedCost) -> OperationCost {
    OperationCost {
        operation: recorded.operation,
        calls: recorded.count,
        failed: recorded.failed,
        latency: recorded.latency,
        cpu: recorded.cpu_micros,
        memory: recorded.peak_bytes / 1024,
    }
}

fn costs(checked: &[HealthCheck]) -> Vec<CostFigure> {
    let costs = checked.iter().filter(|check| COSTS.contains(&check.name.as_str()));
    let figure = |check: &HealthCheck| {
        let measured = check.measured?;
        Some(CostFigure {
            name: check.name.replace('_', " "),
            value: format!("{} {}", measured.value, measured.unit.name()),
            limit: format!("{} {}", measured.bound.thresholds().warning, measured.unit.name()),
            detail: check.detail.clone(),
        })
    };
    costs.filter_map(figure).collect()
}
