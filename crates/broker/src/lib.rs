//! The domain of ohfp: requests for machines, from the intent to the last machine that is gone. It performs no I/O.
//!
//! The [`operations`] run on two traits, which the caller implements: a [`Store`](store::Store) that remembers, and a
//! [`Provider`](provider::Provider) that has machines. Every operation stores its intent first, calls the provider, and
//! stores the outcome with compare-and-swap, so that it can be continued by any process.
//!
//! The states that requests and machines can have, and in which order, are decided here and nowhere else:
//!
//! ```
//! use ohfp_broker::{MachineState, RequestKind, RequestState};
//!
//! let acquire = RequestKind::Acquire;
//! assert!(RequestState::Recorded.can_transition_to(acquire, RequestState::Started));
//! // What is over stays as it is, also for a process that comes late.
//! assert!(!RequestState::Complete.can_transition_to(acquire, RequestState::Failed));
//! assert!(!MachineState::Terminated.can_transition_to(MachineState::Running));
//! ```

pub mod activity;
pub mod administration;
#[cfg(feature = "contract")]
pub mod contract;
pub mod deadline;
pub mod documents;
pub mod error;
pub mod histogram;
pub mod host;
pub mod id;
pub mod instance;
pub mod json;
pub mod keyword;
pub mod launch_spec;
pub mod lookup;
pub mod machine;
pub mod operations;
pub mod owned;
pub mod provider;
pub mod quoted;
pub mod reconcile;
pub mod replace;
pub mod request;
pub mod shortfall;
pub mod state;
pub mod store;
pub mod template;
pub mod text;
pub mod time;
pub mod user_data;
pub mod weights;
pub mod wire_format;
pub mod with_machines;

pub use deadline::Deadline;
pub use error::{Error, ErrorKind, Errors, Result};
pub use id::{MachineId, MachineRef, RequestId, RequestKind};
pub use keyword::Keyword;
pub use launch_spec::LaunchSpec;
pub use machine::{Ending, Machine};
pub use request::Request;
pub use shortfall::ShortfallKind;
pub use state::{MachineState, RequestState};
pub use template::Template;
pub use time::Timestamp;
pub use user_data::UserData;
pub use weights::Weights;
pub use with_machines::RequestWithMachines;
