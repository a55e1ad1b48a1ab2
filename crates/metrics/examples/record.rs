//! What a record costs, and how long many are read: `cargo run --release -p ohfp-metrics --example record -- 1000000`.
//!
//! Caches are warm, which they are not in a process that ends with its record.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use ohfp_metrics::{HostMetrics, Operation, ProcessRecord};

/// Records whose time is taken. Each leaves its file open, as in a process that ends.
const TIMED: u64 = 500;
/// Records that are written before the log is folded.
const FOLDED: u64 = 20_000;
/// Seconds of a month, over which the records are spread.
const MONTH: u64 = 30 * 86_400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let directory = tempfile::tempdir()?;
    let host = HostMetrics::new(directory.path());
    let now = ProcessRecord::of_this_process();
    let ago =
        |seconds: u64| now.at.plus_millis(-i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
    let operations = [Operation::GetRequestStatus, Operation::GetReturnRequests, Operation::RequestMachines];
    let mut records = (0..count).zip(operations.into_iter().cycle()).map(|(number, operation)| {
        let mut record = now;
        record.operation = operation;
        record.at = ago(MONTH.saturating_mul(count - number) / count);
        record.wall_micros = 2_000 + number % 900;
        record
    });
    let mut times: Vec<Duration> = Vec::new();
    for record in records.by_ref().take(usize::try_from(TIMED)?) {
        let start = Instant::now();
        host.record(&record, || true);
        times.push(start.elapsed());
    }
    times.sort();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let log = fs::read_dir(directory.path())?.next().ok_or("there is no log")??.path();
    loop {
        let bytes: Vec<u8> =
            records.by_ref().take(usize::try_from(FOLDED)?).flat_map(|record| record.to_bytes()).collect();
        if bytes.is_empty() {
            break;
        }
        OpenOptions::new().append(true).create(true).open(&log)?.write_all(&bytes)?;
        host.fold(now.at);
    }
    let start = Instant::now();
    let (operations, _) = host.view().within(ago(MONTH + 86_400), now.at.plus_millis(1));
    let read = start.elapsed();
    let found: u64 = operations.values().map(|operation| operation.count).sum();
    if found != count {
        return Err(format!("{found} of {count} records were found").into());
    }
    println!("{:.1} µs for a record, {:.1} ms to read {count}", micros(middle), micros(read) / 1e3);
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
