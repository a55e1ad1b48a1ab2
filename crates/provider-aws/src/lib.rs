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

pub mod api;
pub mod calls;
pub mod class;
pub mod failure;
pub mod token;
