//! Cancelling an unfinished request.

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RequestId, RequestKind};
use crate::shortfall::ShortfallKind;
use crate::text::quoted;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

impl Broker<'_> {
    /// Cancels an unfinished request for machines and releases its machines. A finished one is refused, and its
    /// machines are kept.
    pub fn cancel(&self, id: &RequestId, now: Timestamp) -> Result<(RequestWithMachines, Vec<Error>)> {
        self.cancellable(id)?;
        let mut pass = self.pass(now);
        if !pass.end(id, ShortfallKind::Cancelled, "cancelled")? {
            // It has finished in between.
            self.cancellable(id)?;
        }
        let is_told = pass.settle(&self.reload(id)?.request);
        let has_looked = pass.release_late(id)?;
        let mut view = self.reload(id)?;
        if is_told && has_looked {
            view = pass.close(view)?;
        }
        pass.end_released(&view.machines);
        Ok((view, pass.errors))
    }

    /// The request, if it can be cancelled.
    pub fn cancellable(&self, id: &RequestId) -> Result<RequestWithMachines> {
        let found = self.store.views(std::slice::from_ref(id))?.into_iter().next().flatten();
        let Some(view) = found else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no request {}", quoted(id.as_str())),
            )
            .hint("`ohfp requests list --format table` shows all requests"));
        };
        let request = &view.request;
        if request.kind == RequestKind::Return {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("`{id}` is a return; a return cannot be cancelled"),
            ));
        }
        if request.state.is_final() {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("request `{id}` is {}: there is nothing left to cancel", request.state.name()),
            )
            .hint(format!("`ohfp machines return --request-id {id}` gives its machines back")));
        }
        Ok(view)
    }
}
