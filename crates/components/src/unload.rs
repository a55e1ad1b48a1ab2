//! Unloading: the least recently used components beyond the cache size, components that have been idle in a
//! long-running command, and all unused ones when memory is short.
//!
//! Components are dropped without holding the lock: their destructors may take time, or request others.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::container::Container;
use super::slot::{Handle, Key};
use super::table::Table;

/// Minimum interval between two memory checks after builds, in milliseconds.
const BETWEEN_LOOKS: u64 = 100;

/// Name and handle of a component that is being unloaded.
type Unloaded = (&'static str, Box<dyn Handle>);

impl Container {
    /// Unloads components that have been idle for `performance.caching.result_cache_ttl` seconds at `now`, and
    /// those beyond the limits. Long-running commands call it between rounds; a component must be idle in two
    /// calls. Returns the number of unloaded components.
    pub fn unload_idle(&self, now: Instant) -> usize {
        let idle_limit = self.options().result_cache_ttl;
        let mut unloaded = Vec::new();
        let mut table = self.lock();
        for key in table.order.clone() {
            let Some(slot) = table.slots.get_mut(&key) else { continue };
            if !slot.is_idle() {
                slot.idle_since = None;
                continue;
            }
            let since = *slot.idle_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= idle_limit {
                unloaded.extend(slot.unload().map(|handle| (slot.name, handle)));
            }
        }
        drop(table);
        let count = unloaded.len();
        self.let_go(unloaded, "idle");
        count + self.trim(true)
    }

    /// Enforces cache size and memory limit. Memory is checked if `look` is set, otherwise at intervals: a
    /// short command does not pay for it.
    pub(super) fn trim(&self, look: bool) -> usize {
        self.tell_dropped();
        let mut count = 0;
        loop {
            // Dependencies of an unloaded component may be idle now, so check again.
            let unloaded = self.lock().unload_beyond(self.options().component_cache_size);
            if unloaded.is_empty() {
                break;
            }
            count += unloaded.len();
            self.let_go(unloaded, "cache size");
        }
        if !look && !self.is_time_to_look() {
            return count;
        }
        let is_short =
            || ohfp_timings::resident().is_some_and(|resident| resident > self.options().memory_limit);
        // Memory is only checked if a component can be unloaded.
        while self.lock().has_idle() && is_short() {
            let unloaded: Vec<Unloaded> = self.lock().unload_oldest().into_iter().collect();
            count += unloaded.len();
            self.let_go(unloaded, "memory limit");
        }
        count
    }

    fn is_time_to_look(&self) -> bool {
        let now = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.0.looked.load(Ordering::Relaxed);
        let is_time = now.saturating_sub(last) >= BETWEEN_LOOKS;
        if is_time {
            self.0.looked.store(now, Ordering::Relaxed);
        }
        is_time
    }

    fn let_go(&self, unloaded: Vec<Unloaded>, reason: &str) {
        for (name, handle) in unloaded {
            drop(handle);
            self.log_unload(name, reason);
        }
    }

    /// Logs the components that their last users have dropped. The container gets to know of that when it looks.
    pub(super) fn tell_dropped(&self) {
        let options = self.options();
        if options.cache_instances || !options.log_component_loads {
            return;
        }
        let dropped = self.lock().dropped();
        for name in dropped {
            self.log_unload(name, "last user");
        }
    }

    fn log_unload(&self, name: &str, reason: &str) {
        if self.options().log_component_loads {
            tracing::info!(target: "performance", component = name, reason, "component unloaded");
        }
    }
}

impl Table {
    /// Idle components, the least recently used first.
    fn idle(&self) -> Vec<Key> {
        let mut idle: Vec<(u64, Key)> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.is_idle())
            .map(|(key, slot)| (slot.used, *key))
            .collect();
        idle.sort_unstable_by_key(|(used, _)| *used);
        idle.into_iter().map(|(_, key)| key).collect()
    }

    /// The components whose unloading was not logged yet, in the order of their registration.
    fn dropped(&mut self) -> Vec<&'static str> {
        let mut dropped = Vec::new();
        for key in &self.order {
            let Some(slot) = self.slots.get_mut(key) else { continue };
            slot.notice();
            for _ in 0..std::mem::take(&mut slot.stats.untold) {
                dropped.push(slot.name);
            }
        }
        dropped
    }

    fn has_idle(&self) -> bool {
        self.slots.values().any(super::slot::Slot::is_idle)
    }

    fn unload(&mut self, key: Key) -> Option<Unloaded> {
        let slot = self.slots.get_mut(&key)?;
        slot.unload().map(|handle| (slot.name, handle))
    }

    fn unload_beyond(&mut self, size: usize) -> Vec<Unloaded> {
        let idle = self.idle();
        let surplus = idle.len().saturating_sub(size);
        idle.into_iter().take(surplus).filter_map(|key| self.unload(key)).collect()
    }

    fn unload_oldest(&mut self) -> Option<Unloaded> {
        let oldest = *self.idle().first()?;
        self.unload(oldest)
    }
}
