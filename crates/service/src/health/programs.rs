//! Runs the installed programs, to measure what a caller waits for. They answer in a way that changes no file.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ohfp_resolver::Environment;

/// How often a program is run; the median counts, so that one that was disturbed does not.
const RUNS: usize = 5;

/// What names the program that the runtime executes. Where there is none, the runtime answers by itself or fails.
const LIVE: &str = "OHFP_LIVE";
const NOWHERE: &str = "/nonexistent/ohfp-live";

/// The installed programs.
pub(crate) struct Programs<'e> {
    /// `ohfp`, which answers from the snapshot.
    pub(crate) runtime: PathBuf,
    /// `ohfp-live`, which is running now.
    pub(crate) live: PathBuf,
    env: &'e Environment,
}

impl<'e> Programs<'e> {
    /// The programs beside this one.
    ///
    /// # Errors
    /// Why it cannot be told where this one is.
    pub(crate) fn beside(env: &'e Environment) -> io::Result<Self> {
        let live = std::env::current_exe()?;
        Ok(Self { runtime: live.with_file_name(ohfp_cli::PROGRAM), live, env })
    }

    /// The median time from the start of a program to its end, asked for its version.
    ///
    /// # Errors
    /// Why it cannot be run, or that it fails.
    pub(crate) fn start_time(&self, program: &Path) -> io::Result<Duration> {
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let began = Instant::now();
            let status = self.command(program, &["--version"]).status()?;
            times.push(began.elapsed());
            if !status.success() {
                return Err(io::Error::other(format!("it ends with {status}")));
            }
        }
        times.sort_unstable();
        Ok(times.get(RUNS / 2).copied().unwrap_or_default())
    }

    /// Whether the runtime lists templates by itself, from the snapshot.
    pub(crate) fn answers_from_snapshot(&self) -> bool {
        let mut command = self.command(&self.runtime, &["templates", "list", "--limit", "1"]);
        command.env(LIVE, NOWHERE).status().is_ok_and(|status| status.success())
    }

    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).env_clear().envs(self.env.iter());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_run_to_their_end() {
        let env = Environment::from_iter([("HOME", "/")]);
        let programs = Programs::beside(&env).unwrap();
        assert!(programs.live.is_file() && programs.runtime.ends_with("ohfp"));
        let found =
            |program: &str| programs.start_time(Path::new(program)).map_err(|error| error.to_string());
        // GNU's knows the option, others ignore it.
        assert!(found("/bin/true").is_ok_and(|time| time > Duration::ZERO));
        assert!(found("/bin/false").is_err_and(|told| told.contains("exit status: 1")));
        assert!(found("/nonexistent/x").is_err());
        assert!(!programs.answers_from_snapshot());
    }
}
