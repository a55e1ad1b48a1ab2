//! From resolved configuration to a snapshot: lower, stamp, publish; and whether a published one is still fresh.
//!
//! `ohfp-resolver` interprets the files and `ohfp-render` renders the answers. The live program uses the same
//! two crates, so both give the same answers.
//!
//! It is for `ohfp-snapshot`, which publishes, and for `ohfp-service`, which refreshes. It must not know which program
//! runs it, nor how a snapshot is read.
//!
//! ```
//! use ohfp_resolver::{Environment, Origin, load};
//! use ohfp_snapshot_builder::lower;
//!
//! # let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../config").into();
//! let resolved = load::load(&Origin { root, config_file: None }, &Environment::default());
//! let resolved = resolved.map_err(|errors| errors[0].to_string())?;
//! let payload = lower::lower(&resolved, &mut |step| eprintln!("{step}")).map_err(|error| error.to_string())?;
//! assert_ne!(payload.digest(), 0); // the same on every machine
//! # Ok::<(), String>(())
//! ```

pub mod freshness;
pub mod inspect;
pub mod lower;
pub mod publish;
pub mod stamp;
pub mod tool;
