//! The files of this host in a state directory.

use std::path::{Path, PathBuf};

use ohfp_broker::Timestamp;
use ohfp_platform::sys;

use crate::fold::{self, Folded, Paths};
use crate::log::{self, Tail};
use crate::record::ProcessRecord;
use crate::totals::{self, Anew, Operations, Totals};

/// What the names of all files begin with.
pub const PREFIX: &str = "metrics-";

/// The metrics of this host in one state directory.
#[derive(Clone, Debug)]
pub struct HostMetrics {
    log: PathBuf,
    aside: PathBuf,
    totals: PathBuf,
    lock: PathBuf,
}

impl HostMetrics {
    /// The metrics in this directory. No file is opened.
    pub fn new(directory: &Path) -> Self {
        let host = sys::host_name();
        let file = |ending: &str| directory.join(format!("{PREFIX}{host}.{ending}"));
        Self { log: file("log"), aside: file("previous"), totals: file("totals"), lock: file("lock") }
    }

    fn paths(&self) -> Paths<'_> {
        Paths { log: &self.log, aside: &self.aside, totals: &self.totals, lock: &self.lock }
    }

    /// Appends the record of this process, and folds the log where it has grown. The first file is only created where
    /// `may_begin` says so: in a directory that is empty because a file system is not mounted, nothing must be. Gives what
    /// is worth a line of the log: that counting began anew. Whatever is in the way, the process goes on.
    pub fn record(&self, record: &ProcessRecord, may_begin: impl FnOnce() -> bool) -> Option<String> {
        let may_create = || self.lock.exists() || may_begin();
        let is_due = match log::append(&self.log, record, may_create) {
            Ok(size) => fold::is_due(size),
            // Only the runtime appended for long, which folds nothing.
            Err(refused) => log::is_full(&refused) && fold::is_chosen(u64::from(record.process)),
        };
        if !is_due {
            return None;
        }
        match fold::fold(&self.paths(), record.at) {
            Ok(Folded::Done(anew)) => anew.map(|why| format!("metrics are counted anew: {why}")),
            Ok(Folded::Busy) => None,
            Err(refused) if fold::is_silent(&refused) => None,
            Err(refused) => Some(format!("metrics cannot be folded: {refused}")),
        }
    }

    /// Folds the log now; whether it did.
    pub fn fold(&self, now: Timestamp) -> bool {
        matches!(fold::fold(&self.paths(), now), Ok(Folded::Done(_)))
    }

    /// Everything that was recorded, after the log was folded where it has grown and this process may do so.
    pub fn ask(&self, now: Timestamp) -> Recorded {
        if std::fs::metadata(&self.log).is_ok_and(|log| log.len() >= fold::FOLD_AT) {
            self.fold(now);
        }
        self.view()
    }

    /// Everything that was recorded. Writes nothing.
    pub fn view(&self) -> Recorded {
        let (totals, tails) = fold::read(&self.paths());
        let mut notes = Vec::new();
        let totals = totals.unwrap_or_else(|why| {
            notes.push(format!("what was counted until now is not readable: {why}"));
            Totals::default()
        });
        let tails = tails.unwrap_or_else(|why| {
            notes.push(format!("the latest records are not readable: {why}"));
            [Tail::default(), Tail::default()]
        });
        Recorded { totals, tails, notes }
    }
}

/// What was recorded until now.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    totals: Totals,
    tails: [Tail; 2],
    notes: Vec<String>,
}

impl Recorded {
    fn recent(&self) -> impl Iterator<Item = &ProcessRecord> {
        self.tails.iter().flat_map(|tail| &tail.records)
    }

    /// All processes, for each operation.
    pub fn all(&self) -> Operations {
        let mut all = self.totals.all.clone();
        for record in self.recent() {
            totals::add_to(&mut all, record.operation.name(), record);
        }
        all
    }

    /// Those that ended within a time, for each operation; and from when on they are counted: what was folded counts by
    /// whole steps of five minutes, of an hour if it is older than three, of a day if it is older than three.
    pub fn within(&self, since: Timestamp, until: Timestamp) -> (Operations, Timestamp) {
        let (mut sums, mut begins) = (Operations::new(), since);
        for step in &self.totals.steps {
            if step.begins < until && step.begins.plus_millis(step.width) > since {
                begins = begins.min(step.begins);
                for (operation, tally) in &step.operations {
                    sums.entry(operation.clone()).or_default().merge(tally);
                }
            }
        }
        for record in self.recent().filter(|record| record.at >= begins && record.at < until) {
            totals::add_to(&mut sums, record.operation.name(), record);
        }
        (sums, begins)
    }

    /// When the first process ended that is counted.
    pub fn since(&self) -> Option<Timestamp> {
        self.recent().map(|record| record.at).chain(self.totals.since).min()
    }

    /// Bytes that were no record, in units of records.
    pub fn skipped(&self) -> u64 {
        self.tails.iter().map(|tail| tail.skipped).sum::<u64>().saturating_add(self.totals.skipped)
    }

