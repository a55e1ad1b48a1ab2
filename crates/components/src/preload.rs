//! Preloading: components that are built before they are requested, at start or in the background.
//!
//! Background threads take no further component once the container is finished, and the process does not wait
//! for them: it exits as soon as it has its answer.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use ohfp_broker::Result;
use ohfp_resolver::settings::performance::Mode;

use super::container::Container;
use super::slot::{Key, Recipe, State};
use super::table::{Request, Table};

/// A component to preload.
#[derive(Clone, Copy)]
struct Wanted {
    key: Key,
    name: &'static str,
    /// Whether its failure fails the command.
    critical: bool,
}

impl Container {
    /// Registers, discovers and builds the components that the options name for start. Fails only if a
    /// registration or a critical component fails; other failures are reported on first use.
    pub fn start(&self) -> Result<()> {
        let options = self.options();
        let began = Instant::now();
        let everything = !options.lazy_loading;
        if everything || !options.minimal_registration {
            self.register_pending()?;
        }
        if everything || options.discovery_mode == Mode::Eager {
            self.discover_all()?;
        }
        let connections = options.connection_mode == Mode::Eager;
        let at_start = self.lock().plan(&options.preload_critical, everything, connections);
        let common = if options.background_loading { options.preload_common.as_slice() } else { &[] };
        let common = self.lock().plan(common, false, false);
        if options.start_in_background {
            self.load_in_background(at_start.into_iter().chain(common).collect());
        } else {
            self.load(&at_start)?;
            self.load_in_background(common);
        }
        *self.0.start.lock().unwrap_or_else(PoisonError::into_inner) = Some(began.elapsed());
        Ok(())
    }

    /// Runs every on-demand registration, without building components.
    fn discover_all(&self) -> Result<()> {
        loop {
            let mut table = self.lock();
            let is_open = |key: &Key| {
                let slot = table.slots.get(key);
                slot.is_some_and(|slot| {
                    matches!((&slot.recipe, &slot.state), (Recipe::OnDemand(_), State::Empty))
                })
            };
            let Some(key) = table.order.iter().copied().find(is_open) else { return Ok(()) };
            let request = Request::new(key, true);
            let Some(job) = table.begin(&request) else { return Ok(()) };
            drop(table);
            let began = Instant::now();
            let discovered = self.discovered(&job);
            self.lock().discovered(&request, began.elapsed());
            self.0.changed.notify_all();
            if let Recipe::OnDemand(_) = discovered? {
                return Err(super::container::not_registered(job.name));
            }
        }
    }

    /// Builds components: the critical ones one after another, in their order, the others in parallel.
    fn load(&self, wanted: &[Wanted]) -> Result<()> {
        let options = self.options();
        let began = Instant::now();
        let (critical, others): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|wanted| wanted.critical);
        for wanted in critical {
            self.obtain(wanted.key, wanted.name, true)?;
        }
        for batch in others.chunks(options.batch_size.max(1)) {
            if !self.may_load(began) {
                break;
            }
            let queue = Mutex::new(batch.iter().copied().collect::<VecDeque<_>>());
            thread::scope(|scope| {
                // The current thread is one of the workers.
                for _ in 1..options.concurrent_loads.min(batch.len()) {
                    let _ = thread::Builder::new().spawn_scoped(scope, || self.load_queued(&queue));
                }
                self.load_queued(&queue);
            });
        }
        Ok(())
    }

    fn load_queued(&self, queue: &Mutex<VecDeque<Wanted>>) {
        while let Some(wanted) = next(queue) {
            self.load_one(wanted);
        }
    }

    /// Builds one component. A failure is recorded and reported to the first caller that requests the component.
    fn load_one(&self, wanted: Wanted) {
        if let Err(error) = self.obtain(wanted.key, wanted.name, true) {
            tracing::warn!(target: "performance", component = wanted.name, error = error.summary(),
                "component cannot be preloaded");
        }
    }

    /// Whether preloading may continue: the container is not stopped, and neither the timeout nor the memory
    /// limit is reached.
    fn may_load(&self, began: Instant) -> bool {
        let options = self.options();
        if self.0.stopped.load(Ordering::Relaxed) {
            return false;
        }
        let late = began.elapsed() >= options.timeout;
        let full = !late && ohfp_timings::resident().is_some_and(|resident| resident > options.memory_limit);
        if late || full {
            let reason = if late { "the timeout has passed" } else { "the memory limit is reached" };
            tracing::warn!(target: "performance", reason, "preloading stops early");
        }
        !late && !full
    }

    /// Starts the threads of the background pool; none if there is no component to load.
    fn load_in_background(&self, wanted: Vec<Wanted>) {
        let options = self.options();
        let threads = options.thread_pool_size.min(wanted.len());
        // Each thread takes at most its share, so that a large batch does not leave other threads idle.
        let batch = options.batch_size.min(wanted.len().div_ceil(threads.max(1))).max(1);
        let queue = Arc::new(Mutex::new(wanted.into_iter().collect::<VecDeque<_>>()));
        for _ in 0..threads {
            let (container, queue) = (self.clone(), Arc::clone(&queue));
            self.lock().workers += 1;
            let worker = move || {
                let began = Instant::now();
                while container.may_load(began) {
                    let batch: Vec<Wanted> = (0..batch).map_while(|_| next(&queue)).collect();
                    if batch.is_empty() {
                        break;
                    }
                    for wanted in batch {
                        if !container.0.stopped.load(Ordering::Relaxed) {
                            container.load_one(wanted);
                        }
                    }
                }
                container.worker_ended();
            };
            if thread::Builder::new().name("preload".to_owned()).spawn(worker).is_err() {
                // A component that is not preloaded is loaded on first use.
                self.worker_ended();
            }
        }
    }

    fn worker_ended(&self) {
        let mut table = self.lock();
        table.workers = table.workers.saturating_sub(1);
        drop(table);
        self.0.changed.notify_all();
    }

    /// Waits until no background load is running.
    #[cfg(test)]
    pub fn settle(&self) {
        let table = self.lock();
        let waited = self.0.changed.wait_while(table, |table| table.workers > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

fn next(queue: &Mutex<VecDeque<Wanted>>) -> Option<Wanted> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

impl Table {
    /// The components to preload: `named` in order, then those that connect (`connections`), or all
    /// (`everything`). Leaves out components that are not registered, disabled, or built for each request.
    fn plan(&self, named: &[String], everything: bool, connections: bool) -> Vec<Wanted> {
        let wanted = |key: Key, critical: bool| {
            let slot = self.slots.get(&key)?;
            let builds = !matches!(slot.recipe, Recipe::Off(_) | Recipe::Factory(_));
            builds.then_some(Wanted { key, name: slot.name, critical })
        };
        let of_name = |name: &String| {
            let is_named = |key: &&Key| self.slots.get(key).is_some_and(|slot| slot.name == name);
            self.order.iter().find(is_named).copied()
        };
        let mut plan: Vec<Wanted> =
            named.iter().filter_map(of_name).filter_map(|key| wanted(key, true)).collect();
        for key in &self.order {
            let connects = self.slots.get(key).is_some_and(|slot| slot.connects);
            if everything || (connections && connects) {
                plan.extend(wanted(*key, false));
            }
        }
        let mut seen = Vec::new();
        plan.retain(|wanted| {
            let is_new = !seen.contains(&wanted.key);
            seen.push(wanted.key);
            is_new
        });
        plan
    }
}
