//! Configuration: files in, [`Resolved`] out.
//!
//! The only code that reads configuration. [`source`] reads files and records every input on the trail;
//! `settings`, `providers` and `templates` resolve what the files say, and open none; [`load`] puts them
//! together.

pub mod load;
pub mod location;
pub mod nearest;
mod providers;
mod resolved;
pub mod settings;
pub mod source;
pub mod templates;

pub use providers::choice::choice_problems;
pub use providers::configured::KINDS as PROVIDER_KINDS;
pub use providers::instance::ProviderInstance;
pub use resolved::{Configuration, Origin, Resolved};
pub use settings::effective::{Refresh, Setting, SettingSource, Settings};
pub use settings::key::Key;
pub use settings::keys::KEYS;
pub use settings::performance::Performance;
pub use settings::redact::{REDACTED, Secrets, redact, redact_templates};
pub use source::environment::Environment;
pub use source::findings::{Problem, Subject, Warning};
pub use source::text::SourcePosition;
pub use source::trail::{FileState, InputFile, Trail};
pub use templates::fields::{FIELD_NAMES, default_name, hf_name};
pub use templates::resolver::{LeftOut, LimitDecrease};
