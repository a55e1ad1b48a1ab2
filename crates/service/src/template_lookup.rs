//! Looks up a single template: in the snapshot if it is fresh, at the cost of one record, else in the files.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use ohfp_broker::{Errors, Template, json};
use ohfp_cli::GlobalOptions;
use ohfp_platform::sys::{self, Process};
use ohfp_render::queries;
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Environment, location};
use ohfp_snapshot_builder::lower::WHOLE;
use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::{CLI_FINGERPRINT, Refusal, Snapshot, fresh};
use serde_json::Value;

use crate::catalog::{self, Catalog};

/// Looks templates up by id.
pub struct TemplateLookup {
    place: ConfigLocation,
    global: GlobalOptions,
    env: Environment,
    /// The whole catalog, where it is loaded at start.
    all: OnceLock<Vec<Template>>,
}

/// A template and its source.
pub struct Found {
    /// With its resolved fields.
    pub template: Template,
    /// The catalog that was loaded; `None` if the template came from the snapshot.
    pub source: Option<Catalog>,
}

impl TemplateLookup {
    /// Creates a lookup in the configuration at `place`, without reading any file.
    pub fn new(place: ConfigLocation, global: GlobalOptions, env: Environment) -> Self {
        Self { place, global, env, all: OnceLock::new() }
    }

    /// Loads the whole catalog. Errors in it are reported to the first caller that requests a template.
    pub fn load_all(&self) {
        if let Ok(source) = catalog::load(&self.global, &self.env)
            && let Ok(templates) = source.resolved.templates()
        {
            self.all.get_or_init(|| templates.to_vec());
        }
    }

    /// The template of that id.
    pub fn find(&self, id: &str) -> Result<Found, Errors> {
        if let Some(error) = queries::impossible_id(id) {
            return Err(error.into());
        }
        let loaded = self.all.get().and_then(|all| all.iter().find(|template| template.id == id));
        if let Some(template) = loaded {
            return Ok(Found { template: template.clone(), source: None });
        }
        // A configuration named on the command line has no snapshot.
        let ours = !self.global.no_snapshot && self.global.config.is_none();
        if ours && let Ok(Some(template)) = self.published(id) {
            return Ok(Found { template, source: None });
        }
        let source = catalog::load(&self.global, &self.env)?;
        source.resolved.templates()?;
        let template = queries::template(&source.resolved, id)?.clone();
        Ok(Found { template, source: Some(source) })
    }

    /// The template in the snapshot. `None` if the snapshot has no such id, or holds templates in another wire
    /// format than Host Factory's.
    fn published(&self, id: &str) -> Result<Option<Template>, Refusal> {
        let Some(path) = &self.place.snapshot else { return Ok(None) };
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Refusal::Missing)?;
        let get = location::lookup(&self.env);
        let access = IoPolicy::from_variable(get("OHFP_SNAPSHOT_IO"));
        let look = || self.look_up(id, &path, access);
        if access == IoPolicy::Read {
            return look();
        }
        // If the snapshot is truncated while it is mapped, this program starts over and reads it; the
        // invocation has had no effect yet.
        sys::guarded(Process::from_std_with(Some(("OHFP_SNAPSHOT_IO", "read"))), again, look)
    }

    fn look_up(&self, id: &str, path: &CStr, access: IoPolicy) -> Result<Option<Template>, Refusal> {
        let get = location::lookup(&self.env);
        let snapshot = Snapshot::open(path, access)?;
        snapshot.expect_fingerprint(CLI_FINGERPRINT)?;
        if !snapshot.header.sealed() {
            fresh::check(snapshot.stamps()?, Some(location::identity(&self.place.origin)), &get)?;
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
        Ok(fields.and_then(Template::from_fields).filter(|template| template.id == id))
    }
}

/// Executes this program again. Runs in a signal handler.
fn again(process: &Process) -> sys::ExitCode {
    process.exec(c"/proc/self/exe");
    1
}
