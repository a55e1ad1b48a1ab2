//! Machines from AWS: what to call, in which order, with which token, and what to conclude from the answer.
//!
//! It reaches AWS through the trait [`Api`](api::Api) and links no SDK, so that all of it is tested in milliseconds. It
//! must not know HTTP, credentials or XML.
//!
//! ```
//! use ohfp_provider_aws::class::{self, Class, Purpose};
//! use ohfp_provider_aws::failure::Failure;
//!
//! let lost = Failure::Lost { action: "RunInstances", why: "the connection was closed".to_owned() };
//! // Machines may exist: only the same token may be sent again.
//! assert_eq!(class::of(&lost, Purpose::Making), Class::Unknown);
//! ```

mod account;
pub mod api;
mod batches;
pub mod calls;
pub mod calm;
pub mod class;
mod describing;
mod design;
mod documents;
mod ending;
pub mod failure;
mod finding;
mod fleet_file;
mod images;
mod launching;
mod looking;
mod memory;
mod observed;
pub mod options;
mod owning;
mod planning;
mod progress;
mod provider;
mod requirements;
mod settling;
pub mod tags;
mod tending;
pub mod token;
mod told;
mod user_data;
mod whose;

pub use account::{AwsProvider, unlaunchable};
pub use options::{AwsOptions, KEYS};
pub use planning::plan;
