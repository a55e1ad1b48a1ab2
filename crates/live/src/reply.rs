//! What an operation or a command gives: the document, the errors and notes beside it, and the exit code.

use ohfp_broker::{Errors, RequestId};
use ohfp_render::Rendered;
use ohfp_service::session::Session;

/// The result of an invocation.
#[derive(Default)]
pub(crate) struct Reply {
    /// The document for standard output.
    pub(crate) document: Rendered,
    /// Errors and their hints; for standard error.
    pub(crate) errors: Errors,
    /// Notes that are written to standard error only where it is a terminal.
    pub(crate) notes: Vec<String>,
    /// Exit code.
    pub(crate) code: u8,
    /// Ids of requests that the answer announces for the first time.
    pub(crate) announced_ids: Vec<RequestId>,
}

impl Reply {
    /// A successful answer, exit code 0.
    pub(crate) fn answer(document: Rendered) -> Self {
        Self { document, ..Self::default() }
    }

    /// Adds the new ids that the answer announces, and has the session look after the store once it is out.
    pub(crate) fn after_answer(self, session: &Session, announced_ids: Vec<RequestId>) -> Self {
        session.queue_upkeep();
        Self { announced_ids, ..self }
    }

    /// A failure; the first error's kind decides the exit code.
    pub(crate) fn failure(errors: impl Into<Errors>) -> Self {
        let errors = errors.into();
        let code = errors.first().map_or(1, |error| error.kind().exit_code());
        Self { errors, code, ..Self::default() }
    }
}
