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

impl Document {
    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.live_until.is_some_and(|until| now < until)
    }
}

/// One transaction on a provider's documents.
///
/// # Errors
/// Every method fails with `Damaged` where what is stored cannot be what was stored, and with `Unavailable` or
/// `System` where the store cannot be used.
pub trait DocumentTx {
    /// The document of that id.
    ///
    /// # Errors
    /// As the trait says.
    fn get(&mut self, id: &str) -> Result<Option<Document>>;

    /// All documents of a group, in the order they were put.
    ///
    /// # Errors
    /// As the trait says.
    fn group(&mut self, group: &str) -> Result<Vec<Document>>;

    /// The documents that count at `now`, in the order they were put.
    ///
    /// # Errors
    /// As the trait says.
    fn live(&mut self, now: Timestamp) -> Result<Vec<Document>>;

    /// Number of documents that count at `now`.
    ///
    /// # Errors
    /// As the trait says.
    fn count_live(&mut self, now: Timestamp) -> Result<u64>;

    /// The documents whose time is up at `now` and that are not over for good: for their provider to settle.
    ///
    /// # Errors
    /// As the trait says.
    fn expired(&mut self, now: Timestamp) -> Result<Vec<Document>>;

    /// Stores a document under its id, in place of what was there.
    ///
    /// # Errors
    /// As the trait says; `Refused` in a transaction that reads.
    fn put(&mut self, record: &Document) -> Result<()>;
}

/// Where providers keep documents.
///
/// What is written is seen by all processes at once.
pub trait DocumentStore: Send + Sync {
    /// The id of this store, by which what a provider creates is marked as known to it. It stays as long as the store
    /// is the same one; 1 to 64 letters and digits.
    ///
    /// # Errors
    /// As [`read`](Self::read); `Damaged` where there is no store.
    fn store_id(&self) -> Result<String>;

    /// Runs `body` in one transaction that may write; rolled back when it fails. No other process writes meanwhile.
    /// What is written is on the disk no later than the next change of requests or machines; a power failure before
    /// that may take it back.
    ///
    /// # Errors
    /// That of `body`; `Unavailable` where other processes keep the store busy, `System` where it cannot be written,
    /// `Damaged` where it is missing or broken.
    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()>;

    /// As [`write`](Self::write), and what is written is on the disk before it returns: for what must be known
    /// before a call to the cloud.
    ///
    /// # Errors
    /// As [`write`](Self::write). After an error that is not that of `body`, the transaction may have taken place.
    fn write_through(
        &self,
        provider: &str,
        body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>,
    ) -> Result<()>;

    /// Runs `body` on one consistent state; `put` is refused.
    ///
    /// # Errors
    /// That of `body`; those of a store that cannot be read.
    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()>;
}
