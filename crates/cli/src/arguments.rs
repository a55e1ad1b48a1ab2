//! Arguments that several commands take: inputs, pages of lists, waiting.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::Args;

/// Default of `--timeout`, in seconds.
pub const DEFAULT_TIMEOUT: u64 = 300;

/// Reads a number of things.
pub(crate) fn at_least_one(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "must be a whole number, at least 1".to_owned())
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(id = "question", required = true, multiple = false)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct HostFactoryInput {
    /// Input file (JSON), as passed by Host Factory; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Input as inline JSON
    #[arg(short, long, value_name = "JSON")]
    pub data: Option<String>,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(id = "document", multiple = false)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct OptionalInput {
    /// Input file (JSON), as passed by Host Factory; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Input as inline JSON
    #[arg(short, long, value_name = "JSON")]
    pub data: Option<String>,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ListOptions {
    /// Filter by FIELD=VALUE, FIELD~TEXT or FIELD=~REGEX
    ///
    /// FIELD=VALUE compares values, numbers as numbers; FIELD~TEXT matches a field that
    /// contains TEXT; FIELD=~REGEX matches a field by regular expression. Names are those of
    /// the JSON answer, in either spelling (templateId, template_id); use dots for nested
    /// fields, as in attributes.ncpus. Can be given several times: conditions are ANDed.
    #[arg(long, value_name = "FILTER", verbatim_doc_comment)]
    pub filter: Vec<String>,

    /// List at most N of them
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<u64>,

    /// Skip the first N of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: u64,

    /// Show all fields in the formats table and list
    #[arg(long, alias = "detailed")]
    pub long: bool,
}

#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct WaitOptions {
    /// Wait until it is finished; standard error shows progress
    #[arg(long)]
    pub wait: bool,

    /// Wait for at most so long [default: 300]; the request continues
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one)]
    pub timeout: Option<u64>,
}

impl WaitOptions {
    /// For how many seconds to wait; `None` if not at all.
    pub fn seconds(self) -> Option<u64> {
        match (self.wait, self.timeout) {
            (_, Some(seconds)) => Some(seconds),
            (true, None) => Some(DEFAULT_TIMEOUT),
            (false, None) => None,
        }
    }
}
