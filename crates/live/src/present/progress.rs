//! Progress on standard error during a wait: a bar on a terminal, a line every few seconds elsewhere.
//!
//! The bar is drawn when a poll has come back and at no other time, so that no thread is needed; it fits the terminal,
//! and is erased when the wait ends.

use std::io::{self, IsTerminal, Stderr, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ohfp_broker::{RequestKind, RequestWithMachines};
use ohfp_platform::terminal;
use ohfp_service::invocation::Environment;
use ohfp_service::notice;
use ohfp_wire::machine_result;

/// Interval between two progress lines where standard error is not a terminal.
const PAUSE: Duration = Duration::from_secs(5);

/// Progress of one or more requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Machines that have reached the goal.
    pub(crate) done: u64,
    /// Machines that have failed to reach it.
    pub(crate) failed: u64,
    /// Number of machines requested.
    pub(crate) total: u64,
    /// Whether the numbers count units of capacity, as in spot requests, instead of machines.
    pub(crate) units: bool,
    /// Name of the goal: `running`, `gone`.
    pub(crate) goal: &'static str,
}

impl Standing {
    /// Sums the progress of several requests.
    pub(crate) fn of(views: &[RequestWithMachines]) -> Self {
        let mut standing = Self::default();
        for view in views {
            let request = &view.request;
            // A return counts machines, regardless of their weights.
            let units = request.weights.is_some();
            standing.units |= units;
            let results = |result: &str| -> u64 {
                let machines =
                    view.machines.iter().filter(|machine| machine_result(view, machine).0 == result);
                machines.map(|machine| if units { u64::from(machine.units) } else { 1 }).sum()
            };
            let (total, goal) = match request.kind {
                RequestKind::Acquire => (u64::from(request.requested), "running"),
                RequestKind::Return => (count(view.machines.len()), "gone"),
            };
            let done = results("succeed");
            standing.done += done;
            standing.total += total;
            // A finished request gets no more machines.
            let failed = if request.state.is_final() { total.saturating_sub(done) } else { results("fail") };
            standing.failed += failed;
            standing.goal = if ["", goal].contains(&standing.goal) { goal } else { "ready" };
        }
        standing
    }

    fn words(&self, elapsed: Duration) -> String {
        let Self { done, failed, total, units, goal } = self;
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        let machines = match (units, *total) {
            (true, 1) => "unit",
            (true, _) => "units",
            (false, 1) => "machine",
            (false, _) => "machines",
        };
        format!("{done} of {total} {machines} {goal}{failed}, {}", clock(elapsed))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A duration as text: `7 s`, `3 min 07 s`, `2 h 05 min`.
pub(super) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// The form of the progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A bar that is redrawn in place.
    Bar {
        /// Whether colors are used.
        styled: bool,
    },
    /// A line every few seconds.
    Lines,
    /// None.
    Silent,
}

/// Writes progress to a stream.
#[derive(Debug)]
pub(crate) struct Progress<W: Write = Stderr> {
    out: W,
    look: Look,
    bar: ProgressBar,
    /// When the last line was written.
    spoken: Option<Duration>,
}

impl Progress {
    /// Progress on standard error: a bar if it is a terminal, lines otherwise.
    pub(crate) fn on_stderr(env: &Environment) -> Self {
        let out = io::stderr();
        let can_draw = env.get("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        let look = if notice::is_quiet() {
            Look::Silent
        } else if can_draw && out.is_terminal() {
            Look::Bar { styled: terminal::styled(|name| env.bytes(name), || true) }
        } else {
            Look::Lines
        };
        Self::new(out, look)
    }
}

impl<W: Write> Progress<W> {
    pub(crate) fn new(out: W, look: Look) -> Self {
        let bar = match look {
            Look::Bar { styled } => {
                console::set_colors_enabled(styled);
                console::set_colors_enabled_stderr(styled);
                ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
            }
            Look::Lines | Look::Silent => ProgressBar::hidden(),
        };
        Self { out, look, bar, spoken: None }
    }

    /// Shows progress, `elapsed` after the start of the wait. To be called at every poll. Errors of standard
    /// error are ignored: there is no other stream to report them to.
    pub(crate) fn show(&mut self, standing: &Standing, elapsed: Duration) {
        match self.look {
            Look::Bar { .. } => {
                let style = if standing.failed == 0 { GOOD } else { BAD };
                if let Ok(style) = ProgressStyle::with_template(style) {
                    self.bar.set_style(style.progress_chars("#-"));
                }
                self.bar.set_length(standing.total);
                self.bar.set_position(standing.done.min(standing.total));
                self.bar.set_message(standing.words(elapsed));
                self.bar.tick();
            }
            Look::Lines if self.spoken.is_none_or(|last| elapsed.saturating_sub(last) >= PAUSE) => {
                self.spoken = Some(elapsed);
                let line = format!("ohfp: {}\n", standing.words(elapsed));
                let _ = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
            }
            Look::Lines | Look::Silent => {}
        }
    }
}

/// The bar, and the words as far as they fit.
const GOOD: &str = "[{bar:24.green}] {wide_msg}";
const BAD: &str = "[{bar:24.yellow}] {wide_msg}";

/// Erases the bar, whether the wait ends with an answer or an error.
impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(done: u64, failed: u64) -> Standing {
        Standing { done, failed, total: 5, units: false, goal: "running" }
    }

    /// What these standings, a number of seconds each, leave on a stream.
    fn shown(look: Look, steps: &[(Standing, u64)]) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, look);
        for (standing, seconds) in steps {
            progress.show(standing, Duration::from_secs(*seconds));
        }
        drop(progress);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_every_few_seconds() {
        let steps: Vec<_> = (0..12).map(|second| (standing(second / 3, 0), second)).collect();
        assert_eq!(
            shown(Look::Lines, &steps),
            "ohfp: 0 of 5 machines running, 0 s\nohfp: 1 of 5 machines running, 5 s\n\
             ohfp: 3 of 5 machines running, 10 s\n"
        );
    }

    #[test]
    fn templates_of_the_bar_are_sound() {
        for template in [GOOD, BAD] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn times() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (3_599, "59 min 59 s"), (7_500, "2 h 05 min")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }
}
