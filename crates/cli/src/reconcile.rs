//! The command `reconcile`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use clap::{Args, ValueEnum};

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct Reconcile {
    /// Mend what was found, after a confirmation
    #[arg(long)]
    pub fix: bool,

    /// With --fix: adopt machines that the store does not know
    #[arg(long, requires = "fix", conflicts_with = "release")]
    pub adopt: bool,

    /// With --fix: terminate machines that the store does not know
    #[arg(long, requires = "fix")]
    pub release: bool,

    /// Id of a store that is lost: what it made is this store's
    #[arg(long, value_name = "ID")]
    pub store: Vec<String>,

    /// Take over what another plug-in has made
    #[arg(long, value_enum, value_name = "PLUGIN", conflicts_with_all = ["store", "release"])]
    pub adopt_from: Option<AdoptFrom>,

    /// Skip the confirmation prompt of --fix
    #[arg(short, long)]
    pub yes: bool,

    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A plug-in whose machines can be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum AdoptFrom {
    /// Open Resource Broker, by its tags orb:...
    Orb,
    /// IBM's for LSF, by the tag InstanceID with the id of the machine
    Ibm,
}
