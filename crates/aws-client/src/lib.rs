//! AWS by its official SDK: what `ohfp-provider-aws` calls, over HTTPS.
//!
//! It decides how a call is sent, how long it may take and when it is sent again. What to call, and what an answer
//! means, is decided in `ohfp-provider-aws`, which links no SDK. It must not know templates, requests or a store.
//!
//! Without the feature `sdk` the crate is empty: the SDK takes minutes to compile.

#[cfg(feature = "sdk")]
mod api;
#[cfg(feature = "sdk")]
mod client;
#[cfg(feature = "sdk")]
mod config;
#[cfg(feature = "sdk")]
mod credentials;
#[cfg(feature = "sdk")]
mod ending;
#[cfg(feature = "sdk")]
mod failed;
#[cfg(feature = "sdk")]
mod ini;
#[cfg(feature = "sdk")]
mod looking;
#[cfg(feature = "sdk")]
mod making;
#[cfg(feature = "sdk")]
mod parameters;
#[cfg(feature = "sdk")]
mod policy;
#[cfg(feature = "sdk")]
mod reduced;
#[cfg(feature = "sdk")]
mod script;
#[cfg(feature = "sdk")]
mod sdk;
#[cfg(feature = "sdk")]
mod transport;

#[cfg(feature = "sdk")]
pub use client::Client;
#[cfg(feature = "sdk")]
pub use config::{ClientConfig, CredentialScript, Endpoints, Proxy, Retries, Role, StaticKeys};
