//! AWS by its official SDK: what `ohfp-provider-aws` calls, over HTTPS.
//!
//! It decides how a call is sent, how long it may take and when it is sent again. What to call, and what an answer
//! means, is decided in `ohfp-provider-aws`, which links no SDK. It must not know templates, requests or a store.
//!
//! Without the feature `sdk` the crate is empty: the SDK takes minutes to compile.
#![cfg(feature = "sdk")]

mod api;
mod client;
mod config;
mod credentials;
mod ending;
mod failed;
mod ini;
mod looking;
mod making;
mod parameters;
mod policy;
mod reduced;
mod script;
mod sdk;
mod transport;

pub use client::Client;
pub use config::{ClientConfig, CredentialScript, Endpoints, Proxy, Retries, Role, StaticKeys};
