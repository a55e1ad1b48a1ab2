//! The program and its commands.
//!
//! A command needs three texts: what it does (one line), what one should know before using it, and
//! examples to copy.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use clap::builder::StyledStr;
use clap::{Parser, Subcommand};

use crate::actions::{Completions, DoctorOptions, ReportOptions, SnapshotArguments};
use crate::arguments::HostFactoryInput;
use crate::config::ConfigCommand;
use crate::init::Init;
use crate::logs::Logs;
use crate::machines::MachinesCommand;
use crate::metrics::MetricsOptions;
use crate::options::GlobalOptions;
use crate::providers::{ProvidersCommand, SchedulerCommand};
use crate::reconcile::Reconcile;
use crate::requests::RequestsCommand;
use crate::storage::StorageCommand;
use crate::style::{self, STYLES, WIDTH, examples};
use crate::system::{SimCommand, SystemCommand};
use crate::templates::TemplatesCommand;

/// Provision cloud machines for IBM Host Factory
///
/// Host Factory, the component of IBM Spectrum Symphony and LSF that provisions hosts on demand,
/// calls five operations of a provider plug-in: list templates, request machines, poll their
/// status, return them, and list those that the cloud reclaims. ohfp is such a plug-in. The same
/// program shows templates and configuration, and requests and returns machines by hand.
///
/// Standard output carries exactly one document. Messages go to standard error, except for a failed
/// Host Factory operation, whose message belongs on standard output.
#[derive(Parser, Clone, Debug, PartialEq, Eq)]
#[command(
    name = "ohfp", bin_name = "ohfp", display_name = "ohfp", version,
    term_width = WIDTH, max_term_width = WIDTH, styles = STYLES, verbatim_doc_comment, after_long_help = root_sections(),
)]
pub struct Cli {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would become the program's description")]
    pub global: GlobalOptions,

    #[command(subcommand)]
    #[expect(missing_docs, reason = "as above")]
    pub command: Command,

    /// The names of the command, as in `machines list`.
    #[arg(skip)]
    pub path: String,
}

