//! An empty store on request, in the place of one that is lost.

use std::fs;

use ohfp_broker::Result;
use ohfp_broker::administration::Created;

use crate::create::{create, set_aside};
use crate::failure;
use crate::store::SqliteStore;

impl SqliteStore {
    /// Creates an empty store where there is none, also where something speaks of an older one. What is left of
    /// that is kept under other names.
    ///
    /// # Errors
    ///
    /// `Refused` where there is a store, `System` where none can be created.
    pub fn init(&self) -> Result<Created> {
        let lock = self.write_lock()?;
        let path = self.path();
        if fs::symlink_metadata(path).is_ok() {
            let message = format!("the state store `{}` exists", path.display());
            return Err(failure::refused(message).hint(
                "`ohfp storage restore` puts a backup in its place; to begin anew, move it away first",
            ));
        }
        let traces = self.traces().found(path);
        let kept = set_aside(path)?;
        create(path, self.setup(), lock.file(), self.traces())?;
        tracing::warn!(path = %path.display(), traces = traces.join("; "), "an empty state store was created");
        let note = "machines of an older store, if there are any: `ohfp reconcile` finds them".to_owned();
        Ok(Created { path: path.display().to_string(), traces, note, kept })
    }
}
