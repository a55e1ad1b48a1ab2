//! Counts requests and machines into the steps of a window, a row at a time.

use std::collections::{BTreeMap, HashMap};

use super::{Activity, Pool, Present, Reason, Series, Step, Window};
use crate::id::RequestKind;
use crate::machine::{Ending, Machine};
use crate::operations::LATE;
use crate::request::Request;
use crate::shortfall::ShortfallKind;
use crate::state::{MachineState, RequestState};
use crate::time::Timestamp;

/// What a row of a request tells.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// Its kind.
    pub kind: RequestKind,
    /// The template; empty for returns.
    pub template: &'a str,
    /// The provider instance; empty where there is none.
    pub provider: &'a str,
    /// Lifecycle state.
    pub state: RequestState,
    /// What it asks for.
    pub requested: u32,
    /// What it got, once it is over.
    pub delivered: u32,
    /// Why it got less.
    pub shortfall: Option<ShortfallKind>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Why it is partial or failed.
    pub reason: Option<&'a str>,
}

impl<'a> From<&'a Request> for RequestFacts<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            kind: request.kind,
            template: request.template_id.as_deref().unwrap_or_default(),
            provider: request.provider.as_deref().unwrap_or_default(),
            state: request.state,
            requested: request.requested,
            delivered: request.delivered,
            shortfall: request.shortfall,
            created: request.created,
            finished: request.finished,
            reason: request.reason.as_deref(),
        }
    }
}

/// What a row of a machine tells.
#[derive(Clone, Copy, Debug)]
pub struct MachineFacts<'a> {
    /// Its template.
    pub template: &'a str,
    /// Its provider instance.
    pub provider: &'a str,
    /// The region, where known.
    pub region: Option<&'a str>,
    /// The type, where known.
    pub instance_type: Option<&'a str>,
    /// `ondemand` or `spot`, where known.
    pub price_type: Option<&'a str>,
    /// The last observed state.
    pub state: MachineState,
    /// What it counts for.
    pub units: u32,
    /// When its request was made.
    pub asked: Option<Timestamp>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When it came up.
    pub came_up: Option<Timestamp>,
    /// Why it ends.
    pub ending: Option<Ending>,
    /// Whether a return names it.
    pub returned: bool,
    /// When its end was decided.
    pub ended: Option<Timestamp>,
    /// When it was found terminated.
    pub gone: Option<Timestamp>,
    /// Why it ended, in words.
    pub message: Option<&'a str>,
}

impl<'a> From<&'a Machine> for MachineFacts<'a> {
    fn from(machine: &'a Machine) -> Self {
        Self {
            template: &machine.template_id,
            provider: &machine.provider,
            region: machine.region.as_deref(),
            instance_type: machine.instance_type.as_deref(),
            price_type: machine.price_type.as_deref(),
            state: machine.state,
            units: machine.units,
            asked: machine.asked,
            launched: machine.launched,
            came_up: machine.came_up,
            ending: machine.ending,
            returned: machine.returned_by.is_some(),
            ended: machine.ended,
            gone: machine.gone,
            message: machine.message.as_deref(),
        }
    }
}

/// Counts rows. Every request that is open, or was made or ended within the window, and every machine that was not
/// gone when the window began, is handed over once; others do no harm.
#[derive(Debug)]
pub struct Collector {
    window: Window,
    activity: Activity,
    /// Places in `series` by template and provider.
    series: HashMap<String, HashMap<String, usize>>,
    /// The place that the last row had, since neighbors are alike.
    last: Option<usize>,
    /// Changes of the number of machines in each step, one list for each series: an own step for each stage.
    changes: Vec<BTreeMap<usize, [i64; 3]>>,
    pools: HashMap<String, usize>,
    /// The place of the last machine's pool, for the same reason.
    last_pool: usize,
    reasons: BTreeMap<ShortfallKind, Reason>,
}

/// Stages of a machine's life, as places in a change.
const STARTING: usize = 0;
const RUNNING: usize = 1;
const ENDING: usize = 2;

impl Collector {
    /// A collector for this window.
    pub fn new(window: Window) -> Self {
        let activity = Activity {
            window,
            series: Vec::new(),
            returns: vec![0; window.steps()],
            returns_ended: BTreeMap::new(),
            open_returns: 0,
            pools: Vec::new(),
            reasons: Vec::new(),
        };
        Self {
            window,
            activity,
            series: HashMap::new(),
            last: None,
            changes: Vec::new(),
            pools: HashMap::new(),
            last_pool: 0,
            reasons: BTreeMap::new(),
        }
    }

