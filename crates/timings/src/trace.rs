//! The phases as a trace: the JSON that Chrome's tracing and Perfetto open.
//!
//! A complete event (`"ph": "X"`) for each phase, with times in microseconds; see the Trace Event Format.

use serde_json::{Value, json};

use crate::report::Report;

impl Report {
    /// The trace of the process with this id.
    pub fn trace(&self, process: u32) -> Value {
        let microseconds = |time: std::time::Duration| time.as_secs_f64() * 1e6;
        let name = json!({
            "ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": { "name": "ohfp" }
        });
        let phases = self.phases.iter().map(|phase| {
            json!({
                "ph": "X", "cat": "ohfp", "name": phase.name, "pid": process, "tid": phase.thread,
                "ts": microseconds(phase.after), "dur": microseconds(phase.cost.wall),
                "args": {
                    "cpu_us": microseconds(phase.cost.cpu), "page_faults": phase.cost.faults,
                    "allocations": phase.cost.allocations, "memory_bytes": phase.cost.growth,
                }
            })
        });
        let events: Vec<Value> = std::iter::once(name).chain(phases).collect();
        json!({ "displayTimeUnit": "ms", "traceEvents": events })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{Cost, Measured, Report};

    #[test]
    fn each_phase_is_an_event() {
        let cost = Cost { wall: Duration::from_micros(250), ..Cost::default() };
        let after = Duration::from_micros(40);
        let phase = Measured { name: "load".into(), outer: None, thread: 1, after, cost };
        let trace = Report::new(cost, vec![phase]).trace(7);
        let events = trace["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 2);
        let event = &events[1];
        assert_eq!((event["ph"].as_str(), event["name"].as_str()), (Some("X"), Some("load")));
        assert_eq!((event["ts"].as_f64(), event["dur"].as_f64()), (Some(40.0), Some(250.0)));
        assert_eq!((event["pid"].as_u64(), event["tid"].as_u64()), (Some(7), Some(1)));
    }
}
