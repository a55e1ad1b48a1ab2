//! `--provider-name` and `--provider-type`: only what belongs to these providers.

use ohfp_broker::Result;
use ohfp_service::session::Session;

use crate::call::Call;

/// The providers that the options name; `None` if they name none.
pub(super) fn providers(call: &Call, session: &Session) -> Result<Option<Vec<String>>> {
    let options = call.invocation.options();
    let (name, kind) = (options.provider_name.as_deref(), options.provider_type.as_deref());
    if name.is_none() && kind.is_none() {
        return Ok(None);
    }
    let known = session.providers()?;
    let is_wanted = |provider: &str| {
        name.is_none_or(|name| name == provider)
            && kind.is_none_or(|kind| known.kind(provider).is_some_and(|found| found == kind))
    };
    let mut wanted: Vec<String> =
        known.configured().filter(|provider| is_wanted(provider)).map(str::to_owned).collect();
    // A provider that is not configured any more still has its history.
    wanted.extend(name.filter(|_| kind.is_none()).map(str::to_owned));
    Ok(Some(wanted))
}
