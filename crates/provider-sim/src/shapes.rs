//! The shapes of the simulator's options: probabilities, times, blocks of addresses.

use ohfp_keys::{DefaultValue, Rule, Shape};
use serde_json::Value;

use crate::chance::Span;
use crate::network::{Block, is_domain};

ohfp_keys::key_types!(Block, Span);

/// The longest time that can be set, in milliseconds: a year.
const LONGEST: f64 = 31_536_000_000.0;

/// The longest call, in milliseconds.
const LONGEST_CALL: u64 = 600_000;

/// The greatest number of machines.
pub(crate) const MOST_MACHINES: u32 = 1_000_000;

/// A word such as a machine type.
pub(crate) const WORD: Rule = Rule::Custom {
    allowed: "a string of 1 to 200 characters",
    check: |value| value.as_str().is_some_and(|text| (1..=200).contains(&text.chars().count())),
};

/// The domain of host names.
pub(crate) const DOMAIN: Rule = Rule::Custom {
    allowed: "a domain such as \"sim.internal\"",
    check: |value| value.as_str().is_some_and(is_domain),
};

/// Numbers of machines by machine type.
pub(crate) const COUNTS: Rule = Rule::Custom {
    allowed: "an object of machine types with whole numbers from 0 to 1000000",
    check: |value| {
        let is_count = |count: &Value| count.as_u64().is_some_and(|count| count <= u64::from(MOST_MACHINES));
        value.as_object().is_some_and(|members| members.values().all(is_count))
    },
};

const BLOCK: Rule = Rule::Custom { allowed: Block::ALLOWED, check: |value| a_block(value).is_some() };

const MILLISECONDS: Rule = Rule::Custom {
    allowed: "a whole number of milliseconds from 0 to 600000",
    check: |value| call_time(value).is_some(),
};

/// Any number of 64 bits.
pub(crate) const fn seed() -> Shape<u64> {
    let rule = Rule::Custom {
        allowed: "a whole number from 0 to 18446744073709551615",
        check: |value| value.as_u64().is_some(),
    };
    Shape { rule, written: DefaultValue::Number(0), default: 0, read: Value::as_u64 }
}

/// A probability, 0 by default.
pub(crate) const fn probability() -> Shape<f64> {
    let rule =
        Rule::Custom { allowed: "a number from 0 to 1", check: |value| a_probability(value).is_some() };
    Shape { rule, written: DefaultValue::Number(0), default: 0.0, read: a_probability }
}

/// Seconds, which may have decimals, as milliseconds.
pub(crate) const fn seconds(default: u32) -> Shape<i64> {
    let rule = Rule::Custom {
        allowed: "a number of seconds from 0 to 31536000",
        check: |value| millis_of(value).is_some(),
    };
    Shape {
        rule,
        written: DefaultValue::Number(default as u64),
        default: default as i64 * 1_000,
        read: millis_of,
    }
}

/// Seconds from the least to the greatest.
pub(crate) const fn span(least: u32, greatest: u32) -> Shape<Span> {
    let rule = Rule::Custom {
        allowed: "a number of seconds from 0 to 31536000, or a list of the least and the greatest",
        check: |value| a_span(value).is_some(),
    };
    let default = Span::seconds(least as i64, greatest as i64);
    Shape { rule, written: DefaultValue::Range(least as u64, greatest as u64), default, read: a_span }
}

/// Milliseconds, 0 by default.
pub(crate) const fn milliseconds() -> Shape<i64> {
    let read = |value: &Value| call_time(value).and_then(|millis| i64::try_from(millis).ok());
    Shape { rule: MILLISECONDS, written: DefaultValue::Number(0), default: 0, read }
}

/// The duration of a call in milliseconds, 0 by default.
pub(crate) const fn latency() -> Shape<u64> {
    Shape { rule: MILLISECONDS, written: DefaultValue::Number(0), default: 0, read: call_time }
}

/// A block of addresses, by default the private one that most examples use.
pub(crate) const fn private_block() -> Shape<Block> {
    let written = DefaultValue::Made(|| Value::from(Block::PRIVATE.to_string()));
    Shape { rule: BLOCK, written, default: Block::PRIVATE, read: a_block }
}

/// A block of addresses, or unset.
pub(crate) const fn unset_block() -> Shape<Option<Block>> {
    Shape { rule: BLOCK, written: DefaultValue::Unset, default: None, read: |value| a_block(value).map(Some) }
}

fn number(value: &Value) -> Option<f64> {
    value.as_number()?.as_f64().filter(|number| number.is_finite())
}

fn a_probability(value: &Value) -> Option<f64> {
    number(value).filter(|number| (0.0..=1.0).contains(number))
}

fn millis_of(value: &Value) -> Option<i64> {
    let millis = (number(value)? * 1_000.0).round();
    // A year of milliseconds is far below what both types hold exactly.
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole, and within a year")]
    (0.0..=LONGEST).contains(&millis).then_some(millis as i64)
}

fn a_span(value: &Value) -> Option<Span> {
    let (least, most) = match value.as_array().map(Vec::as_slice) {
        Some([least, most]) => (millis_of(least)?, millis_of(most)?),
        Some(_) => return None,
        None => (millis_of(value)?, millis_of(value)?),
    };
    (least <= most).then_some(Span { least, most })
}

fn call_time(value: &Value) -> Option<u64> {
    value.as_u64().filter(|millis| *millis <= LONGEST_CALL)
}

fn a_block(value: &Value) -> Option<Block> {
    value.as_str().and_then(Block::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_shape_allows() {
        let check = |rule: Rule, good: &[&str], bad: &[&str]| {
            for (text, allowed) in
                good.iter().map(|text| (text, true)).chain(bad.iter().map(|text| (text, false)))
            {
                let value: Value = serde_json::from_str(text).unwrap();
                assert_eq!(rule.allows(&value), allowed, "{} {text}", rule.allowed());
            }
        };
        let long = format!("\"{}\"", "ä".repeat(201));
        check(WORD, &["\"a\"", &long.replacen('ä', "", 1)], &["\"\"", &long, "1"]);
        check(DOMAIN, &["\"sim.internal\""], &["\"a..b\"", "1"]);
        check(COUNTS, &["{}", "{\"a\": 0, \"b\": 1000000}"], &["{\"a\": 1000001}", "{\"a\": -1}", "[]"]);
        check(seed().rule, &["0", "18446744073709551615"], &["-1", "18446744073709551616", "1.5"]);
        check(probability().rule, &["0", "0.5", "1"], &["-0.1", "1.1", "\"1\""]);
        check(seconds(1).rule, &["0", "0.0005", "31536000"], &["-1", "31536000.001", "1e400"]);
        check(span(1, 2).rule, &["1", "[1, 1]", "[0.5, 2]"], &["[2, 1]", "[1]", "[1, 2, 3]", "{}"]);
        check(latency().rule, &["0", "600000"], &["600001", "0.5", "-1"]);
        check(private_block().rule, &["\"10.0.0.0/16\""], &["\"10.0.0.1/16\"", "10"]);
    }

    #[test]
    fn seconds_are_read_as_milliseconds() {
        for (text, wanted) in [("1", 1_000), ("0.0005", 1), ("0.0004", 0), ("31536000", 31_536_000_000)] {
            assert_eq!(millis_of(&serde_json::from_str(text).unwrap()), Some(wanted), "{text}");
        }
    }
}
