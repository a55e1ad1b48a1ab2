//! The record of this process, and the guards that write to it.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use crate::cost::Reading;
use crate::report::{Measured, Report};

static RECORD: OnceLock<Mutex<Record>> = OnceLock::new();

/// What was noted so far.
struct Record {
    start: Reading,
    phases: Vec<Noted>,
    /// Every thread that had a phase, in that order; the first one began.
    threads: Vec<ThreadId>,
}

struct Noted {
    name: Cow<'static, str>,
    outer: Option<usize>,
    thread: usize,
    began: Reading,
    /// `None` while it lasts.
    ended: Option<Reading>,
}

/// Begins the record, with the time since the process was started as its first phase, or, where the process was another
/// program before, as that one's phase `earlier` and the first one of this program. Later calls do nothing.
pub fn start(earlier: &'static str, first: &'static str) {
    if is_on() {
        return;
    }
    let now = Reading::now();
    let (start, became) = now.before();
    let noted = |name: &'static str, began, ended| Noted {
        name: name.into(),
        outer: None,
        thread: 0,
        began,
        ended: Some(ended),
    };
    let earlier = became.map(|became| noted(earlier, start, became));
    // Finding out the start takes a tenth of a millisecond, which is part of what it belongs to.
    let first = noted(first, became.unwrap_or(start), Reading::now());
    let phases = earlier.into_iter().chain([first]).collect();
    let record = Record { start, phases, threads: vec![thread::current().id()] };
    // Another thread may have begun it meanwhile; one record is as good as the other.
    let _ = RECORD.set(Mutex::new(record));
}

/// Whether there is a record.
pub fn is_on() -> bool {
    RECORD.get().is_some()
}

/// Begins a phase inside the innermost one of this thread, until the guard is dropped. The first phase of another thread
/// is part of what the thread that began does meanwhile.
#[must_use = "the phase lasts as long as the guard"]
pub fn phase(name: &'static str) -> Phase {
    phase_of(|| name.into())
}

/// As [`phase`], with a name that is composed where it is needed only.
#[must_use = "the phase lasts as long as the guard"]
pub fn phase_of(name: impl FnOnce() -> Cow<'static, str>) -> Phase {
    let index = is_on().then(name).and_then(|name| Some(lock()?.begin(name)));
    Phase { index, thread: PhantomData }
}

/// What was noted so far; phases that last end now. `None` without a record.
pub fn report() -> Option<Report> {
    let record = lock()?;
    let now = Reading::now();
    let phases = record.phases.iter().map(|phase| Measured {
        name: phase.name.clone(),
        outer: phase.outer,
        thread: phase.thread,
        after: phase.began.at.saturating_duration_since(record.start.at),
        cost: phase.ended.unwrap_or(now).since(&phase.began),
    });
    Some(Report::new(now.since(&record.start), phases.collect()))
}

fn lock() -> Option<MutexGuard<'static, Record>> {
    // No code of others runs while this lock is held.
    RECORD.get().map(|record| record.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Record {
    fn begin(&mut self, name: Cow<'static, str>) -> usize {
        let me = thread::current().id();
        let thread = self.threads.iter().position(|known| *known == me).unwrap_or_else(|| {
            self.threads.push(me);
            self.threads.len() - 1
        });
        let outer = self.innermost(thread).or_else(|| self.innermost(0));
        self.phases.push(Noted { name, outer, thread, began: Reading::opening(), ended: None });
        self.phases.len() - 1
    }

    /// The phase of a thread that began last and has not ended.
    fn innermost(&self, thread: usize) -> Option<usize> {
        self.phases.iter().rposition(|phase| phase.thread == thread && phase.ended.is_none())
    }
}

/// A phase that lasts. It ends on the thread that began it.
#[derive(Debug)]
pub struct Phase {
    index: Option<usize>,
    thread: PhantomData<*const ()>,
}

impl Drop for Phase {
    fn drop(&mut self) {
        if let Some(index) = self.index
            && let Some(mut record) = lock()
            && let Some(phase) = record.phases.get_mut(index)
        {
            phase.ended = Some(Reading::now());
        }
    }
}
