//! A check of the health: what was measured, beside its thresholds.

use ohfp_broker::keywords;
use ohfp_keys::Thresholds;
use ohfp_resolver::settings::words::Impact;

/// How a check came out. The worst is the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    #[default]
    Healthy,
    /// Operations work, with less than they could have.
    Warning,
    /// It keeps operations from working, or from working as they should.
    Unhealthy,
}

keywords!(Grade { Healthy: "healthy", Warning: "warning", Unhealthy: "unhealthy" });

impl From<Impact> for Grade {
    fn from(impact: Impact) -> Self {
        match impact {
            Impact::Healthy => Self::Healthy,
            Impact::Warning => Self::Warning,
            Impact::Unhealthy => Self::Unhealthy,
        }
    }
}

/// A unit of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Mebibytes.
    Mebibytes,
    /// Things that are counted.
    Count,
}

keywords!(Unit { Milliseconds: "ms", Seconds: "s", Mebibytes: "MiB", Count: "" });

/// On which side of its thresholds a measurement is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Up to them.
    AtMost(Thresholds),
    /// From them on.
    AtLeast(Thresholds),
}

impl Bound {
    /// The thresholds themselves.
    pub fn thresholds(self) -> Thresholds {
        match self {
            Self::AtMost(thresholds) | Self::AtLeast(thresholds) => thresholds,
        }
    }

    /// The grade of a value. One that equals a threshold is within it.
    pub fn grade(self, value: f64) -> Grade {
        #[expect(clippy::cast_precision_loss, reason = "thresholds are at most 1000000000")]
        let number = |threshold: u64| threshold as f64;
        let beyond = |threshold: u64| match self {
            Self::AtMost(_) => value > number(threshold),
            Self::AtLeast(_) => value < number(threshold),
        };
        let Thresholds { warning, unhealthy } = self.thresholds();
        match (beyond(unhealthy), beyond(warning)) {
            (true, _) => Grade::Unhealthy,
            (false, true) => Grade::Warning,
            (false, false) => Grade::Healthy,
        }
    }
}

/// A value with its unit and bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Rounded to three decimals.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// What it is compared with.
    pub bound: Bound,
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// Stable name, such as `startup_time`.
    pub name: String,
    /// How it came out.
    pub grade: Grade,
    /// What was measured; `None` where the answer is no number.
    pub measured: Option<Measurement>,
    /// What was found.
    pub detail: String,
    /// What to do about it; `None` where it is healthy.
    pub hint: Option<String>,
}

impl HealthCheck {
    /// A check without a number.
    pub(super) fn stated(name: impl Into<String>, grade: Grade, detail: impl Into<String>) -> Self {
        Self { name: name.into(), grade, measured: None, detail: detail.into(), hint: None }
    }

    /// A check of a number. `hint` is what to do where it is beyond a threshold.
    pub(super) fn measured(
        name: impl Into<String>,
        value: f64,
        unit: Unit,
        bound: Bound,
        detail: impl Into<String>,
        hint: &str,
    ) -> Self {
        let value = (value * 1_000.0).round() / 1_000.0;
        let grade = bound.grade(value);
        let hint = (grade > Grade::Healthy).then(|| hint.to_owned());
        let measured = Some(Measurement { value, unit, bound });
        Self { name: name.into(), grade, measured, detail: detail.into(), hint }
    }

    /// The same with what to do about it.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// All checks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HealthReport {
    /// In the order in which they are shown.
    pub checks: Vec<HealthCheck>,
}

impl HealthReport {
    /// The worst grade.
    pub fn grade(&self) -> Grade {
        self.checks.iter().map(|check| check.grade).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_on_both_sides() {
        let thresholds = |warning, unhealthy| Thresholds { warning, unhealthy };
        let check = |bound: Bound, value: f64, expected: Grade| {
            let check = HealthCheck::measured("x", value, Unit::Count, bound, "", "do it");
            assert_eq!((check.grade, check.hint.is_some()), (expected, expected > Grade::Healthy), "{value}");
        };
        let most = Bound::AtMost(thresholds(10, 20));
        for (value, expected) in
            [(0.0, Grade::Healthy), (10.0, Grade::Healthy), (10.1, Grade::Warning), (20.5, Grade::Unhealthy)]
        {
            check(most, value, expected);
        }
        let least = Bound::AtLeast(thresholds(20, 10));
        for (value, expected) in
            [(30.0, Grade::Healthy), (20.0, Grade::Healthy), (19.9, Grade::Warning), (9.0, Grade::Unhealthy)]
        {
            check(least, value, expected);
        }
        // A value is compared as it is shown.
        check(Bound::AtMost(thresholds(10, 10)), 10.000_4, Grade::Healthy);
    }

    #[test]
    fn the_worst_check_counts() {
        let report = |grades: &[Grade]| HealthReport {
            checks: grades.iter().map(|grade| HealthCheck::stated("x", *grade, "")).collect(),
        };
        assert_eq!(report(&[]).grade(), Grade::Healthy);
        assert_eq!(report(&[Grade::Healthy, Grade::Unhealthy, Grade::Warning]).grade(), Grade::Unhealthy);
        assert_eq!(report(&[Grade::Warning, Grade::Healthy]).grade(), Grade::Warning);
    }
}
