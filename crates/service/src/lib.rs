//! One site: its configuration, store and providers, and what is done with them, whichever way it is asked.
//!
//! The command line stands on it, and so would a server. It writes nothing to standard output.

pub mod cache;
pub mod cached_status;
pub mod catalog;
pub mod clock;
pub mod history;
pub mod log;
pub mod maintenance;
pub mod notice;
pub mod registry;
pub mod request_machines;
pub mod selection;
pub mod session;
pub mod site_store;
pub mod state_dir;
pub mod store_factory;
pub mod template_lookup;
