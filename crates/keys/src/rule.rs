//! Rules for values, as data: one vocabulary for template fields, settings and provider options.
//!
//! A rule decides whether a value is allowed and describes the allowed values for messages. It must not know
//! where a value is written.

use ohfp_broker::launch_spec::AllocationStrategy;
use ohfp_broker::quoted::readings;
use serde_json::{Number, Value};

use crate::bytes::bytes;

/// The values that a field, key or option may have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Rule {
    /// Any value.
    Any,
    /// A string.
    Text,
    /// A string that is not empty.
    Name,
    /// `true` or `false`.
    Boolean,
    /// `true` or `false`, also in quotes.
    Flag,
    /// A whole number in a range.
    Whole(i64, i64),
    /// A number.
    Number,
    /// A number, or a string.
    NumberOrText,
    /// A list of strings.
    Texts,
    /// A string, or a list of strings.
    TextOrTexts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words.
    Words(&'static [&'static str]),
    /// A number of bytes: whole, or a string with a unit.
    Bytes,
    /// An allocation strategy for spot capacity.
    SpotStrategy,
    /// An allocation strategy for on-demand capacity.
    OnDemandStrategy,
    /// Machine types with their weights.
    Weights,
    /// Machine types with their priorities.
    Priorities,
    /// Tags: `k=v;k=v`, or an object of strings.
    Tags,
    /// An object.
    Object,
    /// A list.
    List,
    /// What a check of the table's own allows, such as a block of addresses.
    Custom {
        /// The allowed values, to complete "must be …".
        allowed: &'static str,
        /// Whether a value is allowed.
        check: fn(&Value) -> bool,
    },
}

impl Rule {
    /// Whether `value` is allowed.
    pub fn allows(self, value: &Value) -> bool {
        let word = |check: fn(AllocationStrategy) -> bool| {
            value.as_str().and_then(AllocationStrategy::parse).is_some_and(check)
        };
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Name => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::Boolean => value.is_boolean(),
            Self::Flag => {
                let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
                value.is_boolean() || value.as_str().is_some_and(|text| is(text, "true") || is(text, "false"))
            }
            Self::Whole(from, to) => value.as_i64().is_some_and(|number| (from..=to).contains(&number)),
            Self::Number => value.is_number(),
            Self::NumberOrText => value.is_number() || value.is_string(),
            Self::Texts => is_texts(value),
            Self::TextOrTexts => value.is_string() || is_texts(value),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Words(_) => value.as_array().is_some() && self.stranger(value).is_none(),
            Self::Bytes => bytes(value).is_some(),
            Self::SpotStrategy => word(AllocationStrategy::is_for_spot),
            Self::OnDemandStrategy => word(AllocationStrategy::is_for_on_demand),
            Self::Weights | Self::Priorities => self.allows_members(value),
            Self::Tags => value.is_string() || self.allows_members(value),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::Custom { check, .. } => check(value),
        }
    }

    /// The allowed values, to complete "must be …".
    pub fn allowed(self) -> String {
        match self {
            Self::Any => "any value".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Name => "a string that is not empty".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Flag => "\"true\" or \"false\"".to_owned(),
            Self::Whole(from, i64::MAX) => format!("a whole number from {from}"),
            Self::Whole(from, to) => format!("a whole number from {from} to {to}"),
            Self::Number => "a number".to_owned(),
            Self::NumberOrText => "a number or a string".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::TextOrTexts => "a string or a list of strings".to_owned(),
            Self::Word(words) => one_of(words),
            Self::Words(words) => format!("a list of {}", quoted(words)),
            Self::Bytes => "a number of bytes up to 4 GiB, whole or with a unit like \"64MiB\"".to_owned(),
            Self::SpotStrategy => one_of(AllocationStrategy::SPOT_NAMES),
            Self::OnDemandStrategy => one_of(AllocationStrategy::ON_DEMAND_NAMES),
            Self::Weights => {
                "an object of machine types with whole weights from 1, like {\"m5.large\": 1}".to_owned()
            }
            Self::Priorities => "an object of machine types with numbers, like {\"m5.large\": 1}".to_owned(),
            Self::Tags => "a string like \"k=v;k=v\"".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::List => "a list".to_owned(),
            Self::Custom { allowed, .. } => allowed.to_owned(),
        }
    }

    /// The rule for each member of an object.
    fn of_members(self) -> Self {
        match self {
            Self::Weights => Self::Whole(1, i64::MAX),
            Self::Priorities => Self::Number,
            Self::Tags => Self::Text,
            _ => Self::Any,
        }
    }

    fn allows_members(self, value: &Value) -> bool {
        value.as_object().is_some_and(|object| object.values().all(|member| self.of_members().allows(member)))
    }

    /// The fault of `value`: its first invalid member if it is an object, else the whole value. `None` if it is
    /// allowed.
    pub fn fault(self, value: &Value) -> Option<Fault<'_>> {
        if self.allows(value) {
            return None;
        }
        let each = self.of_members();
        let wrong =
            value.as_object().and_then(|object| object.iter().find(|(_, member)| !each.allows(member)));
        Some(match wrong {
            Some((name, value)) => Fault { member: Some(name), value, allowed: each.allowed() },
            None => Fault { member: None, value, allowed: self.allowed() },
        })
    }

    /// Replaces quoted numbers by numbers where this rule requires numbers. Returns whether there were any.
    pub fn unquote(self, value: &mut Value) -> bool {
        match (self, value) {
            (Self::Whole(..), value) => number_in_quotes(value, true),
            (Self::Number, value) => number_in_quotes(value, false),
            (Self::Weights | Self::Priorities, Value::Object(members)) => {
                let each = self.of_members();
                members.values_mut().filter_map(|member| each.unquote(member).then_some(())).count() > 0
            }
            _ => false,
        }
    }

    /// The allowed value that `value` stands for if it is not allowed itself: a quoted number or boolean, a
    /// whole number with a decimal point.
    pub fn meant(self, value: &Value) -> Option<Value> {
        if self.allows(value) {
            return None;
        }
        readings(value).into_iter().find(|meant| self.allows(meant))
    }

    /// Index of the first element of a list that is not an allowed word.
    pub fn stranger(self, value: &Value) -> Option<usize> {
        let Self::Words(words) = self else { return None };
        let is_known = |item: &Value| item.as_str().is_some_and(|word| words.contains(&word));
        value.as_array()?.iter().position(|item| !is_known(item))
    }

    /// The allowed words, for "did you mean".
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Word(words) | Self::Words(words) => words,
            Self::SpotStrategy => AllocationStrategy::SPOT_NAMES,
            Self::OnDemandStrategy => AllocationStrategy::ON_DEMAND_NAMES,
            _ => &[],
        }
    }
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

