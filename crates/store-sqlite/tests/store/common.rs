//! What the tests of the state store have in common: stores, requests and machines to put into them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ohfp_broker::Result;
use ohfp_broker::activity::{Activity, Window};
use ohfp_broker::contract;
pub(crate) use ohfp_broker::contract::fixtures::*;
use ohfp_broker::documents::DocumentStore;
use ohfp_broker::store::Store;
use ohfp_store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

pub(crate) const OPTIONS: Options = Options {
    local_file_system: true,
    block_size: 4_096,
    busy_timeout: Duration::from_secs(20),
    eager: true,
    read_only: false,
};

/// A directory with an empty store.
pub(crate) struct Site {
    pub(crate) directory: TempDir,
    pub(crate) store: SqliteStore,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(OPTIONS)
    }

    pub(crate) fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = create(&directory.path().join("state.db"), options);
        Self { directory, store }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("state.db")
    }

    /// The same database as another process sees it.
    pub(crate) fn again(&self) -> SqliteStore {
        open(&self.path())
    }
}

impl contract::Site for Site {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn again(&self) -> Box<dyn Store + '_> {
        Box::new(Self::again(self))
    }

    fn activity(&self, window: &Window) -> Result<Activity> {
        self.store.activity(window)
    }

    fn documents(&self) -> &dyn DocumentStore {
        &self.store
    }
}

/// A store that is there.
pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, OPTIONS).unwrap()
}

/// A new one.
pub(crate) fn create(path: &Path, options: Options) -> SqliteStore {
    let store = SqliteStore::open(path, options).unwrap();
    store.init().unwrap();
    store
}

/// SQL for so many finished requests of one machine each, one made each millisecond, all gone.
pub(crate) fn history(number: u32) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {number} - 1)
         INSERT INTO request (id, kind, template_id, provider, requested, state, created, updated, deadline,
           attempt, acknowledged, version)
         SELECT printf('req-old-%08d', i), 'acquire', 't', 'sim', 1, 'complete', i, i, i + 1000, 1, 1, 3 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {number} - 1)
         INSERT INTO machine (id, provider, request, template_id, name, state, ending, launched, updated, version)
         SELECT printf('i-old-%08d', i), 'sim', printf('req-old-%08d', i), 't', printf('host-%d', i % 256),
           'terminated', 'released', i, i, 3 FROM n;"
    )
}

/// Opens nothing before it is used.
pub(crate) const LAZY: Options = Options { eager: false, ..OPTIONS };

/// A file that the store keeps beside its database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    path.with_extension(format!("db{suffix}"))
}

/// A closed store whose file lacks what was told last: request `early` is in the file, `late` in the log.
pub(crate) fn closed() -> TempDir {
    let Site { directory, store } = Site::new();
    fulfil(&store, "early", &["i-1"], 100);
    checkpoint(&directory.path().join("state.db"));
    // The file is not as the store left it; the next writer takes note of that.
    fulfil(&store, "late", &["i-2"], 200);
    directory
}

/// Carries the log over into the database file, as another program may.
pub(crate) fn checkpoint(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
