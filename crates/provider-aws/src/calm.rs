//! Calls that AWS did not take lately, known to all processes of a site: a throttled action is called later, and an
//! endpoint that cannot be reached is left alone for a while.
//!
//! It is a courtesy: where the store cannot be used, calls are made as if nothing were known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ohfp_broker::documents::{Document, DocumentStore, DocumentTx};
use ohfp_broker::{Result, Timestamp};
use ohfp_keys::Typed;
use ohfp_metrics::counters::{self, Counter};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::class::{self, Class, Purpose, Trouble};
use crate::documents;
use crate::failure::{Failure, NotSent};
use crate::options;

/// The group of these documents.
const CALM: &str = "calm";

/// Seconds after the last failure in which a further one still counts as in a row.
const ROW: u64 = 300;
/// Seconds after a throttled action may be called again in which the waits between calls go on growing.
const STRIKES: u64 = 60;
/// Milliseconds for which what was read is used.
const FRESH: i64 = 1_000;
/// No clock error makes a call wait for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// An action that AWS throttles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Throttle {
    /// How often in a row it was throttled though it was waited for.
    strikes: u32,
    /// Milliseconds since 1970 before which it is not called.
    until: i64,
}

/// An endpoint that cannot be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Outage {
    /// Failures in a row.
    failures: u32,
    /// Milliseconds since 1970 before which it is not called.
    until: i64,
    /// The last failure.
    why: String,
}

/// What was read, and when.
#[derive(Debug, Default)]
struct Known {
    read: Option<Timestamp>,
    throttles: BTreeMap<String, Throttle>,
    outages: BTreeMap<String, Outage>,
}

/// How a call is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// How long to wait first.
    pub wait: Duration,
    /// How often in a row the action was throttled: the waits between attempts grow from there.
    pub strikes: u32,
}

/// What the processes of a site know of calls that AWS did not take.
pub struct Calm {
    /// Where they tell each other, and under which provider; `None` for a process by itself.
    shared: Option<(String, Arc<dyn DocumentStore>)>,
    known: Mutex<Known>,
    /// When an endpoint is left alone.
    pause: Pause,
}

/// When an endpoint that cannot be reached is left alone, and for how long.
#[derive(Clone, Copy, Debug)]
struct Pause {
    /// Failures in a row; 0 is never.
    after: u64,
    seconds: u64,
}

impl std::fmt::Debug for Calm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calm").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Calm {
    /// Of one process, which tells no other.
    pub fn alone() -> Self {
        Self { shared: None, known: Mutex::default(), pause: Pause::default() }
    }

    /// Of all processes that have this provider.
    pub fn shared(provider: impl Into<String>, documents: Arc<dyn DocumentStore>) -> Self {
        Self { shared: Some((provider.into(), documents)), ..Self::alone() }
    }

    /// The same that leaves an endpoint alone for `seconds` after so many failures in a row; 0 is never.
    #[must_use]
    pub fn pausing(self, failures: u64, seconds: u64) -> Self {
        Self { pause: Pause { after: failures, seconds }, ..self }
    }

    /// How an action is to be called at an endpoint.
    ///
    /// # Errors
    /// [`NotSent::Paused`] while the endpoint is left alone.
    pub fn before(&self, action: &str, endpoint: &str, now: Timestamp) -> Result<Pace, NotSent> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut known, now);
        if let Some(outage) = known.outages.get(endpoint)
            && let Some(left) = remaining(outage.until, now)
        {
            counters::add(Counter::ProviderPauses, 1);
            return Err(outage.paused(endpoint, left));
        }
        let Some(throttle) = known.throttles.get(action) else { return Ok(Pace::default()) };
        let wait = left(throttle.until, now).unwrap_or_default();
        let counts = now < Timestamp::from_millis(throttle.until).plus_seconds(STRIKES);
        Ok(Pace { wait, strikes: if counts { throttle.strikes } else { 0 } })
    }

    /// Notes that an endpoint has done what it was asked. An action that was throttled is called sooner again, step by
    /// step: one call that is taken does not mean that all are.
    pub fn answered(&self, action: &str, endpoint: &str, now: Timestamp) {
        self.reached(endpoint);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(throttle) = known.throttles.get(action).filter(|throttle| throttle.strikes > 0) else {
            return;
        };
        let lower = |throttle: &mut Throttle| {
            throttle.strikes = throttle.strikes.saturating_sub(1);
            Timestamp::from_millis(throttle.until).plus_seconds(STRIKES)
        };
        let throttle = self.noted(&throttle_id(action), Some(throttle), &lower, now);
        known.throttles.insert(action.to_owned(), throttle);
    }

    /// Notes that a call that failed is made again.
    pub fn repeats(&self) {
        counters::add(Counter::ProviderRetries, 1);
    }

    /// Notes that an endpoint has answered.
    fn reached(&self, endpoint: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.outages.remove(endpoint).is_some() {
            self.tell(&mut |tx| put(tx, &outage_id(endpoint), &Outage::default(), None));
        }
    }

    /// Notes why a call failed. A throttled action is not called again before `wait` has passed.
    pub fn failed(&self, action: &str, endpoint: &str, failure: &Failure, wait: Duration, now: Timestamp) {
        match class::of(failure, Purpose::Repeatable) {
            Class::Again(Trouble::Throttled) => {
                counters::add(Counter::ProviderThrottles, 1);
                self.reached(endpoint);
                self.throttled(action, wait, now);
            }
            Class::Again(Trouble::Connection) => self.unreachable(endpoint, failure, now),
            _ if matches!(failure, Failure::NotSent(_)) => {}
            _ => self.reached(endpoint),
        }
    }

    fn throttled(&self, action: &str, wait: Duration, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let until = now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)).millis();
        let strike = |throttle: &mut Throttle| {
            throttle.strike(until, now);
            Timestamp::from_millis(throttle.until).plus_seconds(STRIKES)
        };
        let throttle = self.noted(&throttle_id(action), known.throttles.get(action), &strike, now);
        known.throttles.insert(action.to_owned(), throttle);
    }

    fn unreachable(&self, endpoint: &str, failure: &Failure, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let fail = |outage: &mut Outage| {
            outage.fail(failure, self.pause, now);
            now.plus_seconds(ROW.max(self.pause.seconds))
        };
        let outage = self.noted(&outage_id(endpoint), known.outages.get(endpoint), &fail, now);
        known.outages.insert(endpoint.to_owned(), outage);
    }

    /// Changes a document for all processes, and gives what it says then; what is `known` here is changed where that
    /// cannot be done. `change` gives until when it counts.
    fn noted<T: Clone + Default + Serialize + DeserializeOwned>(
        &self,
        id: &str,
        known: Option<&T>,
        change: &dyn Fn(&mut T) -> Timestamp,
        now: Timestamp,
    ) -> T {
        let mut noted = T::default();
        let is_told = self.tell(&mut |tx| {
            let stored = documents::live(tx, id, now)?;
            noted = stored.as_ref().map(documents::read).transpose()?.unwrap_or_default();
            let until = change(&mut noted);
            put(tx, id, &noted, Some(until))
        });
        if !is_told {
            noted = known.cloned().unwrap_or_default();
            change(&mut noted);
        }
        noted
    }

    /// Reads what other processes have noted, where that was not done just now.
    fn refresh(&self, known: &mut Known, now: Timestamp) {
        let is_fresh = known.read.is_some_and(|read| (0..FRESH).contains(&now.millis_since(read)));
        let Some((provider, documents)) = self.shared.as_ref().filter(|_| !is_fresh) else { return };
        let mut found = Known { read: Some(now), ..Known::default() };
        let outcome = documents.read(provider, &mut |tx| {
            (found.throttles, found.outages) = all(tx, now)?;
            Ok(())
        });
        match outcome {
            Ok(()) => *known = found,
            // What this process has learned counts on.
            Err(_) => known.read = Some(now),
        }
    }

    /// Writes for other processes; whether that could be done.
    fn tell(&self, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> bool {
        let Some((provider, documents)) = &self.shared else { return false };
        documents.write(provider, body).is_ok()
    }
}