/// Replaces a string that consists of a number by the number; returns whether it did.
fn number_in_quotes(value: &mut Value, whole: bool) -> bool {
    let Some(text) = value.as_str().map(str::trim) else { return false };
    let number: Option<Number> =
        if whole { text.parse::<i64>().ok().map(Number::from) } else { text.parse().ok() };
    let Some(number) = number else { return false };
    *value = Value::Number(number);
    true
}

/// Why a value is not allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault<'v> {
    /// The invalid member; `None` if it is the value as a whole.
    pub member: Option<&'v str>,
    /// The value that is not allowed.
    pub value: &'v Value,
    /// The allowed values, to complete "must be …".
    pub allowed: String,
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", quoted(words))
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// Formats a value for a message: short ones as written, others by their type.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(list) if list.iter().any(|item| item.is_array() || item.is_object()) => {
            "a list".to_owned()
        }
        other => {
            let text = other.to_string();
            match text.char_indices().nth(40) {
                Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                None => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_messages() {
        for (value, expected) in [
            ("5", "5"),
            ("\"a\"", "\"a\""),
            ("{}", "an object"),
            ("[1,\"a\"]", "[1,\"a\"]"),
            ("[1,[2]]", "a list"),
            ("[{}]", "a list"),
        ] {
            assert_eq!(shown(&serde_json::from_str(value).unwrap()), expected);
        }
        assert_eq!(shown(&Value::from("x".repeat(38))), format!("\"{}\"", "x".repeat(38)));
        assert_eq!(shown(&Value::from("x".repeat(39))), format!("\"{}…", "x".repeat(39)));
    }

    #[test]
    fn rules() {
        let check = |rule: Rule, good: &[&str], bad: &[&str]| {
            for (text, allowed) in
                good.iter().map(|text| (text, true)).chain(bad.iter().map(|text| (text, false)))
            {
                let value: Value = serde_json::from_str(text).unwrap();
                assert_eq!(rule.allows(&value), allowed, "{rule:?} {text}");
            }
            assert!(!rule.allowed().is_empty());
        };
        check(Rule::Any, &["null", "1"], &[]);
        check(Rule::Text, &["\"\""], &["1", "null"]);
        check(Rule::Name, &["\"a\""], &["\"\"", "1"]);
        check(Rule::Boolean, &["true"], &["\"true\"", "1"]);
        check(Rule::Flag, &["true", "\"false\"", "\"True\""], &["\"yes\"", "1"]);
        check(Rule::Whole(1, 5), &["1", "5"], &["0", "6", "1.0", "\"1\"", "1e0", "99999999999999999999"]);
        check(Rule::Number, &["1.5", "-1"], &["\"1\""]);
        check(Rule::NumberOrText, &["0.1", "\"0.1\""], &["[]"]);
        check(Rule::Texts, &["[]", "[\"a\"]"], &["\"a\"", "[1]"]);
        check(Rule::TextOrTexts, &["\"a\"", "[\"a\"]"], &["[1]", "1"]);
        check(Rule::Word(&["a", "b"]), &["\"a\""], &["\"A\"", "1"]);
        check(Rule::Words(&["a", "b"]), &["[]", "[\"b\", \"a\"]"], &["\"a\"", "[\"A\"]", "[1]", "{}"]);
        check(
            Rule::SpotStrategy,
            &["\"lowest-price\"", "\"price_capacity_optimized\""],
            &["\"prioritized\""],
        );
        check(Rule::OnDemandStrategy, &["\"prioritized\"", "\"lowest_price\""], &["\"diversified\""]);
        check(Rule::Weights, &["{\"m5.large\": 2}", "{}"], &["{\"m5.large\": 0}", "{\"a\": 1.5}", "[]"]);
        check(Rule::Priorities, &["{\"m5.large\": 0.5}"], &["{\"m5.large\": \"1\"}"]);
        check(Rule::Tags, &["\"a=b\"", "{\"a\": \"b\"}"], &["{\"a\": 1}", "[]"]);
        check(Rule::Object, &["{}"], &["[]"]);
        check(Rule::List, &["[]"], &["{}"]);
        check(Rule::Custom { allowed: "x", check: Value::is_null }, &["null"], &["{}"]);
        check(
            Rule::Bytes,
            &["0", "\"64MiB\"", "\"1 GiB\"", "\"5kb\""],
            &["-1", "1.5", "\"64 apples\"", "\"9GiB\"", "true"],
        );
    }

    #[test]
    fn faults_name_the_member() {
        let check = |rule: Rule, text: &str, member: Option<&str>, wrong: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            let fault = rule.fault(&value).unwrap();
            assert_eq!((fault.member, fault.value.to_string().as_str()), (member, wrong), "{text}");
        };
        check(Rule::Weights, r#"{"m5.large": 1, "c6i.xlarge": "many"}"#, Some("c6i.xlarge"), "\"many\"");
        check(Rule::Weights, r#"{"m5.large": 0}"#, Some("m5.large"), "0");
        check(Rule::Priorities, r#"{"m5.large": null}"#, Some("m5.large"), "null");
        check(Rule::Tags, r#"{"a": "b", "c": 1}"#, Some("c"), "1");
        check(Rule::Weights, "[1]", None, "[1]");
        check(Rule::Whole(1, 5), "6", None, "6");
        assert_eq!(Rule::Weights.fault(&serde_json::json!({ "m5.large": 1 })), None);
    }

    #[test]
    fn numbers_in_quotes() {
        let check = |rule: Rule, text: &str, wanted: Option<&str>| {
            let mut value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(rule.unquote(&mut value), wanted.is_some(), "{text}");
            assert_eq!(value.to_string(), wanted.unwrap_or(text), "{text}");
        };
        let whole = Rule::Whole(0, 9);
        check(whole, "\"4\"", Some("4"));
        check(whole, "\" -4 \"", Some("-4"));
        for text in ["4", "\"\"", "\"4.5\"", "\"four\"", "\"4 5\"", "\"0x4\"", "null", "[\"4\"]"] {
            check(whole, text, None);
        }
        check(Rule::Number, "\"0.50\"", Some("0.50"));
        check(Rule::Number, "\"free\"", None);
        check(Rule::Weights, r#"{"a":1,"b":"8","c":"x"}"#, Some(r#"{"a":1,"b":8,"c":"x"}"#));
        check(Rule::Priorities, r#"{"a":"1.5"}"#, Some(r#"{"a":1.5}"#));
        check(Rule::NumberOrText, "\"1\"", None);
        check(Rule::Text, "\"1\"", None);
    }

    #[test]
    fn values_in_another_form() {
        let check = |rule: Rule, text: &str, wanted: Option<&str>| {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(rule.meant(&value).map(|value| value.to_string()).as_deref(), wanted, "{text}");
        };
        check(Rule::Whole(1, 9), "\"5\"", Some("5"));
        check(Rule::Whole(1, 9), "5.0", Some("5"));
        check(Rule::Boolean, "\"True\"", Some("true"));
        check(Rule::Boolean, "0", Some("false"));
        for (rule, text) in [
            (Rule::Whole(1, 9), "5"),
            (Rule::Whole(1, 9), "\"0\""),
            (Rule::Whole(1, 9), "\"five\""),
            (Rule::Boolean, "\"yes\""),
            (Rule::Boolean, "2"),
            (Rule::Text, "5"),
            (Rule::Flag, "\"true\""),
        ] {
            check(rule, text, None);
        }
    }

    #[test]
    fn sizes() {
        for (text, wanted) in [("67108864", 67_108_864), ("\"64MiB\"", 67_108_864), ("\"2MB\"", 2_000_000)] {
            assert_eq!(bytes(&serde_json::from_str(text).unwrap()), Some(wanted));
        }
    }
}
