//! Keys of settings and provider options, as rows of a table.
//!
//! A row has a name, a [`Rule`] for its values, a default and a line of help. Checks, messages, defaults and
//! documents come from the row, so that none of them is written twice. It must not know which keys there are, nor
//! where a value is written.
//!
//! ```
//! use ohfp_keys::{DefaultValue, Rule, key};
//! use serde_json::json;
//!
//! const TIMEOUT: ohfp_keys::Key =
//!     key("timeout", Rule::Whole(1, 3_600), DefaultValue::Number(30), "seconds until a call is given up");
//! assert!(TIMEOUT.rule.allows(&TIMEOUT.default.value()));
//! assert_eq!(TIMEOUT.rule.fault(&json!(0)).unwrap().allowed, "a whole number from 1 to 3600");
//! assert_eq!(TIMEOUT.rule.meant(&json!("60")), Some(json!(60)));
//! ```

mod key;
pub mod rule;

pub use key::{DefaultValue, Key, key};
pub use rule::{Fault, Rule, bytes, shown};
