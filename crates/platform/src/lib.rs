//! The operating system, for every program and crate of ohfp: system calls, files, terminals, locations.
//!
//! It must not know snapshots, configuration or requests. The runtime links it, so no code on the runtime's
//! path allocates; all but [`sys`], [`locate`] and [`terminal`] is for the programs that write.
//!
//! ```
//! use ohfp_platform::locate;
//!
//! let get = |name: &str| (name == "HF_PROVIDER_CONFDIR").then_some(b"/hf/conf/providers/aws".as_slice());
//! let root = locate::config_root(&get).map(|root| root.path);
//! assert_eq!(root.as_ref().map(|path| path.as_bytes()), Some(b"/hf/conf/providers/aws".as_slice()));
//! ```

pub mod audience;
pub mod counting;
pub mod disk;
pub mod files;
#[cfg(feature = "heap")]
pub mod heap;
pub mod locate;
pub mod lock_file;
mod replacement;
pub mod sys;
pub mod terminal;
pub mod windows;
