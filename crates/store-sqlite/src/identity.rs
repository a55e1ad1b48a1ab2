//! The row of the table `store`: which store a database is, and how many transactions it has seen.

use std::path::Path;

use ohfp_broker::Result;
use rusqlite::{Connection, Row, params};

use crate::failure;
use crate::watermark::StoreId;

/// Which store a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: StoreId,
    /// Whether it is a backup that was not written to since.
    pub(crate) is_backup: bool,
    /// How many durable transactions it has seen.
    pub(crate) number: u64,
    /// Inode number of the file that it was made in; another one says that it was copied.
    pub(crate) inode: u64,
    /// When it was made, in milliseconds since 1970.
    pub(crate) made: i64,
}

/// An id as providers and people have it.
pub(crate) fn text(id: StoreId) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Words of the column `kind`.
pub(crate) const LIVE: &str = "live";
pub(crate) const BACKUP: &str = "backup";

const READ: &str = "SELECT id, kind, number, inode, made FROM store";

fn take(row: &Row<'_>) -> rusqlite::Result<Identity> {
    let kind: String = row.get(1)?;
    let number: i64 = row.get(2)?;
    let inode: i64 = row.get(3)?;
    Ok(Identity {
        id: row.get(0)?,
        is_backup: kind == BACKUP,
        number: number.cast_unsigned(),
        inode: inode.cast_unsigned(),
        made: row.get(4)?,
    })
}

/// Reads it, in whatever transaction there is.
pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Identity> {
    connection.query_row(READ, [], take)
}

/// The same, with the error in the broker's terms: a database without it is none of ours that is whole.
pub(crate) fn known(path: &Path, connection: &Connection) -> Result<Identity> {
    read(connection).map_err(|error| {
        if failure::is_busy(&error) {
            failure::sqlite(path, "use", &error)
        } else {
            failure::damaged(path).cause("it does not say which store it is").cause(error)
        }
    })
}

/// Counts a transaction.
pub(crate) fn count(connection: &Connection, number: u64) -> rusqlite::Result<()> {
    connection.execute("UPDATE store SET number = ?1", [number.cast_signed()]).map(drop)
}

/// Makes the row of a new store in the file with this inode number.
pub(crate) fn create(connection: &Connection, inode: u64, made: i64) -> rusqlite::Result<StoreId> {
    let sql =
        "INSERT INTO store (one, id, kind, number, inode, made) VALUES (1, randomblob(16), ?1, 0, ?2, ?3)
               RETURNING id";
    connection.query_row(sql, params![LIVE, inode.cast_signed(), made], |row| row.get(0))
}

/// Makes a copy in the file with this inode number a store of its own.
pub(crate) fn adopt(connection: &Connection, inode: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE store SET id = randomblob(16), kind = ?1, inode = ?2, digest = NULL";
    connection.execute(sql, params![LIVE, inode.cast_signed()]).map(drop)
}
