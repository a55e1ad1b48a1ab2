//! Sizes as people write them.

use serde_json::Value;

const LARGEST_BYTES: u64 = 1 << 32;

/// A number of bytes: `67108864`, `"67108864"` or `"64MiB"`.
pub fn bytes(value: &Value) -> Option<u64> {
    const UNITS: &[(&str, u64)] = &[
        ("", 1),
        ("b", 1),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
    ];
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => {
            let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
            let (number, unit) = text.split_at_checked(digits)?;
            let unit = unit.trim().to_ascii_lowercase();
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
            number.parse::<u64>().ok()?.checked_mul(*factor)
        }
        _ => None,
    };
    number.filter(|bytes| *bytes <= LARGEST_BYTES)
}
