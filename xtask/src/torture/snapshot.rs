//! Every byte changed in three ways and every length cut: the answers of the healthy snapshot, or the
//! same answers from the sources. Nothing else, and no crash.
//!
//! Which command line is asked depends on the byte: one whose answer is made of it. Where the runtime
//! does not answer itself, what it becomes is in most runs a recorder instead of the live program, which
//! takes ten times as long: it tells that the runtime handed the untouched command line on and had
//! written nothing. The live program itself is tried too for every byte of the header, the first byte of
//! every part, and every [`LIVE_STRIDE`]th byte and length.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use super::parts::{self, Part, Question};
use super::stage::Stage;
use crate::project::{Result, note, say, step};

/// Each byte is changed by these.
const CHANGES: [u8; 3] = [0x01, 0x80, 0xff];
/// Every so many-th byte and length is tried with the live program too, and with all core questions.
const LIVE_STRIDE: usize = 97;
const HEADER_LEN: usize = 256;
/// What the recorder exits with.
const HANDED_ON: i32 = 77;

/// What is asked, and what the healthy snapshot answers.
struct Case {
    question: Question,
    healthy: Output,
}

/// What all workers share.
struct Torture<'s> {
    stage: &'s Stage,
    /// The runtime away from its tree, where there is no other snapshot to take help texts from.
    runtime: PathBuf,
    recorder: PathBuf,
    bytes: Vec<u8>,
    parts: Vec<(Part, Vec<usize>)>,
    cases: Vec<Case>,
    core: Vec<usize>,
    started: Instant,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    runs: AtomicU64,
    answered: AtomicU64,
    handed_on: AtomicU64,
    live: AtomicU64,
    failures: AtomicU64,
}

pub(super) fn run(stage: &Stage, recorder: PathBuf, stride: usize) -> Result<()> {
    let torture = Torture::prepare(stage, recorder)?;
    step(format_args!(
        "damaging {} bytes in {} parts, one of {stride}, with {} command lines",
        torture.bytes.len(),
        torture.parts.len(),
        torture.cases.len()
    ));
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let read: Vec<Vec<u64>> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|worker| {
                let torture = &torture;
                scope.spawn(move || torture.work(worker, workers, stride.max(1)))
            })
            .collect();
        running.into_iter().map(|worker| worker.join().unwrap_or_default()).collect()
    });
    torture.report(&read)
}

impl<'s> Torture<'s> {
    /// Builds the healthy snapshot and asks it everything.
    fn prepare(stage: &'s Stage, recorder: PathBuf) -> Result<Self> {
        let healthy = stage.work.join("healthy.snapshot");
        stage.build(&healthy)?;
        let bytes = fs::read(&healthy)?;
        let report = stage.command("ohfp-snapshot", &healthy).args(["inspect", "--json"]).output()?;
        let ids = template_ids(&fs::read(stage.config.join("awsprov_templates.json"))?)?;
        fs::create_dir(stage.work.join("log"))?;
        let input = stage.work.join("in.json");
        fs::write(&input, "{}")?;
        let runtime = stage.work.join("bin/ohfp");
        fs::create_dir(stage.work.join("bin"))?;
        fs::copy(stage.tree.program("ohfp"), &runtime)?;
        let core = parts::core(&ids, &input.display().to_string());
        let mut numbers: BTreeMap<Question, usize> = BTreeMap::new();
        let mut cases = Vec::new();
        let mut number = |question: &Question| -> Result<usize> {
            if let Some(number) = numbers.get(question) {
                return Ok(*number);
            }
            let missing = Path::new("/nonexistent/ohfp-live");
            let healthy = asked(stage, &runtime, &healthy, question, missing).output()?;
            if !healthy.status.success() {
                return Err(format!("the healthy snapshot does not answer {:?}", question.words).into());
            }
            numbers.insert(question.clone(), cases.len());
            cases.push(Case { question: question.clone(), healthy });
            Ok(cases.len() - 1)
        };
        let parts = parts::all(&bytes, &serde_json::from_slice(&report.stdout)?, &ids, &core)?
            .into_iter()
            .map(|part| {
                let numbers = part.questions.iter().map(&mut number).collect::<Result<Vec<usize>>>()?;
                Ok((part, numbers))
            })
            .collect::<Result<Vec<_>>>()?;
        let core = core.iter().map(&mut number).collect::<Result<Vec<usize>>>()?;
        let (started, counts) = (Instant::now(), Counts::default());
        Ok(Self { stage, runtime, recorder, bytes, parts, cases, core, started, counts })
    }

