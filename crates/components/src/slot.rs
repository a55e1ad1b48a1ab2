//! One component: its recipe and its state.
//!
//! It must not know threads or the other components.

use std::any::{Any, TypeId};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, Result};

use super::container::Container;
use super::register::{Registrar, Tier};

/// Identifies a component: its type.
pub(super) type Key = TypeId;

/// A type-erased `Arc`.
pub(super) trait Handle: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn share(&self) -> Box<dyn Handle>;
    /// Number of strong references, this handle included.
    fn holders(&self) -> usize;
    fn weak(&self) -> Box<dyn WeakHandle>;
}

/// A handle that does not keep its component alive.
pub(super) trait WeakHandle: Send + Sync {
    fn is_alive(&self) -> bool;
    fn upgrade(&self) -> Option<Box<dyn Handle>>;
}

impl<T: ?Sized + Send + Sync + 'static> Handle for Arc<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn share(&self) -> Box<dyn Handle> {
        Box::new(Arc::clone(self))
    }

    fn holders(&self) -> usize {
        Arc::strong_count(self)
    }

    fn weak(&self) -> Box<dyn WeakHandle> {
        Box::new(Arc::downgrade(self))
    }
}

impl<T: ?Sized + Send + Sync + 'static> WeakHandle for Weak<T> {
    fn is_alive(&self) -> bool {
        self.strong_count() > 0
    }

    fn upgrade(&self) -> Option<Box<dyn Handle>> {
        Weak::upgrade(self).map(|component| Box::new(component) as Box<dyn Handle>)
    }
}

/// Builds a component.
pub(super) type Builder = Arc<dyn Fn(&Container) -> Result<Box<dyn Handle>> + Send + Sync>;

/// Registers a component, and possibly others.
pub(super) type Discovery = Arc<dyn Fn(&Registrar<'_>) -> Result<()> + Send + Sync>;

/// How a component is obtained.
#[derive(Clone)]
pub(super) enum Recipe {
    /// Built once and shared.
    Singleton(Builder),
    /// Built for each request.
    Factory(Builder),
    /// An existing instance, which the builder returns.
    Instance(Builder),
    /// Registered when first requested.
    OnDemand(Discovery),
    /// Disabled by this configuration key.
    Off(&'static str),
}

impl Recipe {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Singleton(_) => "singleton",
            Self::Factory(_) => "factory",
            Self::Instance(_) => "instance",
            Self::OnDemand(_) => "on-demand",
            Self::Off(_) => "off",
        }
    }
}

/// State of a component.
pub(super) enum State {
    Empty,
    /// Being built by this thread.
    Building(ThreadId),
    Ready(Box<dyn Handle>),
    /// Kept alive by its users only; the container holds a weak reference.
    Lent(Box<dyn WeakHandle>),
}

/// What a component has cost so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub(super) loads: u64,
    pub(super) hits: u64,
    pub(super) failures: u64,
    pub(super) unloads: u64,
    /// Unloads that nothing has been logged of.
    pub(super) untold: u64,
    /// Duration of the last load, including the components that were built for it.
    pub(super) load: Duration,
    /// Duration of the last load, excluding the components that were built for it.
    pub(super) own: Duration,
    /// Total duration of all loads, each excluding the components that were built for it.
    pub(super) total: Duration,
    /// Growth of memory use during the last load, in bytes; `None` where it is not tracked.
    pub(super) growth: Option<i64>,
    /// Whether it was loaded before its first request.
    pub(super) preloaded: bool,
}

/// One component.
pub(super) struct Slot {
    pub(super) name: &'static str,
    pub(super) batch: Tier,
    /// Whether building it opens connections.
    pub(super) connects: bool,
    /// Never unloaded.
    pub(super) pinned: bool,
    pub(super) recipe: Recipe,
    pub(super) state: State,
    /// Number of the last build.
    pub(super) attempt: u64,
    /// The last build that failed.
    pub(super) failure: Option<(u64, Error)>,
    /// Threads that wait for the build.
    pub(super) waiting: usize,
    /// When it was last requested, on the table's clock.
    pub(super) used: u64,
    /// When the container first noticed that the component has no users; `None` while it is in use.
    pub(super) idle_since: Option<Instant>,
    pub(super) stats: Stats,
}

impl Slot {
    /// Returns the component, if it is built. Where instances are not cached, the container keeps only a weak
    /// reference afterwards.
    pub(super) fn take(&mut self, cache: bool, clock: u64) -> Option<Box<dyn Handle>> {
        let handle = match &self.state {
            State::Ready(handle) => handle.share(),
            State::Lent(weak) => match weak.upgrade() {
                Some(handle) => handle,
                None => {
                    self.notice();
                    return None;
                }
            },
            State::Empty | State::Building(_) => return None,
        };
        self.used = clock;
        self.idle_since = None;
        let keep = cache || self.pinned || self.waiting > 0 || matches!(self.recipe, Recipe::Instance(_));
        if !keep && matches!(self.state, State::Ready(_)) {
            // `handle` holds it, so nothing is dropped here.
            self.state = State::Lent(handle.weak());
        }
        Some(handle)
    }

    /// Notices that the last user of a component has dropped it.
    pub(super) fn notice(&mut self) {
        if matches!(&self.state, State::Lent(weak) if !weak.is_alive()) {
            self.state = State::Empty;
            self.stats.unloads += 1;
            self.stats.untold += 1;
        }
    }

    /// Whether it can be unloaded: it is built, has no users, and can be rebuilt.
    pub(super) fn is_idle(&self) -> bool {
        let unused = matches!(&self.state, State::Ready(handle) if handle.holders() == 1);
        unused && !self.pinned && !matches!(self.recipe, Recipe::Instance(_))
    }

    /// Takes the instance out. The caller drops it without holding the lock.
    pub(super) fn unload(&mut self) -> Option<Box<dyn Handle>> {
        match std::mem::replace(&mut self.state, State::Empty) {
            State::Ready(handle) => {
                self.stats.unloads += 1;
                self.idle_since = None;
                Some(handle)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// State as shown by `system metrics`, for example `idle`.
    pub(super) fn state_name(&self) -> &'static str {
        match (&self.recipe, &self.state) {
            (Recipe::Off(_), _) => "off",
            (_, State::Building(_)) => "loading",
            (_, State::Ready(handle)) if handle.holders() == 1 => "idle",
            (_, State::Ready(_)) => "in use",
            (_, State::Lent(weak)) if weak.is_alive() => "in use",
            _ if self.stats.unloads > 0 => "unloaded",
            _ if self.failure.is_some() => "failed",
            _ if self.stats.loads > 0 => "loaded",
            _ => "not loaded",
        }
    }
}
