//! The command group `requests`: requests for machines, and returns of machines.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::{ListOptions, OptionalInput, WaitOptions, at_least_one};
use crate::style::examples;

/// `requests …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum RequestsCommand {
    /// Poll requests and returns, and show their status
    ///
    /// Polls the providers of unfinished requests, and records what they report. The answer has the
    /// status and machines of each, like getRequestStatus. An unknown id is an error; in an input
    /// document, as a scheduler passes it, it is answered as complete_with_error. With --wait, answers
    /// once all are finished, and exits with 1 unless all are complete.
    // clap would write all the ways to name a request into the usage line, which then is too wide.
    #[command(verbatim_doc_comment, override_usage = "ohfp requests status [OPTIONS] [REQUEST_ID]...", after_long_help = examples(&[
        ("One request", "ohfp requests status req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11"),
        ("All that are not finished", "ohfp requests status --all --format table"),
        ("Wait for a return", "ohfp requests status ret-0190c7a2-9a44-7d02-b5f0-6d1f0c9e8b21 --wait"),
    ]))]
    Status(RequestsStatus),

    /// List requests and returns
    ///
    /// Newest first, finished ones included. Shows what the providers say of unfinished ones where they
    /// answer within a second, else the recorded states, and at a terminal their age. With --cached, no
    /// provider is called and no file is changed.
    #[command(alias = "ls", verbatim_doc_comment, after_long_help = examples(&[
        ("The last ten", "ohfp requests list --limit 10 --format table"),
        ("What failed, and why", "ohfp requests list --status failed --format list"),
        ("Requests of one template", "ohfp requests list --type acquire --template-id OnDemand-M6i-Large"),
    ]))]
    List(RequestsList),

    /// Show one request or return with all its fields
    ///
    /// Shows the recorded state, with every machine; no provider is called. Fails if there is no such
    /// request. An id can be cut to its beginning where only one request has it.
    #[command(aliases = ["get", "describe"], verbatim_doc_comment, after_long_help = examples(&[
        ("One request", "ohfp requests show req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11 --format yaml"),
        ("All that are recorded", "ohfp requests show --all"),
    ]))]
    Show(RequestsShow),

    /// Cancel a request that is not finished
    ///
    /// Machines that it already has are returned. A finished request cannot be cancelled; return its
    /// machines with machines return. Asks for confirmation at a terminal, and needs --yes elsewhere.
    #[command(alias = "rm", verbatim_doc_comment, after_long_help = examples(&[
        ("Which machines would be returned?",
         "ohfp requests cancel req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11 --dry-run"),
        ("Cancel it", "ohfp requests cancel req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11 --yes"),
    ]))]
    Cancel(RequestsCancel),

    /// Watch a request or return until it is finished
    ///
    /// Without an id, watches the newest one that is not finished. Standard error shows progress,
    /// standard output gets the final status. Exits with 1 if there is no such request, if it ended with
    /// an error, or on timeout.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Follow a request", "ohfp requests watch req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11"),
        ("Poll every second, for at most a minute",
         "ohfp requests watch req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11 --interval 1 --timeout 60"),
    ]))]
    Watch(RequestsWatch),

    /// List reclaimed machines
    ///
    /// Machines that the cloud has reclaimed or will reclaim, with the seconds they have left, like
    /// getReturnRequests. Machines that were returned are not listed.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All reclaimed machines", "ohfp requests list-returns --format table"),
        ("Only machines that Host Factory knows",
         r#"ohfp requests list-returns -d '{"machines": [{"name": "ip-10-0-1-7.ec2.internal"}]}'"#),
    ]))]
    ListReturns(OptionalInput),
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("named").args(["request_ids", "request_options"]).multiple(true)
    .conflicts_with_all(["all", "file", "data"]))]
