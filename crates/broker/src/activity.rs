//! What a store tells of a window of time: what was requested, delivered, short, returned and reclaimed, for each
//! template and provider and in steps of time.
//!
//! Events count in the step in which they were recorded. Stores hand their rows to a [`Collector`], so that all of them
//! count alike.

mod collector;

use std::collections::BTreeMap;

use serde::Serialize;

pub use collector::{Collector, MachineFacts, RequestFacts};

use crate::error::{Error, ErrorKind, Result};
use crate::histogram::Histogram;
use crate::shortfall::ShortfallKind;
use crate::state::{MachineState, RequestState};
use crate::time::Timestamp;

/// Most steps of a window.
pub const MOST_STEPS: u32 = 10_000;

/// Bounds of times to running, in milliseconds: from a machine that is up at once to one that took an hour.
pub const TO_RUNNING: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000,
    600_000, 1_200_000, 1_800_000, 3_600_000,
];

/// A window of time: from `since`, up to and without `until`, in steps of equal width. The last step may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    since: Timestamp,
    until: Timestamp,
    #[serde(rename = "step_millis")]
    step: i64,
}

impl Window {
    /// A window of one step.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for one that ends before it begins.
    pub fn whole(since: Timestamp, until: Timestamp) -> Result<Self> {
        Self::new(since, until, until.millis_since(since).max(1))
    }

    /// A window in steps of so many milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for one that ends before it begins, steps that are shorter than a millisecond, and more
    /// than [`MOST_STEPS`] of them.
    pub fn new(since: Timestamp, until: Timestamp, step: i64) -> Result<Self> {
        let length = until.millis_since(since);
        if length <= 0 || step <= 0 {
            return Err(Error::new(ErrorKind::Input, "a window of time ends after it begins"));
        }
        if (length - 1) / step >= i64::from(MOST_STEPS) {
            return Err(Error::new(
                ErrorKind::Input,
                format!("a window of time has at most {MOST_STEPS} steps; take longer ones"),
            ));
        }
        Ok(Self { since, until, step })
    }

    /// Its beginning.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Its end, which is not part of it.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// How many steps it has.
    pub fn steps(&self) -> usize {
        usize::try_from((self.until.millis_since(self.since) - 1) / self.step + 1).unwrap_or(1)
    }

    /// When a step begins.
    pub fn begins(&self, step: usize) -> Timestamp {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.since.plus_millis(step.saturating_mul(self.step)).min(self.until)
    }

    /// The step of a point in time; `None` outside the window.
    pub fn step_of(&self, at: Timestamp) -> Option<usize> {
        (at >= self.since && at < self.until)
            .then(|| usize::try_from(at.millis_since(self.since) / self.step).ok())
            .flatten()
    }
}

/// What happened within a window, and what there is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The window.
    pub window: Window,
    /// For each template and provider, in this order.
    pub series: Vec<Series>,
    /// Returns that were made in each step.
    pub returns: Vec<u64>,
    /// Returns that ended within the window, by state.
    pub returns_ended: BTreeMap<&'static str, u64>,
    /// Returns that are not over.
    pub open_returns: u64,
    /// For each kind of capacity, in the order of region, type and price.
    pub pools: Vec<Pool>,
    /// Why requests fell short, in the order of kinds.
    pub reasons: Vec<Reason>,
}

impl Activity {
    /// The steps of all series together.
    pub fn total(&self) -> Vec<Step> {
        let mut total = vec![Step::default(); self.window.steps()];
        for series in &self.series {
            for (sum, step) in total.iter_mut().zip(&series.steps) {
                sum.merge(step);
            }
        }
        total
    }
}

/// One template at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// The template.
    pub template: String,
    /// Name of the provider instance.
    pub provider: String,
    /// What happened, one for each step of the window.
    pub steps: Vec<Step>,
    /// Machines that are not terminated, by state.
    pub machines: BTreeMap<&'static str, u64>,
    /// Requests that are not over.
    pub open_requests: u64,
    /// When the oldest of them was made, in milliseconds since 1970.
    pub oldest_open: Option<Timestamp>,
}

impl Series {
    /// All steps together.
    pub fn total(&self) -> Step {
        let mut total = Step::default();
        for step in &self.steps {
            total.merge(step);
        }
        total
    }
}

