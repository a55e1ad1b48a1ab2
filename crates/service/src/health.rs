//! Whether a site is well: each figure against its thresholds, which are the keys below `performance.health`. It changes
//! no file. It must not know how the answer is shown.

mod check;
mod limits;
mod own_cost;
mod programs;
mod site;

use ohfp_broker::{Error, Errors};

pub use check::{Bound, Grade, HealthCheck, HealthReport, Measurement, Unit};
pub use ohfp_keys::Thresholds;

pub(crate) use programs::Programs;

use limits::HealthLimits;

use crate::invocation::Invocation;
use crate::session::Session;

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthScope {
    /// Everything that an operation needs. Providers are called.
    Everything,
    /// The same without providers.
    WithoutProviders,
    /// What ohfp itself costs.
    OwnCost,
}

/// Checks a site. Where its session cannot be assembled, that is the only check.
///
/// # Errors
/// [`ErrorKind::Input`](ohfp_broker::ErrorKind::Input) for thresholds that are not allowed.
pub fn run(
    invocation: &Invocation,
    session: Result<&Session, Errors>,
    scope: HealthScope,
) -> Result<HealthReport, Errors> {
    let session = match session {
        Ok(session) => session,
        Err(errors) => return Ok(HealthReport { checks: errors.iter().map(unusable).collect() }),
    };
    let limits = HealthLimits::read(&session.configuration.settings)?;
    let programs = Programs::beside(invocation.env());
    own_cost::touch(session);

    let mut checks = Vec::new();
    if scope != HealthScope::OwnCost {
        let (store, opened) = site::store(session, &limits);
        checks.extend(store);
        checks.push(site::log(session, &limits));
        if scope == HealthScope::Everything {
            checks.extend(site::providers(session, &limits));
        }
        checks.extend(site::disks(invocation, session, &limits));
        checks.push(site::clock(session, opened.as_ref(), &limits));
    }
    match &programs {
        Ok(programs) => checks.extend(own_cost::start(programs, &limits)),
        Err(error) => checks.push(HealthCheck::stated("startup_time", Grade::Warning, error.to_string())),
    }
    checks.push(own_cost::snapshot(invocation, session, programs.as_ref().ok(), &limits));
    checks.extend(own_cost::components(invocation, session, &limits));
    Ok(HealthReport { checks })
}

fn unusable(error: &Error) -> HealthCheck {
    let check = HealthCheck::stated("configuration", Grade::Unhealthy, error.summary());
    check.hint(error.hint_text().unwrap_or("`ohfp config validate --format list` shows all findings"))
}
