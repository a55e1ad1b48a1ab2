//! The trait of operators on [`SqliteStore`]: each method is in the file of its subject.

use std::io::{Read, Write};
use std::path::Path;

use ohfp_broker::activity::{Activity, Window};
use ohfp_broker::administration::{
    Administration, Backup, Counts, Created, Import, ImportFormat, Metrics, Migration, Pruned, Restored,
    RoundTrip, StoreHealth, Validation,
};
use ohfp_broker::{Result, Timestamp};

use crate::store::SqliteStore;

impl Administration for SqliteStore {
    fn file(&self) -> Option<&Path> {
        Some(self.path())
    }

    fn exists(&self) -> bool {
        self.path().exists()
    }

    fn health(&self) -> StoreHealth {
        Self::health(self)
    }

    fn test(&self) -> Result<RoundTrip> {
        Self::test(self)
    }

    fn metrics(&self) -> Result<Metrics> {
        Self::metrics(self)
    }

    fn activity(&self, window: &Window) -> Result<Activity> {
        Self::activity(self, window)
    }

    fn validate(&self) -> Result<Validation> {
        Self::validate(self)
    }

    fn backup(&self, to: &Path) -> Result<Backup> {
        Self::backup(self, to)
    }

    fn restore(&self, from: &Path, unverified: bool) -> Result<Restored> {
        Self::restore(self, from, unverified)
    }

    fn init(&self) -> Result<Created> {
        Self::init(self)
    }

    fn migrate(&self, dry_run: bool) -> Result<Migration> {
        Self::migrate(self, dry_run)
    }

    fn export(&self, out: &mut dyn Write) -> Result<Counts> {
        Self::export(self, out)
    }

    fn import(&self, document: &mut dyn Read, format: Option<ImportFormat>) -> Result<Import> {
        Self::import(self, document, format)
    }

    fn oldest_finished(&self) -> Result<Option<Timestamp>> {
        Self::oldest_finished(self)
    }

    fn prune(&self, finished_before: Timestamp) -> Result<Pruned> {
        Self::prune(self, finished_before)
    }

    fn maintain(&self) -> Result<()> {
        Self::maintain(self)
    }

    fn keep_marker(&self) {
        Self::keep_marker(self);
    }

    fn use_reserve(&self) {
        Self::use_reserve(self);
    }
}
