//! Restoring a backup.

use std::fs;
use std::path::Path;

use ohfp_broker::administration::Restored;
use ohfp_broker::{Error, ErrorKind, Result, Timestamp};
use rusqlite::Connection;

use crate::create::{publish, set_aside};
use crate::draft::Draft;
use crate::identity::Identity;
use crate::session::Session;
use crate::store::SqliteStore;
use crate::watermark::{FileMark, StoreId, Watermark};
use crate::{checks, connection, copy, digest, failure, identity, reserve, schema};

impl SqliteStore {
    /// Puts what a backup holds in the place of the store, as a store of its own. The files that were there are
    /// kept under other names. With `unverified`, also what does not carry the sum of its content, such as a copy
    /// of the database file that was made by other means; a log beside it is not looked at.
    ///
    /// # Errors
    ///
    /// `Input` where the file is no state store, `Damaged` where it is broken or not what was written; then
    /// nothing is changed. `Unavailable` where others keep the store busy.
    pub fn restore(&self, from: impl AsRef<Path>, unverified: bool) -> Result<Restored> {
        let from = from.as_ref();
        let from = std::path::absolute(from).map_err(|error| failure::io("find", from, &error))?;
        let lock = self.write_lock()?;
        self.disconnect();
        let source = Source::open(&from, unverified)?;
        let draft = Draft::begin(self.path())?;
        copy::vacuum(&source.connection, &draft)?;
        let id = self.adopt(&draft)?;
        let since = source.made(&from)?;
        let (verified, number) = (source.verified, source.known.number);
        let (requests, machines) = (source.content.requests, source.content.machines);
        let source_id = source.known.id;
        drop(source);
        let kept = set_aside(self.path())?;
        let mark = Watermark { id, creating: false, number, base: number, file: FileMark::default() };
        publish(draft, self.path(), lock.file(), mark)?;
        self.traces().plant(self.path());
        reserve::fill(self.path());
        let unknown_since = jiff::Timestamp::from_millisecond(since.millis())
            .map_or_else(|_| since.millis().to_string(), |time| time.to_string());
        let note = format!(
            "machines that were requested since {unknown_since} may exist that this store does not know, and returns \
             since then are forgotten: `ohfp reconcile --store {}` finds them",
            identity::text(source_id)
        );
        let path = self.path().display().to_string();
        tracing::warn!(path, from = %from.display(), since = unknown_since, "the state store was restored");
        Ok(Restored {
            path,
            from: from.display().to_string(),
            verified,
            requests,
            machines,
            unknown_since,
            note,
            kept,
        })
    }

    /// Makes a draft a store of its own, of this version and with the right journal.
    fn adopt(&self, draft: &Draft) -> Result<StoreId> {
        let path = draft.path();
        let failed = |error: rusqlite::Error| failure::sqlite(path, "write to", &error);
        let new = connection::open(path, copy::draft_setup())?;
        let version = schema::version(&new).map_err(failed)?;
        schema::migrate(&new, u32::try_from(version).unwrap_or(schema::VERSION)).map_err(failed)?;
        identity::adopt(&new, draft.inode()?).map_err(failed)?;
        let id = identity::read(&new).map_err(failed)?.id;
        connection::close_whole(new, self.setup().wal).map_err(failed)?;
        Ok(id)
    }
}

/// A file that a store is restored from.
struct Source {
    connection: Connection,
    known: Identity,
    content: ohfp_broker::administration::Validation,
    /// Whether it carries the sum of its content.
    verified: bool,
}

impl Source {
    fn open(from: &Path, unverified: bool) -> Result<Self> {
        let status = fs::metadata(from).map_err(|error| failure::io("open", from, &error))?;
        if !status.is_file() {
            return Err(Error::new(ErrorKind::Input, format!("`{}` is not a regular file", from.display())));
        }
        let connection =
            connection::open_alone(from).map_err(|error| failure::sqlite(from, "open", &error))?;
        connection::is_ours(from, &connection)?;
        let known = identity::known(from, &connection)?;
        let verified = known.is_backup && carries_sum(from, &connection)?;
        if !verified && !unverified {
            let why = if known.is_backup { "its content is not what was written" } else { "it is no backup" };
            return Err(Error::new(
                ErrorKind::Damaged,
                format!("`{}` is not restored: {why}", from.display()),
            )
            .hint(
                "name what `ohfp storage backup` wrote; if there is nothing better, --unverified takes this",
            ));
        }
        let content = checks::validate(&Session::new(&connection, from));
        if let Some(finding) = content.findings.first() {
            let message = format!("`{}` is not restored: it is damaged", from.display());
            return Err(Error::new(ErrorKind::Damaged, message)
                .cause(format!("{}: {}", finding.table, finding.message)));
        }
        Ok(Self { connection, known, content, verified })
    }

    /// When it was made; of a copy by other means, when it was last written to.
    fn made(&self, from: &Path) -> Result<Timestamp> {
        if self.known.is_backup {
            return Ok(Timestamp::from_millis(self.known.made));
        }
        let changed = fs::metadata(from).and_then(|status| status.modified());
        let changed = changed.map_err(|error| failure::io("open", from, &error))?;
        let millis = changed.duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_millis());
        Ok(Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

fn carries_sum(from: &Path, connection: &Connection) -> Result<bool> {
    let failed = |error: rusqlite::Error| failure::sqlite(from, "read", &error);
    let carried: Option<Vec<u8>> =
        connection.query_row("SELECT digest FROM store", [], |row| row.get(0)).map_err(failed)?;
    Ok(carried.as_deref() == Some(&digest::of(connection).map_err(failed)?[..]))
}
