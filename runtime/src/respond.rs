//! Finds the answer in the snapshot and writes it, or executes the live program.

use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ohfp_platform::locate::{self, LIVE_PROGRAM, Path, SHIPPED_SNAPSHOT};
use ohfp_platform::sys::{self, ExitCode, Process, STDERR, STDOUT, Written};
use ohfp_platform::terminal;
use ohfp_snapshot_format::key::LIST_NOTES;
use ohfp_snapshot_format::open::{IoPolicy, Snapshot};
use ohfp_snapshot_format::view::{Contents, Segments};
use ohfp_snapshot_format::{CLI_FINGERPRINT, Refusal, fresh};

use crate::counted;
use crate::question::{self, Question};

/// Longest input of `getAvailableTemplates` in bytes, usually `{}`; the live program reads longer ones.
const INPUT_LIMIT: usize = 64;

/// Buffer for a template: one that fits is read, a larger one mapped. Static, since it shares the page of the
/// program's few other variables, while another page of stack would cost 2 µs.
static RECORD: Mutex<[u8; 1024]> = Mutex::new([0; 1024]);

/// Whether the settings in the snapshot ask where the time goes.
static TIMED: AtomicBool = AtomicBool::new(false);

/// Runs one invocation and gives its exit code.
pub(crate) fn run(process: &Process) -> ExitCode {
    match question::read(process.arguments()).and_then(|question| answered(process, &question)) {
        Some(code) => code,
        None => live(process),
    }
}

/// `None`: the live program must answer.
fn answered(process: &Process, question: &Question<'_>) -> Option<ExitCode> {
    if let Question::AvailableTemplates { input, .. } = question {
        asks_nothing_special(input)?;
    }
    let get = |name: &str| process.variable(name);
    // It tells where the time goes, or fits a table to the screen; and no snapshot is made for overridden settings. A
    // screen is a terminal whose kind is known: the variable is looked at first, since it costs no system call.
    let is_help = question.is_help();
    let is_screen = || get("TERM").is_some_and(|kind| !kind.is_empty()) && sys::is_terminal(STDOUT);
    if get("PERFORMANCE_DEBUG").is_some() || process.has_overrides() || (!is_help && is_screen()) {
        return None;
    }
    let access = IoPolicy::from_variable(get("OHFP_SNAPSHOT_IO"));
    let root = locate::config_root(&get);
    let root = root.as_ref().map(|root| root.path.as_bytes());
    let own = locate::snapshot_path(&get, root).ok_or(Refusal::Missing);
    match own.and_then(|path| answer_from(process, question, &path, access, Role::Own(root))) {
        Ok(code) => code,
        // Help and version are the same in every snapshot of this build.
        Err(_) if is_help => {
            let mut path = locate::program_directory()?;
            path.push(SHIPPED_SNAPSHOT)?;
            answer_from(process, question, &path, access, Role::Shipped).ok().flatten()
        }
        Err(_) => None,
    }
}

/// The role of a snapshot file in this invocation.
#[derive(Clone, Copy)]
enum Role<'a> {
    /// The snapshot of this configuration root.
    Own(Option<&'a [u8]>),
    /// The shipped snapshot, for answers that depend on no input.
    Shipped,
}

/// Answers from one file.
fn answer_from(
    process: &Process,
    question: &Question<'_>,
    path: &Path,
    access: IoPolicy,
    role: Role<'_>,
) -> Result<Option<ExitCode>, Refusal> {
    if access != IoPolicy::Read {
        sys::guard_mapping(*process, live);
    }
    // The process ends before the mapping could matter; unmapping it would cost a system call.
    let snapshot = ManuallyDrop::new(Snapshot::open(path.as_c_str(), access)?);
    snapshot.expect_fingerprint(CLI_FINGERPRINT)?;
    let get = |name: &str| process.variable(name);
    if !question.is_help() {
        let Role::Own(root) = role else { return Ok(None) };
        if snapshot.header.timed() {
            TIMED.store(true, Ordering::Relaxed);
            return Ok(None);
        }
        if !snapshot.header.sealed() {
            fresh::check(snapshot.stamps()?, root, &get)?;
        }
    }
    // This process has one thread, so the lock is free.
    let Ok(mut record) = RECORD.lock() else { return Ok(None) };
    let Some(parts) = parts(process, question, &snapshot.contents()?, record.as_mut_slice())? else {
        return Ok(None);
    };
    let code = write(parts);
    if snapshot.header.counted() && code.is_some() {
        let is_operation = matches!(question, Question::AvailableTemplates { .. });
        let _ = counted::record(path, is_operation);
    }
    Ok(code)
}