/// What to do.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// List, check and change templates
    ///
    /// A template names one kind of machine: its type or types, image, network, price model and the
    /// attributes that Host Factory sizes demand by. Templates are read from the template file of
    /// the configuration directory, usually awsprov_templates.json, and completed: attributes that
    /// it leaves out are derived from the machine type.
    #[command(subcommand, visible_alias = "template", verbatim_doc_comment, after_long_help = examples(&[
        ("All templates, as Host Factory sees them", "ohfp templates list"),
        ("Check the template file", "ohfp templates validate --format list"),
        ("Change one", "ohfp templates update OnDemand-M6i-Large --file change.yaml"),
    ]))]
    Templates(TemplatesCommand),

    /// Request, list and return machines
    ///
    /// A machine is named by its id at the provider or by its host name, which is what Host Factory
    /// calls its name. Both are in every answer.
    #[command(subcommand, visible_alias = "machine", verbatim_doc_comment, after_long_help = examples(&[
        ("Request two and wait for them", "ohfp machines request OnDemand-M6i-Large 2 --wait"),
        ("All machines", "ohfp machines list --format table"),
        ("Return one", "ohfp machines return ip-10-0-1-7.ec2.internal"),
    ]))]
    Machines(MachinesCommand),

    /// Inspect, watch and cancel requests
    ///
    /// Requests and returns of machines complete in the background: ids of requests begin with req-,
    /// ids of returns with ret-.
    #[command(subcommand, visible_alias = "request", verbatim_doc_comment, after_long_help = examples(&[
        ("Status of all unfinished requests", "ohfp requests status --all --format table"),
        ("Follow one until it is finished",
         "ohfp requests watch req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11"),
    ]))]
    Requests(RequestsCommand),

    /// Show and validate the configuration
    ///
    /// The configuration consists of built-in defaults, Host Factory's own awsprov_config.json and
    /// config.json. Later ones override earlier ones, key by key.
    #[command(subcommand, verbatim_doc_comment, after_long_help = examples(&[
        ("Everything, defaults included", "ohfp config show --format yaml"),
        ("One value", "ohfp config get scheduler.type"),
    ]))]
    Config(ConfigCommand),

    /// List, check and change providers
    ///
    /// A provider launches and terminates machines in one place, for example in one region of AWS. Several
    /// can be configured, each under its own name.
    #[command(subcommand, visible_alias = "provider", verbatim_doc_comment, after_long_help = examples(&[
        ("The configured providers", "ohfp providers list --format table"),
        ("Another region of AWS", "ohfp providers add aws-west --region us-west-2"),
    ]))]
    Providers(ProvidersCommand),

    /// Show output dialects (schedulers)
    ///
    /// A scheduler determines the field names of input and output: hostfactory for IBM's names, default
    /// for plain ones.
    #[command(subcommand, verbatim_doc_comment, after_long_help = examples(&[
        ("The known schedulers, and which is configured", "ohfp scheduler list --format table"),
    ]))]
    Scheduler(SchedulerCommand),

    /// Inspect, back up, restore and migrate the state store
    ///
    /// Every Host Factory call is a process of its own, so requests and machines are kept in a store
    /// between calls.
    #[command(subcommand, verbatim_doc_comment, after_long_help = examples(&[
        ("The known stores, and which is configured", "ohfp storage list --format table"),
        ("Health of the store", "ohfp storage health --format list"),
    ]))]
    Storage(StorageCommand),

    /// Show health, load times and component metrics
    ///
    /// Components, such as the store and the providers, are loaded on first use.
    #[command(subcommand, verbatim_doc_comment, after_long_help = examples(&[
        ("Health of all components", "ohfp system health --format table"),
    ]))]
    System(SystemCommand),

    /// Show what all processes and the state store have to tell
    ///
    /// Counts, latencies, costs and failures of operations, recorded by the processes of this host; and
    /// what was requested, delivered, missing, returned and reclaimed, by template and provider, from
    /// the state store. Changes no file but the one that --textfile names.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The last hour", "ohfp metrics --format table"),
        ("The last week, as one document", "ohfp metrics --since 7d"),
        ("For Prometheus; openmetrics for OpenMetrics", "ohfp metrics --format prometheus"),
        ("For node_exporter, by cron",
         "ohfp metrics --textfile /var/lib/node_exporter/textfile/ohfp.prom"),
    ]))]
    Metrics(MetricsOptions),

    /// Control the simulated provider
    ///
    /// A provider of type sim needs no cloud: its machines exist in the store alone. These commands
    /// count them and inject cloud-side events.
    #[command(subcommand, verbatim_doc_comment, after_long_help = examples(&[
        ("How many machines exist?", "ohfp sim live"),
        ("Reclaim one", "ohfp sim reclaim ip-10-0-1-7.sim.internal"),
    ]))]
    Sim(SimCommand),

    /// Show this site at a glance
    ///
    /// One screen: the provider of new requests, open requests, machines by state, templates with their
    /// limits, and what needs attention. Shows the recorded states; no provider is called.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("At a glance", "ohfp status"),
        ("For a program", "ohfp status --format json"),
    ]))]
    Status,

    /// Diagnose the installation and suggest fixes
    ///
    /// Checks programs, configuration, templates, providers, store, snapshot and log, without changing
    /// anything. Exits with 1 if requests would fail; warnings alone are no failure. With --performance,
    /// checks what makes ohfp slow, and shows what was measured and what to do.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All checks", "ohfp doctor --format table"),
        ("Why is it slow?", "ohfp doctor --performance --format list"),
    ]))]
    Doctor(DoctorOptions),

    /// Show the log
    ///
    /// Shows the last records of the log that this environment names, one line each: time in UTC, level,
    /// message and fields. Files that were renamed because they had grown too large are included. Lines
    /// that are no records are shown as they are. With --format json, each record is a JSON object on a
    /// line of its own, as it was logged.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What happened last?", "ohfp logs -n 20"),
        ("What goes wrong, as it happens", "ohfp logs -f --level warn"),
        ("The story of one request", "ohfp logs -n all --request req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11"),
    ]))]
    Logs(Logs),

    /// Write a page about machines, requests and problems
    ///
    /// One HTML file without scripts: machines over time, time to running, failures by reason, capacity,
    /// the cost of ohfp itself, and what needs attention now. Reads the store; neither changes it nor
    /// calls a provider.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The last 30 days", "ohfp report --output report.html"),
        ("The last day", "ohfp report --since 24h --output today.html"),
    ]))]
    Report(ReportOptions),

    /// Find machines that only the cloud or only the store knows
    ///
    /// Lists what providers have by ohfp's tags and compares it with the store: machines, fleets, spot
    /// fleets, groups and launch templates of this store that no request will record or delete, and
    /// machines of the store that no longer exist. Changes nothing without --fix. With it, machines whose
    /// request is unknown are adopted into one, which can be polled and returned; machines that came after
    /// their request was over are terminated; resources launch no more, and are deleted after the last of
    /// their machines. A list that failed or lacks a page is said, and nothing of that kind is touched.
    ///
    /// What belongs to another store is only counted. After a restore or a loss, --store ID takes over
    /// what the former store made. --adopt-from takes over the machines of another plug-in, whose
    /// requests keep their ids. Exits with 1 where something is left to do.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What is forgotten?", "ohfp reconcile --format table"),
        ("Mend it", "ohfp reconcile --fix"),
        ("Terminate all of it, by cron", "ohfp reconcile --fix --release --yes"),
        ("Machines of the Python broker: first what would be done, then doing it",
         "ohfp reconcile --adopt-from orb; ohfp reconcile --adopt-from orb --fix"),
        ("After the loss of a store", "ohfp reconcile --store 9f86d081884c7d659a2feaa0c55ad015"),
    ]))]
    Reconcile(Reconcile),

    /// Build and examine the snapshot, with ohfp-snapshot
    ///
    /// Runs ohfp-snapshot, which is installed beside this program, with the arguments that follow:
    /// build, check, verify, rollback, inspect and diff.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Publish the configuration", "ohfp snapshot build"),
        ("Is it fresh?", "ohfp snapshot check"),
        ("What can it do?", "ohfp snapshot build --help"),
    ]))]
    Snapshot(SnapshotArguments),

    /// Show the version and what this build knows
    ///
    /// Shows the version, the commit that it was built from and its date, the kind of machine it was
    /// built for, and the versions of its file formats.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What is installed?", "ohfp version"),
        ("For a program", "ohfp version --format json"),
    ]))]
    Version,

    /// Print a completion script for a shell
    ///
    /// The script lets the shell complete commands, options and their values. It is generated from the
    /// same declaration as this help, so it always matches the program that printed it.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Bash, for this user", "ohfp completions bash > ~/.local/share/bash-completion/completions/ohfp"),
        ("Zsh, into a directory of $fpath", "ohfp completions zsh > ~/.zfunc/_ohfp"),
        ("Fish, for this user", "ohfp completions fish > ~/.config/fish/completions/ohfp.fish"),
    ]))]
    Completions(Completions),

    /// Set a site up: configuration, Host Factory scripts, snapshot
    ///
    /// On a terminal, asks what it does not know, and offers to import the configuration of another broker
    /// that it finds. Without one, or with --non-interactive, takes options and defaults. Writes into
    /// --config-dir, by default the directory that the environment names, or ~/.config/ohfp: a small
    /// configuration, the five scripts, and the entries of Host Factory's hostProviders.json and
    /// hostProviderPlugins.json for this site, which are for copying. With --scripts-dir alone, writes the
    /// scripts only. Files that exist and differ are kept and named, unless --force is given, so a second
    /// run changes nothing.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Answer questions", "ohfp init"),
        ("Machines of AWS, without questions",
         "ohfp init --non-interactive --region eu-west-1 --subnet-ids subnet-0a1b2c3d"),
        ("Scripts for a provider plug-in",
         "ohfp init --scripts-dir $HF_TOP/$HF_VERSION/providerplugins/aws/scripts"),
        ("Links instead of shell scripts", "ohfp init --scripts-dir scripts --direct"),
        ("Start a configuration", "ohfp init --config-dir ~/.config/ohfp"),
    ]))]
    Init(Init),

    /// Host Factory: list the templates
    ///
    /// Answers with every template, in the order of the template file, which is the order in which
    /// Host Factory prefers them. Reads the configuration only: neither the cloud nor Host Factory is
    /// called. The input is usually {} and is ignored.
    #[command(name = "getAvailableTemplates", verbatim_doc_comment, after_long_help = examples(&[
        ("As Host Factory calls it", "echo '{}' > in.json; ohfp getAvailableTemplates -f in.json"),
    ]))]
    GetAvailableTemplates(HostFactoryInput),

    /// Host Factory: request machines of one template
    ///
    /// Answers with a request id once the provider has accepted the launch; getRequestStatus polls it.
    /// The input names a template and a number of machines.
    #[command(name = "requestMachines", verbatim_doc_comment, after_long_help = examples(&[
        ("An input for two machines",
         r#"echo '{"template": {"templateId": "OnDemand-M6i-Large", "machineCount": 2}}' > in.json"#),
        ("Request them", "ohfp requestMachines -f in.json"),
    ]))]
    RequestMachines(HostFactoryInput),

    /// Host Factory: return machines
    ///
    /// Answers with the id of the return; getRequestStatus polls it. Returning a machine that is
    /// already gone is no error.
    #[command(name = "requestReturnMachines", verbatim_doc_comment, after_long_help = examples(&[
        ("An input for one machine",
         r#"echo '{"machines": [{"name": "ip-10-0-1-7.ec2.internal"}]}' > in.json"#),
        ("Return it", "ohfp requestReturnMachines -f in.json"),
    ]))]
    RequestReturnMachines(HostFactoryInput),

    /// Host Factory: poll requests and returns
    ///
    /// The input lists ids of requests and returns. The answer has each one's status and machines.
    /// An unknown id is answered as complete_with_error, never as running.
    #[command(name = "getRequestStatus", verbatim_doc_comment, after_long_help = examples(&[
        ("An input for one request", r#"echo '{"requests": [{"requestId": "ID"}]}' > in.json"#),
        ("Poll its status", "ohfp getRequestStatus -f in.json"),
    ]))]
    GetRequestStatus(HostFactoryInput),

    /// Host Factory: list reclaimed machines
    ///
    /// Lists machines that the cloud has reclaimed or will reclaim, for example spot machines, with the
    /// seconds they have left. Machines that Host Factory itself returned are not listed. The input may
    /// list the machines that Host Factory knows.
    #[command(name = "getReturnRequests", verbatim_doc_comment, after_long_help = examples(&[
        ("As Host Factory calls it", "echo '{}' > in.json; ohfp getReturnRequests -f in.json"),
    ]))]
    GetReturnRequests(HostFactoryInput),
}

