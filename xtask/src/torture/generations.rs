//! Configurations that differ in every record, so that an answer made of two of them equals none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{fs, io, thread};

use super::stage::Stage;
use crate::project::{Result, note};

/// How many there are, and how many readers ask at the same time.
const GENERATIONS: usize = 4;
pub(super) const READERS: usize = 8;

/// The generations of one stage, and what each answers.
pub(super) struct Generations<'s> {
    stage: &'s Stage,
    pub(super) snapshot: PathBuf,
    templates: PathBuf,
    original: String,
    answers: BTreeSet<Vec<u8>>,
}

impl<'s> Generations<'s> {
    /// Builds each of them once.
    pub(super) fn prepare(stage: &'s Stage) -> Result<Self> {
        let templates = stage.config.join("awsprov_templates.json");
        let mut generations = Self {
            stage,
            snapshot: stage.work.join("published.snapshot"),
            original: fs::read_to_string(&templates)?,
            templates,
            answers: BTreeSet::new(),
        };
        for number in 0..GENERATIONS {
            generations.edit(number)?;
            stage.build(&generations.snapshot)?;
            let answer = stage.command("ohfp", &generations.snapshot).args(["templates", "list"]).output()?;
            generations.answers.insert(answer.stdout);
        }
        if generations.answers.len() == GENERATIONS {
            Ok(generations)
        } else {
            Err("generations are alike".into())
        }
    }

    /// Makes a generation the configuration: by rename, as an editor does it, so that a reader of the
    /// sources sees one of them whole.
    pub(super) fn edit(&self, number: usize) -> io::Result<()> {
        let number = number % GENERATIONS;
        let next = self.templates.with_extension("next");
        let content = self.original.replace("\"imageId\": \"ami-", &format!("\"imageId\": \"ami-{number}"));
        fs::write(&next, content)?;
        fs::rename(&next, &self.templates)
    }

    /// Asks from several threads as long as `work` goes on, and compares every answer.
    pub(super) fn read_during(&self, work: impl FnOnce(&Tally) -> Result<()>) -> Result<Tally> {
        let tally = Tally::default();
        let result = thread::scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| self.read(&tally));
            }
            let result = work(&tally);
            tally.stop.store(true, Ordering::Relaxed);
            result
        });
        result.map(|()| tally)
    }

    fn read(&self, tally: &Tally) {
        while !tally.stop.load(Ordering::Relaxed) {
            let answer = self.stage.command("ohfp", &self.snapshot).args(["templates", "list"]).output();
            tally.asked.fetch_add(1, Ordering::Relaxed);
            match answer {
                Ok(answer) if answer.status.success() && self.answers.contains(&answer.stdout) => {}
                other => {
                    tally.wrong.fetch_add(1, Ordering::Relaxed);
                    note(format_args!(
                        "wrong answer: {:?}",
                        other.map(|answer| (answer.status, answer.stdout.len()))
                    ));
                }
            }
        }
    }

    /// What lies beside the snapshot and its previous generation.
    pub(super) fn left_behind(&self) -> Result<Vec<String>> {
        let directory = self.snapshot.parent().unwrap_or(Path::new("."));
        let names = fs::read_dir(directory)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names
            .filter(|name| name != "published.snapshot" && name != "published.snapshot.previous")
            .collect())
    }
}

/// What the readers saw.
#[derive(Default)]
pub(super) struct Tally {
    stop: AtomicBool,
    asked: AtomicU64,
    wrong: AtomicU64,
}

impl Tally {
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }
}
