//! The health as a plug-in of Nagios answers: a line with the status and the performance data, then a line for each
//! check that is not healthy; see the Monitoring Plugins Development Guidelines.

use std::fmt::Write as _;

use ohfp_broker::Errors;
use ohfp_service::health::{Bound, Grade, HealthCheck, HealthReport, Measurement, Unit};

/// Exit code of an answer that could not be had.
pub(crate) const UNKNOWN: u8 = 3;

/// The exit code.
pub(crate) fn code(grade: Grade) -> u8 {
    match grade {
        Grade::Healthy => 0,
        Grade::Warning => 1,
        Grade::Unhealthy => 2,
    }
}

/// The whole answer.
pub(crate) fn answer(report: &HealthReport) -> String {
    let mut worst: Vec<&HealthCheck> =
        report.checks.iter().filter(|check| check.grade != Grade::Healthy).collect();
    worst.sort_by_key(|check| std::cmp::Reverse(check.grade));
    let mut text = format!("OHFP {} - ", status(report.grade()));
    if worst.is_empty() {
        let _ = write!(text, "{} checks are healthy", report.checks.len());
    }
    let named: Vec<String> =
        worst.iter().map(|check| format!("{}: {}", plain(&check.name), found(check))).collect();
    text.push_str(&named.join(", "));
    let data: Vec<String> = report.checks.iter().filter_map(performance_data).collect();
    if !data.is_empty() {
        let _ = write!(text, " | {}", data.join(" "));
    }
    text.push('\n');
    for check in worst {
        let hint = check.hint.as_deref().map(|hint| format!(" ({})", plain(hint))).unwrap_or_default();
        let _ = writeln!(text, "[{}] {}: {}{hint}", status(check.grade), plain(&check.name), told(check));
    }
    text
}

/// The answer where the checks could not be made.
pub(crate) fn unknown(errors: &Errors) -> String {
    let told: Vec<String> = errors.iter().map(|error| plain(&error.summary())).collect();
    format!("OHFP UNKNOWN - {}\n", told.join(", "))
}

fn status(grade: Grade) -> &'static str {
    match grade {
        Grade::Healthy => "OK",
        Grade::Warning => "WARNING",
        Grade::Unhealthy => "CRITICAL",
    }
}

/// What was found, in few words: the first line is what a pager shows.
fn found(check: &HealthCheck) -> String {
    match check.measured {
        Some(measured) => with_unit(measured.value, measured.unit),
        None => plain(&check.detail),
    }
}

fn told(check: &HealthCheck) -> String {
    let Some(Measurement { value, unit, bound }) = check.measured else { return plain(&check.detail) };
    let limits = bound.thresholds();
    let limit = if check.grade == Grade::Unhealthy { limits.unhealthy } else { limits.warning };
    let side = match bound {
        Bound::AtMost(_) => "above",
        Bound::AtLeast(_) => "below",
    };
    format!("{}, {side} {limit}; {}", with_unit(value, unit), plain(&check.detail))
}

fn with_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => value.to_string(),
        unit => format!("{value} {unit}"),
    }
}

/// `label=value[unit];[warning];[critical];[least]`. What shall not be below a threshold is a range that ends nowhere.
fn performance_data(check: &HealthCheck) -> Option<String> {
    let Measurement { value, unit, bound } = check.measured?;
    let unit = match unit {
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::Mebibytes => "MB",
        Unit::Count => "",
    };
    let limits = bound.thresholds();
    let colon = match bound {
        Bound::AtMost(_) => "",
        Bound::AtLeast(_) => ":",
    };
    let label = label(&check.name);
    Some(format!("{label}={value}{unit};{}{colon};{}{colon};0", limits.warning, limits.unhealthy))
}

/// A label: in quotes where it has a space; it must have neither `=` nor a quote.
fn label(name: &str) -> String {
    let name: String =
        plain(name).chars().map(|letter| if "='".contains(letter) { '_' } else { letter }).collect();
    if name.contains(' ') { format!("'{name}'") } else { name }
}

/// Text on one line without the bar that performance data begins with.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "/")
}

#[cfg(test)]
mod tests {
    use ohfp_service::health::Thresholds;

    use super::*;

    fn measured(name: &str, value: f64, unit: Unit, bound: Bound) -> HealthCheck {
        let hint = Some("do this".to_owned());
        let (grade, measured) = (bound.grade(value), Some(Measurement { value, unit, bound }));
        HealthCheck { name: name.to_owned(), grade, measured, detail: "of it".to_owned(), hint }
    }

    fn stated(name: &str, grade: Grade, detail: &str) -> HealthCheck {
        HealthCheck { name: name.to_owned(), grade, measured: None, detail: detail.to_owned(), hint: None }
    }

    fn check(checks: Vec<HealthCheck>, expected_code: u8, expected: &str) {
        let report = HealthReport { checks };
        assert_eq!((code(report.grade()), answer(&report).as_str()), (expected_code, expected));
    }

    #[test]
    fn answers_of_a_plug_in() {
        let most = Bound::AtMost(Thresholds { warning: 100, unhealthy: 500 });
        let least = Bound::AtLeast(Thresholds { warning: 200, unhealthy: 20 });
        check(
            vec![
                stated("snapshot", Grade::Healthy, "used"),
                measured("startup_time", 0.31, Unit::Milliseconds, most),
                measured("disk", 5_000.5, Unit::Mebibytes, least),
            ],
            0,
            "OHFP OK - 3 checks are healthy | startup_time=0.31ms;100;500;0 disk=5000.5MB;200:;20:;0\n",
        );
        check(
            vec![
                measured("provider my 'a=b'", 101.0, Unit::Milliseconds, most),
                stated("log", Grade::Warning, "nothing | is\nlogged"),
                measured("disk", 10.0, Unit::Mebibytes, least),
            ],
            2,
            "OHFP CRITICAL - disk: 10 MiB, provider my 'a=b': 101 ms, log: nothing / is logged \
             | 'provider my _a_b_'=101ms;100;500;0 disk=10MB;200:;20:;0\n\
             [CRITICAL] disk: 10 MiB, below 20; of it (do this)\n\
             [WARNING] provider my 'a=b': 101 ms, above 100; of it (do this)\n\
             [WARNING] log: nothing / is logged\n",
        );
        check(
            vec![stated("configuration", Grade::Unhealthy, "config.json:1: no")],
            2,
            "OHFP CRITICAL - configuration: config.json:1: no\n[CRITICAL] configuration: config.json:1: no\n",
        );
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        let errors = Errors::from(ohfp_broker::Error::new(ohfp_broker::ErrorKind::Input, "no | limit"));
        assert_eq!(unknown(&errors), "OHFP UNKNOWN - no / limit\n");
    }
}