/// The sections below the program's own help.
fn root_sections() -> StyledStr {
    let mut text = examples(&[
        ("Which machines can be requested?", "ohfp templates list --format table"),
        ("Request two of them, and wait", "ohfp machines request OnDemand-M6i-Large 2 --wait"),
        ("Check templates and configuration", "ohfp templates validate --format list"),
        ("Write the scripts that Host Factory calls", "ohfp init --scripts-dir scripts"),
        ("More about one command", "ohfp help templates list"),
    ]);
    style::table(
        &mut text,
        "Configuration directory, the first that applies",
        &[
            ("--config", "the directory, or the directory of the file"),
            ("OHFP_CONFIG_DIR", "ohfp's own variable"),
            ("HF_PROVIDER_CONFDIR", "set by Host Factory"),
            ("HF_CONFDIR", "its providers/$HF_PROVIDER_NAME, set by Host Factory"),
            ("PRO_CONF_DIR", "its conf if there is one, set by LSF"),
            ("XDG_CONFIG_HOME", "its ohfp, usually ~/.config/ohfp"),
            ("/etc/ohfp", ""),
        ],
    );
    style::table(
        &mut text,
        "Exit codes",
        &[("0", "success"), ("1", "failure; Host Factory retries later"), ("2", "usage error")],
    );
    text
}
