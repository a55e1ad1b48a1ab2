//! The work of one process: as a line of the spool, and as spans.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ohfp_otlp::{Attribute, Span, Value};
use ohfp_timings::Report;
use serde::{Deserialize, Serialize};

/// Changes with the meaning of a line; lines of another version are left out.
const VERSION: u32 = 1;
/// Most phases that a line has; further ones are left out.
const MOST_PHASES: usize = 1_000;
/// The program, as the semantic conventions want its span to be named.
const EXECUTABLE: &str = "ohfp";

/// How an invocation has ended.
#[derive(Clone, Copy, Debug)]
pub struct CommandEnd<'a> {
    /// The words of the command, such as `machines list`.
    pub command: &'a str,
    /// The exit code.
    pub code: u8,
    /// Ids of requests that the answer announces.
    pub requests: &'a [String],
}

/// A process as the spool has it. Times are nanoseconds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Process {
    version: u32,
    trace: String,
    /// The id of its first span; those of the phases follow.
    span: u64,
    pid: u32,
    command: String,
    code: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<String>,
    /// Since 1970.
    began: u64,
    wall: u64,
    phases: Vec<Phase>,
}

/// Name, place of the phase that it is part of, when it began after the process, and how long it lasted.
#[derive(Debug, Serialize, Deserialize)]
struct Phase(String, Option<usize>, u64, u64);

/// The line of this process, with its end.
pub(super) fn line(ended: &CommandEnd<'_>, report: &Report) -> Vec<u8> {
    let mut random = [0; 24];
    // Without random numbers the ids are those of the clock and the process.
    if getrandom::fill(&mut random).is_err() {
        let clock = now().to_be_bytes();
        let places = random.iter_mut().zip(clock.into_iter().chain(std::process::id().to_be_bytes()));
        places.for_each(|(place, byte)| *place = byte);
    }
    let (trace, span) = random.split_at(16);
    let span = span.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let wall = nanoseconds(report.total.wall);
    let phases = report.phases.iter().take(MOST_PHASES).map(|phase| {
        Phase(phase.name.to_string(), phase.outer, nanoseconds(phase.after), nanoseconds(phase.cost.wall))
    });
    let process = Process {
        version: VERSION,
        trace: trace.iter().map(|byte| format!("{byte:02x}")).collect(),
        // Ids are not 0, nor are those that are counted on from it.
        span: (span >> 1).max(1),
        pid: std::process::id(),
        command: ended.command.to_owned(),
        code: ended.code,
        requests: ended.requests.to_vec(),
        began: now().saturating_sub(wall),
        wall,
        phases: phases.collect(),
    };
    let mut line = serde_json::to_vec(&process).unwrap_or_default();
    line.push(b'\n');
    line
}

impl Process {
    /// The process on this line; `None` where the line is damaged, or of another version.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let process: Self = serde_json::from_slice(line).ok()?;
        let trace = u128::from_str_radix(&process.trace, 16).ok()?;
        (process.version == VERSION && process.span > 0 && trace > 0).then_some(process)
    }

    /// The command, with its phases as parts.
    pub(super) fn spans(&self) -> Vec<Span> {
        let trace = u128::from_str_radix(&self.trace, 16).unwrap_or(1);
        let at = |after: u64| UNIX_EPOCH + Duration::from_nanos(self.began.saturating_add(after));
        let id = |place: usize| self.span.saturating_add(u64::try_from(place).unwrap_or(0)).saturating_add(1);
        let mut attributes = vec![
            ("process.executable.name", Value::Text(EXECUTABLE.to_owned())),
            ("process.pid", Value::Number(i64::from(self.pid))),
            ("process.exit.code", Value::Number(i64::from(self.code))),
            ("process.command", Value::Text(format!("{EXECUTABLE} {}", self.command))),
        ];
        if !self.requests.is_empty() {
            attributes.push(("ohfp.request.ids", Value::Texts(self.requests.clone())));
        }
        if self.code != 0 {
            attributes.push(("error.type", Value::Text(self.code.to_string())));
        }
        let command = Span {
            trace,
            id: self.span,
            parent: None,
            name: format!("{EXECUTABLE} {}", self.command),
            began: at(0),
            ended: at(self.wall),
            attributes,
            error: (self.code != 0).then(|| format!("exit code {}", self.code)),
        };
        let phases = self.phases.iter().enumerate().map(|(place, Phase(name, outer, after, wall))| Span {
            trace,
            id: id(place),
            // A part stands behind the whole.
            parent: Some(outer.filter(|outer| *outer < place).map_or(self.span, id)),
            name: name.clone(),
            began: at(*after),
            ended: at(after.saturating_add(*wall)),
            attributes: Vec::new(),
            error: None,
        });
        std::iter::once(command).chain(phases).collect()
    }
}

/// What all processes of this host have in common.
pub(super) fn resource(host: &str) -> Vec<Attribute> {
    vec![
        ("service.name", Value::Text(EXECUTABLE.to_owned())),
        ("service.version", Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
        ("service.instance.id", Value::Text(host.to_owned())),
        ("host.name", Value::Text(host.to_owned())),
    ]
}

fn now() -> u64 {
    nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"version":1,"trace":"0af7651916cd43dd8448eb211c80319c","span":7,"pid":9,"command":"requestMachines","code":1,"requests":["req-1"],"began":1000,"wall":500,"phases":[["answer",null,100,300],["provider sim: launch",0,150,200],["odd",9,1,1]]}"#;

    #[test]
    fn a_line_becomes_spans() {
        let spans = Process::parse(LINE.as_bytes()).unwrap().spans();
        let told: Vec<_> = spans
            .iter()
            .map(|span| (span.name.as_str(), span.id, span.parent, span.error.is_some()))
            .collect();
        let expected = [
            ("ohfp requestMachines", 7, None, true),
            ("answer", 8, Some(7), false),
            ("provider sim: launch", 9, Some(8), false),
            ("odd", 10, Some(7), false),
        ];
        assert_eq!(told, expected);
        assert_eq!(spans[2].began, UNIX_EPOCH + Duration::from_nanos(1150));
        assert_eq!(spans[2].ended, UNIX_EPOCH + Duration::from_nanos(1350));
        assert!(spans[0].attributes.contains(&("process.exit.code", Value::Number(1))), "{spans:?}");
    }

    #[test]
    fn what_is_no_line_of_this_version_is_left_out() {
        for (from, to) in
            [("\"version\":1", "\"version\":2"), ("0af", "xyz"), ("\"span\":7", "\"span\":0"), ("}", "")]
        {
            assert!(Process::parse(LINE.replace(from, to).as_bytes()).is_none(), "{to}");
        }
        assert!(Process::parse(b"").is_none());
    }

    #[test]
    fn what_is_recorded_is_read_again() {
        let requests = ["req-1".to_owned()];
        let ended = CommandEnd { command: "machines list", code: 0, requests: &requests };
        ohfp_timings::start("runtime", "exec");
        let line = line(&ended, &ohfp_timings::report().unwrap());
        assert_eq!(line.split(|byte| *byte == b'\n').count(), 2);
        let spans = Process::parse(&line).unwrap().spans();
        assert_eq!(spans[0].name, "ohfp machines list");
        assert!(spans.len() > 1 && spans[0].ended <= SystemTime::now(), "{spans:?}");
    }
}