/// The bytes of the answer, all checked.
fn parts<'s>(
    process: &Process,
    question: &Question<'_>,
    contents: &Contents<'s>,
    record: &'s mut [u8],
) -> Result<Option<Segments<'s>>, Refusal> {
    // At a terminal, the live program writes notes about left-out templates beside a list.
    if question.is_list() && contents.index.answer(LIST_NOTES).is_some() && sys::is_terminal(STDERR) {
        return Ok(None);
    }
    let styled =
        |plain: bool| !plain && terminal::styled(|name| process.variable(name), || sys::is_terminal(STDOUT));
    match question {
        Question::Filed { key, plain } => contents.answer(key.as_bytes(), || styled(*plain)),
        Question::Show { id, format, plain } => contents.show(id, format, || styled(*plain), record),
        Question::Page { key, offset, limit, plain } => {
            contents.page(key.as_bytes(), *offset, *limit, || styled(*plain))
        }
        Question::AvailableTemplates { key, .. } => contents.answer(key.as_bytes(), || false),
    }
}

impl Question<'_> {
    /// `templates list` in any form.
    fn is_list(&self) -> bool {
        let Self::Filed { key, .. } = self else { return matches!(self, Self::Page { .. }) };
        let key = key.as_bytes();
        key.starts_with(b"templates list\t") || key.starts_with(b"template list\t")
    }

    /// Help, version, completions: answers that do not depend on the configuration.
    fn is_help(&self) -> bool {
        let Self::Filed { key, .. } = self else { return false };
        key.as_bytes().starts_with(b"-") || key.as_bytes().starts_with(b"completions ")
    }
}

/// Whether the input is `{}`, with white space. Any other or unreadable input is left to the live program.
fn asks_nothing_special(input: &[u8]) -> Option<()> {
    use std::io::Read;
    let path = Path::new(&[input])?;
    let mut file = sys::open(path.as_c_str()).ok()?;
    if !sys::fstat(&file).ok()?.is_file() {
        return None;
    }
    let mut bytes = [0; INPUT_LIMIT];
    let mut len = 0;
    loop {
        match file.read(bytes.get_mut(len..)?).ok()? {
            0 => break,
            more => len += more,
        }
        if len == INPUT_LIMIT {
            return None;
        }
    }
    let mut text = bytes.get(..len)?.iter().copied().filter(|byte| !b" \t\r\n".contains(byte));
    // White space may stand anywhere here: before, between and behind the braces.
    (text.next() == Some(b'{') && text.next() == Some(b'}') && text.next().is_none()).then_some(())
}

/// Writes the answer. A closed pipe counts as success, a full disk does not. `None`: the snapshot was truncated
/// before the first byte was written.
fn write(parts: Segments<'_>) -> Option<ExitCode> {
    // The mapping stays as it is until the process ends.
    match sys::write_unchanging(STDOUT, parts) {
        Ok(Written::All | Written::ReaderGone) => Some(0),
        Ok(Written::Unreadable) => None,
        Err(error) => Some(complain(sys::write_failure(&error))),
    }
}

fn complain(reason: &str) -> ExitCode {
    let _ = sys::write_all(STDERR, [b"error: cannot write the answer: ", reason.as_bytes(), b"\n"]);
    1
}

/// Executes the live program; if there is none, the message says how to repair the installation.
fn live(process: &Process) -> ExitCode {
    // The live program's standard library replaces a closed standard output by /dev/null before its
    // first line runs; only here can the loss still be seen.
    if !sys::is_open(STDOUT) {
        return complain("standard output is closed");
    }
    // A program with more privileges than its caller must not execute a program that the caller names.
    let named = if sys::runs_with_more_rights() { None } else { process.variable("OHFP_LIVE") };
    let path = match named.filter(|path| !path.is_empty()) {
        Some(path) => Path::new(&[path]),
        None => locate::program_directory().and_then(|mut path| path.push(LIVE_PROGRAM).map(|()| path)),
    };
    let shown = path.as_ref().map_or(b"ohfp-live".as_slice(), Path::as_bytes);
    let itself = named.is_some() && path.as_ref().is_some_and(|path| is_this_program(path.as_c_str()));
    if let Some(path) = path.as_ref().filter(|_| !itself) {
        let path = path.as_c_str();
        let _ = if is_timed(process) { process.exec_and_tell(path) } else { process.exec(path) };
    }
    let host_factory = question::is_host_factory(process.arguments());
    let hint = if itself { ITSELF } else { HINT };
    let _ = sys::write_all(STDERR, [b"error: cannot start ", shown, hint]);
    if host_factory {
        let _ = sys::write_all(
            STDOUT,
            [b"{\"message\": \"ohfp cannot start its live program ohfp-live\"}\n", b"", b""],
        );
    }
    1
}

/// Whether the live program will tell where the time goes, as far as is known here.
fn is_timed(process: &Process) -> bool {
    TIMED.load(Ordering::Relaxed)
        || process.variable("PERFORMANCE_DEBUG").is_some()
        || process.arguments().any(|argument| argument.starts_with(b"--timings"))
}

/// Whether this is the running program, which would start itself for ever.
#[cold]
#[inline(never)]
fn is_this_program(path: &CStr) -> bool {
    let [Ok(named), Ok(own)] = [path, c"/proc/self/exe"].map(sys::stat) else { return false };
    (named.device, named.inode) == (own.device, own.inode)
}

const ITSELF: &[u8] = b", which is ohfp itself\n  hint: unset OHFP_LIVE\n";
const HINT: &[u8] = b"\n  hint: install ohfp-live beside ohfp, or name it in OHFP_LIVE\n";
