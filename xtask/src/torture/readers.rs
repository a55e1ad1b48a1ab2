//! Readers that ask without pause while one snapshot replaces another.

use std::thread;
use std::time::{Duration, Instant};

use super::generations::{Generations, READERS};
use super::stage::Stage;
use crate::project::{Result, say, step};

pub(super) fn run(stage: &Stage, readers: u64, builds: u64) -> Result<()> {
    let generations = Generations::prepare(stage)?;
    step(format_args!("{readers} readers, {READERS} at a time, while {builds} snapshots replace each other"));
    let started = Instant::now();
    let tally = generations.read_during(|tally| {
        for build in 0..builds {
            // Spread over all readers, so that each build has some.
            while tally.asked() < readers.saturating_mul(build) / builds.max(1) {
                thread::sleep(Duration::from_micros(200));
            }
            generations.edit(usize::try_from(build)?.wrapping_add(1))?;
            stage.build(&generations.snapshot)?;
        }
        while tally.asked() < readers {
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    })?;
    let left = generations.left_behind()?;
    say(format_args!(
        "{} answers during {builds} builds in {} s, {} of them not whole of one generation; left behind: {left:?}",
        tally.asked(),
        started.elapsed().as_secs(),
        tally.wrong()
    ))?;
    if tally.wrong() == 0 && left.is_empty() {
        Ok(())
    } else {
        Err("readers do not see whole snapshots".into())
    }
}
