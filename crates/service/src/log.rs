//! The log: JSON lines in the provider's log file.
//!
//! The file is opened at the first line, not at the start, and appended to a line at a time, so concurrent
//! processes do not mix their lines. If no directory is known, events are discarded: standard error belongs to
//! the reader of the answer. A file that has grown too large is renamed by one process at a time; the others
//! keep writing to the renamed one until they exit.
//!
//! With `-v` the same events go to standard error too, as people read them.

mod journal;
mod line;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use ohfp_broker::Error;
use ohfp_broker::error::shortened;
use ohfp_platform::files::{self, Access, Refused};
use ohfp_platform::sys;
use ohfp_resolver::{Environment, Performance, Settings};
use serde_json::{Map, Value};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

pub use journal::Journal;
pub use line::{LogLine, foreign};

use crate::notice;
use journal::numbered;

/// Mode of the log: writable for its owner, readable for the group, regardless of the umask.
const MODE: u32 = 0o640;
const DIRECTORY_MODE: u32 = 0o750;

/// Longest field of an event, in characters. Ids and names are foreign input, and a request may hold a megabyte
/// of them.
const LONGEST_FIELD: usize = 200;
/// Longest field that ohfp composes itself, in characters; foreign parts of it are cut already.
const LONGEST_TEXT: usize = 4_000;
const TEXTS: [&str; 3] = ["message", "error", "reason"];

/// Target of events about component loading, which have a level of their own.
const PERFORMANCE: &str = "performance";

/// Current level, as an index into `LEVELS`: of all events, then of those about performance.
static LEVEL: AtomicUsize = AtomicUsize::new(2);
static PERFORMANCE_LEVEL: AtomicUsize = AtomicUsize::new(2);

/// What standard error gets too: 0 is nothing, then as in `LEVELS`, counted from 1.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// Size in bytes at which the log is rotated, then the number of rotated files that are kept.
static LARGEST: AtomicU64 = AtomicU64::new(10 << 20);
static KEPT: AtomicU64 = AtomicU64::new(5);

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// What a person wants to see of the log while a command runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// How often `-v` was given: once for decisions, twice for the values behind them.
    pub verbose: u8,
    /// Whether standard error is styled.
    pub styled: bool,
}

/// Sends events to the log file that the environment names, and to standard error what is to be shown.
pub fn start(env: &Environment, shown: Shown) {
    let path = path(env);
    let level = match shown.verbose {
        0 => 0,
        1 => 4,
        _ => 5,
    };
    SHOWN.store(level, Ordering::Relaxed);
    let file = LogFile { path, file: OnceLock::new(), in_force: OnceLock::new(), styled: shown.styled };
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_writer(file);
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter_fn(is_wanted)));
    // Fails only if a subscriber was set before, and none was.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Applies the logging settings of the configuration, and those of Host Factory's that it accepts. Only errors
