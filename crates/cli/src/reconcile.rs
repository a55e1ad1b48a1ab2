//! The command `reconcile`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use clap::Args;

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
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

    /// Skip the confirmation prompt of --fix
    #[arg(short, long)]
    pub yes: bool,

    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
