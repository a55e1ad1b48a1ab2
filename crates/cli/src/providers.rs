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

    /// Add a provider to the configuration
    ///
    /// Adds it to provider.providers in the configuration file, whose other lines stay as they are. The
    /// result is checked first. Options are those of its type, such as region and profile of aws; a file
    /// of IBM's plug-in keeps counting for the only provider of that type.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("A region of AWS", "ohfp providers add aws-west --region us-west-2 --profile batch"),
        ("For new requests, with further options",
         "ohfp providers add aws-west --region us-west-2 --default priority=5"),
        ("A simulated one", "ohfp providers add lab --type sim seed=7"),
    ]))]
    Add(ProviderAdd),

    /// Change options of a provider
    ///
    /// KEY is an option, or enabled, priority, weight, or a field below template_defaults. An empty VALUE
    /// removes it. The file that lists the provider is changed, and nothing else in it.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Another profile", "ohfp providers update aws-west --profile night"),
        ("No new requests", "ohfp providers update aws-west enabled=false"),
        ("Fields of its templates", "ohfp providers update aws-west template_defaults.subnetId=subnet-1"),
    ]))]
    Update(ProviderUpdate),

    /// Remove a provider from the configuration
    ///
    /// Refused while the store has machines or open requests of it: nothing would watch or terminate them
    /// any more. Asks for confirmation at a terminal, and needs --yes elsewhere.
    #[command(visible_alias = "rm", verbatim_doc_comment, after_long_help = examples(&[
        ("Remove it", "ohfp providers remove aws-west --yes"),
        ("What would change?", "ohfp providers remove aws-west --dry-run"),
    ]))]
    Remove(ProviderRemove),

    /// Choose the default provider of new requests
    ///
    /// Sets provider.active_provider. Where Host Factory calls this instance by the name of a provider,
    /// that one goes first.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("New requests go there", "ohfp providers set-default aws-west"),
    ]))]
    SetDefault(ProviderDefault),

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

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ProviderAdd {
    /// Its name: letters, digits, - and _
    #[arg(required_unless_present = "name_option", conflicts_with = "name_option")]
    pub name: Option<String>,

    /// The same as an option, as in Open Resource Broker
    #[arg(long = "name", value_name = "NAME", hide = true)]
    pub name_option: Option<String>,

    /// Options as KEY=VALUE
    #[arg(value_name = "KEY=VALUE", value_parser = assignment)]
    pub options: Vec<(String, String)>,

    /// The type of provider: aws or sim
    #[arg(long = "type", value_name = "TYPE", default_value = "aws")]
    pub kind: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub aws: AwsAccount,

    /// New requests go to it
    #[arg(long)]
    pub default: bool,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl ProviderAdd {
    /// The name, from the argument or the option.
    pub fn name(&self) -> &str {
        self.name.as_deref().or(self.name_option.as_deref()).unwrap_or_default()
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct AwsAccount {
    /// AWS region
    #[arg(long, visible_alias = "aws-region", value_name = "REGION")]
    pub region: Option<String>,

    /// Profile of AWS's configuration files
    #[arg(long, visible_alias = "aws-profile", value_name = "PROFILE")]
    pub profile: Option<String>,
}

impl AwsAccount {
    /// The options under their keys, then `more`.
    pub fn with(&self, more: &[(String, String)]) -> Vec<(String, String)> {
        let named = [("region", &self.region), ("profile", &self.profile)];
        let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        named.chain(more.iter().cloned()).collect()
    }
}

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("changes").args(["options", "region", "profile"]).multiple(true).required(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ProviderUpdate {
    /// Name of the provider
    pub name: String,

    /// What to change, as KEY=VALUE
    #[arg(value_name = "KEY=VALUE", value_parser = assignment)]
    pub options: Vec<(String, String)>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub aws: AwsAccount,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ProviderRemove {
    /// Name of the provider
    pub name: String,

    /// Skip the confirmation prompt
    #[arg(short, long)]
    pub yes: bool,

    /// Remove it although the store has machines or open requests of it
    #[arg(long)]
    pub force: bool,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ProviderDefault {
    /// Name of the provider
    pub name: String,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Parses `KEY=VALUE`; the value may be empty.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is expected".to_owned()),
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
