//! The sum of everything that a database holds, whatever its pages look like: schema, and rows in the order of
//! their keys. A backup carries its own.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::Xxh3;

/// Of all tables, but for the column that keeps the sum.
pub(crate) fn of(connection: &Connection) -> rusqlite::Result<[u8; 16]> {
    let mut sum = Xxh3::new();
    let mut tables = connection.prepare(
        "SELECT name, coalesce(sql, ''), type = 'table' FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
         ORDER BY name",
    )?;
    let mut tables = tables.query([])?;
    while let Some(row) = tables.next()? {
        let (name, sql, is_table): (String, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        add(&mut sum, b'n', name.as_bytes());
        add(&mut sum, b's', sql.as_bytes());
        if is_table {
            // The first two columns of each table hold its key, or begin with it.
            let quoted = name.replace('"', "\"\"");
            rows(connection, &format!("SELECT * FROM \"{quoted}\" ORDER BY 1, 2"), &mut sum)?;
        }
    }
    Ok(sum.digest128().to_le_bytes())
}

fn rows(connection: &Connection, sql: &str, sum: &mut Xxh3) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let columns: Vec<usize> = (0..statement.column_count())
        .filter(|at| statement.column_name(*at).is_ok_and(|name| name != "digest"))
        .collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for at in &columns {
            match row.get_ref(*at)? {
                ValueRef::Null => add(sum, b'0', &[]),
                ValueRef::Integer(number) => add(sum, b'i', &number.to_le_bytes()),
                ValueRef::Real(number) => add(sum, b'r', &number.to_le_bytes()),
                ValueRef::Text(text) => add(sum, b't', text),
                ValueRef::Blob(bytes) => add(sum, b'b', bytes),
            }
        }
    }
    Ok(())
}

/// Kind and length in front, so that no two contents run together alike.
fn add(sum: &mut Xxh3, kind: u8, bytes: &[u8]) {
    sum.update(&[kind]);
    sum.update(&(bytes.len() as u64).to_le_bytes());
    sum.update(bytes);
}