    /// Counts a request.
    pub fn request(&mut self, request: &RequestFacts<'_>) {
        let made = self.window.step_of(request.created);
        let finished = request.finished.and_then(|at| Some((at, self.window.step_of(at)?)));
        if request.kind == RequestKind::Return {
            self.returns(request, made, finished.is_some());
            return;
        }
        if made.is_none() && finished.is_none() && request.state.is_final() {
            return;
        }
        let series = self.place(request.template, request.provider);
        if !request.state.is_final()
            && let Some(series) = self.activity.series.get_mut(series)
        {
            series.open_requests += 1;
            let oldest = series.oldest_open.get_or_insert(request.created);
            *oldest = (*oldest).min(request.created);
        }
        if let Some(step) = self.step(series, made) {
            step.requests += 1;
            step.requested = step.requested.saturating_add(u64::from(request.requested));
        }
        let Some((at, place)) = finished else { return };
        let Some(step) = self.step(series, Some(place)) else { return };
        *step.ended.entry(request.state.name()).or_default() += 1;
        let missing = u64::from(request.requested.saturating_sub(request.delivered));
        if missing == 0 || request.state == RequestState::Complete {
            return;
        }
        let kind = request.shortfall.unwrap_or(ShortfallKind::Unknown);
        *step.missing.entry(kind.name()).or_default() += missing;
        let reason = self.reasons.entry(kind).or_insert_with(|| Reason {
            kind: kind.name(),
            requests: 0,
            missing: 0,
            latest: None,
            latest_at: Timestamp::from_millis(i64::MIN),
        });
        reason.requests += 1;
        reason.missing = reason.missing.saturating_add(missing);
        if at >= reason.latest_at {
            (reason.latest, reason.latest_at) = (request.reason.map(str::to_owned), at);
        }
    }

    fn returns(&mut self, request: &RequestFacts<'_>, made: Option<usize>, has_ended: bool) {
        if let Some(count) = made.and_then(|step| self.activity.returns.get_mut(step)) {
            *count += 1;
        }
        if !request.state.is_final() {
            self.activity.open_returns += 1;
        } else if has_ended {
            *self.activity.returns_ended.entry(request.state.name()).or_default() += 1;
        }
    }

    /// Counts a machine.
    pub fn machine(&mut self, machine: &MachineFacts<'_>) {
        let since = self.window.since;
        if machine.gone.is_some_and(|gone| gone < since) {
            return;
        }
        let asked = machine.asked.unwrap_or(machine.launched);
        let launched = if machine.launched == Timestamp::default() { asked } else { machine.launched };
        let series = self.place(machine.template, machine.provider);
        let [at_launch, at_up, at_end, at_gone] =
            [Some(launched), machine.came_up, machine.ended, machine.gone]
                .map(|at| at.and_then(|at| self.window.step_of(at)));
        if let Some(step) = self.step(series, at_launch) {
            step.launched += 1;
        }
        if let (Some(step), Some(up)) = (self.step(series, at_up), machine.came_up) {
            step.delivered = step.delivered.saturating_add(u64::from(machine.units));
            step.to_running.add(u64::try_from(up.millis_since(asked)).unwrap_or(0));
        }
        if let (Some(step), Some(ending)) = (self.step(series, at_end), machine.ending) {
            let is_late = || machine.message.is_some_and(|message| message.starts_with(LATE));
            *match ending {
                Ending::Reclaimed => &mut step.reclaimed,
                Ending::FailedToStart => &mut step.failed_to_start,
                Ending::Released if machine.returned => &mut step.returned,
                Ending::Released if is_late() => &mut step.orphaned,
                Ending::Released => &mut step.released,
            } += 1;
        }
        if let Some(step) = self.step(series, at_gone) {
            step.gone += 1;
        }
        let is_there = machine.state != MachineState::Terminated;
        if is_there && let Some(series) = self.activity.series.get_mut(series) {
            *series.machines.entry(machine.state.name()).or_default() += 1;
        }
        self.live(series, launched, machine);
        let pool = self.pool(machine);
        pool.present += u64::from(is_there);
        pool.launched += u64::from(at_launch.is_some());
        pool.delivered += u64::from(at_up.is_some());
        if at_end.is_some() {
            pool.reclaimed += u64::from(machine.ending == Some(Ending::Reclaimed));
            pool.failed_to_start += u64::from(machine.ending == Some(Ending::FailedToStart));
        }
    }

