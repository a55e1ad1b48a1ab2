//! Wire formats of schedulers: the input and output documents of the five operations.
//!
//! [`read`] parses inputs in either format's names and in every shape in use; `status` maps states to the words
//! of the wire; `hostfactory` and `default` write the outputs. Values in, values out: apart from [`input`],
//! which reads a file, no function performs I/O. The crate must not know the store, and no provider.
//!
//! ```
//! use ohfp_broker::wire_format::SchedulerKind;
//! use ohfp_wire::read;
//! use serde_json::json;
//!
//! let format = ohfp_wire::of(SchedulerKind::HostFactory);
//! let ids = read::status(&json!({ "requests": [{ "requestId": "req-1" }] }))?;
//! let answer = format.write_statuses(&ids, &[None]); // the store does not know this id
//! assert_eq!(answer["requests"][0]["status"], "complete_with_error");
//! # Ok::<(), ohfp_broker::Error>(())
//! ```

mod default;
mod frame;
mod hostfactory;
pub mod input;
pub mod read;
mod status;
#[cfg(test)]
mod tests;

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::wire_format::WireFormat;

pub use status::{machine_result, plain_request_status, request_status};

/// The wire format of a kind of scheduler.
pub fn of(kind: SchedulerKind) -> &'static dyn WireFormat {
    match kind {
        SchedulerKind::HostFactory => &hostfactory::HostFactory,
        SchedulerKind::Default => &default::Default,
    }
}
