//! A window of time up to now, as `--since` takes it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Seconds of each unit.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

/// The longest window: what a store can keep.
const LONGEST: u64 = 36_500 * 86_400;

/// How far a window reaches back from now.
///
/// ```
/// use ohfp_cli::Since;
///
/// let window: Since = "36h".parse()?;
/// assert_eq!((window.duration().as_secs(), window.to_string().as_str()), (129_600, "36h"));
/// assert!("36".parse::<Since>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    seconds: u64,
}

impl Since {
    /// A window of so many hours.
    pub const fn hours(hours: u64) -> Self {
        Self { seconds: hours * 3_600 }
    }

    /// A window of so many days.
    pub const fn days(days: u64) -> Self {
        Self { seconds: days * 86_400 }
    }

    /// Its length in milliseconds.
    pub const fn millis(self) -> u64 {
        self.seconds * 1_000
    }

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

impl FromStr for Since {
    type Err = String;

    /// # Errors
    /// What is allowed.
    fn from_str(text: &str) -> Result<Self, String> {
        const ALLOWED: &str = "a window is a whole number and a unit: s, m, h, d or w; from 1s to 36500d; for example 90m, 36h or 30d";
        let unit = text.chars().next_back().and_then(|last| UNITS.iter().find(|(letter, _)| *letter == last));
        let Some((letter, seconds)) = unit else { return Err(ALLOWED.to_owned()) };
        let number = text.strip_suffix(*letter).unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ALLOWED.to_owned());
        }
        let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*seconds));
        match seconds {
            Some(seconds) if (1..=LONGEST).contains(&seconds) => Ok(Self { seconds }),
            _ => Err(ALLOWED.to_owned()),
        }
    }
}

impl fmt::Display for Since {
    /// In the largest unit that leaves a whole number, weeks aside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().rev().skip(1).find(|(_, seconds)| self.seconds.is_multiple_of(*seconds));
        let (letter, seconds) = unit.copied().unwrap_or(('s', 1));
        write!(f, "{}{letter}", self.seconds / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let check = |text: &str, expected: Result<(u64, &str), &str>| {
            let parsed = text.parse::<Since>();
            match (&parsed, expected) {
                (Ok(window), Ok((seconds, shown))) => {
                    assert_eq!((window.duration().as_secs(), window.to_string().as_str()), (seconds, shown));
                }
                (Err(told), Err(part)) => assert!(told.contains(part), "{text}: {told}"),
                _ => panic!("{text}: {parsed:?}"),
            }
        };
        check("45s", Ok((45, "45s")));
        check("90m", Ok((5_400, "90m")));
        check("48h", Ok((172_800, "2d")));
        check("30d", Ok((2_592_000, "30d")));
        check("2w", Ok((1_209_600, "14d")));
        check("36500d", Ok((3_153_600_000, "36500d")));
        for text in ["", "d", "30", "1.5h", "-1d", "+1d", "1 d", "1D", "1y", "30dd", "dreißig", "1h30m"] {
            check(text, Err("for example 90m, 36h or 30d"));
        }
        check("0d", Err("from 1s to 36500d"));
        check("36501d", Err("from 1s to 36500d"));
        check("99999999999999999999w", Err("from 1s to 36500d"));
        assert_eq!((Since::days(30), Since::hours(1)), ("30d".parse().unwrap(), "1h".parse().unwrap()));
        assert_eq!(Since::hours(2).millis(), 7_200_000);
    }
}
