//! A request together with its machines.

use crate::machine::Machine;
use crate::request::Request;

/// A request with the machines that it launched or returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestWithMachines {
    /// The request.
    pub request: Request,
    /// Its machines, in the order they were recorded.
    pub machines: Vec<Machine>,
}
