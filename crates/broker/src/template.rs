//! A template, which describes machines that can be requested, and the values of its fields.
//!
//! It knows Host Factory's and EC2's meaning of them. It must not know files, JSON positions or field names in
//! other formats.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::launch_spec::{FieldError, FieldErrors, LaunchSpec};

/// A resolved template, ready to be rendered and launched. Its fields and their specification agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    id: String,
    max_number: i64,
    fields: Map<String, Value>,
    spec: Arc<LaunchSpec>,
}

impl Template {
    /// A template of these fields, which have Host Factory's names. They come from a resolved file, a snapshot, or a
    /// stored request.
    ///
    /// # Errors
    /// `templateId` or `maxNumber` is missing, or fields whose values are not allowed.
    pub fn new(fields: Map<String, Value>) -> Result<Self, FieldErrors> {
        let lacking = |field: &str, allowed: &str| {
            let why = format!("must be {allowed}").into();
            FieldErrors(vec![FieldError { field: field.into(), why }])
        };
        let id = fields.get("templateId").and_then(Value::as_str);
        let id = id.ok_or_else(|| lacking("templateId", "a string"))?.to_owned();
        let max_number = fields.get("maxNumber").and_then(Value::as_i64);
        let max_number = max_number.ok_or_else(|| lacking("maxNumber", "a whole number"))?;
        let spec = Arc::new(LaunchSpec::parse(&fields)?);
        Ok(Self { id, max_number, fields, spec })
    }

    /// `templateId`: 1 to 64 of `0-9A-Za-z_-`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `maxNumber`: machines (units for spot and mixed fleets); −1 is unlimited, 0 is none.
    pub fn max_number(&self) -> i64 {
        self.max_number
    }

    /// Every field under its Host Factory name, in file order, `templateId`, `maxNumber` and the completed
    /// `attributes` (typed lists) included. For output; their meaning is in [`spec`](Self::spec).
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The fields as typed values.
    pub fn spec(&self) -> &LaunchSpec {
        &self.spec
    }

    /// Changes `maxNumber`.
    pub fn set_max_number(&mut self, max_number: i64) {
        self.max_number = max_number;
        self.fields.insert("maxNumber".to_owned(), Value::from(max_number));
    }

    /// A copy to be shown, with the values of some fields replaced. Its specification stays that of the original.
    #[must_use]
    pub fn shown_with(&self, replaced: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut shown = self.clone();
        shown.fields.extend(replaced);
        shown
    }

    /// Maximum number of machines; units if [`Weights::of`](crate::Weights::of) it has some.
    pub fn limit(&self) -> MaxNumber {
        let slots = u64::from(self.spec.slots_per_machine().unwrap_or(1));
        match MaxNumber::from_number(self.max_number) {
            Some(MaxNumber::AtMost(machines)) => MaxNumber::AtMost(machines.saturating_mul(slots)),
            Some(MaxNumber::Unlimited) => MaxNumber::Unlimited,
            None => MaxNumber::AtMost(0),
        }
    }
}

/// The form of a `templateId`, for messages.
pub const ID_RULE: &str = "1 to 64 of 0-9, A-Z, a-z, _ and -";

/// Whether `id` can be a `templateId`. Host Factory is known to mishandle anything else.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The meaning of `maxNumber`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxNumber {
    /// −1: as many as the provider gives.
    Unlimited,
    /// This many; 0 keeps the template listed and offers nothing.
    AtMost(u64),
}

impl MaxNumber {
    /// The largest number in IBM's documentation; larger ones are passed on.
    pub const DOCUMENTED_MAXIMUM: i64 = 10_000;

    /// The meaning of `number`; `None` if it is invalid.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Unlimited),
            number => u64::try_from(number).ok().map(Self::AtMost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (id, good) in [
            ("a", true),
            ("Small_2-x", true),
            ("", false),
            ("a b", false),
            ("ä", false),
            ("a.b", false),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(is_id(id), good, "{id}");
        }
    }

    #[test]
    fn max_numbers() {
        assert_eq!(MaxNumber::from_number(-1), Some(MaxNumber::Unlimited));
        assert_eq!(MaxNumber::from_number(0), Some(MaxNumber::AtMost(0)));
        assert_eq!(MaxNumber::from_number(7), Some(MaxNumber::AtMost(7)));
        assert_eq!(MaxNumber::from_number(-2), None);
    }

    fn read(fields: &str) -> Result<Template, FieldErrors> {
        Template::new(serde_json::from_str(fields).unwrap())
    }

    #[test]
    fn templates_from_their_fields() {
        let template = read(r#"{"templateId": "t", "maxNumber": -1, "vmType": "m5.large", "x": 5}"#).unwrap();
        assert_eq!((template.id(), template.max_number()), ("t", -1));
        assert_eq!(template.fields().keys().collect::<Vec<_>>(), ["templateId", "maxNumber", "vmType", "x"]);
        assert_eq!(&*template.spec().machine_types.listed, ["m5.large".into()]);
        for (lacking, message) in [
            (r#"{"maxNumber": 1}"#, "`templateId` must be a string"),
            (r#"{"templateId": 1, "maxNumber": 1}"#, "`templateId` must be a string"),
            (r#"{"templateId": "t"}"#, "`maxNumber` must be a whole number"),
            (r#"{"templateId": "t", "maxNumber": "1"}"#, "`maxNumber` must be a whole number"),
            (
                r#"{"templateId": "t", "maxNumber": 1, "vmType": 5, "keyName": []}"#,
                "`vmType` must be a string, not 5; `keyName` must be a string, not a list",
            ),
        ] {
            assert_eq!(read(lacking).unwrap_err().to_string(), message, "{lacking}");
        }
    }

    #[test]
    fn changes_keep_fields_and_specification_together() {
        let template = read(r#"{"templateId": "t", "maxNumber": 3, "vmType": "m5.large"}"#).unwrap();
        let mut raised = template.clone();
        raised.set_max_number(7);
        assert_eq!((raised.limit(), &raised.fields()["maxNumber"]), (MaxNumber::AtMost(7), &Value::from(7)));
        let shown = template.shown_with([("vmType".to_owned(), Value::from("(redacted)"))]);
        assert_eq!((shown.spec(), &shown.fields()["vmType"]), (template.spec(), &Value::from("(redacted)")));
    }

    #[test]
    fn slots_of_a_machine() {
        let check = |config: &str, ncpus: &str, slots: Option<u32>, limit: u64| {
            let fields = format!(
                r#"{{"templateId": "t", "maxNumber": 3, "ec2FleetConfig": {config}, "attributes": {{"ncpus": {ncpus}}}}}"#
            );
            let template = read(&fields).unwrap();
            assert_eq!(
                (template.spec().slots_per_machine(), template.limit()),
                (slots, MaxNumber::AtMost(limit)),
                "{fields}"
            );
        };
        check(r#""f.json""#, r#"["Numeric", "4"]"#, Some(4), 12);
        check(r#""f.json""#, r#"["Numeric", "4.0"]"#, Some(4), 12);
        check(r#""f.json""#, r#"["Numeric", "1"]"#, Some(1), 3);
        check(r#""f.json""#, r#"["Numeric", "0"]"#, None, 3);
        check(r#""f.json""#, r#"["Numeric", "x"]"#, None, 3);
        check(r#""f.json""#, "4", None, 3);
        check(r#""""#, r#"["Numeric", "4"]"#, None, 3);
        let negative = read(r#"{"templateId": "t", "maxNumber": -2}"#).unwrap();
        assert_eq!(negative.limit(), MaxNumber::AtMost(0));
    }
}
