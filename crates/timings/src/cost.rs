//! What a phase has cost, as the difference of two readings of the process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ohfp_platform::sys::HandedOver;
use ohfp_platform::{counting, sys};

/// The unit of a process' start time in `/proc`, on every architecture.
const TICK: Duration = Duration::from_millis(10);
/// `starttime` in `/proc/self/stat`, counted from the field after the program's name, which may have spaces.
const START_TIME: usize = 19;

/// What a phase has cost. All but `wall` are sums over the threads of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// From beginning to end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Page faults, minor and major.
    pub faults: u64,
    /// Allocations on the heap; `None` where they are not counted.
    pub allocations: Option<u64>,
    /// Growth of the resident set in bytes; negative where it shrank.
    pub growth: i64,
}

/// The process at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) at: Instant,
    cpu: Duration,
    faults: u64,
    allocations: Option<u64>,
    resident: u64,
}

impl Reading {
    /// The process as a phase ends. What the reading takes belongs to the phase.
    pub(crate) fn now() -> Self {
        let resident = resident().unwrap_or_default();
        let usage = sys::usage();
        let allocations = counting::allocations();
        Self { at: Instant::now(), cpu: usage.cpu, faults: usage.faults, allocations, resident }
    }

    /// The process as a phase begins. What the reading takes belongs to the phase too.
    pub(crate) fn opening() -> Self {
        let at = Instant::now();
        Self { at, ..Self::now() }
    }

    /// The process when it was started, when it had cost nothing yet, and when it became this program, where the program
    /// before this one has told.
    pub(crate) fn before(&self) -> (Self, Option<Self>) {
        let handed_over = sys::handed_over();
        let age = self.age(handed_over.as_ref());
        // The memory of a program is gone with it, and the one that hands over has no heap.
        let earlier = |ago: Duration, cpu, faults| Self {
            at: self.at.checked_sub(ago).unwrap_or(self.at),
            cpu,
            faults,
            allocations: self.allocations.map(|_| 0),
            resident: 0,
        };
        let became = handed_over.map(|then| earlier(then.ago.min(age), then.usage.cpu, then.usage.faults));
        (earlier(age, Duration::ZERO, 0), became)
    }

    /// The time since the process was started. The kernel tells that to a hundredth of a second only; within that it is
    /// what the process has worked and was kept from working, since a program that starts does not sleep. From the moment
    /// that the program before this one has told, the clock counts.
    fn age(&self, handed_over: Option<&HandedOver>) -> Duration {
        let (known, before) =
            handed_over.map_or((Duration::ZERO, self.cpu), |then| (then.ago, then.usage.cpu));
        let idle = known.saturating_sub(self.cpu.saturating_sub(before));
        let worked = known + before + waited().unwrap_or_default().saturating_sub(idle);
        let told = started().and_then(|started| uptime()?.checked_sub(started));
        let Some(told) = told else { return worked };
        // Both are cut to whole ticks.
        let (least, most) = (told.saturating_sub(TICK), told + TICK);
        worked.clamp(least, most).max(known)
    }

    pub(crate) fn since(&self, earlier: &Self) -> Cost {
        Cost {
            wall: self.at.saturating_duration_since(earlier.at),
            cpu: self.cpu.saturating_sub(earlier.cpu),
            faults: self.faults.saturating_sub(earlier.faults),
            allocations: self
                .allocations
                .zip(earlier.allocations)
                .map(|(now, then)| now.saturating_sub(then)),
            growth: self.resident.cast_signed() - earlier.resident.cast_signed(),
        }
    }
}

/// Resident set of this process in bytes; `None` where `/proc` is not available. The file stays open: a reading shall
/// cost little of what it measures.
pub fn resident() -> Option<u64> {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let file = FILE.get_or_init(|| File::open("/proc/self/statm").ok()).as_ref()?;
    let mut text = [0; 128];
    let length = file.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(text.get(..length)?).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * sys::page_size())
}

/// How long this process has waited for a processor; `None` where the kernel does not count that.
fn waited() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split(' ').nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// The most memory that this process has had resident, in bytes; `None` where `/proc` is not available. That of
/// `getrusage` counts what it was started from, too.
pub fn peak_resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let row = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    row.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// When this process was started, since the machine was.
fn started() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let ticks: u32 = text.rsplit_once(") ")?.1.split(' ').nth(START_TIME)?.parse().ok()?;
    Some(TICK * ticks)
}

/// The time since the machine was started.
fn uptime() -> Option<Duration> {
    let text = fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_as_old_as_it_has_worked_or_waited() {
        let reading = Reading::now();
        assert!(reading.resident > 100_000 && reading.faults > 0, "{reading:?}");
        assert!(peak_resident().is_some_and(|peak| peak >= 4096));
        assert!(reading.resident.is_multiple_of(sys::page_size()) && sys::page_size().is_power_of_two());
        let (begun, became) = reading.before();
        assert!(became.is_none(), "{became:?}");
        let cost = Reading::now().since(&begun);
        assert!(cost.wall >= cost.cpu.saturating_sub(TICK), "{cost:?}");
        std::thread::sleep(Duration::from_millis(50));
        let later = Reading::now();
        // Waiting makes it older, to the tick.
        assert!(later.since(&later.before().0).wall >= Duration::from_millis(30), "{later:?}");
    }

    #[test]
    fn costs_are_differences() {
        let (early, late) = (Reading::now(), Reading::now());
        let grown = Reading { resident: early.resident + 8192, faults: early.faults + 2, ..late };
        let cost = grown.since(&early);
        assert_eq!((cost.growth, cost.faults), (8192, 2));
        assert_eq!(early.since(&grown).growth, -8192);
        assert_eq!((early.since(&grown).wall, early.since(&grown).faults), (Duration::ZERO, 0));
    }
}
