//! The log: JSON lines in the provider's log file.
//!
//! The file is opened at the first line, not at the start, and appended to a line at a time, so
//! concurrent processes do not mix their lines. Where no directory is known nothing is logged:
//! standard error belongs to the answer's reader.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use ohfp_snapshot_builder::load::Environment;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

/// Sends events to the log file that the environment names.
pub(crate) fn start(env: &Environment) {
    let Some(path) = path(env) else { return };
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_max_level(level(env))
        .with_writer(LogFile { path, file: OnceLock::new() })
        .finish();
    // Fails only if something else had been set, and nothing has.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The log file: `HF_PROVIDER_LOGDIR`, `HF_LOGDIR`, LSF's `PRO_LSF_LOGDIR`, else the user's state
/// directory.
pub(crate) fn path(env: &Environment) -> Option<PathBuf> {
    let set = |name| env.get(name).filter(|value| !value.is_empty());
    let provider = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME"));
    let provider =
        provider.and_then(|name| name.to_str()).filter(|name| !name.contains('/')).unwrap_or("ohfp");
    for name in ["HF_PROVIDER_LOGDIR", "HF_LOGDIR", "PRO_LSF_LOGDIR"] {
        if let Some(directory) = set(name) {
            return Some(PathBuf::from(directory).join(format!("{provider}-provider.{}.log", host())));
        }
    }
    let state = match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(base), _) => PathBuf::from(base),
        (None, Some(home)) => PathBuf::from(home).join(".local/state"),
        (None, None) => return None,
    };
    Some(state.join("ohfp/ohfp.log"))
}

/// The log lies on shared storage, so its name says whose it is.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// Host Factory's level names, with or without `LOG_`.
fn level(env: &Environment) -> Level {
    let name =
        env.get("HF_LOGLEVEL").and_then(|level| level.to_str()).unwrap_or_default().to_ascii_uppercase();
    match name.strip_prefix("LOG_").unwrap_or(&name) {
        "TRACE" => Level::TRACE,
        "DEBUG" => Level::DEBUG,
        "WARN" | "WARNING" => Level::WARN,
        "ERROR" | "FATAL" | "CRITICAL" => Level::ERROR,
        _ => Level::INFO,
    }
}

/// A file that is opened when the first line is written.
struct LogFile {
    path: PathBuf,
    file: OnceLock<Option<Mutex<File>>>,
}

impl LogFile {
    fn open(&self) -> Option<Mutex<File>> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory).ok()?;
        }
        OpenOptions::new().create(true).append(true).mode(0o640).open(&self.path).ok().map(Mutex::new)
    }
}

/// One line, written in one call. A log that cannot be written is no reason to fail.
struct Line<'a>(Option<&'a Mutex<File>>);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(Ok(mut file)) = self.0.map(Mutex::lock) {
            let _ = file.write_all(line);
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
        Line(self.file.get_or_init(|| self.open()).as_ref())
    }
}
