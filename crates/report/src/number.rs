//! Numbers as people read them.

/// With separators of thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// For an axis: at most four digits.
pub(crate) fn short(number: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let value = number as f64;
    for (unit, suffix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if value >= unit * 10.0 || value >= unit && number.is_multiple_of(1_000) {
            return format!("{}{suffix}", decimals(value / unit));
        }
    }
    count(number)
}

/// One decimal below ten where it says something.
fn decimals(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded >= 10.0 || rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

/// A time of so many milliseconds.
pub(crate) fn duration(milliseconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let value = milliseconds as f64;
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..90_000 => format!("{} s", decimals(value / 1e3)),
        90_000..5_400_000 => format!("{} min", decimals(value / 60e3)),
        5_400_000..172_800_000 => format!("{} h", decimals(value / 3_600e3)),
        _ => format!("{} d", decimals(value / 86_400e3)),
    }
}

/// A share as per cent; a dash where there is nothing to share. What is not all is never shown as 100.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let share = part as f64 / whole as f64 * 100.0;
    let shown = if part < whole { (share * 10.0).floor() / 10.0 } else { share };
    let shown = format!("{shown:.1}");
    format!("{} %", shown.strip_suffix(".0").unwrap_or(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, whole, axis) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1k"),
            (1_500, "1,500", "1,500"),
            (12_345, "12,345", "12k"),
            (2_000_000, "2,000,000", "2M"),
            (1_234_567_890, "1,234,567,890", "1235M"),
        ] {
            assert_eq!((count(number).as_str(), short(number).as_str()), (whole, axis));
        }
    }

    #[test]
    fn durations() {
        for (milliseconds, shown) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (1_540, "1.5 s"),
            (89_000, "89 s"),
            (90_000, "1.5 min"),
            (600_000, "10 min"),
            (7_200_000, "2 h"),
            (864_000_000, "10 d"),
        ] {
            assert_eq!(duration(milliseconds), shown);
        }
    }

    #[test]
    fn shares() {
        for (part, whole, shown) in [
            (0, 0, "–"),
            (0, 9, "0 %"),
            (1, 3, "33.3 %"),
            (9, 9, "100 %"),
            (9_999, 10_000, "99.9 %"),
            (1, 2, "50 %"),
            (1, 10_000, "0 %"),
            (12, 10, "120 %"),
        ] {
            assert_eq!(percent(part, whole), shown, "{part} {whole}");
        }
    }
}
