//! Thresholds of a measurement: the value that warns, and the value that counts as unhealthy.

use serde_json::Value;

use crate::key::DefaultValue;
use crate::rule::Rule;
use crate::typed::Shape;

/// The greatest threshold.
const MOST: u64 = 1_000_000_000;

/// Where a measurement begins to warn, and where it counts as unhealthy; in the unit of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Beyond this it warns.
    pub warning: u64,
    /// Beyond this it is unhealthy.
    pub unhealthy: u64,
}

crate::key_types!(Thresholds);

/// Thresholds of what shall not be above them.
pub const fn at_most(warning: u32, unhealthy: u32) -> Shape<Thresholds> {
    let rule = Rule::Custom {
        allowed: "a whole number from 0 to 1000000000, or a list of two, the one that warns and the one that is unhealthy, which is not smaller",
        check: |value| rising(value).is_some(),
    };
    shape(rule, warning, unhealthy, rising)
}

/// Thresholds of what shall not be below them.
pub const fn at_least(warning: u32, unhealthy: u32) -> Shape<Thresholds> {
    let rule = Rule::Custom {
        allowed: "a whole number from 0 to 1000000000, or a list of two, the one that warns and the one that is unhealthy, which is not greater",
        check: |value| falling(value).is_some(),
    };
    shape(rule, warning, unhealthy, falling)
}

const fn shape(
    rule: Rule,
    warning: u32,
    unhealthy: u32,
    read: fn(&Value) -> Option<Thresholds>,
) -> Shape<Thresholds> {
    let (warning, unhealthy) = (warning as u64, unhealthy as u64);
    let written = DefaultValue::Range(warning, unhealthy);
    Shape { rule, written, default: Thresholds { warning, unhealthy }, read }
}

fn rising(value: &Value) -> Option<Thresholds> {
    thresholds(value).filter(|found| found.warning <= found.unhealthy)
}

fn falling(value: &Value) -> Option<Thresholds> {
    thresholds(value).filter(|found| found.warning >= found.unhealthy)
}

/// A single number is both.
fn thresholds(value: &Value) -> Option<Thresholds> {
    let number = |value: &Value| value.as_u64().filter(|number| *number <= MOST);
    let (warning, unhealthy) = match value.as_array().map(Vec::as_slice) {
        Some([warning, unhealthy]) => (number(warning)?, number(unhealthy)?),
        Some(_) => return None,
        None => (number(value)?, number(value)?),
    };
    Some(Thresholds { warning, unhealthy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_pairs() {
        let check = |text: &str, most: Option<(u64, u64)>, least: Option<(u64, u64)>| {
            let value: Value = serde_json::from_str(text).unwrap();
            for (shape, wanted) in [(at_most(1, 2), most), (at_least(2, 1), least)] {
                let found = (shape.read)(&value).map(|found| (found.warning, found.unhealthy));
                assert_eq!((found, shape.rule.allows(&value)), (wanted, wanted.is_some()), "{text}");
            }
        };
        check("5", Some((5, 5)), Some((5, 5)));
        check("[1, 5]", Some((1, 5)), None);
        check("[5, 1]", None, Some((5, 1)));
        check("[5, 5]", Some((5, 5)), Some((5, 5)));
        for text in ["-1", "1.5", "\"5\"", "[]", "[5]", "[1, 2, 3]", "[1, -2]", "null", "1000000001", "{}"] {
            check(text, None, None);
        }
        check("0", Some((0, 0)), Some((0, 0)));
    }
}
