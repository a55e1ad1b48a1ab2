//! Which request or machine a person means: the one of that id, or the only one whose id begins so.

use ohfp_broker::store::RequestFilter;
use ohfp_broker::text::quoted;
use ohfp_broker::{Error, ErrorKind, RequestId, Result};
use ohfp_service::session::Session;

/// Length of an id of ohfp, and of Open Resource Broker: a kind and a UUID. Such an id is whole, so that it costs no
/// search.
const WHOLE: usize = 40;
/// The shortest beginning that names one of several: a kind, a dash and a digit.
const SHORTEST: usize = 5;
/// Most candidates that a message names.
const NAMED: usize = 5;

/// The request that is meant. An id that is no beginning of a known one is given back as it is.
///
/// # Errors
/// [`ErrorKind::Refused`] where several requests have ids that begin so; those of the state store.
pub(super) fn request(session: &Session, text: &str) -> Result<RequestId> {
    let id = RequestId::from_text(text);
    if !(SHORTEST..WHOLE).contains(&text.len()) {
        return Ok(id);
    }
    let store = &session.requests()?.store;
    if store.views(std::slice::from_ref(&id))?.iter().any(Option::is_some) {
        return Ok(id);
    }
    let all = store.requests(&RequestFilter::default())?;
    let ids = all.iter().map(|view| view.request.id.as_str()).filter(|id| id.starts_with(text));
    Ok(only("request", text, ids)?.map_or(id, RequestId::from_text))
}

/// The only one of the ids that `text` can stand for.
///
/// # Errors
/// [`ErrorKind::Refused`] where there are several.
pub(super) fn only<'n>(
    what: &str,
    text: &str,
    candidates: impl Iterator<Item = &'n str>,
) -> Result<Option<&'n str>> {
    let mut found: Vec<&str> = candidates.collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let named = several.get(..NAMED).unwrap_or(several).join(", ");
            let more = several.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!("{} {what}s begin with {}", several.len(), quoted(text));
            Err(Error::new(ErrorKind::Refused, message).hint(format!("one of {named}{more}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_names_one_only() {
        let check = |text: &str, expected: std::result::Result<Option<&str>, &str>| {
            let all = ["req-01", "req-02", "req-022", "ret-9", "ret-9"];
            let candidates = all.into_iter().filter(|id| id.starts_with(text));
            match (only("request", text, candidates), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        check("req-01", Ok(Some("req-01")));
        check("req-0", Err("3 requests begin with `req-0`"));
        check("req-02", Err("one of req-02, req-022"));
        check("ret", Ok(Some("ret-9")));
        check("x", Ok(None));
    }
}
