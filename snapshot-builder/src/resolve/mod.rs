//! Resolving: from what files say to what is meant. One truth for builder and live program.
//!
//! Nothing in here opens a file or reads the environment; that is [`crate::load`]'s.

pub(crate) mod attributes;
pub(crate) mod aws_config;
pub(crate) mod config_file;
pub(crate) mod defaults;
pub(crate) mod expand;
pub(crate) mod fields;
pub mod instance_types;
mod key_table;
pub mod keys;
pub(crate) mod log_settings;
pub mod nearest;
pub mod performance;
pub(crate) mod provider_choice;
pub(crate) mod providers;
mod redact;
mod requirements;
pub mod rule;
pub(crate) mod settings;
mod template_checks;
pub(crate) mod templates;

pub use fields::{FIELD_NAMES, default_name, hf_name};
pub use keys::{KEYS, Key};
pub use performance::Performance;
pub use provider_choice::choice_problems;
pub use providers::ProviderInstance;
pub use redact::{REDACTED, Secrets, redact, redact_templates};
pub use settings::{Refresh, SchedulerKind, Setting, Settings, Source};
pub use templates::{LeftOut, Lowered};
