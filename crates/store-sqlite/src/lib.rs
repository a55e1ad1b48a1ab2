//! The state store of ohfp: requests, machines and providers' documents in one SQLite database.
//!
//! It keeps what the broker's traits [`Store`](ohfp_broker::store::Store) and
//! [`DocumentStore`](ohfp_broker::documents::DocumentStore) promise, for many short-lived processes at a time. It decides
//! nothing about requests or machines; it only refuses what their state machines do not allow.
//!
//! ```
//! use ohfp_broker::store::{Admission, Store};
//! use ohfp_broker::template::MaxNumber;
//! use ohfp_broker::{Request, RequestId, RequestKind, Timestamp};
//! use ohfp_store_sqlite::{Options, SqliteStore};
//!
//! let directory = tempfile::tempdir()?;
//! let options = Options {
//!     local_file_system: true,
//!     block_size: 0,
//!     busy_timeout: std::time::Duration::from_secs(30),
//!     eager: false,
//!     read_only: false,
//! };
//! let store = SqliteStore::open(directory.path().join("ohfp.db"), options)?;
//! let now = Timestamp::from_millis(0);
//! let mut request = Request::new(RequestId::from_text("req-1"), RequestKind::Acquire, 2, now, now.plus_seconds(900));
//! request.template_id = Some("small".to_owned());
//! // Counting what exists and storing the request is one transaction: two processes cannot both be the last.
//! assert_eq!(store.admit(&request, MaxNumber::AtMost(2))?, Admission::Admitted);
//! assert_eq!(store.demand("small")?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | `store`, `contract` | [`SqliteStore`]: when to open, what a transaction is; the broker's traits |
//! | `paths` | the files: database, lock file and others beside it |
//! | `lock` | the write lock between processes |
//! | `watermark`, `identity`, `coherence` | whether database, log and lock file belong together |
//! | `traces`, `create`, `draft` | traces of an older store; creation |
//! | `connection` | checked and configured connections |
//! | `schema` | tables, indexes, migrations |
//! | `session`, `rows`, `failure` | statements, rows and errors in the broker's terms |
//! | `requests`, `machines`, `returns`, `documents` | the queries |
//! | `upkeep`, `checks`, `backup`, `restore`, `digest`, `prune` | operators' actions |
//! | `maintenance`, `reserve` | checkpoints after answers; disk space reserved for returns |
//! | `export`, `import` | the content as one document, and back; other products' documents |

mod activity;
mod administration;
mod backup;
mod checks;
mod coherence;
mod connection;
mod contract;
mod copy;
mod create;
mod digest;
mod documents;
mod draft;
mod export;
mod failure;
mod identity;
mod import;
mod init;
mod lock;
mod machines;
mod maintenance;
#[cfg(test)]
mod memory;
mod migration;
mod paths;
mod prune;
mod requests;
mod reserve;
mod restore;
mod returns;
mod rows;
mod schema;
mod session;
mod store;
mod traces;
mod transactions;
mod upkeep;
mod watermark;

pub use store::{Options, SqliteStore};
pub use traces::Traces;

/// Version of the schema that this build writes.
pub const SCHEMA_VERSION: u32 = schema::VERSION;
