//! A simulated provider: machines with ids, addresses, host names, boot times, failures and reclaims, and
//! no cloud behind them.
//!
//! # The model
//!
//! A machine's life is decided when it is launched: when it comes up or that it fails to, whether and when the
//! provider takes it back, which address it has. The decisions are stored as a document. From then on what the
//! machine is doing is a function of that document and of the time asked about, so nothing has to run for it
//! to come up, and any process at any time gives the same answer:
//!
//! ```text
//! launch ──▶ pending ──▶ running ──▶ shutting-down ──▶ terminated ──▶ forgotten
//!               │           │           (released)          ▲
//!               └───────────┴────── fails, reclaimed ───────┘
//! ```
//!
//! A launch may create a fleet, `request` or `maintain` as EC2 calls them: then machines exist one after the other, and
//! those that end are replaced, by the next call that asks what came of the launch. Other looks (`describe`, `exists`)
//! only read. What changes a machine (a release, a reclaim, a failure) is
//! one transaction that stores the end as a fact: a clock that is set back later does not bring it back.
//!
//! Chance is a function of the seed in the configuration, of the provider's name and of what is decided about:
//! the token and the place of a machine in its launch; for failures that pass also the time. Addresses are the
//! one thing that depends on the order of launches: they are handed out going round the block.
//!
//! What can be set is in [`KEYS`]; without any of it machines come up after 5 to 15 seconds and nothing fails.
//!
//! ```
//! use ohfp_provider_sim::SimConfig;
//! use serde_json::json;
//!
//! let options = json!({ "boot": { "seconds": [2, 4] }, "spot": { "reclaim_probability": 1.5 } });
//! let (_, findings) = SimConfig::read(options.as_object().expect("it is an object"));
//! assert_eq!(findings.len(), 1);
//! assert_eq!(findings[0].to_string(), "`spot.reclaim_probability` must be a number from 0 to 1, not 1.5");
//! ```

mod chance;
mod config;
mod control;
mod documents;
mod fleets;
mod keys;
mod launching;
mod life;
mod network;
mod offer;
mod options;
mod owning;
mod placing;
mod provider;
mod shapes;

pub use config::SimConfig;
pub use provider::{SimProvider, plan};

/// Every key of a provider's `config` object.
pub const KEYS: &[ohfp_keys::Key] = keys::KEYS;
