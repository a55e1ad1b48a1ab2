//! A template: one kind of machine that can be requested.

use serde_json::{Map, Value};

/// A resolved template, ready to be rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// `templateId`: 1 to 64 of `0-9A-Za-z_-`.
    pub id: String,
    /// `maxNumber`: machines (units for spot and mixed fleets); −1 is unlimited, 0 is none.
    pub max_number: i64,
    /// Every field under its Host Factory name, in file order, `templateId`, `maxNumber` and the
    /// completed `attributes` (typed lists) included.
    pub fields: Map<String, Value>,
}
