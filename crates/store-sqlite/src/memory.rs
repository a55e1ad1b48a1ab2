//! Tests of SQLite's allocator, `sqlite/memory.c`: a block keeps its content while other threads allocate, free and
//! reallocate, within the pool and beyond it.

use std::thread;

use rusqlite::Connection;

/// Bytes; more than the pool has.
const LARGE: u32 = 3 << 20;

/// Letters of a row.
const ROW: u32 = 25;

/// Grows a text by a row at a time, and gives its length and how many of its letters are right.
fn grown(connection: &Connection, letter: char, rows: u32) -> (usize, usize) {
    let sql = "WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < ?2)
               SELECT group_concat(?1, '') FROM row";
    let part = letter.to_string().repeat(ROW as usize);
    let text: String = connection.query_row(sql, (part, rows), |row| row.get(0)).unwrap();
    (text.len(), text.chars().filter(|found| *found == letter).count())
}

/// Rows of all sizes in a table, changed and removed by turns, and then compared with what they must be.
fn churn(connection: &Connection, seed: u32) {
    connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)").unwrap();
    let body = |n: u32| vec![u8::try_from((n + seed) % 251).unwrap(); (n * 37 % 9_000) as usize];
    for n in 0..400 {
        connection.execute("INSERT INTO t VALUES (?1, ?2)", (n, body(n + 1))).unwrap();
        if n % 3 == 0 {
            connection.execute("DELETE FROM t WHERE n = ?1", [n / 2]).unwrap();
        }
        connection.execute("UPDATE t SET body = ?2 WHERE n = ?1", (n, body(n))).unwrap();
    }
    let mut all = connection.prepare("SELECT n, body FROM t ORDER BY body, n").unwrap();
    let rows = all.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    for row in rows {
        let (n, found) = row.unwrap();
        assert!(found == body(n), "row {n} of {seed}");
    }
}

#[test]
fn blocks_keep_their_content() {
    let check = |seed: u32, letter: char| {
        let connection = Connection::open_in_memory().unwrap();
        for rows in [1, 2, 20, 40, 41, 42, 200, 2_600, 12_000, LARGE / ROW] {
            let whole = (rows * ROW) as usize;
            assert_eq!(grown(&connection, letter, rows), (whole, whole));
        }
        churn(&connection, seed);
    };
    let threads: Vec<_> = [(0, 'a'), (100, 'b'), (200, 'c')]
        .map(|(seed, letter)| thread::spawn(move || check(seed, letter)))
        .into();
    for thread in threads {
        thread.join().unwrap();
    }
}
