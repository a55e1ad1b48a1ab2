//! Keys of settings and provider options, as rows of a table.
//!
//! A row has a name, a [`Rule`] for its values, a default and a line of help. Checks, messages, defaults and
//! documents come from the row, so that none of them is written twice; a [`Typed`] row also says what its values are
//! read as. It must not know which keys there are, nor where a value is written.
//!
//! ```
//! use ohfp_keys::{OptionValues, Rule, text, whole};
//!
//! ohfp_keys::table! {
//!     /// The options of a provider.
//!     KEYS;
//!     TIMEOUT: u64 = "timeout", whole(1, 3_600, 30), "seconds until a call is abandoned";
//!     REGION: &'static str = "region", text(Rule::Name, "eu"), "where machines are launched";
//! }
//!
//! let written = serde_json::json!({ "timeout": "60", "regoin": "us" });
//! let (values, findings) = OptionValues::read(KEYS, written.as_object().unwrap());
//! assert_eq!((values.of(&TIMEOUT), values.of(&REGION)), (60, "eu"));
//! assert_eq!(findings[0].to_string(), "`timeout` is written as \"60\"; it is read as 60");
//! assert_eq!(findings[1].to_string(), "`regoin` is not a known key");
//! ```

mod bytes;
mod key;
mod options;
pub mod rule;
mod shapes;
mod thresholds;
mod typed;

pub use bytes::bytes;
pub use key::{DefaultValue, Key};
pub use options::{OptionFinding, OptionValues};
pub use rule::{Fault, Rule, shown};
pub use shapes::{
    count, flag, keyword, list, object, seconds, signed, size, text, unset_flag, unset_signed, unset_text,
    unset_whole, whole, words,
};
pub use thresholds::{Thresholds, at_least, at_most};
pub use typed::{Items, KeyType, Object, Reader, Shape, Typed, Word};
