//! The content of an import document of either format, before any of it is stored.

use ohfp_broker::administration::Skipped;
use ohfp_broker::{Error, ErrorKind, Machine, Request, RequestId};

use crate::export::ExportedDocument;

/// What a document holds, in our terms.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) requests: Vec<Request>,
    pub(super) machines: Vec<Machine>,
    pub(super) members: Vec<Membership>,
    pub(super) documents: Vec<ExportedDocument>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) notes: Vec<String>,
}

/// A machine in a return.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) by: RequestId,
    pub(super) position: i64,
    /// Nothing where only the id is known.
    pub(super) provider: Option<String>,
    pub(super) machine: String,
}

/// What serde has to say, with its place.
pub(super) fn malformed(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Input, "the document cannot be read").cause(error)
}
