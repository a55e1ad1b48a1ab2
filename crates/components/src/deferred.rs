//! Deferred work: tasks that the answer does not depend on, and handles that request their component on first
//! use.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Result};

use super::container::{Container, Inner};

/// A task, with its name for the log.
type Work = (&'static str, Box<dyn FnOnce() -> Result<()> + Send>);

/// The tasks deferred so far.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Vec<Work>,
    done: u64,
}

impl Queue {
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn done(&self) -> u64 {
        self.done
    }
}

impl Container {
    /// Takes a task that the answer does not depend on: with `defer_heavy_operations` it runs in
    /// [`Container::finish`], otherwise at once. A failure is logged.
    pub fn defer(&self, name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) {
        if self.options().defer_heavy_operations {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.waiting.push((name, Box::new(work)));
        } else {
            self.work((name, Box::new(work)));
        }
    }

    fn work(&self, (name, work): Work) {
        let _phase = ohfp_timings::phase(name);
        if let Err(error) = work() {
            tracing::warn!(target: "performance", work = name, error = error.summary(), "deferred work failed");
        }
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).done += 1;
    }

    /// To be called after the answer is written: stops background loads, runs the deferred tasks in order, and
    /// logs the summary. Returns the table for standard error where `debug_timing` asks for one, else `None`.
    /// Does not wait for loads in progress.
    pub fn finish(&self) -> Option<String> {
        let answered = self.0.began.elapsed();
        self.0.stopped.store(true, Ordering::Relaxed);
        loop {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = std::mem::take(&mut queue.waiting);
            drop(queue);
            if waiting.is_empty() {
                break;
            }
            for work in waiting {
                self.work(work);
            }
        }
        self.tell_dropped();
        if self.options().performance_timing {
            self.log_timing(answered);
        }
        self.options().debug_timing.then(|| self.timing_table())
    }

    fn log_timing(&self, answered: Duration) {
        let totals = self.totals();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        tracing::info!(
            target: "performance",
            answer_ms = milliseconds(answered),
            total_ms = milliseconds(self.0.began.elapsed()),
            start_ms = totals.start.map(milliseconds),
            load_ms = milliseconds(totals.load),
            registered = totals.registered,
            loads = totals.loads,
            hits = totals.hits,
            failures = totals.failures,
            resident_kb = ohfp_timings::resident().map(|bytes| bytes / 1024),
            "command timing"
        );
    }

    /// A handle that requests its component on first use. Two components can hold such handles of each other
    /// without a dependency circle.
    pub fn later<T: ?Sized>(&self) -> Deferred<T> {
        Deferred { container: Arc::downgrade(&self.0), component: PhantomData }
    }
}

/// A component that is requested when it is used. It keeps neither the component nor the container alive.
pub struct Deferred<T: ?Sized> {
    container: Weak<Inner>,
    component: PhantomData<fn() -> Arc<T>>,
}

impl<T: ?Sized + Send + Sync + 'static> Deferred<T> {
    /// Requests the component.
    pub fn get(&self) -> Result<Arc<T>> {
        let gone =
            || Error::new(ErrorKind::Unavailable, "the container has shut down: the command has ended");
        Container(self.container.upgrade().ok_or_else(gone)?).get()
    }
}

impl<T: ?Sized> Clone for Deferred<T> {
    fn clone(&self) -> Self {
        Self { container: Weak::clone(&self.container), component: PhantomData }
    }
}

impl<T: ?Sized> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deferred<{}>", std::any::type_name::<T>())
    }
}
