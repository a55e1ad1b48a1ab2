//! One component: how it is built, and what there is of it right now.
//!
//! It must not know threads or the other components.

use std::any::{Any, TypeId};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, Result};

use super::container::Container;
use super::register::{Registrar, Tier};

/// What stands for a component: its type.
pub(super) type Key = TypeId;

/// An `Arc` of a type that is forgotten.
pub(super) trait Handle: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn share(&self) -> Box<dyn Handle>;
    /// How many hold the component, this handle included.
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

/// Registers a component, and maybe others.
pub(super) type Discovery = Arc<dyn Fn(&Registrar<'_>) -> Result<()> + Send + Sync>;

/// How to come by a component.
#[derive(Clone)]
pub(super) enum Recipe {
    /// Built once and shared.
    Singleton(Builder),
    /// Built for each request.
    Factory(Builder),
    /// Given ready-made; the builder hands it out.
    Instance(Builder),
    /// Registered when first asked for.
    OnDemand(Discovery),
    /// Switched off by this key of the configuration.
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

/// What there is of a component.
pub(super) enum State {
    Empty,
    /// This thread is at it.
    Building(ThreadId),
    Ready(Box<dyn Handle>),
    /// Alive as long as somebody else holds it.
    Lent(Box<dyn WeakHandle>),
}

/// What a component has cost so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub(super) loads: u64,
    pub(super) hits: u64,
    pub(super) failures: u64,
    pub(super) unloads: u64,
    /// The last load, with all that was built for it.
    pub(super) load: Duration,
    /// The last load without what was built for it.
    pub(super) own: Duration,
    /// All loads together, each without what was built for it.
    pub(super) total: Duration,
    /// By how many bytes memory grew during the last load.
    pub(super) growth: Option<i64>,
    /// Loaded before anybody asked.
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
    /// When it was last asked for, on the table's clock.
    pub(super) used: u64,
    /// Since when nobody has used it, as far as has been noticed.
    pub(super) idle_since: Option<Instant>,
    pub(super) stats: Stats,
}

impl Slot {
    /// The component, if there is one. Where instances are not cached, ours is given away with it.
    pub(super) fn take(&mut self, cache: bool, clock: u64) -> Option<Box<dyn Handle>> {
        let handle = match &self.state {
            State::Ready(handle) => handle.share(),
            State::Lent(weak) => match weak.upgrade() {
                Some(handle) => handle,
                None => {
                    self.state = State::Empty;
                    self.stats.unloads += 1;
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

    /// Whether it could be unloaded: there, used by nobody, and to be had again.
    pub(super) fn is_idle(&self) -> bool {
        let unused = matches!(&self.state, State::Ready(handle) if handle.holders() == 1);
        unused && !self.pinned && !matches!(self.recipe, Recipe::Instance(_))
    }

    /// Takes the instance out; it is the caller's to drop, away from any lock.
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

    /// In a word.
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
