//! Tables, indexes, and migrations from older versions.
//!
//! The cost of a query must not depend on the amount of history. So each frequent query has a partial index of
//! current rows.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Marks our databases among all of SQLite's: "ohfp".
pub(crate) const APPLICATION_ID: i32 = 0x6f68_6670;

/// The version that this program reads and writes.
pub(crate) const VERSION: u32 = 3;

/// What leads from each version to the next; the first one starts from an empty database. They never change
/// once released.
const MIGRATIONS: [&str; VERSION as usize] = [V1, V2, V3];

const V1: &str = "
CREATE TABLE store (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id BLOB NOT NULL CHECK (length(id) = 16),
  kind TEXT NOT NULL CHECK (kind = 'live' OR kind = 'backup'),
  number INTEGER NOT NULL CHECK (number >= 0),
  inode INTEGER NOT NULL,
  made INTEGER NOT NULL,
  digest BLOB
) STRICT;

CREATE TABLE request (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('acquire','return')),
  template_id TEXT,
  provider TEXT,
  requested INTEGER NOT NULL CHECK (requested BETWEEN 0 AND 4294967295),
  weights TEXT,
  launch_fields TEXT,
  user_data TEXT,
  rc_account TEXT,
  provider_api TEXT,
  resource_ids TEXT,
  state TEXT NOT NULL
    CHECK (state = 'recorded' OR state = 'started' OR state = 'complete' OR state = 'partial'
        OR state = 'failed' OR state = 'cancelled'),
  reason TEXT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt BETWEEN 0 AND 4294967295),
  acknowledged INTEGER NOT NULL CHECK (acknowledged IN (0,1)),
  watch_until INTEGER,
  version INTEGER NOT NULL CHECK (version >= 1),
  machines_left INTEGER NOT NULL DEFAULT 0 CHECK (machines_left >= 0),
  CHECK (kind = 'acquire' AND template_id IS NOT NULL OR kind = 'return' AND state <> 'cancelled')
) STRICT;
CREATE INDEX request_newest ON request(created);
CREATE INDEX request_recorded ON request(template_id, requested) WHERE state = 'recorded';
CREATE INDEX request_unfinished ON request(updated) WHERE state IN ('recorded','started');
CREATE INDEX request_unheard ON request(updated) WHERE acknowledged = 0 AND machines_left > 0;
CREATE INDEX request_watched ON request(updated) WHERE watch_until IS NOT NULL;
CREATE INDEX request_spent ON request(updated)
  WHERE machines_left = 0 AND state <> 'recorded' AND state <> 'started';

CREATE TABLE machine (
  number INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  id TEXT NOT NULL,
  request TEXT NOT NULL REFERENCES request(id),
  template_id TEXT NOT NULL,
  name TEXT,
  state TEXT NOT NULL
    CHECK (state = 'pending' OR state = 'running' OR state = 'stopping' OR state = 'stopped'
        OR state = 'shutting-down' OR state = 'terminated'),
  came_up INTEGER,
  ending TEXT CHECK (ending = 'released' OR ending = 'reclaimed' OR ending = 'failed_to_start'),
  returned_by TEXT REFERENCES request(id),
  private_ip TEXT,
  public_ip TEXT,
  instance_type TEXT,
  price_type TEXT,
  units INTEGER NOT NULL DEFAULT 1 CHECK (units BETWEEN 1 AND 4294967295),
  cores INTEGER,
  threads_per_core INTEGER,
  rc_account TEXT,
  resource_id TEXT,
  tags TEXT,
  launched INTEGER NOT NULL,
  reclaim_at INTEGER,
  message TEXT,
  updated INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  host TEXT GENERATED ALWAYS AS (lower(substr(name, 1, instr(name || '.', '.') - 1))) VIRTUAL,
  UNIQUE (id, provider)
) STRICT;
CREATE INDEX machine_request ON machine(request);
CREATE INDEX machine_returned ON machine(returned_by) WHERE returned_by IS NOT NULL;
CREATE INDEX machine_host ON machine(host, (state = 'terminated')) WHERE host IS NOT NULL;
CREATE INDEX machine_left ON machine(template_id, state, units) WHERE state <> 'terminated';
CREATE INDEX machine_watched ON machine(number)
  WHERE returned_by IS NULL AND (state <> 'terminated' OR ending = 'reclaimed');

