//! What every command starts from: where things are, and how xtask talks.
//!
//! Standard error carries progress; standard output carries what was asked for.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xshell::{Cmd, Shell, cmd};

use crate::environment;

/// Any error: callers only print it.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The five scripts that Host Factory runs, without their `.sh`.
pub(crate) const HF_OPERATIONS: [&str; 5] = [
    "getAvailableTemplates",
    "requestMachines",
    "requestReturnMachines",
    "getRequestStatus",
    "getReturnRequests",
];

/// The repository, cargo's output directory and a shell that stands in the repository.
pub(crate) struct Project {
    /// Runs commands from the repository's root, whatever directory xtask was called from.
    pub(crate) sh: Shell,
    /// The repository.
    pub(crate) root: PathBuf,
    /// Where cargo writes, and xtask too: nothing that xtask makes lies elsewhere unasked.
    pub(crate) target: PathBuf,
}

impl Project {
    pub(crate) fn open() -> Result<Self> {
        let root = environment::root();
        let sh = Shell::new()?;
        sh.change_dir(&root);
        let mut project = Self { sh, root, target: PathBuf::new() };
        // Only cargo knows all the places that this can be set in.
        let metadata = project.metadata()?;
        let target = metadata.get("target_directory").and_then(|value| value.as_str());
        project.target = target.ok_or("`cargo metadata` names no target_directory")?.into();
        Ok(project)
    }

    /// The cargo that runs xtask.
    pub(crate) fn cargo() -> OsString {
        std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
    }

    /// The workspace's own packages as cargo sees them.
    pub(crate) fn metadata(&self) -> Result<serde_json::Value> {
        let cargo = Self::cargo();
        let text = cmd!(self.sh, "{cargo} metadata --no-deps --format-version 1").quiet().read()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// A program found in `PATH` or among the tools that xtask installed.
    pub(crate) fn tool(&self, name: &str) -> Option<PathBuf> {
        let installed = self.tools().join("bin").join(name);
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|directory| directory.join(name))
            .chain([installed])
            .find(|candidate| candidate.is_file())
    }

    /// As [`Project::tool`], and installs what is missing from the registry. Takes minutes once.
    pub(crate) fn tool_or_install(&self, name: &str, version: &str) -> Result<PathBuf> {
        self.tool_or_install_within(name, version, None)
    }

    /// The same, for no longer than so many seconds.
    pub(crate) fn tool_or_install_within(
        &self,
        name: &str,
        version: &str,
        seconds: Option<&str>,
    ) -> Result<PathBuf> {
        if let Some(found) = self.tool(name) {
            return Ok(found);
        }
        step(format!("installing {name} {version} (once; takes a few minutes)"));
        let (cargo, root) = (Self::cargo(), self.tools());
        // A directory of its own: the tool's profile and features must not evict our build.
        let build = root.join("build");
        let bound = seconds.map(|seconds| ["timeout", seconds]).into_iter().flatten().map(OsString::from);
        let mut words: Vec<OsString> = bound.chain([cargo]).collect();
        let program = words.remove(0);
        let installed =
            cmd!(self.sh, "{program} {words...} install {name} --version {version} --locked --root {root}")
                .env("CARGO_TARGET_DIR", &build)
                // Tools run for seconds, and their own profiles optimize for minutes.
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                .run();
        self.sh.remove_path(&build)?;
        installed?;
        Ok(root.join("bin").join(name))
    }

    fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Copies a file with its mode, making the directory it goes to.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        if let Some(parent) = to.parent() {
            self.sh.create_dir(parent)?;
        }
        Ok(self.sh.copy_file(from, to)?)
    }

    /// A fresh directory below the target directory, in place of what was there.
    pub(crate) fn fresh_dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join(name);
        self.sh.remove_path(&path)?;
        Ok(self.sh.create_dir(&path)?)
    }
}

/// Removes what would make a program find another installation than the one under test.
pub(crate) fn scrubbed(cmd: Cmd<'_>) -> Cmd<'_> {
    cmd.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

/// A path for a tool that takes text.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("the path {} is not UTF-8", path.display()).into())
}

/// Announces what happens next.
pub(crate) fn step(what: impl Display) {
    note(format_args!("==> {what}"));
}

/// Prints a line on standard error and ignores errors: there is no other stream to report them to.
pub(crate) fn note(what: impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// A line of the result.
pub(crate) fn say(what: impl Display) -> Result<()> {
    Ok(writeln!(io::stdout(), "{what}")?)
}
