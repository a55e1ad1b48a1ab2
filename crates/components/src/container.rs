//! The container. A component is built on first use, at most once at a time, without holding the lock, so that
//! different components are built in parallel and builders can request others.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::Performance;

use super::deferred::Queue;
use super::register::{PendingBatch, Registrar, Tier};
use super::slot::{Handle, Key, Recipe};
use super::table::{Job, Outcome, Request, Step, Table};

/// A build that takes longer is logged as a warning.
const SLOW: Duration = Duration::from_millis(100);

/// Components by type. Clones share one container.
#[derive(Clone)]
pub struct Container(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) options: Performance,
    pub(super) table: Mutex<Table>,
    pub(super) changed: Condvar,
    /// Set when no further background loads may begin.
    pub(super) stopped: AtomicBool,
    pub(super) queue: Mutex<Queue>,
    /// When memory use was last measured, in milliseconds since `began`.
    pub(super) looked: AtomicU64,
    pub(super) began: Instant,
    /// Duration of [`Container::start`]; `None` before it has run.
    pub(super) start: Mutex<Option<Duration>>,
}

impl Container {
    /// Creates an empty container.
    pub fn new(options: Performance) -> Self {
        Self(Arc::new(Inner {
            table: Mutex::new(Table::new(options.concurrent_loads, options.cache_instances)),
            options,
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
            queue: Mutex::default(),
            looked: AtomicU64::new(0),
            began: Instant::now(),
            start: Mutex::default(),
        }))
    }

    /// The component-loading options.
    pub fn options(&self) -> &Performance {
        &self.0.options
    }

    /// Registers a batch of components. With `minimal_registration`, the optional batch is deferred until an
    /// unregistered component is requested.
    pub fn register(
        &self,
        batch: Tier,
        register: impl FnOnce(&Registrar<'_>) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        if batch == Tier::Optional && self.0.options.minimal_registration && self.0.options.lazy_loading {
            self.lock().pending.push(PendingBatch { batch, register: Box::new(register) });
            return Ok(());
        }
        register(&Registrar::new(self, batch))
    }

