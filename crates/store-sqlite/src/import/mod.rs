//! Imports: an export of ohfp, or the database of Open Resource Broker.
//!
//! A document is read and understood as a whole first; then all of it is stored in one transaction, and
//! looked at by the rules of [`crate::checks`]. What is wrong anywhere leaves the store as it was.

mod content;
mod orb;
mod orb_record;
mod orb_words;
mod own;
mod take;

use std::io::Read;

use ohfp_broker::administration::{Import, ImportFormat};
use ohfp_broker::{Error, ErrorKind, Result};
use serde::Deserialize;

use content::malformed;

use crate::export::FORMAT;
use crate::session::TxEnd;
use crate::store::{Creation, SqliteStore};
use crate::transactions::Durability;

impl SqliteStore {
    /// Imports a document, all or nothing. Without `source`, the format is detected.
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
