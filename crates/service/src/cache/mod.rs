//! Answers kept from one process to the next, for those that change slowly or no more. One file,
//! which nobody misses: whatever is wrong with it, it is an empty cache, never an error.
//!
//! It must not know what the answers are. Several processes may use one file without a lock: each
//! writes it whole, with what the others wrote before, and of two that write at the same moment one
//! loses. So an answer that can change under its key must not be kept: make what it depends on a part
//! of the key.

mod entries;
mod file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohfp_broker::{Result, Timestamp};
use ohfp_resolver::Performance;

use entries::{Entries, Entry};

/// How long and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Age at which an answer is good no more. Zero: nothing is kept, and the file is not touched.
    pub ttl: Duration,
    /// Most answers; the least recently used go first.
    pub entries: usize,
    /// Most bytes of all keys and answers.
    pub bytes: u64,
}

impl Limits {
    /// As the configuration has them.
    pub fn new(performance: &Performance) -> Self {
        Self {
            ttl: performance.result_cache_ttl,
            entries: performance.component_cache_size,
            bytes: performance.memory_limit,
        }
    }

    fn is_off(self) -> bool {
        self.ttl.is_zero() || self.entries == 0
    }

    /// Whether what was stored then is good now. What is from the future was stored by a clock that
    /// was wrong, so nobody knows how old it is.
    fn is_fresh(self, stored: Timestamp, now: Timestamp) -> bool {
        u64::try_from(now.millis_since(stored)).is_ok_and(|age| Duration::from_millis(age) < self.ttl)
    }
}

/// Answers by key. The file is read when the first is asked for, and written by [`ResultCache::flush`].
pub struct ResultCache {
    path: PathBuf,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is known here: the file as it was read, with what has happened since.
    entries: Entries,
    is_read: bool,
    /// When the answers in the file were stored, as it was read or written last: what differs from this
    /// is another process's.
    seen: HashMap<String, Timestamp>,
    /// Keys stored here since the file was written.
    stored: Vec<String>,
    /// Keys that went out here since then: too old, or too many.
    dropped: Vec<String>,
    /// Prefixes taken out here since then.
    invalidated: Vec<String>,
}

impl ResultCache {
    /// The cache in this file. Nothing is opened yet.
    pub fn open(path: impl Into<PathBuf>, limits: Limits) -> Self {
        Self { path: path.into(), limits, state: Mutex::default() }
    }

    /// The answer under this key, if there is one that is still good.
    pub fn get(&self, key: &str, now: Timestamp) -> Option<Vec<u8>> {
        if self.limits.is_off() {
            return None;
        }
        let mut state = self.read();
        let entry = state.entries.touch(key)?;
        if self.limits.is_fresh(entry.stored, now) {
            return Some(entry.value.clone());
        }
        state.entries.remove(key);
        state.stored.retain(|stored| stored != key);
        state.dropped.push(key.to_owned());
        None
    }

    /// Keeps an answer. One that is larger than the whole cache may be is not kept.
    pub fn put(&self, key: &str, value: Vec<u8>, now: Timestamp) {
        if self.limits.is_off() {
            return;
        }
        let mut state = self.read();
        state.entries.insert(key.to_owned(), Entry { stored: now, value });
        if !state.stored.iter().any(|stored| stored == key) {
            state.stored.push(key.to_owned());
        }
        let surplus = state.entries.shrink(self.limits.entries, self.limits.bytes);
        state.stored.retain(|stored| !surplus.contains(stored));
        state.dropped.extend(surplus);
    }

    /// Takes out all answers whose key begins like this.
    pub fn invalidate(&self, prefix: &str) {
        if self.limits.is_off() {
            return;
        }
        let mut state = self.lock();
        state.entries.remove_all(prefix);
        state.stored.retain(|key| !key.starts_with(prefix));
        if !state.invalidated.iter().any(|known| prefix.starts_with(known.as_str())) {
            state.invalidated.push(prefix.to_owned());
        }
    }

    /// Writes the file, where something was stored or taken out: what others have written meanwhile,
    /// with what happened here on top, without what is good no more.
    pub fn flush(&self, now: Timestamp) -> Result<()> {
        let mut state = self.lock();
        if state.stored.is_empty() && state.invalidated.is_empty() {
            return Ok(());
        }
        let is_fresh = |entry: &Entry| self.limits.is_fresh(entry.stored, now);
        let mut merged = Entries::default();
        for (key, entry) in file::read(&self.path, self.limits.bytes) {
            let is_others = state.seen.get(&key) != Some(&entry.stored);
            let is_gone = state.is_invalidated(&key) || (!is_others && state.dropped.contains(&key));
            let is_older = || {
                let ours = state.stored.contains(&key).then(|| state.entries.get(&key)).flatten();
                ours.is_some_and(|ours| !is_others || entry.stored <= ours.stored)
            };
            if !is_gone && is_fresh(&entry) && !is_older() {
                merged.insert(key, entry);
            }
        }
        for (key, entry) in state.entries.iter() {
            // Used here, so it is not among the first to go.
            let is_there = merged.touch(key).is_some();
            if !is_there && is_fresh(entry) && state.stored.iter().any(|stored| stored == key) {
                merged.insert(key.to_owned(), entry.clone());
            }
        }
        merged.shrink(self.limits.entries, self.limits.bytes);
        file::write(&self.path, &merged)?;
        let seen = merged.iter().map(|(key, entry)| (key.to_owned(), entry.stored)).collect();
        *state = State { entries: merged, is_read: true, seen, ..State::default() };
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with what is in the file.
    fn read(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if !state.is_read {
            state.is_read = true;
            // Something may have been taken out before.
            for (key, entry) in file::read(&self.path, self.limits.bytes) {
                if !state.is_invalidated(&key) {
                    state.seen.insert(key.clone(), entry.stored);
                    state.entries.insert(key, entry);
                }
            }
            state.entries.shrink(self.limits.entries, self.limits.bytes);
        }
        state
    }
}

impl State {
    fn is_invalidated(&self, key: &str) -> bool {
        self.invalidated.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}
