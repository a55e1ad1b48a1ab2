//! Specifications in the provider's own terms, as other brokers have them.

use serde_json::{Map, Value};

use super::LaunchSpec;
use super::error::Lenient;
use super::read::{Fault, Read};

/// `launch_template_spec` or `provider_api_spec`. Only the provider knows what is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum NativeSpec {
    /// The object itself; texts in it may have expressions in `{{ }}`.
    Inline(Box<Map<String, Value>>),
    /// The file that has it: the field with `_file` at the end of its name.
    File(Box<str>),
}

impl LaunchSpec {
    /// Whether the template has a specification in the provider's own terms, right or wrong.
    pub fn has_native_spec(&self) -> bool {
        let is_set = |spec: &Lenient<NativeSpec>| !matches!(spec, Lenient::Unset);
        is_set(&self.launch_template_spec) || is_set(&self.provider_api_spec)
    }
}

pub(super) fn inline(value: &Value) -> Read<Option<NativeSpec>> {
    match value {
        Value::Object(members) => Ok(Some(NativeSpec::Inline(Box::new(members.clone())))),
        _ => Err(Fault::new(value, "an object")),
    }
}

pub(super) fn file(value: &Value) -> Read<Option<NativeSpec>> {
    match value.as_str() {
        Some("") => Ok(None),
        Some(name) => Ok(Some(NativeSpec::File(name.into()))),
        None => Err(Fault::new(value, "the name of a file")),
    }
}