#[command(group = clap::ArgGroup::new("asked")
    .args(["request_ids", "request_options", "all", "file", "data"]).required(true).multiple(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct RequestsStatus {
    /// Ids of requests and returns
    #[arg(value_name = "REQUEST_ID")]
    pub request_ids: Vec<String>,

    /// The same as options; can be given several times
    #[arg(short, long = "request-id", value_name = "REQUEST_ID")]
    pub request_options: Vec<String>,

    /// All requests and returns that are not finished
    #[arg(long, conflicts_with_all = ["file", "data"])]
    pub all: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub input: OptionalInput,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub waiting: WaitOptions,
}

impl RequestsStatus {
    /// The requests named one by one, arguments before options.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.request_ids.iter().chain(&self.request_options).map(String::as_str)
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("asked").args(["request_id", "request_options", "all"]).required(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct RequestsShow {
    /// Id of the request or return
    pub request_id: Option<String>,

    /// The same as an option; can be given several times
    #[arg(short, long = "request-id", value_name = "REQUEST_ID")]
    pub request_options: Vec<String>,

    /// All requests and returns
    #[arg(long)]
    pub all: bool,
}

impl RequestsShow {
    /// The requests named one by one.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.request_id.iter().chain(&self.request_options).map(String::as_str)
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct RequestsList {
    /// Only requests in this state; can be given several times
    ///
    /// recorded, started, complete, partial, failed and cancelled are ohfp's own states. Of Host
    /// Factory's words, running means the first two, complete_with_error the last three.
    #[arg(long, value_enum, value_name = "STATUS", hide_possible_values = true, verbatim_doc_comment)]
    pub status: Vec<RequestStatus>,

    /// Only requests of this template
    #[arg(short, long, value_name = "TEMPLATE_ID")]
    pub template_id: Option<String>,

    /// Only requests of this type
    #[arg(long = "type", alias = "request-type", value_enum, value_name = "TYPE")]
    pub kind: Option<RequestType>,

    /// Show the recorded states; call no provider
    #[arg(long)]
    pub cached: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub list: ListOptions,
}

/// Status of a request: Host Factory's three words, and ohfp's own states, which are more precise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum RequestStatus {
    /// Not finished: recorded or started
    #[value(aliases = ["in_progress", "acquiring", "partial_pending"])]
    Running,
    /// Recorded; the provider has not answered yet
    #[value(alias = "pending")]
    Recorded,
    /// Accepted by the provider
    Started,
    /// Finished, with all machines
    #[value(alias = "completed")]
    Complete,
    /// Finished, with an error: partial, failed or cancelled
    CompleteWithError,
    /// Finished, with some of the machines
    Partial,
    /// Finished, without any machine
    #[value(alias = "timeout")]
    Failed,
    /// Cancelled
    Cancelled,
}

impl RequestStatus {
    /// The names of ohfp's states that the word stands for.
    pub const fn states(self) -> &'static [&'static str] {
        match self {
            Self::Running => &["recorded", "started"],
            Self::Recorded => &["recorded"],
            Self::Started => &["started"],
            Self::Complete => &["complete"],
            Self::CompleteWithError => &["partial", "failed", "cancelled"],
            Self::Partial => &["partial"],
            Self::Failed => &["failed"],
            Self::Cancelled => &["cancelled"],
        }
    }
}

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum RequestType {
    /// Requests for machines
    Acquire,
    /// Returns of machines
    Return,
}

impl RequestType {
    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Return => "return",
        }
    }
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("asked").args(["request_id", "request_option"]).required(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct RequestsCancel {
    /// Id of the request
    pub request_id: Option<String>,

    /// The same as an option
    #[arg(short, long = "request-id", value_name = "REQUEST_ID")]
    pub request_option: Option<String>,

    /// Skip the confirmation prompt
    #[arg(short, long, visible_alias = "force")]
    pub yes: bool,

    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct RequestsWatch {
    /// Id of the request or return [default: the newest that is not finished]
    #[arg(conflicts_with = "request_option")]
    pub request_id: Option<String>,

    /// The same as an option
    #[arg(short, long = "request-id", value_name = "REQUEST_ID")]
    pub request_option: Option<String>,

    /// Polling interval in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = at_least_one)]
    pub interval: u64,

    /// Maximum time to watch, in seconds [default: until it is finished]
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one)]
    pub timeout: Option<u64>,
}

impl RequestsCancel {
    /// The request, from the argument or the option.
    pub fn id(&self) -> &str {
        self.request_id.as_deref().or(self.request_option.as_deref()).unwrap_or_default()
    }
}

impl RequestsWatch {
    /// The request, from the argument or the option; `None` for the newest.
    pub fn id(&self) -> Option<&str> {
        self.request_id.as_deref().or(self.request_option.as_deref())
    }
}
