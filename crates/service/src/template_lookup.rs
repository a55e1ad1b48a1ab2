//! Looks up a single template: in the snapshot if it is fresh, at the cost of one record, else in the files.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use ohfp_broker::{Errors, Template, json};
use ohfp_metrics::counters::{self, SnapshotUse};
use ohfp_platform::sys::{self, Process};
use ohfp_render::queries;
use ohfp_resolver::location;
use ohfp_resolver::location::ConfigLocation;
use ohfp_snapshot_builder::lower::WHOLE;
use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::{CLI_FINGERPRINT, Refusal, Snapshot, fresh};
use serde_json::Value;

use crate::catalog::Catalog;
use crate::invocation::Invocation;
use crate::snapshot_use;

/// Looks templates up by id.
pub struct TemplateLookup {
    invocation: Arc<Invocation>,
}

/// A template and its source.
pub struct Found<'i> {
    /// With its resolved fields.
    pub template: Template,
    /// The catalog, where it was loaded because the snapshot did not have the template.
    pub catalog: Option<&'i Catalog>,
}

impl TemplateLookup {
    /// Creates a lookup in the configuration of that invocation, without reading any file.
    pub(crate) fn new(invocation: Arc<Invocation>) -> Self {
        Self { invocation }
    }

    /// Loads the whole catalog. Errors in it are reported to the first caller that requests a template.
    pub(crate) fn load_all(&self) {
        let _ = self.invocation.catalog();
    }

    /// The template of that id.
    pub fn find(&self, id: &str) -> Result<Found<'_>, Errors> {
        if let Some(error) = queries::impossible_id(id) {
            return Err(error.into());
        }
        let loaded = self.invocation.loaded_catalog().filter(|catalog| catalog.templates().is_ok());
        if let Some(template) = loaded.and_then(|catalog| catalog.template(id).ok()) {
            return Ok(Found { template: template.clone(), catalog: None });
        }
        if self.invocation.may_use_snapshot()
            && let Ok(place) = self.invocation.place()
            && let Some(template) = self.of_snapshot(id, place)
        {
            return Ok(Found { template, catalog: None });
        }
        let catalog = self.invocation.catalog()?;
        catalog.templates()?;
        Ok(Found { template: catalog.template(id)?.clone(), catalog: Some(catalog) })
    }

    /// The template in the snapshot, where that is fresh and has it.
    fn of_snapshot(&self, id: &str, place: &ConfigLocation) -> Option<Template> {
        let found = self.published(id, place);
        match &found {
            Ok(found) => {
                counters::snapshot(if found.is_some() { SnapshotUse::Used } else { SnapshotUse::Fresh });
                tracing::debug!(template = id, found = found.is_some(), "the snapshot is looked into");
            }
            Err(refusal) => {
                counters::snapshot(snapshot_use::refused(refusal));
                tracing::debug!(template = id, %refusal, "the snapshot is not used");
            }
        }
        found.ok().flatten()
    }

    /// The template in the snapshot. `None` if the snapshot has no such id, or holds templates in another wire
    /// format than Host Factory's.
    fn published(&self, id: &str, place: &ConfigLocation) -> Result<Option<Template>, Refusal> {
        let Some(path) = &place.snapshot else { return Ok(None) };
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Refusal::Missing)?;
        let get = location::lookup(self.invocation.env());
        let access = IoPolicy::from_variable(get("OHFP_SNAPSHOT_IO"));
        let look = || self.look_up(id, place, &path, access);
        if access == IoPolicy::Read {
            return look();
        }
        // If the snapshot is truncated while it is mapped, this program starts over and reads it; the
        // invocation has had no effect yet.
        sys::guarded(Process::from_std_with(Some(("OHFP_SNAPSHOT_IO", "read"))), again, look)
    }

    fn look_up(
        &self,
        id: &str,
        place: &ConfigLocation,
        path: &CStr,
        access: IoPolicy,
    ) -> Result<Option<Template>, Refusal> {
        let get = location::lookup(self.invocation.env());
        let snapshot = Snapshot::open(path, access)?;
        snapshot.expect_fingerprint(CLI_FINGERPRINT)?;
        if !snapshot.header.sealed() {
            fresh::check(snapshot.stamps()?, Some(location::identity(&place.origin)), &get)?;
        }
        let mut buffer = vec![0; 64 * 1024];
        let contents = snapshot.contents()?;
        // Where the shown record is redacted, the complete one is filed beside it.
        let has_whole =
            contents.index.shows.iter().any(|show| contents.index.text(&show.format) == WHOLE.as_bytes());
        let format = if has_whole { WHOLE } else { "json" };
        let Some(session) =
            contents.show(id.as_bytes(), format.as_bytes(), || false, buffer.as_mut_slice())?
        else {
            return Ok(None);
        };
        let fields = match json::from_slice(&session.concat()) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        };
        Ok(fields.and_then(|fields| Template::new(fields).ok()).filter(|template| template.id() == id))
    }
}

/// Executes this program again. Runs in a signal handler.
fn again(process: &Process) -> sys::ExitCode {
    process.exec(c"/proc/self/exe");
    1
}