    /// Notes in which steps a machine goes from one stage to the next.
    fn live(&mut self, series: usize, launched: Timestamp, machine: &MachineFacts<'_>) {
        let Some(changes) = self.changes.get_mut(series) else { return };
        let window = self.window;
        let mut stage = None;
        let mut before = launched;
        let next = [
            (Some(launched), Some(STARTING)),
            (machine.came_up, Some(RUNNING)),
            (machine.ended, Some(ENDING)),
            (machine.gone, None),
        ];
        for (at, to) in next {
            let Some(at) = at.map(|at| at.max(before)) else { continue };
            before = at;
            // What was before the window is as it was when that began.
            let Some(step) = window.step_of(at.max(window.since)) else { return };
            let change = changes.entry(step).or_default();
            for (place, difference) in [(stage, -1), (to, 1)] {
                if let Some(count) = place.and_then(|place: usize| change.get_mut(place)) {
                    *count += difference;
                }
            }
            stage = to;
        }
    }

    fn place(&mut self, template: &str, provider: &str) -> usize {
        if let Some(last) = self.last
            && let Some(series) = self.activity.series.get(last)
            && series.template == template
            && series.provider == provider
        {
            return last;
        }
        let known = self.series.get(template).and_then(|providers| providers.get(provider)).copied();
        let place = known.unwrap_or_else(|| {
            let place = self.activity.series.len();
            self.activity.series.push(Series {
                template: template.to_owned(),
                provider: provider.to_owned(),
                steps: vec![Step::default(); self.window.steps()],
                machines: BTreeMap::new(),
                open_requests: 0,
                oldest_open: None,
            });
            self.changes.push(BTreeMap::new());
            self.series.entry(template.to_owned()).or_default().insert(provider.to_owned(), place);
            place
        });
        self.last = Some(place);
        place
    }

    fn step(&mut self, series: usize, step: Option<usize>) -> Option<&mut Step> {
        self.activity.series.get_mut(series)?.steps.get_mut(step?)
    }

    fn pool(&mut self, machine: &MachineFacts<'_>) -> &mut Pool {
        let parts = [machine.region, machine.instance_type, machine.price_type];
        let pools = &mut self.activity.pools;
        let is_same = |pool: &Pool| {
            [&pool.region, &pool.instance_type, &pool.price_type].map(Option::as_deref) == parts
        };
        if !pools.get(self.last_pool).is_some_and(is_same) {
            let key = parts.map(Option::unwrap_or_default).join("\0");
            self.last_pool = *self.pools.entry(key).or_insert_with(|| {
                let [region, instance_type, price_type] = parts.map(|part| part.map(str::to_owned));
                pools.push(Pool { region, instance_type, price_type, ..Pool::default() });
                pools.len() - 1
            });
        }
        let place = self.last_pool;
        #[expect(clippy::indexing_slicing, reason = "a place that was just found or made")]
        &mut self.activity.pools[place]
    }

    /// What was counted.
    pub fn finish(mut self) -> Activity {
        for (series, changes) in self.activity.series.iter_mut().zip(self.changes) {
            let mut now = [0_i64; 3];
            for (place, step) in series.steps.iter_mut().enumerate() {
                for (count, difference) in now.iter_mut().zip(changes.get(&place).unwrap_or(&[0; 3])) {
                    *count += difference;
                }
                let [starting, running, ending] = now.map(|count| u64::try_from(count).unwrap_or(0));
                step.present = Present { starting, running, ending };
            }
        }
        let Activity { series, pools, reasons, .. } = &mut self.activity;
        series
            .sort_by(|left, right| (&left.template, &left.provider).cmp(&(&right.template, &right.provider)));
        let key = |pool: &Pool| (pool.region.clone(), pool.instance_type.clone(), pool.price_type.clone());
        pools.sort_by_key(key);
        reasons.extend(self.reasons.into_values());
        self.activity
    }
}
