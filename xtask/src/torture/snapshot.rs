//! Every byte changed in three ways and every length cut: the answers of the healthy snapshot, or the
//! same answers from the sources. Nothing else, and no crash.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::Stage;
use crate::project::{Result, note, say, step};

/// A list, help, one template, a small document: between them they use every kind of section.
const QUESTIONS: [&[&str]; 4] = [
    &["templates", "list"],
    &["--help"],
    &["templates", "show", "Gpu-G5-xlarge", "--format", "table"],
    &["providers", "list", "--format", "yaml"],
];

/// One kind of damage at one place.
#[derive(Clone, Copy)]
enum Damage {
    Change(u64, u8),
    Length(u64),
}

pub(super) fn run(stage: &Stage, stride: u64) -> Result<()> {
    let healthy = stage.work.join("healthy.snapshot");
    stage.build(&healthy)?;
    let bytes = fs::read(&healthy)?;
    let expected = QUESTIONS
        .iter()
        .map(|question| Ok(stage.command("ohfp", &healthy).args(*question).output()?))
        .collect::<Result<Vec<Output>>>()?;
    let len = bytes.len() as u64;
    step(format_args!("damaging {len} bytes, every {stride}th"));
    let done = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from) as u64;
    let failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|worker| {
                let (bytes, expected, done) = (&bytes, &expected, &done);
                let places = (0..len)
                    .step_by(usize::try_from(stride).unwrap_or(1))
                    .skip(usize::try_from(worker).unwrap_or(0));
                let places = places.step_by(usize::try_from(workers).unwrap_or(1));
                scope.spawn(move || {
                    work(stage, &stage.work.join(format!("{worker}.snapshot")), bytes, expected, places, done)
                })
            })
            .collect();
        running
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|_| vec!["a worker died".into()]))
            .collect()
    });
    for failure in failures.iter().take(20) {
        note(failure);
    }
    say(format_args!(
        "{} runs on damaged snapshots: {} wrong answers or crashes",
        done.load(Ordering::Relaxed),
        failures.len()
    ))?;
    if failures.is_empty() { Ok(()) } else { Err("the snapshot lied".into()) }
}

/// Damages a copy of its own, place by place, longest length first.
fn work(
    stage: &Stage,
    path: &Path,
    bytes: &[u8],
    expected: &[Output],
    places: impl Iterator<Item = u64>,
    done: &AtomicU64,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut lengths = Vec::new();
    if let Err(error) = fs::write(path, bytes) {
        return vec![error.to_string()];
    }
    for at in places {
        lengths.push(at);
        let original = usize::try_from(at).ok().and_then(|at| bytes.get(at)).copied().unwrap_or_default();
        for change in [0x01, 0x80, 0xff] {
            attempt(
                stage,
                path,
                Damage::Change(at, original ^ change),
                &QUESTIONS,
                expected,
                done,
                &mut failures,
            );
        }
        if put(path, Damage::Change(at, original)).is_err() {
            failures.push(format!("cannot mend byte {at}"));
        }
    }
    // A wrong length is refused in one place whatever is asked, so one question does.
    for at in lengths.into_iter().rev() {
        let (question, expected) = (QUESTIONS.get(..1), expected.get(..1));
        let (question, expected) = (question.unwrap_or_default(), expected.unwrap_or_default());
        attempt(stage, path, Damage::Length(at), question, expected, done, &mut failures);
    }
    failures
}

fn put(path: &Path, damage: Damage) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    match damage {
        Damage::Change(at, byte) => file.write_all_at(&[byte], at),
        Damage::Length(len) => file.set_len(len),
    }
}

fn attempt(
    stage: &Stage,
    path: &Path,
    damage: Damage,
    questions: &[&[&str]],
    expected: &[Output],
    done: &AtomicU64,
    failures: &mut Vec<String>,
) {
    let what = match damage {
        Damage::Change(at, byte) => format!("byte {at} set to {byte:#04x}"),
        Damage::Length(len) => format!("cut to {len} bytes"),
    };
    if let Err(error) = put(path, damage) {
        failures.push(format!("{what}: {error}"));
        return;
    }
    for (question, expected) in questions.iter().zip(expected) {
        match stage.command("ohfp", path).args(*question).output() {
            Ok(answer)
                if answer.stdout == expected.stdout && answer.status.code() == expected.status.code() => {}
            Ok(answer) => failures.push(format!(
                "{what}: `ohfp {}` ended with {:?} and {} bytes instead of {}",
                question.join(" "),
                answer.status,
                answer.stdout.len(),
                expected.stdout.len()
            )),
            Err(error) => failures.push(format!("{what}: {error}")),
        }
        let runs = done.fetch_add(1, Ordering::Relaxed) + 1;
        if runs.is_multiple_of(100_000) {
            note(format_args!("{runs} runs, {} failures", failures.len()));
        }
    }
}
