//! The command groups `providers` and `scheduler`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use clap::{Args, Subcommand};

use crate::style::examples;

/// `providers …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum ProvidersCommand {
    /// List the configured providers
    ///
    /// The default for new requests is marked.
    #[command(alias = "ls", verbatim_doc_comment, after_long_help = examples(&[
        ("As a table", "ohfp providers list --format table"),
    ]))]
    List,

    /// Show one provider and its settings
    ///
    /// Settings come from config.json and from awsprov_config.json. Secrets are redacted.
    #[command(aliases = ["get", "describe"], verbatim_doc_comment, after_long_help = examples(&[
        ("The one of new requests", "ohfp providers show"),
        ("One by its name", "ohfp providers show aws --format yaml"),
    ]))]
    Show(ProviderChoice),

    /// Show the default provider of new requests
    ///
    /// Shows its name and type, and where that was decided.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Its name", "ohfp providers get-default"),
    ]))]
    GetDefault,

    /// Check whether the providers are reachable
    ///
    /// Calls each of them and shows the reason if one fails. Exits with 1 then.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All of them", "ohfp providers health --format table"),
        ("One of them", "ohfp providers health aws"),
    ]))]
    Health(ProviderChoice),
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ProviderChoice {
    /// Name of the provider
    #[arg(conflicts_with = "provider")]
    pub name: Option<String>,

    /// The same as an option, as in older versions of Open Resource Broker
    #[arg(long, value_name = "NAME", hide = true)]
    pub provider: Option<String>,
}

impl ProviderChoice {
    /// The name, from the argument or the option.
    pub fn named(&self) -> Option<&str> {
        self.name.as_deref().or(self.provider.as_deref())
    }
}

/// `scheduler …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SchedulerCommand {
    /// List the known schedulers
    ///
    /// The configured one is marked.
    #[command(alias = "ls", verbatim_doc_comment, after_long_help = examples(&[
        ("As a table", "ohfp scheduler list --format table"),
    ]))]
    List,

    /// Show one scheduler and its settings
    ///
    /// Shows how the scheduler names the fields of a template, and its settings.
    #[command(aliases = ["get", "describe"], verbatim_doc_comment, after_long_help = examples(&[
        ("The configured one", "ohfp scheduler show"),
        ("One by its name", "ohfp scheduler show hostfactory --format yaml"),
    ]))]
    Show(SchedulerChoice),

    /// Check the settings of a scheduler
    ///
    /// Checks that the scheduler is known, and that the keys below scheduler in the configuration are
    /// valid. Exits with 1 if there is an error.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The configured one", "ohfp scheduler validate"),
    ]))]
    Validate(SchedulerChoice),
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct SchedulerChoice {
    /// Name of the scheduler [default: the configured one]
    #[arg(conflicts_with = "strategy")]
    pub name: Option<String>,

    /// The same as an option
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
}

impl SchedulerChoice {
    /// The name, from the argument or the option.
    pub fn named(&self) -> Option<&str> {
        self.name.as_deref().or(self.strategy.as_deref())
    }
}
