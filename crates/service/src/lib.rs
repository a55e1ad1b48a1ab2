//! One site: its configuration, store and providers, and the operations on them.
//!
//! It is for front ends: the command line uses it, and a server would. It must not know how a request arrives or how
//! its answer is shown, and writes no answer to standard output.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ohfp_cli::GlobalOptions;
//! use ohfp_service::invocation::{Environment, Invocation};
//! use ohfp_service::session::Session;
//! use ohfp_service::site_store::AccessMode;
//!
//! # let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/sim");
//! let options = GlobalOptions { config: Some(config.into()), ..GlobalOptions::default() };
//! let env = Environment::from_iter([("HOME", "/nonexistent")]);
//! let invocation = Arc::new(Invocation::new(options, env).map_err(|error| error.to_string())?);
//! let session =
//!     Session::assemble(&invocation, AccessMode::ReadOnly).map_err(|errors| errors.joined().to_string())?;
//! // Only now the registry is built; the store stays closed.
//! let providers = session.providers().map_err(|error| error.to_string())?;
//! assert_eq!(providers.configured().collect::<Vec<_>>(), ["sim"]);
//! # Ok::<(), String>(())
//! ```

pub mod action_time;
pub mod cache;
pub mod cached_status;
pub mod catalog;
pub mod clock;
pub mod config_change;
pub mod config_keys;
pub mod diagnosis;
mod doubts;
pub mod formats;
pub mod health;
pub mod history;
pub mod import;
pub mod invocation;
pub mod log;
pub mod maintenance;
pub mod metrics;
pub mod notice;
pub mod provider_edits;
pub mod publication;
pub mod reconcile;
pub mod registry;
pub mod rendering;
pub mod request_machines;
pub mod selection;
pub mod session;
pub mod simulation;
mod site_files;
pub mod site_store;
mod snapshot_use;
pub mod spans;
pub mod state_dir;
pub mod store_factory;
mod surviving;
pub mod template_edits;
pub mod template_files;
pub mod template_lookup;
pub mod timings;
pub mod validation;
