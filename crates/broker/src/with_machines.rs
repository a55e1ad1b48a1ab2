//! A request as a question sees it: with its machines.

use crate::machine::Machine;
use crate::request::Request;

/// A request with its machines: those it made, or those it gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestWithMachines {
    /// The request.
    pub request: Request,
    /// Its machines, in the order they were recorded.
    pub machines: Vec<Machine>,
}
