//! The status of requests. A status that is final (the request is finished and all of its machines are gone)
//! comes from the result cache.

use std::collections::HashMap;

use ohfp_broker::{Error, Machine, Request, RequestId, RequestWithMachines, Result, Timestamp};
use ohfp_metrics::counters::{self, Counter};

use crate::session::Session;

/// The cached form of a request with its machines.
type Kept = (Request, Vec<Machine>);

/// Key prefix of cached request statuses.
pub const PREFIX: &str = "request:";

/// As [`Broker::status`](ohfp_broker::operations::Broker::status). The store is not opened if the cache has all
/// requests.
pub fn status(
    session: &Session,
    ids: &[RequestId],
    now: Timestamp,
) -> Result<(Vec<Option<RequestWithMachines>>, Vec<Error>)> {
    let cache = session.cache()?;
    let mut known: HashMap<&RequestId, RequestWithMachines> = HashMap::new();
    for id in ids {
        let kept = cache.get(&key(id), now).and_then(|bytes| read(&bytes));
        known.extend(kept.filter(|view| view.request.id == *id).map(|view| (id, view)));
    }
    let asked: Vec<RequestId> = ids.iter().filter(|id| !known.contains_key(id)).cloned().collect();
    tracing::debug!(cached = known.len(), asked = asked.len(), "the result cache is looked into");
    counters::add(Counter::CacheHits, known.len() as u64);
    counters::add(Counter::CacheMisses, asked.len() as u64);
    for id in &asked {
        tracing::trace!(request = id.as_str(), "the store is asked");
    }
    let (views, errors) = if asked.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        session.requests()?.broker().status(&asked, now)?
    };
    let mut news = false;
    for view in views.iter().flatten().filter(|view| is_past(view)) {
        if let Some(bytes) = write(view) {
            cache.put(&key(&view.request.id), bytes, now);
            news = true;
        }
    }
    if news {
        session.container().defer("keeping answers", move || cache.flush(now));
    }
    let mut views = views.into_iter();
    let all = ids.iter().map(|id| known.get(id).cloned().or_else(|| views.next().flatten()));
    Ok((all.collect(), errors))
}

fn key(id: &RequestId) -> String {
    format!("{PREFIX}{id}")
}

fn is_past(view: &RequestWithMachines) -> bool {
    let request = &view.request;
    request.state.is_final()
        && request.acknowledged
        && request.watch_until.is_none()
        && view.machines.iter().all(Machine::is_gone)
}

fn write(view: &RequestWithMachines) -> Option<Vec<u8>> {
    bincode::serde::encode_to_vec((&view.request, &view.machines), bincode::config::standard()).ok()
}

fn read(bytes: &[u8]) -> Option<RequestWithMachines> {
    let decoded = bincode::serde::decode_from_slice::<Kept, _>(bytes, bincode::config::standard());
    decoded.ok().map(|((request, machines), _)| RequestWithMachines { request, machines })
}
