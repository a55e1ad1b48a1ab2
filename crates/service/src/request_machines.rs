//! Requesting machines from the broker, on behalf of Host Factory or a person.

use ohfp_broker::operations::{Accepted, Acquisition, DryRun};
use ohfp_broker::wire_format::MachinesWanted;
use ohfp_broker::{Errors, RequestKind, Timestamp};

use crate::catalog::Catalog;
use crate::clock;
use crate::selection::{self, Wish};
use crate::session::Session;

/// Requests machines. Where the snapshot did not have the template, its upkeep is queued.
pub fn acquire(session: &Session, wanted: &MachinesWanted, now: Timestamp) -> Result<Accepted, Errors> {
    let _phase = ohfp_timings::phase("request");
    with_template(session, wanted, now, |asked, catalog| {
        let accepted = session.requests()?.broker().acquire(&asked, now)?;
        tracing::info!(
            request = accepted.id.as_str(),
            template = asked.template.id(),
            provider = asked.provider,
            count = wanted.count,
            state = accepted.state.name(),
            reason = accepted.reason,
            "machines requested"
        );
        if let Some(catalog) = catalog {
            catalog.queue_refresh();
        }
        Ok(accepted)
    })
}

/// Validates a request and reports what it would do, without changing state.
pub fn dry_run(session: &Session, wanted: &MachinesWanted, now: Timestamp) -> Result<DryRun, Errors> {
    with_template(session, wanted, now, |asked, _| session.requests()?.broker().dry_run(&asked))
}

fn with_template<T>(
    session: &Session,
    wanted: &MachinesWanted,
    now: Timestamp,
    then: impl FnOnce(Acquisition<'_>, Option<&Catalog>) -> ohfp_broker::Result<T>,
) -> Result<T, Errors> {
    // A new request requires valid limits.
    let wrong = session.configuration.settings.problems("request");
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let templates = session.templates()?;
    let found = templates.find(&wanted.template_id)?;
    let requests = session.requests()?;
    let wish = Wish::of(session.invocation.options());
    let provider =
        selection::choose(&requests, &session.configuration, wish, &found.template, wanted.count, now)?;
    let id = clock::new_id(RequestKind::Acquire, now)?;
    let asked = Acquisition {
        id,
        template: &found.template,
        provider,
        count: wanted.count,
        rc_account: wanted.rc_account.clone(),
        user_data: wanted.user_data.clone(),
    };
    then(asked, found.catalog).map_err(|error| session.invocation.placed(error).into())
}
