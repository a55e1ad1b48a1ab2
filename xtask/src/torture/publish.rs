//! Builders killed with SIGKILL at random moments while eight readers ask without pause.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Random, Stage};
use crate::project::{Result, note, say, step};

const READERS: usize = 8;
const GENERATIONS: usize = 4;

pub(super) fn run(stage: &Stage, kills: u64) -> Result<()> {
    let snapshot = stage.work.join("published.snapshot");
    let templates = stage.config.join("awsprov_templates.json");
    let original = fs::read_to_string(&templates)?;
    // Generations differ in every record, so an answer from two of them equals none.
    let generation =
        |number: usize| original.replace("\"imageId\": \"ami-", &format!("\"imageId\": \"ami-{number}"));
    let mut answers = BTreeSet::new();
    for number in 0..GENERATIONS {
        fs::write(&templates, generation(number))?;
        stage.build(&snapshot)?;
        answers.insert(stage.command("ohfp", &snapshot).args(["templates", "list"]).output()?.stdout);
    }
    let started = Instant::now();
    stage.build(&snapshot)?;
    let whole_build = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);

    step(format_args!("killing {kills} builders under {READERS} readers"));
    let (stop, asked, wrong) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let killed = thread::scope(|scope| -> Result<u64> {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = stage.command("ohfp", &snapshot).args(["templates", "list"]).output();
                    asked.fetch_add(1, Ordering::Relaxed);
                    match answer {
                        Ok(answer) if answer.status.success() && answers.contains(&answer.stdout) => {}
                        other => {
                            wrong.fetch_add(1, Ordering::Relaxed);
                            note(format_args!(
                                "wrong answer: {:?}",
                                other.map(|answer| (answer.status, answer.stdout.len()))
                            ));
                        }
                    }
                }
            });
        }
        let result = kill_builders(stage, &snapshot, kills, whole_build, |number| {
            // By rename, as an editor does it: a reader of the sources sees one of them whole.
            let next = templates.with_extension("next");
            fs::write(&next, generation(number % GENERATIONS))?;
            fs::rename(&next, &templates)
        });
        stop.store(true, Ordering::Relaxed);
        result
    })?;

    stage.build(&snapshot)?;
    let left: Vec<String> = fs::read_dir(&stage.work)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "published.snapshot" && name != "published.snapshot.previous")
        .collect();
    say(format_args!(
        "{killed} of {kills} builders killed, {} answers, {} wrong; left behind after the next build: {left:?}",
        asked.load(Ordering::Relaxed),
        wrong.load(Ordering::Relaxed)
    ))?;
    if wrong.load(Ordering::Relaxed) == 0 && left.is_empty() {
        Ok(())
    } else {
        Err("publishing is not safe".into())
    }
}

/// Starts builders one after the other and kills each at a random moment; how many were killed
/// before they were done.
fn kill_builders(
    stage: &Stage,
    snapshot: &std::path::Path,
    kills: u64,
    whole_build: u64,
    mut edit: impl FnMut(usize) -> std::io::Result<()>,
) -> Result<u64> {
    let mut random = Random(1);
    let mut killed = 0;
    for number in 0..usize::try_from(kills)? {
        edit(number)?;
        let mut builder = stage.command("ohfp-snapshot", snapshot).args(["build", "--quiet"]).spawn()?;
        // Up to a little more than a whole build takes under this load.
        thread::sleep(Duration::from_micros(random.below(whole_build.saturating_mul(3).max(1))));
        builder.kill()?;
        if !builder.wait()?.success() {
            killed += 1;
        }
    }
    Ok(killed)
}
