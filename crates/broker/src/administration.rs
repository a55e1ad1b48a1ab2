//! What operators ask of a state store, whichever it is: whether it is well, what is in it, copies of it, and
//! taking over what another one has.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use serde::Serialize;

use crate::activity::{Activity, Window};
use crate::documents::DocumentStore;
use crate::error::Result;
use crate::keywords;
use crate::store::Store;
use crate::time::Timestamp;

/// How a store is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreHealth {
    /// Whether it can be used.
    pub healthy: bool,
    /// Where it is.
    pub path: String,
    /// Whether there is a database. It is created by the first request.
    pub exists: bool,
    /// Whether it can be written to. Nothing where there is no directory yet, or when opened for reading.
    pub writable: Option<bool>,
    /// `wal` or `truncate`; nothing where there is no database.
    pub journal: Option<String>,
    /// The type of the file system, such as `ext4`, where it is known.
    pub file_system: Option<String>,
    /// Whether that counts as local.
    pub local_file_system: bool,
    /// The version of its schema.
    pub schema_version: Option<i64>,
    /// The version that this program uses.
    pub current_schema_version: u32,
    /// Size of the database in bytes.
    pub bytes: u64,
    /// Size of the write-ahead log in bytes.
    pub log_bytes: u64,
    /// Transactions that the log holds and the database file does not: what a copy of that file alone would lack.
    pub only_in_log: Option<u64>,
    /// Room that is kept on the disk for returns, in bytes.
    pub reserve_bytes: u64,
    /// What is the matter.
    pub problems: Vec<String>,
}

/// A round trip: how long each step took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RoundTrip {
    /// Waiting for the turn to write, and opening where that was due.
    pub turn_micros: u64,
    /// Writing a request.
    pub write_micros: u64,
    /// Reading it back.
    pub read_micros: u64,
    /// Taking it back.
    pub rollback_micros: u64,
}

/// What is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// Requests of machines by state.
    pub requests: BTreeMap<String, u64>,
    /// Returns by state.
    pub returns: BTreeMap<String, u64>,
    /// Machines by state.
    pub machines: BTreeMap<String, u64>,
    /// Documents of providers that are not over for good.
    pub live_documents: u64,
    /// All documents of providers.
    pub documents: u64,
    /// When the oldest request was made, in milliseconds since 1970.
    pub oldest_request: Option<i64>,
    /// Size of the database in bytes.
    pub bytes: u64,
    /// Pages of the database.
    pub pages: u64,
    /// Pages that hold nothing and will be used again.
    pub free_pages: u64,
    /// Bytes in a page.
    pub page_bytes: u64,
    /// Size of the write-ahead log in bytes.
    pub log_bytes: u64,
    /// Pages in the write-ahead log.
    pub log_pages: u64,
}

/// What [`Administration::validate`] looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Whether nothing is wrong.
    pub valid: bool,
    /// Requests and returns that were looked at.
    pub requests: u64,
    /// Machines that were looked at.
    pub machines: u64,
    /// Documents that were looked at.
    pub documents: u64,
    /// What is wrong; of each kind the first hundred.
    pub findings: Vec<Inconsistency>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inconsistency {
    /// The table, or `database` where it is about the file.
    pub table: String,
    /// The number of the row, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    /// What is wrong, with the id of what it is wrong with.
    pub message: String,
}

/// A copy that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Where it is.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a migration did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The version that was found; nothing where there is no database yet.
    pub from: Option<u32>,
    /// The version it has then.
    pub to: u32,
    /// The journal that was found, where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_from: Option<String>,
    /// The journal it has then, where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_to: Option<String>,
    /// Whether anything was changed.
    pub changed: bool,
    /// The copy that was made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

/// A store that was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Where it is.
    pub path: String,
    /// The file that it was made from.
    pub from: String,
    /// Whether the file carried the sum of its content. Without one, it may lack what was stored last.
    pub verified: bool,
    /// Requests and returns in it.
    pub requests: u64,
    /// Machines in it.
    pub machines: u64,
    /// When the file was made. Requests since then are unknown.
    pub unknown_since: String,
    /// What follows from that.
    pub note: String,
    /// The files of the store before, as they are called now.
    pub kept: Vec<String>,
}

/// A store that was created on request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Where it is.
    pub path: String,
    /// What spoke of an older store.
    pub traces: Vec<String>,
    /// What to do about machines of one.
    pub note: String,
    /// Files of an older store, as they are called now.
    pub kept: Vec<String>,
}

/// What was written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests and returns.
    pub requests: u64,
    /// Machines.
    pub machines: u64,
    /// Machines in returns; a machine may be in several.
    pub members: u64,
    /// Documents of providers.
    pub documents: u64,
}

