//! Configuration: files in, [`Resolved`] out.
//!
//! The only code that reads configuration. [`source`] reads files and records every input on the trail;
//! `settings`, `providers` and `templates` resolve what the files say, and open none; [`load`] puts them
//! together.
//!
//! It is for the builder and the live program, which resolve the same files to the same result. It must not know how
//! the result is used.
//!
//! ```
//! use ohfp_resolver::{Environment, Origin, load};
//!
//! # let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config").into();
//! let origin = Origin { root, config_file: None };
//! let resolved = load::load(&origin, &Environment::default()).map_err(|errors| errors[0].to_string())?;
//! assert_eq!(resolved.settings.get("scheduler.type"), "hostfactory");
//! assert!(resolved.templates.iter().any(|template| template.id() == "OnDemand-M6i-Large"));
//! # Ok::<(), String>(())
//! ```

pub mod edit;
pub mod load;
pub mod location;
pub mod nearest;
mod providers;
mod resolved;
pub mod schema;
pub mod settings;
pub mod source;
pub mod templates;

pub use ohfp_keys::Key;
pub use providers::aws_config::element_rule;
pub use providers::choice::choice_problems;
pub use providers::configured::KINDS as PROVIDER_KINDS;
pub use providers::instance::ProviderInstance;
pub use resolved::{Configuration, Origin, Resolved};
pub use settings::effective::{Setting, SettingSource, Settings};
pub use settings::keys::KEYS;
pub use settings::performance::Performance;
pub use settings::redact::{REDACTED, Secrets, redact, redact_templates};
pub use settings::words::{Refresh, SelectionPolicy, StorageStrategy};
pub use source::environment::Environment;
pub use source::findings::{Problem, Subject, Warning};
pub use source::formats::document;
pub use source::text::SourcePosition;
pub use source::trail::{FileState, InputFile, Trail};
pub use templates::fields::{FIELD_NAMES, default_name, hf_name, template_id};
pub use templates::resolver::{LeftOut, LimitDecrease};
