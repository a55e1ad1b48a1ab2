//! Numbers in `attributes`, which are typed lists like `["Numeric", "4"]`.

use serde_json::Value;

/// The integer part of a typed number.
pub fn whole_number(attribute: &Value) -> Option<u64> {
    let text = attribute.get(1)?.as_str()?;
    text.split('.').next()?.parse().ok()
}

/// A whole number above 0; `None` if it is none.
pub(super) fn count(attributes: &Value, name: &str) -> Option<u32> {
    let number = whole_number(attributes.get(name)?)?;
    u32::try_from(number).ok().filter(|number| *number > 0)
}
