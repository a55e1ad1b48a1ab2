//! The domain of ohfp. It knows what a template, a request and a machine are; it performs no I/O.

pub mod administration;
#[cfg(feature = "contract")]
pub mod contract;
pub mod deadline;
pub mod documents;
pub mod error;
pub mod host;
pub mod id;
pub mod json;
pub mod lookup;
pub mod machine;
pub mod operations;
pub mod provider;
pub mod quoted;
pub mod replace;
pub mod request;
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
pub use machine::{Ending, Machine};
pub use request::Request;
pub use state::{MachineState, RequestState};
pub use template::Template;
pub use time::Timestamp;
pub use user_data::UserData;
pub use weights::Weights;
pub use with_machines::RequestWithMachines;
