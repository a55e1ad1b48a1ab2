//! How the answer of this invocation is to look, apart from what it says.

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_cli::{GlobalOptions, TimestampFormat};
use ohfp_render::Format;

/// The form of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Names of fields.
    pub(crate) style: SchedulerKind,
    /// The format.
    pub(crate) format: Format,
    /// Form of times.
    pub(crate) times: TimestampFormat,
    /// Columns of a table; all that are usual if there are none.
    pub(crate) columns: Vec<String>,
    /// Field by which a list is sorted, with `-` before it if descending.
    pub(crate) sort_by: Option<String>,
}

impl Look {
    /// What the options of the command line say, in these names and this format.
    pub(crate) fn of(options: &GlobalOptions, style: SchedulerKind, format: Format) -> Self {
        Self {
            style,
            format,
            times: options.timestamp_format,
            columns: options.columns.clone(),
            sort_by: options.sort_by.clone(),
        }
    }

    /// Whether a page can be cut out of a list only once all of it is known.
    pub(crate) fn is_ordered(&self) -> bool {
        self.sort_by.is_some()
    }
}
