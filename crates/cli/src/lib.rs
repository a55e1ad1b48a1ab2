//! The command tree of ohfp, declared once.
//!
//! Every command and option is declared in [`tree`] and the modules of its groups ([`actions`], [`config`], [`machines`],
//! [`requests`], [`storage`], [`system`]), in [`arguments`] and [`options`], and nowhere else. The live program
//! parses with it, and the snapshot builder renders every help text and completion script from it, so all of them
//! change together.
//!
//! It must not know what commands do: it reads no file and no environment variable, and prints no output.
//!
//! ```
//! use ohfp_cli::{Command, TemplatesCommand, TemplatesShow, parse};
//!
//! let line = ["/opt/ohfp/bin/ohfp", "templates", "show", "small"].map(Into::into);
//! let parsed = parse(line)?;
//! assert_eq!(
//!     parsed.command,
//!     Command::Templates(TemplatesCommand::Show(TemplatesShow { template_id: Some("small".to_owned()), ..Default::default() }))
//! );
//!
//! // A script of Host Factory is a command of the same name.
//! let script = ["/hf/scripts/requestMachines.sh", "-f", "in.json"].map(Into::into);
//! assert!(matches!(parse(script)?.command, Command::RequestMachines(_)));
//! # Ok::<(), clap::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod actions;
pub mod arguments;
pub mod argv;
mod branch;
pub mod completion;
mod completion_scripts;
pub mod config;
mod dry_runs;
mod formats;
pub mod import;
pub mod init;
pub mod logs;
pub mod machines;
pub mod metrics;
pub mod options;
pub mod providers;
pub mod reconcile;
pub mod render;
pub mod requests;
pub mod since;
pub mod storage;
mod style;
pub mod system;
pub mod template_lists;
pub mod templates;
pub mod tree;
mod usage;

pub use actions::{CompletionShell, Completions, DoctorOptions, ReportOptions, SnapshotArguments};
pub use arguments::{HostFactoryInput, ListOptions, OptionalInput, WaitOptions};
pub use argv::{HF_OPERATIONS, hf_operation_from_argv0, normalize, parse, parse_by, plain_operation};
pub use branch::parse_branch;
pub use config::{ConfigCommand, SchemaKind};
pub use import::{ConfigImport, ImportedBroker};
pub use init::{Init, InitProvider};
pub use logs::{Lines, Logs, Severity};
pub use machines::{
    MachineStatus, MachinesCommand, MachinesList, MachinesRequest, MachinesReturn, MachinesShow,
    MachinesStatus,
};
pub use metrics::{MetricsCommand, MetricsOptions};
pub use options::{GlobalOptions, OutputFormat, SchedulerType, TimestampFormat, TimingsFormat};
pub use providers::{
    AwsAccount, ProviderAdd, ProviderChoice, ProviderDefault, ProviderRemove, ProviderUpdate,
    ProvidersCommand, SchedulerChoice, SchedulerCommand,
};
pub use reconcile::{AdoptFrom, Reconcile};
pub use render::{
    Page, command, completions, fingerprint_text, manual_pages, pages, paths, spelled_lines, version,
};
pub use requests::{
    RequestStatus, RequestType, RequestsCancel, RequestsCommand, RequestsList, RequestsShow, RequestsStatus,
    RequestsWatch,
};
pub use since::Since;
pub use storage::{ImportSource, MigrationStep, StorageCommand, StoreChoice};
pub use system::{SimCommand, SystemCommand};
pub use template_lists::{TemplatesList, TemplatesShow};
pub use templates::{
    LaunchApi, NamedTemplate, TemplateEdit, TemplatesCommand, TemplatesCreate, TemplatesDelete,
    TemplatesDiff, TemplatesGenerate, TemplatesRefresh, TemplatesRender, TemplatesUpdate, TemplatesValidate,
};
pub use tree::{Cli, Command};
pub use usage::usage_error;

/// The name of the program, regardless of the name of its file.
pub const PROGRAM: &str = "ohfp";
