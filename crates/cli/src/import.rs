//! `config import`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ConfigImport {
    /// Directory of the other broker's configuration files; it is only read
    pub directory: PathBuf,

    /// The broker that the files are of
    #[arg(long, value_enum, value_name = "BROKER")]
    pub from: ImportedBroker,

    /// Also import requests and machines, from FILE; - is standard input
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// New configuration directory [default: ~/.config/ohfp]
    ///
    /// It must not exist, or be empty: an import replaces nothing.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    pub to: Option<PathBuf>,

    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A broker whose configuration can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum ImportedBroker {
    /// Open Resource Broker
    Orb,
    /// Open HostFactory Plugin, as the former was called
    OhfpPython,
    /// IBM's AWS plug-in for Symphony, or for LSF's resource connector
    Ibm,
}