CREATE TABLE return_member (
  return_id TEXT NOT NULL REFERENCES request(id),
  position INTEGER NOT NULL,
  machine INTEGER NOT NULL REFERENCES machine(number),
  PRIMARY KEY (return_id, position),
  UNIQUE (machine, return_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
  number INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  id TEXT NOT NULL,
  bundle TEXT NOT NULL,
  live_until INTEGER,
  body TEXT NOT NULL,
  UNIQUE (provider, id)
) STRICT;
CREATE INDEX document_bundle ON document(provider, bundle);
CREATE INDEX document_live ON document(provider, live_until) WHERE live_until IS NOT NULL;
";

/// Requests that wait for more machines, and where machines were launched.
const V2: &str = "
ALTER TABLE request ADD COLUMN open INTEGER NOT NULL DEFAULT 0 CHECK (open IN (0,1));
ALTER TABLE machine ADD COLUMN account TEXT;
ALTER TABLE machine ADD COLUMN region TEXT;
CREATE INDEX machine_resource ON machine(resource_id, provider)
  WHERE resource_id IS NOT NULL AND state <> 'terminated';
";

/// When requests and machines ended, what requests got, and why that was less than they asked for. Of what is stored
/// already, the last change is the best guess. And requests that are over and whose provider is still to be told so are
/// found beside those that are not, however many are watched.
const V3: &str = "
ALTER TABLE request ADD COLUMN finished INTEGER;
ALTER TABLE request ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0
  CHECK (delivered BETWEEN 0 AND 4294967295);
ALTER TABLE request ADD COLUMN shortfall TEXT;
ALTER TABLE machine ADD COLUMN asked INTEGER;
ALTER TABLE machine ADD COLUMN ended INTEGER;
ALTER TABLE machine ADD COLUMN gone INTEGER;
UPDATE machine SET asked = (SELECT created FROM request WHERE request.id = machine.request),
  ended = CASE WHEN ending IS NOT NULL THEN updated END,
  gone = CASE WHEN state = 'terminated' THEN updated END;
UPDATE request SET finished = updated,
  delivered = coalesce((SELECT min(sum(units), 4294967295) FROM machine
    WHERE machine.request = request.id AND came_up IS NOT NULL), 0)
  WHERE state <> 'recorded' AND state <> 'started';
CREATE INDEX request_finished ON request(finished) WHERE finished IS NOT NULL;
CREATE INDEX machine_gone ON machine(gone) WHERE gone IS NOT NULL;
DROP INDEX request_unfinished;
CREATE INDEX request_unfinished ON request(updated) WHERE state IN ('recorded','started') OR open = 1;
";

/// The version of a database; 0 when it is new.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database from `from` to this version, all in one transaction.
pub(crate) fn migrate(connection: &Connection, from: u32) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for step in MIGRATIONS.iter().skip(from as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Columns and indices, without the order that they were added in.
    fn shape(connection: &Connection) -> BTreeSet<String> {
        let mut shape = BTreeSet::new();
        let mut columns = connection
            .prepare(
                "SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' '
                   || coalesce(c.dflt_value, '-')
                 FROM sqlite_schema AS t JOIN pragma_table_xinfo(t.name) AS c WHERE t.type = 'table'
                 UNION ALL SELECT coalesce(sql, name) FROM sqlite_schema WHERE type = 'index'",
            )
            .unwrap();
        shape.extend(columns.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
        shape
    }

    /// A database of each version becomes one of this version, with what was in it.
    #[test]
    fn every_version_leads_to_this_one() {
        let new = Connection::open_in_memory().unwrap();
        migrate(&new, 0).unwrap();
        assert_eq!(version(&new).unwrap(), i64::from(VERSION));
        for from in 1..VERSION {
            let old = Connection::open_in_memory().unwrap();
            for step in MIGRATIONS.iter().take(from as usize) {
                old.execute_batch(step).unwrap();
            }
            old.execute_batch(
                "INSERT INTO request (id, kind, template_id, requested, state, created, updated, deadline, attempt,
                   acknowledged, version) VALUES ('req-1', 'acquire', 't', 1, 'started', 1, 1, 1, 1, 1, 1);
                 INSERT INTO request (id, kind, template_id, requested, state, created, updated, deadline, attempt,
                   acknowledged, version) VALUES ('req-2', 'acquire', 't', 3, 'partial', 4, 9, 1, 1, 1, 1);
                 INSERT INTO machine (id, provider, request, template_id, state, launched, updated, version)
                   VALUES ('i-1', 'sim', 'req-1', 't', 'running', 1, 1, 1);
                 INSERT INTO machine (id, provider, request, template_id, state, came_up, ending, launched, updated,
                   version, units) VALUES ('i-2', 'sim', 'req-2', 't', 'terminated', 6, 'released', 5, 8, 1, 2);",
            )
            .unwrap();
            migrate(&old, from).unwrap();
            assert_eq!(shape(&old), shape(&new), "from {from}");
            let kept: (bool, Option<String>) = old
                .query_row("SELECT open, region FROM request JOIN machine", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap();
            assert_eq!(kept, (false, None));
            let column = |sql: &str| -> Vec<Option<i64>> {
                let mut query = old.prepare(sql).unwrap();
                query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            };
            assert_eq!(column("SELECT finished FROM request ORDER BY id"), [None, Some(9)], "from {from}");
            assert_eq!(
                column("SELECT delivered FROM request ORDER BY id"),
                [Some(0), Some(2)],
                "from {from}"
            );
            for (what, expected) in
                [("asked", [Some(1), Some(4)]), ("ended", [None, Some(8)]), ("gone", [None, Some(8)])]
            {
                let found = column(&format!("SELECT {what} FROM machine ORDER BY id"));
                assert_eq!(found, expected, "{what} from {from}");
            }
        }
    }
}
