//! Small documents that a provider keeps in the state store, for providers without a memory of their own.

use crate::error::Result;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Unique within the provider instance.
    pub id: String,
    /// What belongs together, for example a launch token.
    pub group: String,
    /// Whether it still counts: live ones are found without reading history.
    pub live: bool,
    /// Anything; JSON by custom.
    pub body: String,
}

/// One transaction on a provider's documents.
pub trait Ledger {
    /// The document of that id.
    fn get(&mut self, id: &str) -> Result<Option<Record>>;

    /// All documents of a group, in the order they were put.
    fn group(&mut self, group: &str) -> Result<Vec<Record>>;

    /// All live documents, in the order they were put.
    fn live(&mut self) -> Result<Vec<Record>>;

    /// How many are live.
    fn count_live(&mut self) -> Result<u64>;

    /// Stores a document under its id, in place of what was there.
    fn put(&mut self, record: &Record) -> Result<()>;
}

/// Where providers keep documents.
pub trait Records: Send + Sync {
    /// Runs `body` in one transaction that may write; rolled back when it fails. Nobody else writes meanwhile.
    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()>;

    /// Runs `body` on one consistent state; `put` is refused.
    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()>;
}