/// that occurred earlier have been written by now, to the file that the environment names; `named` is the one that the
/// settings name, if they do.
pub(crate) fn configure(performance: &Performance, env: &Environment, named: Option<PathBuf>) {
    if let Some(path) = named {
        let _ = IN_FORCE.set(path);
    }
    LARGEST.store(if performance.log_size == 0 { u64::MAX } else { performance.log_size }, Ordering::Relaxed);
    KEPT.store(performance.log_files, Ordering::Relaxed);
    set(performance.log_level, performance.performance_log_level.unwrap_or(performance.log_level));
    if performance.accept_propagated_log_settings {
        let number = |name: &str| {
            let set = env.get(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
            set.filter(|number| *number > 0)
        };
        if let Some(mebibytes) = number("HF_LOG_MAX_FILE_SIZE") {
            LARGEST.store(mebibytes.saturating_mul(1 << 20), Ordering::Relaxed);
        }
        if let Some(kept) = number("HF_LOG_MAX_ROTATE") {
            KEPT.store(kept.min(1_000), Ordering::Relaxed);
        }
    }
    if performance.log_console && !notice::is_quiet() && io::stderr().is_terminal() {
        SHOWN.fetch_max(LEVEL.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// The log file that the configuration names, where it names one.
static IN_FORCE: OnceLock<PathBuf> = OnceLock::new();

/// The level that the command line names, whatever the settings say: 0 is none, then as in `LEVELS`, counted from 1.
static KEPT_LEVEL: AtomicUsize = AtomicUsize::new(0);

/// From now on this is the least severe level, whatever the settings say.
pub fn keep_level(level: Level) {
    set(level, level);
    KEPT_LEVEL.store(LEVEL.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

fn set(level: Level, performance: Level) {
    if KEPT_LEVEL.load(Ordering::Relaxed) > 0 {
        return;
    }
    let place = |level| LEVELS.iter().position(|known| *known == level).unwrap_or(2);
    LEVEL.store(place(level), Ordering::Relaxed);
    PERFORMANCE_LEVEL.store(place(performance), Ordering::Relaxed);
}

fn is_wanted(event: &Metadata<'_>) -> bool {
    is_logged(event) || is_shown(event)
}

/// Whether a person wants to see it: what ohfp decides, not what the libraries below it do.
fn is_shown(event: &Metadata<'_>) -> bool {
    let Some(at) = SHOWN.load(Ordering::Relaxed).checked_sub(1) else { return false };
    let is_ours = event.target().starts_with("ohfp") || event.target() == PERFORMANCE;
    is_ours && LEVELS.get(at).is_some_and(|level| event.level() <= level)
}

fn is_logged(event: &Metadata<'_>) -> bool {
    let in_force = if event.target() == PERFORMANCE { &PERFORMANCE_LEVEL } else { &LEVEL };
    LEVELS.get(in_force.load(Ordering::Relaxed)).is_some_and(|level| event.level() <= level)
}

/// Path of the log file by the settings; `None` where they say nothing of it, and the environment alone decides. A relative
/// one is below the directory of the log, which is below `root` if the settings name it.
pub(crate) fn named(settings: &Settings, env: &Environment, root: &Path) -> Option<PathBuf> {
    let (file, directory) = (settings.log_file().map(Path::new), settings.log_directory());
    match (file, directory) {
        (None, None) => return None,
        (Some(file), _) if file.is_absolute() => return Some(file.to_owned()),
        _ => {}
    }
    let by_variables = path(env);
    let standard = match directory {
        // What Host Factory or LSF says goes first.
        Some(directory) if by_variables.as_ref().is_none_or(|path| path.ends_with(PERSONAL)) => {
            Some(root.join(directory).join(format!("ohfp-provider.{}.log", sys::host_name())))
        }
        _ => by_variables,
    };
    match file {
        Some(file) => Some(files::directory(standard.as_deref()?).join(file)),
        None => standard,
    }
}

/// The log below the user's state directory.
const PERSONAL: &str = "ohfp/ohfp.log";

/// Path of the log file by the environment alone, with the name of the host, since the log may lie on shared storage: in
/// `HF_PROVIDER_LOGDIR`, `HF_LOGDIR`, LSF's `PRO_LSF_LOGDIR`, `ORB_LOG_DIR`, else the user's state directory; `None` if
/// none of them is known.
pub(crate) fn path(env: &Environment) -> Option<PathBuf> {
    let set = |name| env.get(name).filter(|value| !value.is_empty());
    let provider = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME"));
    let provider =
        provider.and_then(|name| name.to_str()).filter(|name| !name.contains('/')).unwrap_or("ohfp");
    for name in ["HF_PROVIDER_LOGDIR", "HF_LOGDIR", "PRO_LSF_LOGDIR", "ORB_LOG_DIR"] {
        if let Some(directory) = set(name) {
            return Some(
                PathBuf::from(directory).join(format!("{provider}-provider.{}.log", sys::host_name())),
            );
        }
    }
    let state = match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(base), _) => PathBuf::from(base),
        (None, Some(home)) => PathBuf::from(home).join(".local/state"),
        (None, None) => return None,
    };
    Some(state.join(PERSONAL))
}

/// A file that is opened when the first line is written.
struct LogFile {
    /// The file until the settings are known.
    path: Option<PathBuf>,
    file: OnceLock<Option<Mutex<File>>>,
    /// The file that the settings name.
    in_force: OnceLock<Option<Mutex<File>>>,
    /// Whether standard error is styled.
    styled: bool,
}

impl LogFile {
    fn file(&self) -> Option<&Mutex<File>> {
        let opened = match IN_FORCE.get() {
            Some(path) if self.path.as_ref() != Some(path) => self.in_force.get_or_init(|| Self::open(path)),
            _ => self.file.get_or_init(|| Self::open(self.path.as_deref()?)),
        };
        opened.as_ref()
    }

    fn open(path: &Path) -> Option<Mutex<File>> {
        files::create_directories(files::directory(path), DIRECTORY_MODE).ok()?;
        let file = append(path)?;
        let largest = LARGEST.load(Ordering::Relaxed);
        if file.metadata().is_ok_and(|now| now.len() >= largest) && rotate(path, &file).is_some() {
            return append(path).map(Mutex::new);
        }
        Some(Mutex::new(file))
    }
}

/// Opens the file for appending. `None` if it cannot be opened, which is no error, or is untrusted, which a note
/// reports.
fn append(path: &Path) -> Option<File> {
    match files::open_or_create(path, Access::Append, MODE) {
        Ok(file) => Some(file),
        Err(Refused::Io(_)) => None,
        Err(refused) => {
            notice::note(&format!("nothing is logged to `{}`: {refused}", path.display()));
            None
        }
    }
}

/// Rotates the log: renames the file and its predecessors, unless another process does so or already has.
fn rotate(path: &Path, file: &File) -> Option<()> {
    file.try_lock().ok()?;
    let ours = file.metadata().ok()?;
    let there = fs::symlink_metadata(path).ok()?;
    if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
        return Some(());
    }
    let kept = KEPT.load(Ordering::Relaxed);
    if kept == 0 {
        return fs::remove_file(path).ok();
    }
    for number in (1..kept).rev() {
        let _ = fs::rename(numbered(path, number), numbered(path, number + 1));
    }
    fs::rename(path, numbered(path, 1)).ok()
}

/// Cuts the long fields of a line. Short lines, the usual case, are not parsed.
fn cut(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LONGEST_FIELD {
        return Cow::Borrowed(line);
    }
    let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(line) else {
        return Cow::Borrowed(line);
    };
    for (name, value) in &mut fields {
        let longest = if TEXTS.contains(&name.as_str()) { LONGEST_TEXT } else { LONGEST_FIELD };
        if let Value::String(text) = value
            && text.len() > longest
            && name != "report"
        {
            *text = shortened(text, longest).into_owned();
        }
    }
    let mut short = Value::Object(fields).to_string().into_bytes();
    short.push(b'\n');
    Cow::Owned(short)
}

/// Writes a line in one call to each place. Errors are ignored.
struct Line<'a> {
    file: Option<&'a Mutex<File>>,
    /// Whether standard error gets it, and in style.
    shown: Option<bool>,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let cut = cut(line);
        if let Some(Ok(mut file)) = self.file.map(Mutex::lock) {
            let _ = file.write_all(&cut);
        }
        if let Some((styled, record)) = self.shown.zip(LogLine::parse(&cut)) {
            notice::stderr(&format!("{}\n", record.laid_out(styled)));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { file: self.file(), shown: None }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line<'a> {
        let shown = is_shown(event).then_some(self.styled);
        if is_logged(event) { Line { shown, ..self.make_writer() } } else { Line { file: None, shown } }
    }
}

/// Logs errors of providers that do not affect the answer.
pub fn log_errors(errors: &[Error]) {
    for error in errors {
        tracing::warn!(error = error.summary(), "a provider is unreachable");
    }
}
