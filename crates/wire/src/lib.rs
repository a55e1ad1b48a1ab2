//! Wire formats: how schedulers ask, and what they are answered. Pure: values in, values out.
//!
//! `read` takes questions in either format's names, in every shape in use; `status` says what a state of
//! ours is called on the wire; `hostfactory` and `default` write the frames.

mod default;
mod frame;
mod hostfactory;
pub mod input;
mod read;
mod status;
#[cfg(test)]
mod tests;

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::wire_format::WireFormat;

pub use status::{machine_result, request_status};

/// The format of that name.
pub fn of(kind: SchedulerKind) -> &'static dyn WireFormat {
    match kind {
        SchedulerKind::HostFactory => &hostfactory::HostFactory,
        SchedulerKind::Default => &default::Default,
    }
}
