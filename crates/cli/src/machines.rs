//! The command group `machines`: request, list, show and return machines.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::{ListOptions, OptionalInput, WaitOptions, at_least_one};
use crate::style::examples;

/// `machines …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum MachinesCommand {
    /// Request machines of one template
    ///
    /// Answers with the id of the request once the provider has accepted the launch; the machines start
    /// later. Exits with 1 if the provider refuses it. With --wait, answers with the status of the
    /// finished request, and exits with 1 unless all machines were provisioned. With --dry-run, shows
    /// what would be requested and from which provider: no state is recorded, no provider is called.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Two machines", "ohfp machines request OnDemand-M6i-Large 2"),
        ("The same, and wait for them", "ohfp machines request OnDemand-M6i-Large 2 --wait --timeout 600"),
        ("Would it be accepted?", "ohfp machines request -t OnDemand-M6i-Large -c 500 --dry-run"),
        ("With the input of Host Factory",
         r#"ohfp machines request -d '{"template": {"templateId": "T", "machineCount": 2}}'"#),
    ]))]
    Request(MachinesRequest),

    /// Return machines
    ///
    /// A machine is named by its id or by its host name. Answers with the id of the return as soon as
    /// it is recorded and sent to the provider. A machine that is already gone is no error. Jobs that
    /// run on the machines are lost: --all asks for confirmation at a terminal, and needs --yes
    /// elsewhere. With --dry-run, shows which machines would be returned, and changes nothing.
    // clap would write all the ways to name a machine into the usage line, which then is too wide.
    #[command(aliases = ["terminate", "rm"], verbatim_doc_comment,
              override_usage = "ohfp machines return [OPTIONS] [MACHINE]...",
              after_long_help = examples(&[
        ("One machine, by its host name", "ohfp machines return ip-10-0-1-7.ec2.internal"),
        ("All machines of a request, and wait until they are terminated",
         "ohfp machines return --request-id req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11 --wait"),
        ("Which machines would be returned?", "ohfp machines return --all --dry-run --format table"),
    ]))]
    Return(MachinesReturn),

    /// List machines
    ///
    /// Newest first. Terminated machines are left out unless --status or --request-id selects them.
    /// Shows what the providers say where they answer within a second, else the recorded states, and at a
    /// terminal their age. With --cached, no provider is called and no file is changed.
    #[command(alias = "ls", verbatim_doc_comment, after_long_help = examples(&[
        ("The machines that exist", "ohfp machines list --format table"),
        ("Running machines of one template", "ohfp machines list --template-id OnDemand-M6i-Large --status running"),
        ("By host name", "ohfp machines list --filter 'name=~^ip-10-0-1-'"),
    ]))]
    List(MachinesList),

    /// Show one machine with all its fields
    ///
    /// Shows the recorded state; no provider is called. Fails if there is no such machine, and suggests
    /// the nearest one. An id can be cut to its beginning where only one machine has it.
    #[command(aliases = ["get", "describe"], verbatim_doc_comment, after_long_help = examples(&[
        ("By host name", "ohfp machines show ip-10-0-1-7.ec2.internal --format list"),
        ("By id", "ohfp machines show i-0123456789abcdef0"),
    ]))]
    Show(MachinesShow),

    /// Refresh machines from their providers, and show them
    ///
    /// Records the states that the providers report. An unknown machine is an error.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Two machines", "ohfp machines status ip-10-0-1-7.ec2.internal i-0123456789abcdef0"),
        ("All that exist", "ohfp machines status --all --format table"),
    ]))]
    Status(MachinesStatus),
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct MachinesRequest {
    /// Id of the template
    #[arg(value_name = "TEMPLATE_ID",
          required_unless_present_any = ["template_option", "file", "data"],
          conflicts_with_all = ["template_option", "file", "data"])]
    pub template: Option<String>,

    /// Number of machines [default: 1]
    #[arg(value_name = "COUNT", conflicts_with_all = ["count_option", "file", "data"],
          value_parser = at_least_one)]
    pub count: Option<u64>,

    /// Id of the template, as an option
    #[arg(short, long = "template-id", value_name = "TEMPLATE_ID", conflicts_with_all = ["file", "data"])]
    pub template_option: Option<String>,

    /// Number of machines, as an option
    #[arg(short, long = "count", value_name = "COUNT", conflicts_with_all = ["file", "data"],
          value_parser = at_least_one)]
    pub count_option: Option<u64>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub input: OptionalInput,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub waiting: WaitOptions,

    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with_all = ["wait", "timeout"])]
    pub dry_run: bool,
}

