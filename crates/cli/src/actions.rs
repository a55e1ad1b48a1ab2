//! The commands of the groups that only read configuration, and of the program itself.
//!
//! As in `tree`, a command needs three texts: what it does (one line), what one should know before
//! using it, and examples to copy.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

use crate::since::Since;
use crate::style::examples;
use crate::template_lists::{TemplatesList, TemplatesShow};

/// `templates …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum TemplatesCommand {
    /// List templates
    ///
    /// In the order of the template file. Lists all of them unless --filter or --limit is given. The
    /// formats table and list show only the most important fields; --long shows all.
    #[command(alias = "ls", verbatim_doc_comment, after_long_help = examples(&[
        ("All templates as a table", "ohfp templates list --format table"),
        ("The second hundred", "ohfp templates list --limit 100 --offset 100"),
        ("Templates with two processors", "ohfp templates list --filter attributes.ncpus=2"),
        ("With plain field names", "ohfp templates list --scheduler default"),
    ]))]
    List(TemplatesList),

    /// Show one template with all its fields
    ///
    /// Fails when there is no such template, and suggests the nearest id.
    #[command(aliases = ["get", "describe"], verbatim_doc_comment, after_long_help = examples(&[
        ("One template", "ohfp templates show OnDemand-M6i-Large"),
        ("The same, easier to read", "ohfp templates show OnDemand-M6i-Large --format yaml"),
    ]))]
    Show(TemplatesShow),

    /// Check the template and configuration files and report every finding
    ///
    /// Reads all files before it answers, so one run shows all errors: invalid JSON, fields that are
    /// missing or out of range, duplicate ids. If there is no error it shows all warnings: misspelled
    /// names, unknown machine types, templates that are left out, a maxNumber that differs from the
    /// published one. Exits with 1 if there is an error or a template is left out; other warnings are
    /// no failure.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Check the effective configuration", "ohfp templates validate --format list"),
        ("Check a directory before it is deployed", "ohfp --config ./new templates validate"),
        ("Accept templates that are left out", "ohfp templates validate --lenient"),
    ]))]
    Validate {
        /// Exit with 0 although templates are left out
        #[arg(long)]
        lenient: bool,
    },
}

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
