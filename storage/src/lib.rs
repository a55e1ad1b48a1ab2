//! The state store of ohfp: requests, machines and providers' documents in one SQLite database.
//!
//! It keeps what the broker's traits [`Store`](ohfp_broker::store::Store) and
//! [`Records`](ohfp_broker::records::Records) promise, for many short-lived processes at a time. It decides
//! nothing about requests or machines; it only refuses what their state machines do not allow.
//!
//! | module | what it is for |
//! |---|---|
//! | `store` | [`SqliteStore`]: when to open, whom to let write, what a transaction is |
//! | `place` | the files: the database, its lock, what lies beside it |
//! | `lock` | whose turn it is to write |
//! | `connection` | a checked connection, set up for how we use it |
//! | `schema` | tables, indices, migrations |
//! | `session`, `rows`, `failure` | statements, rows and errors in the broker's terms |
//! | `requests`, `machines`, `returns`, `documents` | the queries |
//! | `upkeep`, `checks`, `backup`, `prune` | what operators ask for |
//! | `export`, `import` | all of it as one document, and back; other products' documents |

mod backup;
mod checks;
mod connection;
mod documents;
mod export;
mod failure;
mod import;
mod lock;
mod machines;
mod place;
mod prune;
mod requests;
mod returns;
mod rows;
mod schema;
mod session;
mod store;
mod upkeep;

pub use backup::{Backup, Migration};
pub use checks::{Finding, Validation};
pub use export::Counts;
pub use import::{Import, Skipped, Source};
pub use prune::Pruned;
pub use store::{Options, SqliteStore};
pub use upkeep::{Health, Metrics, RoundTrip};
