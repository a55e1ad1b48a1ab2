//! Files and variables as they are written: texts with positions, the findings about them, and the trail of
//! everything that was looked at.
//!
//! It must not know what a text means.

pub(crate) mod environment;
pub(crate) mod findings;
pub(crate) mod text;
pub mod trail;

use std::path::Path;

use ohfp_broker::Result;

use text::Text;
use trail::Recorder;

/// Reads a file as text; nothing when there is none.
pub(crate) fn open(path: &Path, number: usize, recorder: &mut Recorder<'_>) -> Result<Option<Text>> {
    match recorder.read(path)? {
        Some(content) => Text::new(path, number, content).map(Some),
        None => Ok(None),
    }
}