impl MachinesRequest {
    /// The template id, from the argument or the option; `None` if the input document names it.
    pub fn template_id(&self) -> Option<&str> {
        self.template.as_deref().or(self.template_option.as_deref())
    }

    /// The number of machines, from the argument or the option; 1 by default.
    pub fn machine_count(&self) -> u64 {
        self.count.or(self.count_option).unwrap_or(1)
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("named").args(["machines", "machine_options"]).multiple(true)
    .conflicts_with_all(["request_ids", "all", "file", "data"]))]
#[command(group = clap::ArgGroup::new("targets")
    .args(["machines", "machine_options", "request_ids", "all", "file", "data"]).required(true).multiple(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct MachinesReturn {
    /// Ids or host names of the machines
    #[arg(value_name = "MACHINE")]
    pub machines: Vec<String>,

    /// The same as options; can be given several times
    #[arg(short, long = "machine-id", value_name = "MACHINE")]
    pub machine_options: Vec<String>,

    /// All machines of this request; can be given several times
    #[arg(short, long = "request-id", value_name = "REQUEST_ID", conflicts_with_all = ["all", "file", "data"])]
    pub request_ids: Vec<String>,

    /// All machines that exist
    #[arg(long, conflicts_with_all = ["file", "data"])]
    pub all: bool,

    /// Skip the confirmation prompt of --all
    #[arg(short, long, visible_alias = "force")]
    pub yes: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub input: OptionalInput,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub waiting: WaitOptions,

    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with_all = ["wait", "timeout"])]
    pub dry_run: bool,
}

impl MachinesReturn {
    /// The machines named one by one, arguments before options.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.machines.iter().chain(&self.machine_options).map(String::as_str)
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct MachinesList {
    /// Only machines in this state; can be given several times
    ///
    /// One of pending, running, stopping, stopped, shutting-down and terminated.
    #[arg(long, value_enum, value_name = "STATUS", hide_possible_values = true)]
    pub status: Vec<MachineStatus>,

    /// Only machines of this request
    #[arg(short, long, value_name = "REQUEST_ID")]
    pub request_id: Option<String>,

    /// Only machines of this template
    #[arg(short, long, value_name = "TEMPLATE_ID")]
    pub template_id: Option<String>,

    /// Show the recorded states; call no provider
    #[arg(long)]
    pub cached: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub list: ListOptions,
}

/// State of a machine, in EC2's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum MachineStatus {
    /// Starting
    #[value(alias = "launching")]
    Pending,
    /// Up, with a host name and an address
    Running,
    /// Stopping
    Stopping,
    /// Stopped
    Stopped,
    /// Shutting down
    ShuttingDown,
    /// Terminated
    #[value(alias = "returned")]
    Terminated,
    /// Terminated, and never running
    #[value(hide = true)]
    Failed,
    /// A word of Open Resource Broker; no machine is in such a state
    #[value(hide = true)]
    Unknown,
}

impl MachineStatus {
    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("named").args(["machines", "machine_options"]).multiple(true)
    .conflicts_with("all"))]
#[command(group = clap::ArgGroup::new("asked").args(["machines", "machine_options", "all"])
    .required(true).multiple(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct MachinesStatus {
    /// Ids or host names of the machines
    #[arg(value_name = "MACHINE")]
    pub machines: Vec<String>,

    /// The same as options; can be given several times
    #[arg(short, long = "machine-id", value_name = "MACHINE")]
    pub machine_options: Vec<String>,

    /// All machines that exist
    #[arg(long)]
    pub all: bool,
}

impl MachinesStatus {
    /// The machines named one by one, arguments before options.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.machines.iter().chain(&self.machine_options).map(String::as_str)
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("asked").args(["machine", "machine_option"]).required(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct MachinesShow {
    /// Id or host name of the machine
    pub machine: Option<String>,

    /// The same as an option
    #[arg(short, long = "machine-id", value_name = "MACHINE")]
    pub machine_option: Option<String>,
}

impl MachinesShow {
    /// The machine, from the argument or the option.
    pub fn named(&self) -> &str {
        self.machine.as_deref().or(self.machine_option.as_deref()).unwrap_or_default()
    }
}
