//! The command group `templates`.
//!
//! As in `tree`, a command needs three texts: what it does (one line), what one should know before
//! using it, and examples to copy.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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

    /// Add templates of a file to the template file
    ///
    /// FILE is JSON or YAML: one template, a list of them, or a template file. All of the
    /// configuration is checked as it would be afterwards, and nothing is written if there is an
    /// error. The rest of the template file stays as it is. Fails if one of the ids exists. Where
    /// several files have templates, the one with most of them is edited, or that of --into.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Add a template", "ohfp templates create --file new.json"),
        ("Check it only", "ohfp templates create --file new.yaml --validate-only"),
    ]))]
    Create(TemplatesCreate),

    /// Change fields of a template
    ///
    /// FILE has the fields that change, as JSON or YAML: a value takes the place of the one that the
    /// template has, null removes the field, and attributes are changed one by one. Where several
    /// files have the template, the one whose fields count is edited.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Change what the file names", "ohfp templates update OnDemand-M6i-Large --file change.json"),
        ("From standard input",
         "echo 'vmType: m6i.xlarge' | ohfp templates update OnDemand-M6i-Large --file -"),
        ("What would change?",
         "ohfp templates update OnDemand-M6i-Large --file change.json --dry-run"),
    ]))]
    Update(TemplatesUpdate),

    /// Replace a template
    ///
    /// FILE has the whole template, as JSON or YAML, which takes the place of the one with its id.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Replace it", "ohfp templates replace OnDemand-M6i-Large --file whole.json"),
    ]))]
    Replace(TemplatesUpdate),

    /// Remove a template
    ///
    /// From every template file that has it. Host Factory may have machines of it: they can still be
    /// returned. Asks for confirmation at a terminal, and needs --yes elsewhere.
    #[command(visible_alias = "rm", verbatim_doc_comment, after_long_help = examples(&[
        ("Remove it", "ohfp templates delete OnDemand-M6i-Large --yes"),
        ("What would change?", "ohfp templates delete OnDemand-M6i-Large --dry-run"),
    ]))]
    Delete(TemplatesDelete),

    /// Check the template and configuration files and report every finding
    ///
    /// Reads all files before it answers, so one run shows all errors: invalid JSON, fields that are
    /// missing or out of range, duplicate ids. If there is no error it shows all warnings: misspelled
    /// names, unknown machine types, templates that are left out, a maxNumber that differs from the
    /// published one. With ids, checks those templates alone; with --file, the templates of a file in
    /// the place of the site's. Exits with 1 if there is an error or a template is left out; other
    /// warnings are no failure.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Check the effective configuration", "ohfp templates validate --format list"),
        ("Check one template", "ohfp templates validate OnDemand-M6i-Large"),
        ("Check a file before it is deployed", "ohfp templates validate --file new.yaml"),
        ("Check a directory before it is deployed", "ohfp --config ./new templates validate"),
        ("Accept templates that are left out", "ohfp templates validate --lenient"),
    ]))]
    Validate(TemplatesValidate),

    /// Show what a request for a template would call
    ///
    /// The calls with all fields, as the provider of the template would send them; nothing is called.
    /// What is only known at the launch is named in angle brackets.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The calls for one machine", "ohfp templates render OnDemand-M6i-Large"),
        ("For five", "ohfp templates render OnDemand-M6i-Large --count 5"),
    ]))]
    Render(TemplatesRender),

    /// Print example templates for each way to launch
    ///
    /// A template file to start from, with placeholders where your account's ids belong. What the
    /// provider's template_defaults give is left out. Changes no file.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All of them", "ohfp templates generate --output aws_templates.json"),
        ("For one API", "ohfp templates generate --provider-api EC2Fleet"),
    ]))]
    Generate(TemplatesGenerate),

    /// Read the files again, and publish them
    ///
    /// Builds the snapshot anew where snapshot.refresh allows it, and shows which templates have
    /// changed since the last one.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("After an edit", "ohfp templates refresh"),
    ]))]
    Refresh(TemplatesRefresh),

    /// Compare templates with those of the site, field by field
    ///
    /// FILE is JSON or YAML. A single template is compared with the one that has its id; a list stands
    /// for the whole site, so that templates which it lacks are shown as removed.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What would a deployment change?", "ohfp templates diff new.json --format table"),
    ]))]
    Diff(TemplatesDiff),
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(id = "template", required = true, multiple = false)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct NamedTemplate {
    /// Id of the template, in exactly its spelling
    pub template_id: Option<String>,

    /// Id of the template, as an option
    #[arg(short, long = "template-id", value_name = "TEMPLATE_ID")]
    pub template_option: Option<String>,
}