    /// Returns the component of type `T`, building it if necessary. Builders may call this.
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        let handle = self.obtain(Key::of::<T>(), std::any::type_name::<T>(), false)?;
        match handle.as_any().downcast_ref::<Arc<T>>() {
            Some(component) => Ok(Arc::clone(component)),
            None => Err(unknown(std::any::type_name::<T>())),
        }
    }

    /// How many threads wait for the component of that name.
    #[cfg(test)]
    pub(super) fn waiting_for(&self, name: &str) -> usize {
        self.lock().slots.values().filter(|slot| slot.name == name).map(|slot| slot.waiting).sum()
    }

    /// No user code runs while this lock is held, so a poisoned lock still guards consistent data.
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn obtain(&self, key: Key, wanted: &str, preloading: bool) -> Result<Box<dyn Handle>> {
        let timeout = self.0.options.timeout;
        let mut request = Request::new(key, preloading);
        let mut waiting_since = None;
        let mut table = self.lock();
        loop {
            match table.step(&mut request) {
                Step::Have(handle) => return Ok(handle),
                Step::Build(job) => {
                    drop(table);
                    self.tell_dropped();
                    return self.build(&request, &job);
                }
                Step::Register => {
                    drop(table);
                    self.register_pending()?;
                    table = self.lock();
                }
                Step::Wait => {
                    let since = *waiting_since.get_or_insert_with(Instant::now);
                    let Some(left) = timeout.checked_sub(since.elapsed()) else {
                        table.stop_waiting(&mut request);
                        return Err(late(table.slots.get(&key).map_or(wanted, |slot| slot.name), timeout));
                    };
                    table = match self.0.changed.wait_timeout(table, left) {
                        Ok((table, _)) => table,
                        Err(poisoned) => poisoned.into_inner().0,
                    };
                }
                Step::Unknown => return Err(unknown(wanted)),
                Step::Refuse(error) => return Err(error),
                Step::Fail(error) => {
                    table.pass_on(request.me, &error);
                    return Err(error);
                }
            }
        }
    }

    /// Runs the deferred batches. Other threads that request an unregistered component wait meanwhile.
    pub(super) fn register_pending(&self) -> Result<()> {
        let pending = {
            let mut table = self.lock();
            if table.registering {
                return Ok(());
            }
            table.registering = true;
            std::mem::take(&mut table.pending)
        };
        let mut result = Ok(());
        for PendingBatch { batch, register } in pending {
            result = result.and_then(|()| register(&Registrar::new(self, batch)));
        }
        self.lock().registering = false;
        self.0.changed.notify_all();
        result
    }

    fn build(&self, request: &Request, job: &Job) -> Result<Box<dyn Handle>> {
        let options = &self.0.options;
        let before = options.track_memory_usage.then(ohfp_timings::resident).flatten();
        let began = Instant::now();
        let _phase = ohfp_timings::phase(job.name);
        let mut unfinished = Unfinished { container: self, request, job, began, done: false };
        let result = self.run(job);
        unfinished.done = true;
        let took = began.elapsed();
        let after = before.and_then(|_| ohfp_timings::resident());
        let growth = before.zip(after).map(|(before, after)| after.cast_signed() - before.cast_signed());
        self.finish_build(request, job, Outcome { result, took, growth })
    }

    fn finish_build(&self, request: &Request, job: &Job, outcome: Outcome) -> Result<Box<dyn Handle>> {
        let (took, growth) = (outcome.took, outcome.growth);
        let finished = {
            let mut table = self.lock();
            let finished = table.finish(request, outcome);
            if let Err(error) = &finished.result {
                table.pass_on(request.me, error);
            }
            finished
        };
        self.0.changed.notify_all();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let (load_ms, own_ms) = (milliseconds(took), milliseconds(finished.own));
        let chain = finished.chain.as_str();
        if let Err(error) = &finished.result {
            tracing::debug!(target: "performance", component = job.name, chain, load_ms,
                error = error.summary(), "component failed to load");
        } else {
            if self.0.options.log_component_loads {
                let growth_kb = growth.map(|bytes| bytes / 1024);
                tracing::info!(target: "performance", component = job.name, chain, load_ms, own_ms, growth_kb,
                    load = finished.loads, "component loaded");
            }
            if finished.own > SLOW {
                tracing::warn!(target: "performance", component = job.name, chain, load_ms, own_ms,
                    "component is slow to load");
            }
        }
        if finished.last {
            self.trim(false);
        }
        finished.result
    }

    /// Runs a recipe, without holding the lock.
    fn run(&self, job: &Job) -> Result<Box<dyn Handle>> {
        match self.discovered(job)? {
            Recipe::Singleton(build) | Recipe::Factory(build) | Recipe::Instance(build) => build(self),
            Recipe::Off(switch) => {
                Err(Error::new(ErrorKind::Unavailable, format!("{} is disabled by `{switch}`", job.name)))
            }
            Recipe::OnDemand(_) => Err(not_registered(job.name)),
        }
    }

    /// The recipe of a reserved component, after its on-demand registration, if any, has run.
    pub(super) fn discovered(&self, job: &Job) -> Result<Recipe> {
        let Recipe::OnDemand(register) = &job.recipe else { return Ok(job.recipe.clone()) };
        let _phase = ohfp_timings::phase_of(|| format!("register {}", job.name).into());
        let batch = self.lock().slots.get(&job.key).map_or(Tier::Core, |slot| slot.batch);
        register(&Registrar::new(self, batch))?;
        let table = self.lock();
        table.slots.get(&job.key).map(|slot| slot.recipe.clone()).ok_or_else(|| unknown(job.name))
    }
}

/// Ends the build when its builder panics, so that waiting threads get an error.
struct Unfinished<'c> {
    container: &'c Container,
    request: &'c Request,
    job: &'c Job,
    began: Instant,
    done: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.done {
            let message = format!("the builder of {} panicked", self.job.name);
            let result = Err(Error::new(ErrorKind::System, message));
            let took = self.began.elapsed();
            let outcome = Outcome { result, took, growth: None };
            let _ = self.container.finish_build(self.request, self.job, outcome);
        }
    }
}

fn unknown(wanted: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("no component is registered for `{wanted}`"))
}

pub(super) fn not_registered(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the on-demand registration of {name} did not register it"))
}

fn late(name: &str, timeout: Duration) -> Error {
    let message = format!("{name} was not loaded within {} s", timeout.as_secs_f64());
    Error::new(ErrorKind::Unavailable, message)
        .hint("`performance.optimization.timeout_seconds` sets the maximum wait for a component")
}
