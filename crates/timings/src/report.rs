//! The phases as people and programs read them.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cost::Cost;

/// Time of no phase below this is not told.
const UNNAMED: Duration = Duration::from_micros(1);

/// One phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// What was done.
    pub name: Cow<'static, str>,
    /// The phase that this one is part of, by its place in the report.
    pub outer: Option<usize>,
    /// 0 for the thread that began, others in the order of their first phase.
    pub thread: usize,
    /// When it began, after the start of the process.
    pub after: Duration,
    /// What it has cost, its parts included.
    pub cost: Cost,
}

/// All phases of an invocation, in the order in which they began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// From the start of the process until now.
    pub total: Cost,
    /// The phases.
    pub phases: Vec<Measured>,
}

impl Report {
    pub(crate) fn new(total: Cost, phases: Vec<Measured>) -> Self {
        Self { total, phases }
    }

    /// A table for people: the parts of a phase stand below it, further right.
    pub fn text(&self) -> String {
        let mut rows =
            vec![["PHASE", "WALL ms", "CPU ms", "FAULTS", "ALLOCATIONS", "MEMORY KiB"].map(String::from)];
        self.rows(None, 0, &mut rows);
        let named: Duration = self.parts(None).map(|(_, phase)| phase.cost.wall).sum();
        let other = self.total.wall.saturating_sub(named);
        if other >= UNNAMED {
            rows.push([
                "in no phase".to_owned(),
                format!("{:.3}", milliseconds(other)),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ]);
        }
        rows.push(row("total".to_owned(), &self.total));
        let widths: Vec<usize> = (0..6)
            .map(|column| {
                rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        let mut text = String::new();
        for [name, numbers @ ..] in rows {
            let mut widths = widths.iter();
            let mut line = format!("{name:<width$}", width = widths.next().copied().unwrap_or_default());
            for (number, width) in numbers.iter().zip(widths) {
                let _ = write!(line, "  {number:>width$}");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// `{"wall_ms", "cpu_ms", "page_faults", "allocations", "memory_kib", "phases"}`: times in milliseconds, memory as
    /// growth in KiB; each phase with the same members, its name and when it began.
    pub fn json(&self) -> Value {
        let mut document = members(&self.total);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("phases".to_owned(), self.tree(None));
        }
        document
    }

    fn parts(&self, outer: Option<usize>) -> impl Iterator<Item = (usize, &Measured)> {
        // What is begun inside a phase stands behind it, which keeps a damaged report from having circles.
        let first = outer.map_or(0, |outer| outer + 1);
        self.phases.iter().enumerate().skip(first).filter(move |(_, phase)| phase.outer == outer)
    }

    fn rows(&self, outer: Option<usize>, depth: usize, rows: &mut Vec<[String; 6]>) {
        for (index, phase) in self.parts(outer) {
            rows.push(row(format!("{:indent$}{}", "", phase.name, indent = 2 * depth), &phase.cost));
            self.rows(Some(index), depth + 1, rows);
        }
    }

    fn tree(&self, outer: Option<usize>) -> Value {
        let phases = self.parts(outer).map(|(index, phase)| {
            let mut document =
                json!({ "phase": phase.name, "began_ms": milliseconds(phase.after), "thread": phase.thread });
            if let (Some(fields), Value::Object(cost)) = (document.as_object_mut(), members(&phase.cost)) {
                fields.extend(cost);
                let parts = self.tree(Some(index));
                if parts != json!([]) {
                    fields.insert("phases".to_owned(), parts);
                }
            }
            document
        });
        phases.collect()
    }
}

fn members(cost: &Cost) -> Value {
    json!({
        "wall_ms": milliseconds(cost.wall), "cpu_ms": milliseconds(cost.cpu), "page_faults": cost.faults,
        "allocations": cost.allocations, "memory_kib": cost.growth / 1024,
    })
}

fn row(name: String, cost: &Cost) -> [String; 6] {
    let allocations = cost.allocations.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let (wall, cpu) = (milliseconds(cost.wall), milliseconds(cost.cpu));
    [
        name,
        format!("{wall:.3}"),
        format!("{cpu:.3}"),
        cost.faults.to_string(),
        allocations,
        (cost.growth / 1024).to_string(),
    ]
}

/// Milliseconds, rounded to three decimals.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &'static str, outer: Option<usize>, after: u64, wall: u64) -> Measured {
        let cost = Cost {
            wall: Duration::from_micros(wall),
            cpu: Duration::from_micros(wall / 2),
            faults: 3,
            allocations: Some(7),
            growth: 4096,
        };
        Measured { name: name.into(), outer, thread: 0, after: Duration::from_micros(after), cost }
    }

    fn example() -> Report {
        let total = Cost { allocations: None, growth: -2048, ..measured("", None, 0, 2000).cost };
        let phases = vec![
            measured("exec", None, 0, 400),
            measured("answer", None, 450, 1200),
            measured("load", Some(1), 500, 300),
            measured("write", None, 1650, 350),
        ];
        Report::new(total, phases)
    }

    #[test]
    fn people_read_a_table() {
        let expected = "\
PHASE        WALL ms  CPU ms  FAULTS  ALLOCATIONS  MEMORY KiB
exec           0.400   0.200       3            7           4
answer         1.200   0.600       3            7           4
  load         0.300   0.150       3            7           4
write          0.350   0.175       3            7           4
in no phase    0.050
total          2.000   1.000       3            -          -2
";
        assert_eq!(example().text(), expected);
    }

    #[test]
    fn programs_read_a_tree() {
        let document = example().json();
        assert_eq!(document["wall_ms"], 2.0);
        assert_eq!(document["allocations"], Value::Null);
        let phases = document["phases"].as_array().unwrap();
        let names: Vec<&str> = phases.iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
        assert_eq!(names, ["exec", "answer", "write"]);
        assert_eq!(
            phases[1]["phases"],
            json!([{
                "phase": "load", "began_ms": 0.5, "thread": 0, "wall_ms": 0.3, "cpu_ms": 0.15, "page_faults": 3,
                "allocations": 7, "memory_kib": 4
            }])
        );
        assert_eq!(phases[2].get("phases"), None);
    }
}
