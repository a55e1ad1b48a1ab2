//! The table of components: their states, and which thread builds or waits for which. Bookkeeping under one
//! lock: no component is built, awaited or dropped here.

use std::collections::HashMap;
use std::thread::ThreadId;
use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Result};

use super::register::PendingBatch;
use super::slot::{Handle, Key, Recipe, Slot, State};

/// A component being built by a thread.
pub(super) struct Frame {
    key: Key,
    name: &'static str,
    /// Time spent on components that were built for it.
    inner: Duration,
    /// Neither this component nor the one it is built for has been requested.
    preloading: bool,
    /// The last error of a component that it requested; its chain of causes is complete.
    error: Option<Error>,
}

/// A thread that builds or waits.
#[derive(Default)]
pub(super) struct Thread {
    /// From the component requested first to the one being built.
    frames: Vec<Frame>,
    waits_for: Option<Key>,
}

/// A thread's request for a component.
pub(super) struct Request {
    pub(super) key: Key,
    pub(super) me: ThreadId,
    /// Whether this is a preload rather than a caller's request.
    pub(super) preloading: bool,
    /// Number of the build that it waits for.
    awaited: Option<u64>,
}

impl Request {
    pub(super) fn new(key: Key, preloading: bool) -> Self {
        Self { key, me: std::thread::current().id(), preloading, awaited: None }
    }
}

/// The next step of a request.
pub(super) enum Step {
    Have(Box<dyn Handle>),
    /// The build has failed; the error has the chain of causes.
    Fail(Error),
    /// The component is unavailable.
    Refuse(Error),
    /// Build it by this recipe; the build is reserved for this thread.
    Build(Job),
    /// Wait for a change, then try again.
    Wait,
    /// The key is not registered, and some batches have not run yet.
    Register,
    /// The key is not registered in any batch.
    Unknown,
}

/// A build to be done.
pub(super) struct Job {
    pub(super) key: Key,
    pub(super) name: &'static str,
    pub(super) recipe: Recipe,
}

/// The outcome of a build.
pub(super) struct Outcome {
    pub(super) result: Result<Box<dyn Handle>>,
    pub(super) took: Duration,
    pub(super) growth: Option<i64>,
}

/// The result of a build, and what the caller reports about it.
pub(super) struct Finished {
    pub(super) result: Result<Box<dyn Handle>>,
    pub(super) own: Duration,
    pub(super) loads: u64,
    /// Names of the requesting components, the first one first and the built one last.
    pub(super) chain: String,
    /// Whether this was the outermost build of the thread.
    pub(super) last: bool,
}

/// All components.
pub(super) struct Table {
    /// Maximum number of threads that build at the same time.
    concurrency: usize,
    /// Whether built components are kept.
    cache: bool,
    pub(super) slots: HashMap<Key, Slot>,
    /// In the order of registration.
    pub(super) order: Vec<Key>,
    pub(super) pending: Vec<PendingBatch>,
    /// Whether a thread is running the pending batches.
    pub(super) registering: bool,
    threads: HashMap<ThreadId, Thread>,
    /// Number of threads that are building.
    building: usize,
    /// Number of threads in the background pool.
    pub(super) workers: usize,
    /// Logical clock: the number of requests so far.
    clock: u64,
}

impl Table {
    pub(super) fn new(concurrency: usize, cache: bool) -> Self {
        Self {
            concurrency: concurrency.max(1),
            cache,
            slots: HashMap::new(),
            order: Vec::new(),
            pending: Vec::new(),
            registering: false,
            threads: HashMap::new(),
            building: 0,
            workers: 0,
            clock: 0,
        }
    }

    /// Decides what a request does next.
    pub(super) fn step(&mut self, request: &mut Request) -> Step {
        let (key, me) = (request.key, request.me);
        let waited_for = self.stop_waiting(request);
        self.clock += 1;
        let clock = self.clock;
        let Some(slot) = self.slots.get_mut(&key) else {
            return match (self.registering, self.pending.is_empty()) {
                (true, _) => Step::Wait,
                (false, false) => Step::Register,
                (false, true) => Step::Unknown,
            };
        };
        if let (Some(attempt), Some((failed, error))) = (waited_for, &slot.failure)
            && *failed >= attempt
        {
            return Step::Fail(error.clone());
        }
        if let Some(handle) = slot.take(self.cache, clock) {
            // Who waited for a build did not find it ready.
            slot.stats.hits += u64::from(waited_for.is_none());
            return Step::Have(handle);
        }
        if let Recipe::Off(switch) = slot.recipe {
            let message = format!("{} is disabled by `{switch}`", slot.name);
            return Step::Refuse(
                Error::new(ErrorKind::Unavailable, message).hint(format!("set `{switch}` to true")),
            );
        }
        let (attempt, is_building) = (slot.attempt, matches!(slot.state, State::Building(_)));
        if let Some(chain) = self.cycle(key, me) {
            let message = format!("components depend on each other in a circle: {}", chain.join(" -> "));
            return Step::Fail(Error::new(ErrorKind::Unavailable, message));
        }
        if is_building {
            request.awaited = Some(attempt);
            self.wait(key, me);
            return Step::Wait;
        }
        let builds = self.threads.get(&me).is_some_and(|thread| !thread.frames.is_empty());
        if !builds && self.building >= self.concurrency {
            return Step::Wait;
        }
        self.begin(request).map_or(Step::Wait, Step::Build)
    }

