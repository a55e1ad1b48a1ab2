//! The result cache: answers that rarely or never change, kept across processes. It is one disposable file: a
//! missing or damaged one counts as an empty cache, never as an error.
//!
//! It must not know what the answers are. Several processes may use one file without a lock: each writes the
//! whole file, merged with what the others wrote before, and of two that write at the same moment one loses. So
//! an answer that can change under its key must not be stored: its inputs must be part of the key.

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

/// Age and size limits of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Age at which an answer expires. Zero disables the cache; the file is not opened.
    pub ttl: Duration,
    /// Most answers; the least recently used are evicted first.
    pub entries: usize,
    /// Most bytes of all keys and answers.
    pub bytes: u64,
}

impl Limits {
    /// The limits of the configuration.
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

    /// Whether an entry stored at `stored` is still valid at `now`. An entry from the future is not: the clock
    /// was wrong when it was stored, so its age is unknown.
    fn is_fresh(self, stored: Timestamp, now: Timestamp) -> bool {
        u64::try_from(now.millis_since(stored)).is_ok_and(|age| Duration::from_millis(age) < self.ttl)
    }
}

/// Cached answers by key. The file is read at the first access and written by [`ResultCache::flush`].
pub struct ResultCache {
    path: PathBuf,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The file as it was read, with the changes of this process.
    entries: Entries,
    is_read: bool,
    /// When the answers in the file were stored, at the last read or write: a different time was written by
    /// another process.
    seen: HashMap<String, Timestamp>,
    /// Keys stored here since the file was written.
    stored: Vec<String>,
    /// Keys evicted here since then.
    dropped: Vec<String>,
    /// Prefixes invalidated here since then.
    invalidated: Vec<String>,
}

impl ResultCache {
    /// Creates a cache on this file, without opening it.
    pub fn open(path: impl Into<PathBuf>, limits: Limits) -> Self {
        Self { path: path.into(), limits, state: Mutex::default() }
    }

    /// The answer under this key; `None` if there is none or it has expired.
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

    /// Stores an answer. One that exceeds the size limit of the whole cache is ignored.
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

    /// Removes all answers whose key begins with `prefix`.
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

    /// Writes the file if an answer was stored or removed: merges the changes of this process into the current
    /// file and drops expired answers.
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
            // Used here, so it is not evicted first.
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

    /// The state, after reading the file.
    fn read(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if !state.is_read {
            state.is_read = true;
            // Answers may have been invalidated before.
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