    /// What an operator has to know about these numbers.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        if let Some(Anew { why, .. }) = &self.totals.anew {
            notes.push(format!("counting began anew: {why}"));
        }
        match self.skipped() {
            0 => {}
            1 => notes.push("1 record was not readable".to_owned()),
            more => notes.push(format!("{more} records were not readable")),
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::record::SIZE;

    fn record(number: i64) -> ProcessRecord {
        ProcessRecord { at: Timestamp::from_millis(1_000_000 + number), ..ProcessRecord::default() }
    }

    fn count(site: &HostMetrics) -> u64 {
        site.view().all().values().map(|tally| tally.count).sum()
    }

    #[test]
    fn every_record_counts_once_however_often_it_is_folded() {
        let directory = tempfile::tempdir().unwrap();
        let site = HostMetrics::new(directory.path());
        assert_eq!(count(&site), 0);
        for number in 0..10 {
            assert_eq!(site.record(&record(number), || true), None);
            assert_eq!(count(&site), number.cast_unsigned() + 1);
            if number % 3 == 0 {
                assert!(site.fold(Timestamp::from_millis(2_000_000)));
                assert_eq!(count(&site), number.cast_unsigned() + 1);
            }
        }
    }

    #[test]
    fn the_log_is_put_aside_and_nothing_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let site = HostMetrics::new(directory.path());
        let most = i64::try_from(3 * fold::FOLD_AT / SIZE as u64).unwrap();
        let mut logs = Vec::new();
        for number in 0..most {
            // A second for each, so that a log may be put aside each time.
            site.record(&record(1_000 * number), || true);
            logs.push(fs::metadata(&site.log).map_or(0, |log| log.len()));
        }
        assert_eq!(count(&site), most.cast_unsigned());
        assert!(logs.iter().all(|size| *size <= fold::FOLD_AT + 64 * SIZE as u64));
        // A process that opened the log before it was put aside.
        log::append(&site.aside, &record(0), || true).unwrap();
        assert_eq!(count(&site), most.cast_unsigned() + 1);
        assert!(site.fold(Timestamp::from_millis(1)));
        assert_eq!(count(&site), most.cast_unsigned() + 1);
    }

    /// The runtime appends and never folds.
    #[test]
    fn a_log_that_only_the_runtime_appends_to_is_folded_by_others() {
        let directory = tempfile::tempdir().unwrap();
        let site = HostMetrics::new(directory.path());
        let fill = |bytes: u64| {
            let records = record(1).to_bytes().repeat(usize::try_from(bytes).unwrap() / SIZE);
            fs::write(&site.log, records).unwrap();
        };
        fill(fold::FOLD_AT);
        // Who asks folds it.
        let asked = site.ask(Timestamp::from_millis(2_000_000)).all();
        assert_eq!(asked.values().map(|tally| tally.count).sum::<u64>(), fold::FOLD_AT / SIZE as u64);
        assert!(!site.log.exists() && site.totals.exists());
        // One that is full is folded by one process in sixty-four.
        fill(log::LARGEST + SIZE as u64);
        for process in [1, 64] {
            assert!(site.log.exists());
            site.record(
                &ProcessRecord { process, at: Timestamp::from_millis(9_000_000), ..record(2) },
                || true,
            );
        }
        assert!(!site.log.exists());
    }

    /// Killed between any two steps of a fold.
    #[test]
    fn a_fold_that_was_cut_short_changes_no_sum() {
        let directory = tempfile::tempdir().unwrap();
        let site = HostMetrics::new(directory.path());
        for number in 0..5 {
            site.record(&record(number), || true);
        }
        // The totals were replaced, and the log was not put aside.
        assert!(site.fold(Timestamp::from_millis(1)));
        // Or it was, and the process was killed then.
        fs::rename(&site.log, &site.aside).unwrap();
        assert_eq!(count(&site), 5);
        for number in 5..9 {
            site.record(&record(number), || true);
        }
        assert_eq!(count(&site), 9);
    }

    #[test]
    fn totals_that_are_no_use_are_counted_anew_and_said_once() {
        for (content, why) in [("x", "damaged"), ("ohfp-metrics 7 0\n{}", "version 7")] {
            let directory = tempfile::tempdir().unwrap();
            let site = HostMetrics::new(directory.path());
            site.record(&record(0), || true);
            site.fold(Timestamp::from_millis(1));
            fs::write(&site.totals, content).unwrap();
            site.record(&record(1), || true);
            let notes = |site: &HostMetrics| site.view().notes().join("; ");
            assert!(notes(&site).contains(why), "{}", notes(&site));
            let anew = fold::fold(&site.paths(), Timestamp::from_millis(2)).unwrap();
            assert!(matches!(&anew, Folded::Done(Some(said)) if said.contains(why)), "{anew:?}");
            assert_eq!(fold::fold(&site.paths(), Timestamp::from_millis(3)).unwrap(), Folded::Done(None));
            assert!(notes(&site).contains(why));
            // What the log still has counts.
            assert_eq!(count(&site), 2);
        }
    }

    #[test]
    fn a_window_has_what_ended_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let site = HostMetrics::new(directory.path());
        let at = |minutes: i64| ProcessRecord {
            at: Timestamp::from_millis(minutes * 60_000),
            ..ProcessRecord::default()
        };
        for minutes in [0, 7, 8, 20] {
            site.record(&at(minutes), || true);
        }
        let within = |since: i64, until: i64| {
            let time = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
            let (sums, begins) = site.view().within(time(since), time(until));
            (sums.values().map(|tally| tally.count).sum::<u64>(), begins.millis() / 60_000)
        };
        for (since, until, expected) in [(0, 30, (4, 0)), (8, 30, (2, 8)), (8, 20, (1, 8)), (21, 30, (0, 21))]
        {
            assert_eq!(within(since, until), expected, "{since} {until}");
        }
        assert!(site.fold(Timestamp::from_millis(21 * 60_000)));
        for (since, until, expected) in
            [(0, 30, (4, 0)), (8, 30, (3, 5)), (21, 24, (1, 20)), (26, 30, (0, 26))]
        {
            assert_eq!(within(since, until), expected, "{since} {until}");
        }
    }
}