    fn wait(&mut self, key: Key, me: ThreadId) {
        self.threads.entry(me).or_default().waits_for = Some(key);
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.waiting += 1;
        }
    }

    /// Ends a wait, if there was one, and gives the build that was waited for.
    pub(super) fn stop_waiting(&mut self, request: &mut Request) -> Option<u64> {
        let Request { key, me, .. } = *request;
        let attempt = request.awaited.take()?;
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.waiting = slot.waiting.saturating_sub(1);
        }
        if let Some(thread) = self.threads.get_mut(&me) {
            thread.waits_for = None;
            if thread.frames.is_empty() {
                self.threads.remove(&me);
            }
        }
        Some(attempt)
    }

    /// Reserves a component for building.
    pub(super) fn begin(&mut self, request: &Request) -> Option<Job> {
        let Request { key, me, .. } = *request;
        let slot = self.slots.get_mut(&key)?;
        slot.attempt += 1;
        if !matches!(slot.recipe, Recipe::Factory(_)) {
            slot.state = State::Building(me);
        }
        let job = Job { key, name: slot.name, recipe: slot.recipe.clone() };
        let thread = self.threads.entry(me).or_default();
        if thread.frames.is_empty() {
            self.building += 1;
        }
        let preloading = request.preloading || thread.frames.last().is_some_and(|outer| outer.preloading);
        thread.frames.push(Frame { key, name: job.name, inner: Duration::ZERO, preloading, error: None });
        Some(job)
    }

    /// Ends a build or a discovery: takes its frame away and gives it with the chain that led to it.
    pub(super) fn end(&mut self, me: ThreadId, took: Duration) -> (Option<Frame>, String, bool) {
        let Some(thread) = self.threads.get_mut(&me) else { return (None, String::new(), true) };
        let names: Vec<&str> = thread.frames.iter().map(|frame| frame.name).collect();
        let chain = names.join(" -> ");
        let frame = thread.frames.pop();
        if let Some(outer) = thread.frames.last_mut() {
            outer.inner += took;
            return (frame, chain, false);
        }
        self.threads.remove(&me);
        self.building = self.building.saturating_sub(1);
        (frame, chain, true)
    }

    /// Ends a build and files what came of it.
    pub(super) fn finish(&mut self, request: &Request, outcome: Outcome) -> Finished {
        let Request { key, me, preloading, .. } = *request;
        let (frame, chain, last) = self.end(me, outcome.took);
        self.clock += 1;
        let clock = self.clock;
        let inner = frame.as_ref().map_or(Duration::ZERO, |frame| frame.inner);
        let own = outcome.took.saturating_sub(inner);
        let for_preload = frame.as_ref().is_some_and(|frame| frame.preloading);
        let Some(slot) = self.slots.get_mut(&key) else {
            return Finished { result: outcome.result, own, loads: 0, chain, last };
        };
        let is_factory = matches!(slot.recipe, Recipe::Factory(_));
        let result = match outcome.result {
            Ok(handle) => {
                slot.stats.loads += 1;
                slot.stats.load = outcome.took;
                slot.stats.own = own;
                slot.stats.total += own;
                slot.stats.growth = outcome.growth;
                slot.stats.preloaded |= for_preload;
                slot.failure = None;
                slot.idle_since = None;
                slot.used = clock;
                if is_factory {
                    if matches!(slot.state, State::Building(builder) if builder == me) {
                        slot.state = State::Empty;
                    }
                    Ok(handle)
                } else {
                    slot.state = State::Ready(handle.share());
                    // A preloaded component stays until it is first requested.
                    if preloading { Ok(handle) } else { Ok(slot.take(self.cache, clock).unwrap_or(handle)) }
                }
            }
            Err(error) => {
                // A dependency further down has already recorded the chain of causes.
                let is_complete = frame.and_then(|frame| frame.error).is_some_and(|seen| seen == error);
                let error = if is_complete { error } else { error.cause(format!("while loading {chain}")) };
                slot.stats.failures += 1;
                slot.failure = Some((slot.attempt, error.clone()));
                if matches!(slot.state, State::Building(builder) if builder == me) {
                    slot.state = State::Empty;
                }
                Err(error)
            }
        };
        let loads = slot.stats.loads;
        Finished { result, own, loads, chain, last }
    }

    /// Ends a discovery: the component is registered and not built.
    pub(super) fn discovered(&mut self, request: &Request, took: Duration) {
        self.end(request.me, took);
        if let Some(slot) = self.slots.get_mut(&request.key) {
            slot.state = State::Empty;
        }
    }

    /// Notes that the component which `me` is building got this error from one that it asked for.
    pub(super) fn pass_on(&mut self, me: ThreadId, error: &Error) {
        if let Some(frame) = self.threads.get_mut(&me).and_then(|thread| thread.frames.last_mut()) {
            frame.error = Some(error.clone());
        }
    }

    /// The chain from `key` back to `key`, if waiting for it would never end.
    fn cycle(&self, key: Key, me: ThreadId) -> Option<Vec<&'static str>> {
        let own = &self.threads.get(&me)?.frames;
        let from = |frames: &[Frame], key: Key| -> Option<Vec<(Key, &'static str)>> {
            let start = frames.iter().position(|frame| frame.key == key)?;
            frames.get(start..).map(|part| part.iter().map(|frame| (frame.key, frame.name)).collect())
        };
        let mut path: Vec<(Key, &'static str)> = Vec::new();
        let mut wanted = key;
        // Each hop goes to another thread.
        for _ in 0..=self.threads.len() {
            if let Some(mine) = from(own, wanted) {
                let mut names: Vec<&'static str> =
                    mine.into_iter().chain(path).map(|(_, name)| name).collect();
                names.extend(names.first().copied());
                return Some(names);
            }
            let State::Building(holder) = self.slots.get(&wanted)?.state else { return None };
            let holder = self.threads.get(&holder)?;
            path.extend(from(&holder.frames, wanted)?);
            wanted = holder.waits_for?;
        }
        None
    }
}
