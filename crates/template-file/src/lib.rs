//! Templates as people write them: read from JSON and YAML, and edited in their file without touching the rest of it.
//!
//! Text in, text out: it opens no file. It must not know what a field means, nor where templates are kept; the resolver
//! says which names are spellings of one field.
//!
//! ```
//! use ohfp_template_file::{TemplateFile, TemplateInput};
//!
//! let mut file = TemplateFile::parse(br#"{"templates": [{"templateId": "a", "maxNumber": 1}], "message": "kept"}"#)?;
//! let input = TemplateInput::parse("b.yaml", "templateId: b\nmaxNumber: 2.50\n")?;
//! file.add(&input.templates[0])?;
//! assert_eq!(
//!     file.as_str(),
//!     r#"{"templates": [{"templateId": "a", "maxNumber": 1}, {"templateId": "b", "maxNumber": 2.50}], "message": "kept"}"#
//! );
//! # Ok::<(), ohfp_broker::Error>(())
//! ```

#![forbid(unsafe_code)]

mod changes;
mod examples;
mod file;
mod input;
mod print;
mod spans;
mod yaml;

pub use changes::FieldChange;
pub use examples::{LAUNCH_APIS, examples};
pub use file::TemplateFile;
pub use input::TemplateInput;
pub use print::document;
