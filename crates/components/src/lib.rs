//! The component container: builds each component of an invocation on first use, at most once. A component that
//! is never requested costs nothing.
//!
//! It knows the configuration of loading ([`Performance`]) and names of components, but no component:
//! neither Host Factory nor a store nor a provider.
//!
//! ```text
//! let container = Container::new(environment::overridden(Performance::new(&settings), &env)?);
//! container.register(Tier::Core, |r| {
//!     r.connecting().register_singleton::<Store>("StoragePort", |_| Store::open().map(Arc::new))?;
//!     r.register_singleton::<Requests>("RequestService", |c| Ok(Arc::new(Requests(c.get()?))))
//! })?;
//! container.register(Tier::Optional, |r| r.register_singleton("MonitoringService", monitoring))?;
//! container.start()?; // what the configuration wants at once: critical ones, or everything
//! let answer = container.get::<Requests>()?.answer(); // builds both, in the order of need
//! let table = container.finish(); // the answer is out: deferred work; a table for standard error
//! ```
//!
//! (`tests::usage` is the same, compiled.)
//!
//! | module | what it is for |
//! |---|---|
//! | `container` | asking for a component; building it at most once |
//! | `table` | who is built, by whom, who waits for whom; pure bookkeeping |
//! | `slot` | one component: how to build it, what there is of it |
//! | `register` | registration, in batches, by feature |
//! | `preload` | what is built before it is asked for |
//! | `unload` | what is let go: least recently used, idle, short of memory |
//! | `deferred` | work that waits for the answer; handles that ask when first used |
//! | `report` | what all of that cost |
//! | `environment` | variables that override the configuration |
//! | `memory` | how much memory this process has |
//!
//! [`Performance`]: ohfp_resolver::Performance

mod container;
mod deferred;
pub mod environment;
mod memory;
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