impl Default for Pause {
    fn default() -> Self {
        let [after, seconds] = [&options::PAUSE_AFTER, &options::PAUSE_SECONDS].map(Typed::default);
        Self { after, seconds }
    }
}

impl Throttle {
    /// Calls that were under way together count once.
    fn strike(&mut self, until: i64, now: Timestamp) {
        if self.until <= now.millis() {
            self.strikes += 1;
        }
        self.until = self.until.max(until);
    }
}

impl Outage {
    fn fail(&mut self, failure: &Failure, pause: Pause, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.why = failure.to_string();
        if pause.after > 0 && u64::from(self.failures) >= pause.after {
            self.until = now.plus_seconds(pause.seconds).millis();
        }
    }

    fn paused(&self, endpoint: &str, left: Duration) -> NotSent {
        NotSent::Paused {
            endpoint: endpoint.to_owned(),
            failures: self.failures,
            seconds: left.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
            why: self.why.clone(),
        }
    }
}

/// What keeps calls from being made now, for people: endpoints that are left alone, and actions that are throttled.
pub(crate) fn holds(tx: &mut dyn DocumentTx, now: Timestamp) -> Result<(Vec<NotSent>, Vec<String>)> {
    let (throttles, outages) = all(tx, now)?;
    let paused = |(endpoint, outage): (&String, &Outage)| {
        remaining(outage.until, now).map(|left| outage.paused(endpoint, left))
    };
    let held = |(action, throttle): (&String, &Throttle)| {
        left(throttle.until, now).map(|left| format!("{action} for {:.1} s", left.as_secs_f64()))
    };
    Ok((outages.iter().filter_map(paused).collect(), throttles.iter().filter_map(held).collect()))
}

type All = (BTreeMap<String, Throttle>, BTreeMap<String, Outage>);

fn all(tx: &mut dyn DocumentTx, now: Timestamp) -> Result<All> {
    let mut all = All::default();
    for document in tx.group(CALM)?.into_iter().filter(|document| document.is_live(now)) {
        if let Some(action) = document.id.strip_prefix("throttled/") {
            all.0.insert(action.to_owned(), documents::read(&document)?);
        } else if let Some(endpoint) = document.id.strip_prefix("unreachable/") {
            all.1.insert(endpoint.to_owned(), documents::read(&document)?);
        }
    }
    Ok(all)
}

fn throttle_id(action: &str) -> String {
    format!("throttled/{action}")
}

fn outage_id(endpoint: &str) -> String {
    format!("unreachable/{endpoint}")
}

fn put(
    tx: &mut dyn DocumentTx,
    id: &str,
    value: &impl Serialize,
    live_until: Option<Timestamp>,
) -> Result<()> {
    let body = documents::written(value)?;
    tx.put(&Document { id: id.to_owned(), group: CALM.to_owned(), live_until, body })
}

/// How long a call waits until then, if it is still to come.
fn left(until: i64, now: Timestamp) -> Option<Duration> {
    remaining(until, now).map(|wait| wait.min(LONGEST_WAIT))
}

/// How long it is until then, if it is still to come.
fn remaining(until: i64, now: Timestamp) -> Option<Duration> {
    let millis = u64::try_from(until.saturating_sub(now.millis())).ok().filter(|millis| *millis > 0)?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests;
