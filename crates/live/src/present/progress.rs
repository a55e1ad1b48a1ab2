//! Progress on standard error during a wait: a bar on a terminal, a line every few seconds elsewhere.
//!
//! Own code: `indicatif` would add 0.18 MB to the program and a thread that draws, for a line of text.
//! Here no mode of the terminal is changed: the cursor stays visible, and a color ends in the same write
//! that begins it. So there is nothing to restore, whatever ends the process.

use std::io::{self, IsTerminal, Stderr, Write};
use std::time::Duration;

use ohfp_broker::{RequestKind, RequestWithMachines};
use ohfp_platform::terminal;
use ohfp_service::invocation::Environment;
use ohfp_service::notice;
use ohfp_wire::machine_result;

/// Width of the bar, in cells.
const CELLS: u64 = 24;
/// Widest line, in columns: a line that wraps cannot be redrawn, so it fits the narrowest usual terminal.
const WIDTH: usize = 79;
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

    /// Number of full cells of the bar.
    fn cells(&self) -> u64 {
        match self.total {
            0 => CELLS,
            total => self.done.min(total).saturating_mul(CELLS) / total,
        }
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
    /// Columns that the bar occupies now; 0 if none is drawn.
    drawn: usize,
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
        Self { out, look, drawn: 0, spoken: None }
    }

    /// Shows progress, `elapsed` after the start of the wait. To be called at every poll. Errors of standard
    /// error are ignored: there is no other stream to report them to.
    pub(crate) fn show(&mut self, standing: &Standing, elapsed: Duration) {
        match self.look {
            Look::Bar { styled } => self.draw(standing, elapsed, styled),
            Look::Lines if self.spoken.is_none_or(|last| elapsed.saturating_sub(last) >= PAUSE) => {
                self.spoken = Some(elapsed);
                self.write(&format!("ohfp: {}\n", standing.words(elapsed)));
            }
            Look::Lines | Look::Silent => {}
        }
    }

    fn draw(&mut self, standing: &Standing, elapsed: Duration, styled: bool) {
        let full = usize::try_from(standing.cells()).unwrap_or(0);
        let empty = usize::try_from(CELLS).unwrap_or(0) - full;
        let (full, empty) = ("#".repeat(full), "-".repeat(empty));
        let room = WIDTH - 3 - full.len() - empty.len();
        let words: String = standing.words(elapsed).chars().take(room).collect();
        let columns = 3 + full.len() + empty.len() + words.len();
        let blanks = " ".repeat(self.drawn.saturating_sub(columns));
        self.drawn = columns;
        let (on, off) = match (styled, standing.failed) {
            (false, _) => ("", ""),
            (true, 0) => ("\x1b[32m", "\x1b[0m"),
            (true, _) => ("\x1b[33m", "\x1b[0m"),
        };
        self.write(&format!("\r[{on}{full}{off}{empty}] {words}{blanks}"));
    }

    /// Erases the bar.
    fn clear(&mut self) {
        if self.drawn > 0 {
            let blanks = " ".repeat(self.drawn);
            self.drawn = 0;
            self.write(&format!("\r{blanks}\r"));
        }
    }

    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Erases the bar, whether the wait ends with an answer or an error.
impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.clear();
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

    /// What a terminal shows in a line after these characters, colors aside.
    fn line(text: &str) -> String {
        let (mut cells, mut at) = (Vec::new(), 0);
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\r' => at = 0,
                '\x1b' => while letters.next().is_some_and(|letter| letter != 'm') {},
                letter => {
                    cells.resize(cells.len().max(at + 1), ' ');
                    cells[at] = letter;
                    at += 1;
                }
            }
        }
        assert!(cells.len() <= WIDTH, "{text:?}");
        cells.into_iter().collect::<String>().trim_end().to_owned()
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
    fn a_bar_is_drawn_over_and_taken_away() {
        for styled in [false, true] {
            let mut out = Vec::new();
            let mut progress = Progress::new(&mut out, Look::Bar { styled });
            progress.show(&standing(2, 1), Duration::from_secs(59));
            progress.show(&standing(5, 0), Duration::from_secs(61));
            // Forgotten, not dropped: what Ctrl-C would leave behind.
            std::mem::forget(progress);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(line(&text), "[########################] 5 of 5 machines running, 1 min 01 s");
            assert_eq!(text.matches("\x1b[").count(), if styled { 4 } else { 0 });
            assert!(!text.contains("\x1b[?") && !text.contains('\n'), "{text:?}");
            let open = text.rfind("\x1b[32m").unwrap_or(0);
            assert!(!styled || text[open..].contains("\x1b[0m"), "{text:?}");
        }
        let whole = shown(Look::Bar { styled: true }, &[(standing(2, 1), 3), (standing(3, 0), 4)]);
        assert_eq!(line(&whole), "");
        assert_eq!(shown(Look::Bar { styled: true }, &[]), "");
    }

    #[test]
    fn bars_fit_any_numbers() {
        for (done, total, cells) in
            [(0, 5, 0), (1, 5, 4), (5, 5, 24), (9, 5, 24), (0, 0, 24), (u64::MAX, u64::MAX, 0)]
        {
            let standing = Standing { done, failed: u64::MAX, total, units: false, goal: "gone" };
            let text = shown(Look::Bar { styled: false }, &[(standing.clone(), u64::MAX)]);
            assert!(line(&text).is_empty());
            if total != u64::MAX {
                assert_eq!(standing.cells(), cells, "{done} of {total}");
            }
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