/// Where a document comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportFormat {
    /// [`Administration::export`].
    Ohfp,
    /// `request_database.json` of Open Resource Broker, or of `Open HostFactory Plugin`, as it was called.
    OpenResourceBroker,
}

keywords!(ImportFormat { Ohfp: "ohfp", OpenResourceBroker: "open-resource-broker" });

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// What was read.
    pub source: ImportFormat,
    /// What is new in the store.
    pub taken: Counts,
    /// What was in the store already, exactly so.
    pub present: Counts,
    /// What was not taken.
    pub skipped: Vec<Skipped>,
    /// What was taken otherwise than it was written.
    pub notes: Vec<String>,
}

/// Something that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which request, machine or other entry.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What was cleared away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Requests and returns.
    pub requests: u64,
    /// Their machines.
    pub machines: u64,
    /// Documents that providers kept because of them.
    pub documents: u64,
}

/// What operators ask of a state store, and what is due for it when no scheduler waits.
///
/// Answers are plain values; they are shown as they are.
pub trait Administration: Send + Sync {
    /// The file of the store, where it is one.
    fn file(&self) -> Option<&Path>;

    /// Whether anything is stored yet, as far as that is known without opening the store.
    fn exists(&self) -> bool;

    /// How the store is doing. What is wrong is in the answer.
    fn health(&self) -> StoreHealth;

    /// Writes, reads and takes back a request, with times.
    ///
    /// # Errors
    /// What keeps the store from being read or written.
    fn test(&self) -> Result<RoundTrip>;

    /// Counts by state, and sizes.
    ///
    /// # Errors
    /// What keeps the store from being read.
    fn metrics(&self) -> Result<Metrics>;

    /// What happened within a window, and what there is now. It takes its time: a store goes through all that was not
    /// over when the window began.
    ///
    /// # Errors
    /// What keeps the store from being read.
    fn activity(&self, window: &Window) -> Result<Activity>;

    /// Looks at everything that is stored, and lists what is wrong. It changes nothing.
    ///
    /// # Errors
    /// What keeps the store from being read.
    fn validate(&self) -> Result<Validation>;

    /// Writes a consistent copy to a new file, while other processes go on.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) where the file exists, [`NotFound`](crate::ErrorKind::NotFound) where
    /// there is no store yet, [`System`](crate::ErrorKind::System) where it cannot be written.
    fn backup(&self, to: &Path) -> Result<Backup>;

    /// Puts what a backup holds in the place of the store. With `unverified`, also what does not carry the sum of
    /// its content.
    ///
    /// # Errors
    /// [`Input`](crate::ErrorKind::Input) where the file is no state store, [`Damaged`](crate::ErrorKind::Damaged)
    /// where it is broken; then nothing is changed.
    fn restore(&self, from: &Path, unverified: bool) -> Result<Restored>;

    /// Creates an empty store where there is none, also where something speaks of an older one.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) where there is a store.
    fn init(&self) -> Result<Created>;

    /// Brings the store up to date; with `dry_run`, only says what that would do.
    ///
    /// # Errors
    /// What keeps the store from being opened or changed.
    fn migrate(&self, dry_run: bool) -> Result<Migration>;

    /// Writes everything in the store as one document, as it is at one moment.
    ///
    /// # Errors
    /// What keeps the store from being read, or `out` from being written.
    fn export(&self, out: &mut dyn Write) -> Result<Counts>;

    /// Takes over what a document holds; all of it or nothing. Without `format`, the document says what it is.
    ///
    /// # Errors
    /// [`Input`](crate::ErrorKind::Input) with the place where the document is wrong; then nothing is changed.
    fn import(&self, document: &mut dyn Read, format: Option<ImportFormat>) -> Result<Import>;

    /// When the request ended that has been over for the longest; `None` where none is over.
    ///
    /// # Errors
    /// What keeps the store from being read.
    fn oldest_finished(&self) -> Result<Option<Timestamp>>;

    /// Deletes requests that were over before `finished_before`, with machines and documents, once all their
    /// machines are gone and all returns of these are over as well.
    ///
    /// # Errors
    /// What keeps the store from being written.
    fn prune(&self, finished_before: Timestamp) -> Result<Pruned>;

    /// Does what is due for the store's files while no other process writes.
    ///
    /// # Errors
    /// What keeps the store from being written.
    fn maintain(&self) -> Result<()>;

    /// Notes outside the store that it exists, so that a missing one is not taken for a new one.
    fn keep_marker(&self);

    /// Allows this process to use up the room that is kept for returns.
    fn use_reserve(&self);
}

/// A whole state store: requests and machines, documents of providers, and what operators ask.
pub trait StateStore: Store + DocumentStore + Administration {}

impl<T: Store + DocumentStore + Administration> StateStore for T {}