impl NamedTemplate {
    /// The id, however it is written.
    pub fn id(&self) -> &str {
        self.template_id.as_deref().or(self.template_option.as_deref()).unwrap_or_default()
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplateEdit {
    /// Accept a maxNumber below the present one
    ///
    /// A running Host Factory can hang when a limit shrinks: stop it before.
    #[arg(long, verbatim_doc_comment)]
    pub allow_lower_max: bool,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesCreate {
    /// The templates, as JSON or YAML; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,

    /// The template file that gets them, of those that are read
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,

    /// Check the templates, and write nothing
    #[arg(long)]
    pub validate_only: bool,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesUpdate {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub template: NamedTemplate,

    /// The fields, as JSON or YAML; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub edit: TemplateEdit,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesDelete {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub template: NamedTemplate,

    /// Skip the confirmation prompt
    #[arg(short, long, visible_alias = "force")]
    pub yes: bool,

    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("named").args(["template_ids", "template_options"]).multiple(true)
    .conflicts_with_all(["all", "file"]))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesValidate {
    /// Ids of the templates to check [default: all]
    #[arg(value_name = "TEMPLATE_ID")]
    pub template_ids: Vec<String>,

    /// Id of a template to check; can be given several times
    #[arg(short, long = "template-id", value_name = "TEMPLATE_ID")]
    pub template_options: Vec<String>,

    /// Check all templates, which is the default
    #[arg(long, conflicts_with = "file")]
    pub all: bool,

    /// Check the templates of FILE instead; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Exit with 0 although templates are left out
    #[arg(long)]
    pub lenient: bool,
}

impl TemplatesValidate {
    /// The ids, however they are written; empty for all templates.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.template_ids.iter().chain(&self.template_options).map(String::as_str)
    }
}

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesRender {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub template: NamedTemplate,

    /// Number of machines
    #[arg(short, long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesGenerate {
    /// Only for this API: RunInstances, EC2Fleet, SpotFleet or ASG
    #[arg(long, value_enum, ignore_case = true, value_name = "API", hide_possible_values = true)]
    pub provider_api: Option<LaunchApi>,

    /// Accepted for scripts of other brokers; the examples are printed, and replace no file
    #[arg(short, long, alias = "force", hide = true)]
    pub yes: bool,

    /// As above
    #[arg(long, hide = true)]
    pub all_providers: bool,

    /// As above
    #[arg(long, hide = true)]
    pub provider_specific: bool,
}

/// An API that launches machines, as `providerApi` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum LaunchApi {
    /// One call for each machine type and subnet
    #[value(name = "RunInstances")]
    RunInstances,
    /// An EC2 Fleet
    #[value(name = "EC2Fleet")]
    Ec2Fleet,
    /// A Spot Fleet
    #[value(name = "SpotFleet")]
    SpotFleet,
    /// An Auto Scaling group
    #[value(name = "ASG")]
    AutoScalingGroup,
}

impl LaunchApi {
    /// The word on the command line and in `providerApi`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunInstances => "RunInstances",
            Self::Ec2Fleet => "EC2Fleet",
            Self::SpotFleet => "SpotFleet",
            Self::AutoScalingGroup => "ASG",
        }
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesRefresh {
    /// Publish a maxNumber below the present one
    #[arg(long)]
    pub allow_lower_max: bool,

    /// Accepted for scripts of other brokers; a refresh needs no confirmation
    #[arg(short, long, alias = "force", hide = true)]
    pub yes: bool,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesDiff {
    /// The templates, as JSON or YAML; - is standard input
    pub file: PathBuf,
}
