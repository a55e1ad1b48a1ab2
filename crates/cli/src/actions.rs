//! Arguments of the commands that are no group: `completions`, `snapshot`, `doctor` and `report`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use crate::since::Since;

#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct Completions {
    /// The shell to complete in
    #[arg(value_enum)]
    pub shell: CompletionShell,
}

/// A shell that has a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum CompletionShell {
    /// GNU Bash 4.4 or later
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
    /// Elvish
    Elvish,
    /// PowerShell
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
}

impl CompletionShell {
    /// Every shell, in the order of the help text.
    pub const ALL: [Self; 5] = [Self::Bash, Self::Zsh, Self::Fish, Self::Elvish, Self::PowerShell];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::PowerShell => "powershell",
        }
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct SnapshotArguments {
    /// Arguments of ohfp-snapshot
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct DoctorOptions {
    /// Go through what makes ohfp slow instead, with what was measured
    #[arg(long)]
    pub performance: bool,
}

#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ReportOptions {
    /// How far the report reaches back: a number and s, m, h, d or w
    #[arg(long, value_name = "WINDOW", default_value_t = Since::days(30))]
    pub since: Since,
}
