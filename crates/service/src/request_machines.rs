//! Asking the broker for machines, whoever wants them.

use ohfp_broker::operations::{Accepted, Acquisition, Rehearsal};
use ohfp_broker::scheduler::MachinesWanted;
use ohfp_broker::{Error, RequestKind, Timestamp};

use crate::catalog::Source;
use crate::clock;
use crate::selection;
use crate::session::Parts;

/// A request that was taken, and what its template was read from.
pub struct Asked {
    /// The broker's answer.
    pub accepted: Accepted,
    /// `None` where the snapshot had the template.
    pub source: Option<Source>,
}

/// Requests machines.
pub fn acquire(parts: &Parts, wanted: &MachinesWanted, now: Timestamp) -> Result<Asked, Vec<Error>> {
    with_template(parts, wanted, now, |asked, source| {
        let accepted = parts.requests()?.broker().acquire(&asked, now)?;
        tracing::info!(
            request = accepted.id.as_str(),
            template = asked.template.id,
            provider = asked.provider,
            count = wanted.count,
            state = accepted.state.name(),
            reason = accepted.reason,
            "machines requested"
        );
        Ok(Asked { accepted, source })
    })
}

/// What that would do.
pub fn rehearse(parts: &Parts, wanted: &MachinesWanted, now: Timestamp) -> Result<Rehearsal, Vec<Error>> {
    with_template(parts, wanted, now, |asked, _| parts.requests()?.broker().rehearse(&asked))
}

fn with_template<T>(
    parts: &Parts,
    wanted: &MachinesWanted,
    now: Timestamp,
    then: impl FnOnce(Acquisition<'_>, Option<Source>) -> ohfp_broker::Result<T>,
) -> Result<T, Vec<Error>> {
    let one = |error| vec![error];
    // Limits that are wrong are no limits to begin something with.
    let wrong = parts.configuration.settings.problems("request");
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let found = parts.templates().map_err(one)?.find(&wanted.template_id)?;
    let requests = parts.requests().map_err(one)?;
    let provider = selection::choose(&requests, &parts.configuration, &found.template, wanted.count, now)?;
    let id = clock::new_id(RequestKind::Acquire, now).map_err(one)?;
    let asked = Acquisition {
        id,
        template: &found.template,
        provider,
        count: wanted.count,
        rc_account: wanted.rc_account.clone(),
        user_data: wanted.user_data.clone(),
    };
    then(asked, found.source).map_err(one)
}
