//! Metrics as Prometheus and `OpenMetrics` have them in text.
//!
//! Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4. `OpenMetrics`: version 1.0.0,
//! in which a family of counters is named without `_total`, units are named, and the document ends with `# EOF`.

use std::fmt::{self, Write};

use ohfp_broker::histogram::Histogram;

/// The text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus.
    Prometheus,
    /// `OpenMetrics`.
    OpenMetrics,
}

/// Kinds of families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Only ever grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of values up to bounds.
    Histogram,
    /// Quantiles of values.
    Summary,
}

/// Labels of a sample.
pub type Labels<'l> = &'l [(&'static str, &'l str)];

/// A family of samples.
#[derive(Clone, Debug)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: FamilyKind,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    suffix: &'static str,
    labels: String,
    value: String,
}

/// Base units that names may end in.
const UNITS: [&str; 2] = ["seconds", "bytes"];

impl Family {
    /// A family without samples. Counters are named with `_total`.
    pub fn new(kind: FamilyKind, name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind, samples: Vec::new() }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Adds a number.
    pub fn add(&mut self, labels: Labels<'_>, value: u64) {
        self.push("", labels, value.to_string());
    }

    /// Adds a number of so many parts of a unit, such as microseconds.
    pub fn add_parts(&mut self, labels: Labels<'_>, value: u64, parts: u64) {
        self.push("", labels, decimal(value, parts));
    }

    /// Adds a histogram whose values are such parts of a unit.
    pub fn add_histogram(&mut self, labels: Labels<'_>, histogram: &Histogram, parts: u64) {
        for (bound, count) in histogram.cumulative() {
            let bound = decimal(bound, parts);
            self.push("_bucket", &[labels, &[("le", &bound)]].concat(), count.to_string());
        }
        self.push("_bucket", &[labels, &[("le", "+Inf")]].concat(), histogram.count().to_string());
        self.push("_sum", labels, decimal(histogram.sum(), parts));
        self.push("_count", labels, histogram.count().to_string());
    }

    /// Adds quantiles of a histogram whose values are such parts of a unit.
    pub fn add_quantiles(&mut self, labels: Labels<'_>, histogram: &Histogram, parts: u64) {
        for (name, share) in [("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99)] {
            if let Some(value) = histogram.quantile(share) {
                self.push("", &[labels, &[("quantile", name)]].concat(), decimal(value, parts));
            }
        }
        self.push("_sum", labels, decimal(histogram.sum(), parts));
        self.push("_count", labels, histogram.count().to_string());
    }

    fn push(&mut self, suffix: &'static str, labels: Labels<'_>, value: String) {
        let mut text = String::new();
        for (name, value) in labels {
            text.push(if text.is_empty() { '{' } else { ',' });
            let _ = write!(text, "{name}=\"{}\"", Escaped(value));
        }
        if !text.is_empty() {
            text.push('}');
        }
        self.samples.push(Sample { suffix, labels: text, value });
    }
}

/// Backslash, quote and line feed, as both formats have them.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A number of parts as a decimal fraction without trailing zeros; `parts` is a power of ten.
fn decimal(value: u64, parts: u64) -> String {
    let (whole, part) = (value / parts.max(1), value % parts.max(1));
    if part == 0 {
        return whole.to_string();
    }
    let digits = parts.ilog10() as usize;
    format!("{whole}.{part:0digits$}").trim_end_matches('0').to_owned()
}

/// All families as one document; those without samples are left out.
pub fn document(families: &[Family], text: Exposition) -> String {
    let mut document = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        family.write(&mut document, text);
    }
    if text == Exposition::OpenMetrics {
        document.push_str("# EOF\n");
    }
    document
}

impl Family {
    fn write(&self, document: &mut String, text: Exposition) {
        let base = self.name.strip_suffix("_total").unwrap_or(self.name);
        let open = text == Exposition::OpenMetrics;
        let name = if open { base } else { self.name };
        let kind = match self.kind {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
            FamilyKind::Histogram => "histogram",
            FamilyKind::Summary => "summary",
        };
        let _ = writeln!(document, "# HELP {name} {}", self.help);
        let _ = writeln!(document, "# TYPE {name} {kind}");
        let unit = base.rsplit('_').next().filter(|unit| open && UNITS.contains(unit));
        if let Some(unit) = unit {
            let _ = writeln!(document, "# UNIT {name} {unit}");
        }
        for Sample { suffix, labels, value } in &self.samples {
            let _ = writeln!(document, "{}{suffix}{labels} {value}", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Family> {
        let mut calls = Family::new(FamilyKind::Counter, "ohfp_calls_total", "Calls.");
        calls.add(&[("operation", "a\"b\\c\nd"), ("outcome", "ok")], 3);
        let mut cpu = Family::new(FamilyKind::Counter, "ohfp_cpu_seconds_total", "Processor time.");
        cpu.add_parts(&[], 1_500_000, 1_000_000);
        let mut times = Family::new(FamilyKind::Histogram, "ohfp_time_seconds", "Times.");
        let mut histogram = Histogram::new(&[1_000, 2_500]);
        for value in [10, 2_000, 9_000] {
            histogram.add(value);
        }
        times.add_histogram(&[("template", "t")], &histogram, 1_000);
        let none = Family::new(FamilyKind::Gauge, "ohfp_none", "None.");
        vec![calls, cpu, times, none]
    }

    #[test]
    fn prometheus() {
        let expected = r#"# HELP ohfp_calls_total Calls.
# TYPE ohfp_calls_total counter
ohfp_calls_total{operation="a\"b\\c\nd",outcome="ok"} 3
# HELP ohfp_cpu_seconds_total Processor time.
# TYPE ohfp_cpu_seconds_total counter
ohfp_cpu_seconds_total 1.5
# HELP ohfp_time_seconds Times.
# TYPE ohfp_time_seconds histogram
ohfp_time_seconds_bucket{template="t",le="1"} 1
ohfp_time_seconds_bucket{template="t",le="2.5"} 2
ohfp_time_seconds_bucket{template="t",le="+Inf"} 3
ohfp_time_seconds_sum{template="t"} 11.01
ohfp_time_seconds_count{template="t"} 3
"#;
        assert_eq!(document(&families(), Exposition::Prometheus), expected);
    }

    #[test]
    fn open_metrics() {
        let text = document(&families(), Exposition::OpenMetrics);
        for line in [
            "# TYPE ohfp_calls counter",
            r#"ohfp_calls_total{operation="a\"b\\c\nd",outcome="ok"} 3"#,
            "# UNIT ohfp_cpu_seconds seconds",
            "# UNIT ohfp_time_seconds seconds",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in {text}");
        }
        assert!(text.ends_with("\n# EOF\n") && !text.contains("ohfp_none"), "{text}");
    }

    #[test]
    fn parts_are_decimals() {
        for (value, parts, expected) in
            [(0, 1_000, "0"), (5, 1_000, "0.005"), (1_250, 1_000, "1.25"), (7, 1, "7")]
        {
            assert_eq!(decimal(value, parts), expected);
        }
    }
}
