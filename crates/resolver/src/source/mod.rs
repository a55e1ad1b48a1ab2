//! Files and variables as written: texts with positions, the findings about them, and the trail of all inputs.
//!
//! It must not know what a text means.

pub(crate) mod environment;
pub(crate) mod findings;
pub(crate) mod formats;
pub(crate) mod merge;
pub(crate) mod node;
pub(crate) mod text;
mod toml;
pub mod trail;
pub(crate) mod yaml;

use std::path::Path;

use ohfp_broker::Result;

use text::Text;
use trail::Recorder;

/// Reads a file as text; `None` if it does not exist.
pub(crate) fn open(path: &Path, number: usize, recorder: &mut Recorder<'_>) -> Result<Option<Text>> {
    match recorder.read(path)? {
        Some(content) => Text::new(path, number, content).map(Some),
        None => Ok(None),
    }
}
