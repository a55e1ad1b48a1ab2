//! Cached answers in the order of their last use. It must not know time or files.

use std::collections::{BTreeMap, HashMap};

use ohfp_broker::Timestamp;

/// A cached answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stored: Timestamp,
    pub(super) value: Vec<u8>,
}

/// Cached answers by key.
#[derive(Debug, Default)]
pub(super) struct Entries {
    by_key: HashMap<String, (u64, Entry)>,
    /// Keys by the sequence number of their last use.
    by_use: BTreeMap<u64, String>,
    uses: u64,
    bytes: u64,
}

/// Approximate overhead of an answer besides key and value, in bytes.
const OVERHEAD: u64 = 32;

fn size(key: &str, entry: &Entry) -> u64 {
    key.len() as u64 + entry.value.len() as u64 + OVERHEAD
}

impl Entries {
    /// Iterates over the answers, the least recently used first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.by_use.values().filter_map(|key| {
            let (_, entry) = self.by_key.get(key)?;
            Some((key.as_str(), entry))
        })
    }

    /// Stores an answer as the most recently used.
    pub(super) fn insert(&mut self, key: String, entry: Entry) {
        self.remove(&key);
        self.uses += 1;
        self.bytes += size(&key, &entry);
        self.by_use.insert(self.uses, key.clone());
        self.by_key.insert(key, (self.uses, entry));
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key).map(|(_, entry)| entry)
    }

    /// Returns the answer and marks it as the most recently used.
    pub(super) fn touch(&mut self, key: &str) -> Option<&Entry> {
        let (used, entry) = self.by_key.get_mut(key)?;
        let name = self.by_use.remove(used)?;
        self.uses += 1;
        *used = self.uses;
        self.by_use.insert(self.uses, name);
        Some(entry)
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some((used, entry)) = self.by_key.remove(key) {
            self.by_use.remove(&used);
            self.bytes = self.bytes.saturating_sub(size(key, &entry));
        }
    }

    /// Removes all answers whose key begins with `prefix`.
    pub(super) fn remove_all(&mut self, prefix: &str) {
        let keys: Vec<String> = self.by_key.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        for key in keys {
            self.remove(&key);
        }
    }

    /// Evicts the least recently used answers until both limits hold, and returns their keys.
    pub(super) fn shrink(&mut self, entries: usize, bytes: u64) -> Vec<String> {
        let mut removed = Vec::new();
        while self.by_key.len() > entries || self.bytes > bytes {
            let Some((_, key)) = self.by_use.first_key_value() else { break };
            let key = key.clone();
            self.remove(&key);
            removed.push(key);
        }
        removed
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
