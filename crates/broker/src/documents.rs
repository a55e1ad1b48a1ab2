//! Small documents that a provider keeps in the state store, for providers without a memory of their own.

use crate::error::Result;
use crate::time::Timestamp;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Unique within the provider instance.
    pub id: String,
    /// Key of a group of documents, for example a launch token.
    pub group: String,
    /// End of its life, [`Timestamp::MAX`] if it is unknown; `None` once it is over. Live documents are found
    /// without reading history.
    pub live_until: Option<Timestamp>,
    /// The content, usually JSON.
    pub body: String,
}

/// One transaction on a provider's documents.
pub trait DocumentTx {
    /// The document of that id.
    fn get(&mut self, id: &str) -> Result<Option<Document>>;

    /// All documents of a group, in the order they were put.
    fn group(&mut self, group: &str) -> Result<Vec<Document>>;

    /// The documents that are live at `now`, in the order they were put.
    fn live(&mut self, now: Timestamp) -> Result<Vec<Document>>;

    /// Number of documents that are live at `now`.
    fn count_live(&mut self, now: Timestamp) -> Result<u64>;

    /// The documents whose life has ended at `now` and that their provider has not closed yet.
    fn expired(&mut self, now: Timestamp) -> Result<Vec<Document>>;

    /// Stores a document under its id and replaces an existing one.
    fn put(&mut self, record: &Document) -> Result<()>;
}

/// Where providers keep documents.
///
/// A write is visible to all processes at once. It is durable no later than the next change of requests or
/// machines; a power failure before that may undo it.
pub trait DocumentStore: Send + Sync {
    /// Runs `body` in one write transaction, which excludes other writers and is rolled back if `body` fails.
    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()>;

    /// Runs `body` in one read transaction; `put` is refused.
    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()>;
}
