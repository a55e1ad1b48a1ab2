//! The component container: builds each component of an invocation on first use, at most once. A component that
//! is never requested costs nothing.
//!
//! It is for `ohfp-service`, which registers the components. It knows the component-loading options
//! ([`Performance`]) and names of components. It must not know any component: neither Host Factory nor a
//! store nor a provider.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ohfp_components::{Container, Tier};
//! use ohfp_resolver::{Environment, Origin, Performance, load};
//!
//! struct Store;
//! struct Requests(Arc<Store>);
//!
//! # let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/sim").into();
//! let configuration = load::configuration(&Origin { root, config_file: None }, &Environment::default()).unwrap();
//! let container = Container::new(Performance::new(&configuration.settings));
//! container.register(Tier::Core, |tier| {
//!     tier.connecting().register_singleton::<Store>("StoragePort", |_| Ok(Arc::new(Store)))?;
//!     tier.register_singleton::<Requests>("RequestService", |all| Ok(Arc::new(Requests(all.get()?))))
//! })?;
//! container.start()?; // builds the components that the options name for start
//! let requests = container.get::<Requests>()?; // builds both, the store first
//! assert!(Arc::ptr_eq(&requests.0, &container.get::<Store>()?));
//! container.finish(); // after the answer: runs deferred work
//! # Ok::<(), ohfp_broker::Error>(())
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | `container` | requesting a component; building it at most once |
//! | `table` | states, and which thread builds or waits for which component |
//! | `slot` | one component: its recipe and its state |
//! | `register` | registration, in tiers and by feature |
//! | `preload` | components that are built before they are requested |
//! | `unload` | unloading: least recently used, idle, short of memory |
//! | `deferred` | work after the answer; handles that request their component on first use |
//! | `report` | costs of components |
//! | `environment` | variables that override the configuration |
//! | `memory` | memory use of this process |
//!
//! [`Performance`]: ohfp_resolver::Performance

mod container;
mod deferred;
pub mod environment;
mod preload;
mod register;
mod report;
mod slot;
mod table;
#[cfg(test)]
mod tests;
mod unload;

pub use container::Container;
pub use deferred::Deferred;
pub use register::Tier;
pub use report::LoadFigures;
