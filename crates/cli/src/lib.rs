//! The command tree of ohfp, declared once.
//!
//! Every command and option is declared in [`tree`] and the modules of its groups ([`actions`], [`machines`],
//! [`requests`], [`storage`], [`system`]), in [`arguments`] and [`options`], and nowhere else. The live program
//! parses with it, and the snapshot builder renders every help text and every completion script from it. So all
//! of them change together or not at all.
//!
//! It must not know what commands do: it reads no file and no environment variable, and prints no output.

#![forbid(unsafe_code)]

pub mod actions;
pub mod arguments;
pub mod argv;
pub mod machines;
pub mod options;
pub mod render;
pub mod requests;
pub mod storage;
mod style;
pub mod system;
pub mod tree;

pub use actions::{
    CompletionShell, Completions, ConfigCommand, Init, ProvidersCommand, SchedulerCommand, TemplatesCommand,
};
pub use arguments::{HostFactoryInput, ListOptions, OptionalInput, WaitOptions};
pub use argv::{HF_OPERATIONS, hf_operation_from_argv0, normalise, parse, parse_by, plain_operation};
pub use machines::{
    MachineStatus, MachinesCommand, MachinesList, MachinesRequest, MachinesReturn, MachinesStatus,
};
pub use options::{GlobalOptions, OutputFormat, SchedulerType};
pub use render::{Page, command, completions, fingerprint_text, pages, paths, spellings, version};
pub use requests::{
    RequestStatus, RequestType, RequestsCancel, RequestsCommand, RequestsList, RequestsStatus, RequestsWatch,
};
pub use storage::{ImportSource, StorageCommand};
pub use system::{SimCommand, SystemCommand};
pub use tree::{Cli, Command};

/// The name of the program, regardless of the name of its file.
pub const PROGRAM: &str = "ohfp";