/// What happened in a step. Requested, delivered and missing are in machines, or units where requests have weights; all
/// else counts requests or machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Requests that were made.
    pub requests: u64,
    /// What they asked for.
    pub requested: u64,
    /// Requests that ended, by state.
    pub ended: BTreeMap<&'static str, u64>,
    /// What requests that ended lacked, by the main reason of each.
    pub missing: BTreeMap<&'static str, u64>,
    /// Machines that were launched.
    pub launched: u64,
    /// What came up: running, with a host name.
    pub delivered: u64,
    /// How long that took since the request, in milliseconds.
    pub to_running: Histogram,
    /// Machines that began to end because they were returned.
    pub returned: u64,
    /// Machines that the provider took.
    pub reclaimed: u64,
    /// Machines that ended before they were running.
    pub failed_to_start: u64,
    /// Machines that ohfp ended without a return: abandoned at the deadline, cancelled, of an unacknowledged request.
    pub released: u64,
    /// Machines that came after their request was over, and were released.
    pub orphaned: u64,
    /// Machines that were found terminated.
    pub gone: u64,
    /// Machines that there were at the end of the step.
    pub present: Present,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            requests: 0,
            requested: 0,
            ended: BTreeMap::new(),
            missing: BTreeMap::new(),
            launched: 0,
            delivered: 0,
            to_running: Histogram::new(TO_RUNNING),
            returned: 0,
            reclaimed: 0,
            failed_to_start: 0,
            released: 0,
            orphaned: 0,
            gone: 0,
            present: Present::default(),
        }
    }
}

impl Step {
    /// Adds what another series did in the same step, or the same series in a later one. Machines at the end are added
    /// up in either case; of several steps, the last one has them.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.requests, other.requests),
            (&mut self.requested, other.requested),
            (&mut self.launched, other.launched),
            (&mut self.delivered, other.delivered),
            (&mut self.returned, other.returned),
            (&mut self.reclaimed, other.reclaimed),
            (&mut self.failed_to_start, other.failed_to_start),
            (&mut self.released, other.released),
            (&mut self.orphaned, other.orphaned),
            (&mut self.gone, other.gone),
            (&mut self.present.starting, other.present.starting),
            (&mut self.present.running, other.present.running),
            (&mut self.present.ending, other.present.ending),
        ] {
            *sum = sum.saturating_add(more);
        }
        for (sums, more) in [(&mut self.ended, &other.ended), (&mut self.missing, &other.missing)] {
            for (name, count) in more {
                *sums.entry(name).or_default() += count;
            }
        }
        self.to_running.merge(&other.to_running);
    }

    /// Requests that ended in this state.
    pub fn ended_as(&self, state: RequestState) -> u64 {
        self.ended.get(state.name()).copied().unwrap_or(0)
    }

    /// What was missing for this reason.
    pub fn missing_for(&self, kind: ShortfallKind) -> u64 {
        self.missing.get(kind.name()).copied().unwrap_or(0)
    }
}

/// How many machines there are, by what they are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Present {
    /// Launched, and not up yet.
    pub starting: u64,
    /// Up.
    pub running: u64,
    /// Released, returned or reclaimed, and not found terminated yet.
    pub ending: u64,
}

/// Machines of one type and price in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// The region, where the provider said so.
    pub region: Option<String>,
    /// For example `m6i.large`, where known.
    pub instance_type: Option<String>,
    /// `ondemand` or `spot`, where known.
    pub price_type: Option<String>,
    /// Machines that were launched within the window.
    pub launched: u64,
    /// Machines that came up within the window.
    pub delivered: u64,
    /// Machines that the provider took within the window.
    pub reclaimed: u64,
    /// Machines that ended within the window before they were running.
    pub failed_to_start: u64,
    /// Machines that are not terminated now.
    pub present: u64,
}

/// Why requests that ended within the window fell short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The kind.
    pub kind: &'static str,
    /// How many requests.
    pub requests: u64,
    /// What they lacked.
    pub missing: u64,
    /// What the youngest of them says.
    pub latest: Option<String>,
    /// When that one ended, in milliseconds since 1970.
    pub latest_at: Timestamp,
}

/// The states that a machine can be in now.
pub fn living_states() -> impl Iterator<Item = MachineState> {
    MachineState::ALL.iter().copied().filter(|state| *state != MachineState::Terminated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_steps() {
        let at = Timestamp::from_millis;
        let window = Window::new(at(100), at(350), 100).unwrap();
        assert_eq!(window.steps(), 3);
        for (millis, step) in
            [(99, None), (100, Some(0)), (199, Some(0)), (200, Some(1)), (349, Some(2)), (350, None)]
        {
            assert_eq!(window.step_of(at(millis)), step, "{millis}");
        }
        assert_eq!([0, 1, 2, 3].map(|step| window.begins(step)), [at(100), at(200), at(300), at(350)]);
        assert_eq!(Window::whole(at(100), at(350)).unwrap().steps(), 1);
        for (since, until, step) in [(1, 1, 1), (2, 1, 1), (0, 9, 0), (0, 10_001, 1)] {
            let refused = Window::new(at(since), at(until), step).map_err(|error| error.kind());
            assert_eq!(refused, Err(ErrorKind::Input), "{since} {until} {step}");
        }
        assert_eq!(Window::new(at(0), at(10_000), 1).map(|window| window.steps()), Ok(10_000));
    }
}
