//! Small documents that a provider keeps in the state store, for providers without a memory of their own.

use crate::error::Result;
use crate::time::Timestamp;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Unique within the provider instance.
    pub id: String,
    /// What belongs together, for example a launch token.
    pub group: String,
    /// Until when it counts, [`Timestamp::MAX`] where no end is known; nothing once it is over for good. Those
    /// that count are found without reading history.
    pub live_until: Option<Timestamp>,
    /// Anything; JSON by custom.
    pub body: String,
}

/// One transaction on a provider's documents.
pub trait DocumentTx {
    /// The document of that id.
    fn get(&mut self, id: &str) -> Result<Option<Document>>;

    /// All documents of a group, in the order they were put.
    fn group(&mut self, group: &str) -> Result<Vec<Document>>;

    /// The documents that count at `now`, in the order they were put.
    fn live(&mut self, now: Timestamp) -> Result<Vec<Document>>;

    /// How many they are.
    fn count_live(&mut self, now: Timestamp) -> Result<u64>;

    /// The documents whose time is up at `now` and that are not over for good: for their provider to settle.
    fn expired(&mut self, now: Timestamp) -> Result<Vec<Document>>;

    /// Stores a document under its id, in place of what was there.
    fn put(&mut self, record: &Document) -> Result<()>;
}

/// Where providers keep documents.
///
/// What is written is seen by everybody at once. On the disk it is no later than the next change of requests
/// or machines; a power failure before that may take it back.
pub trait DocumentStore: Send + Sync {
    /// Runs `body` in one transaction that may write; rolled back when it fails. Nobody else writes meanwhile.
    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()>;

    /// Runs `body` on one consistent state; `put` is refused.
    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()>;
}
