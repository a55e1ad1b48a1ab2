//! Taking over what another store has: an export of ours, or the database of Open Resource Broker.
//!
//! A document is read and understood as a whole first; then all of it is stored in one transaction, and
//! looked at by the rules of [`crate::checks`]. What is wrong anywhere leaves the store as it was.

mod orb;
mod orb_record;
mod own;
mod take;

use std::io::Read;

use ohfp_broker::{Error, ErrorKind, Machine, Request, RequestId, Result};
use serde::{Deserialize, Serialize};

use crate::export::{Counts, ExportedDocument, FORMAT};
use crate::session::TxEnd;
use crate::store::{Creation, SqliteStore};
use crate::transactions::Durability;

/// Where a document comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportFormat {
    /// [`SqliteStore::export`].
    Ohfp,
    /// `request_database.json` of Open Resource Broker, or of `Open HostFactory Plugin`, as it was called.
    OpenResourceBroker,
}

impl ImportFormat {
    /// The words, as people write them.
    pub const NAMES: &'static [&'static str] = &["ohfp", "open-resource-broker"];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ohfp => "ohfp",
            Self::OpenResourceBroker => "open-resource-broker",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ohfp, Self::OpenResourceBroker].into_iter().find(|source| source.name() == word)
    }
}

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

/// What a document holds, in our terms.
#[derive(Debug, Default)]
struct Content {
    requests: Vec<Request>,
    machines: Vec<Machine>,
    members: Vec<Membership>,
    documents: Vec<ExportedDocument>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
}

/// A machine in a return.
#[derive(Debug)]
struct Membership {
    by: RequestId,
    position: i64,
    /// Nothing where only the id is known.
    provider: Option<String>,
    machine: String,
}

impl SqliteStore {
    /// Takes over what a document holds; all of it or nothing. Without `source`, the document says what it
    /// is.
    ///
    /// From an export of ours: what the store has already must be exactly the same. From elsewhere: what the
    /// store has already stays as it is.
    pub fn import(&self, reader: &mut dyn Read, source: Option<ImportFormat>) -> Result<Import> {
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| Error::new(ErrorKind::System, "cannot read the document").cause(error))?;
        let source = recognise(&bytes, source)?;
        let content = match source {
            ImportFormat::Ohfp => own::read(&bytes)?,
            ImportFormat::OpenResourceBroker => orb::read(&bytes)?,
        };
        drop(bytes);
        self.write_with(Durability::AtOnce, Creation::Allowed, |session| {
            take::take(session, source, &content).map(TxEnd::Commit)
        })
    }
}

/// The first lines of an export of ours, whatever its version.
#[derive(Deserialize)]
struct Head {
    format: Option<serde_json::Value>,
}

/// Which kind of document it is.
fn recognise(bytes: &[u8], source: Option<ImportFormat>) -> Result<ImportFormat> {
    // Anything but an object is for the reader of that source to complain about.
    let head: Option<Head> = match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Ok(_) => serde_json::from_slice(bytes).ok(),
        Err(error) => return Err(malformed(&error)),
    };
    let ours = head.and_then(|head| head.format).is_some_and(|format| format == FORMAT);
    match source {
        Some(ImportFormat::Ohfp) if !ours => Err(Error::new(
            ErrorKind::Input,
            format!("the document is no export of ohfp: it has no `\"format\":\"{FORMAT}\"`"),
        )),
        Some(ImportFormat::OpenResourceBroker) if ours => Err(Error::new(
            ErrorKind::Input,
            "the document is an export of ohfp, not of Open Resource Broker",
        )),
        Some(source) => Ok(source),
        None if ours => Ok(ImportFormat::Ohfp),
        None => Ok(ImportFormat::OpenResourceBroker),
    }
}

/// What serde has to say, with its place.
fn malformed(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Input, "the document cannot be read").cause(error)
}