    /// Damages a copy of its own, place by place, then cuts it, the longest length first. How often each
    /// part was seen to be damaged.
    fn work(&self, worker: usize, workers: usize, stride: usize) -> Vec<u64> {
        let mut seen = vec![0; self.parts.len()];
        let path = self.stage.work.join(format!("{worker}.snapshot"));
        if let Err(error) = fs::write(&path, &self.bytes) {
            self.fail(format_args!("cannot copy the snapshot: {error}"));
            return seen;
        }
        for ((part, numbers), seen) in self.parts.iter().zip(&mut seen) {
            let mine = |at: &usize| (at / stride) % workers == worker;
            for at in part.range.clone().step_by(stride).filter(mine) {
                *seen += self.change(&path, part, numbers, at);
            }
        }
        let lengths = (0..self.bytes.len()).step_by(stride).rev();
        for length in lengths.filter(|length| (length / stride) % workers == worker) {
            let cut = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(length as u64));
            if let Err(error) = cut {
                self.fail(format_args!("cannot cut to {length} bytes: {error}"));
                return seen;
            }
            let (what, often) = (format!("cut to {length} bytes"), length.is_multiple_of(LIVE_STRIDE));
            let questions = if often { self.core.as_slice() } else { self.core.get(..1).unwrap_or_default() };
            for number in questions {
                self.attempt(&path, &what, *number, often || length <= HEADER_LEN, false);
            }
        }
        seen
    }

    /// Changes one byte in all ways and mends it; how many answers saw it.
    fn change(&self, path: &Path, part: &Part, numbers: &[usize], at: usize) -> u64 {
        let original = self.bytes.get(at).copied().unwrap_or_default();
        let put = |byte: u8| {
            let done = OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|file| file.write_all_at(&[byte], at as u64));
            if let Err(error) = done {
                self.fail(format_args!("cannot write byte {at}: {error}"));
            }
        };
        let often = at.is_multiple_of(LIVE_STRIDE);
        let prove = often || at < HEADER_LEN || at == part.range.start;
        let mut seen = 0;
        for change in CHANGES {
            put(original ^ change);
            let what = format!("byte {at} ({}) changed by {change:#04x}", part.name);
            let core = if often { self.core.as_slice() } else { &[] };
            for number in numbers.iter().chain(core) {
                // The last of the changes by the other way of reading.
                seen += u64::from(self.attempt(path, &what, *number, prove, change == 0xff));
            }
        }
        put(original);
        seen
    }

    /// Asks one question of a damaged snapshot; whether the runtime handed it on.
    fn attempt(&self, path: &Path, what: &str, number: usize, prove: bool, by_read: bool) -> bool {
        let Some(Case { question, healthy }) = self.cases.get(number) else { return false };
        let line = question.words.join(" ");
        let mut command = asked(self.stage, &self.runtime, path, question, &self.recorder);
        command.env("OHFP_SNAPSHOT_IO", if by_read { "read" } else { "mmap" });
        let mut handed_on = false;
        match brief(&mut command) {
            Ok((Some(0), stdout)) if stdout == healthy.stdout => {
                self.counts.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok((Some(HANDED_ON), stdout)) if stdout == format!("handed on: {line}").as_bytes() => {
                self.counts.handed_on.fetch_add(1, Ordering::Relaxed);
                handed_on = true;
            }
            Ok((code, stdout)) => self.fail(format_args!(
                "{what}: `ohfp {line}` ended with {code:?} and {} bytes instead of {}",
                stdout.len(),
                healthy.stdout.len()
            )),
            Err(error) => self.fail(format_args!("{what}: {error}")),
        }
        if prove {
            self.counts.live.fetch_add(1, Ordering::Relaxed);
            let program = self.stage.tree.program("ohfp-live");
            let mut command = asked(self.stage, &self.runtime, path, question, &program);
            command.env("HF_PROVIDER_LOGDIR", self.stage.work.join("log"));
            match command.output() {
                Ok(output) if output == *healthy => {}
                Ok(output) => self.fail(format_args!("{what}: `ohfp {line}` with ohfp-live: {output:?}")),
                Err(error) => self.fail(format_args!("{what}: {error}")),
            }
        }
        let runs = self.counts.runs.fetch_add(1, Ordering::Relaxed) + 1;
        if runs.is_multiple_of(100_000) {
            let failures = self.counts.failures.load(Ordering::Relaxed);
            note(format_args!("{runs} runs in {} s, {failures} failures", self.started.elapsed().as_secs()));
        }
        handed_on
    }

    fn fail(&self, what: std::fmt::Arguments<'_>) {
        if self.counts.failures.fetch_add(1, Ordering::Relaxed) < 20 {
            note(format_args!("WRONG: {what}"));
        }
    }

    fn report(&self, seen: &[Vec<u64>]) -> Result<()> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let blind: Vec<&str> = self
            .parts
            .iter()
            .enumerate()
            .filter(|(number, (part, _))| {
                part.read && seen.iter().filter_map(|seen| seen.get(*number)).sum::<u64>() == 0
            })
            .map(|(_, (part, _))| part.name.as_str())
            .collect();
        let seconds = self.started.elapsed().as_secs();
        say(format_args!("{} runs on damaged snapshots in {seconds} s", count(&self.counts.runs)))?;
        say(format_args!(
            "  {} answered from the snapshot, right in every byte: the damage was not in what they are made of",
            count(&self.counts.answered)
        ))?;
        say(format_args!(
            "  {} handed on, the command line untouched and nothing written before; a recorder stood for ohfp-live",
            count(&self.counts.handed_on)
        ))?;
        say(format_args!(
            "{} runs once more with ohfp-live itself; where it answered from the sources, its log says why",
            count(&self.counts.live)
        ))?;
        for (reason, times) in reasons(&self.stage.work.join("log"))? {
            say(format_args!("  {times:>8}  {reason}"))?;
        }
        for part in &blind {
            say(format_args!("no answer ever saw damage in: {part}"))?;
        }
        say(format_args!("{} wrong answers or crashes", count(&self.counts.failures)))?;
        if count(&self.counts.failures) == 0 { Ok(()) } else { Err("the snapshot lied".into()) }
    }
}

