//! Builders killed with SIGKILL at random moments while others ask without pause.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use super::generations::{Generations, READERS};
use super::stage::Stage;
use crate::dice::Dice;
use crate::project::{Result, say, step};

pub(super) fn run(stage: &Stage, kills: u64) -> Result<()> {
    let generations = Generations::prepare(stage)?;
    let started = Instant::now();
    stage.build(&generations.snapshot)?;
    let whole_build = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);

    step(format_args!("killing {kills} builders under {READERS} readers"));
    let (started, mut killed, mut locked, mut most_left) = (Instant::now(), 0, 0, 0);
    let tally = generations.read_during(|_| {
        let mut dice = Dice::new(1);
        while killed < kills {
            generations.edit(usize::try_from(dice.below(1_000))?)?;
            let mut builder =
                stage.command("ohfp-snapshot", &generations.snapshot).args(["build", "--quiet"]).spawn()?;
            // Up to a little more than a whole build takes under this load.
            thread::sleep(Duration::from_micros(dice.below(whole_build.saturating_mul(3).max(1))));
            builder.kill()?;
            if builder.wait()?.success() {
                continue;
            }
            killed += 1;
            // A killed process holds no lock: the next one gets the lock of the directory at once.
            if File::open(&stage.work)?.try_lock().is_err() {
                locked += 1;
            }
            most_left = most_left.max(generations.left_behind()?.len());
        }
        Ok(())
    })?;

    stage.build(&generations.snapshot)?;
    let left = generations.left_behind()?;
    say(format_args!(
        "{killed} builders killed in {} s, {} answers, {} wrong; {locked} locks left by the dead; at most {most_left} files \
         left behind between builds, and after the next build: {left:?}",
        started.elapsed().as_secs(),
        tally.asked(),
        tally.wrong()
    ))?;
    if tally.wrong() == 0 && left.is_empty() && locked == 0 {
        Ok(())
    } else {
        Err("publishing is not safe".into())
    }
}