/// A command line with its style, and what stands for the live program.
fn asked(stage: &Stage, runtime: &Path, snapshot: &Path, question: &Question, live: &Path) -> Command {
    let mut command = stage.command_of(runtime, snapshot);
    command.args(&question.words).env("OHFP_LIVE", live);
    if question.styled {
        command.env("CLICOLOR_FORCE", "1");
    }
    command
}

/// Exit code and standard output, through one pipe and without another thread; no code is a signal.
fn brief(command: &mut Command) -> std::io::Result<(Option<i32>, Vec<u8>)> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdout = Vec::with_capacity(32 * 1024);
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout)?;
    }
    Ok((child.wait()?.code(), stdout))
}

/// The ids of a template file, in its order.
fn template_ids(content: &[u8]) -> Result<Vec<String>> {
    let document: Value = serde_json::from_slice(content)?;
    let templates = document.get("templates").and_then(Value::as_array).ok_or("no templates")?;
    let id = |template: &Value| template.get("templateId").and_then(Value::as_str).map(str::to_owned);
    Ok(templates.iter().filter_map(id).collect())
}

/// Why the live program was needed, by its log: each reason, numbers left out, and how often.
fn reasons(directory: &Path) -> Result<BTreeMap<String, u64>> {
    let mut reasons = BTreeMap::new();
    let is_number = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit());
    for entry in fs::read_dir(directory)? {
        for line in fs::read_to_string(entry?.path())?.lines() {
            let event: Value = serde_json::from_str(line)?;
            let reason = event.get("reason").and_then(Value::as_str).unwrap_or("none was given");
            let plain: Vec<&str> =
                reason.split_whitespace().map(|word| if is_number(word) { "N" } else { word }).collect();
            *reasons.entry(plain.join(" ")).or_default() += 1;
        }
    }
    Ok(reasons)
}
