//! Builds the product's programs for release.
//!
//! Static musl programs run on every release of every distribution, which matters because HF
//! installations share one file system between hosts, and they start several times faster. Where
//! there is no musl target, programs for this machine do everything but that.

use std::path::PathBuf;

use xshell::cmd;

use crate::project::{Project, Result, note, step};

/// The three programs.
pub(crate) struct Binaries {
    pub(crate) runtime: PathBuf,
    pub(crate) live: PathBuf,
    pub(crate) snapshot: PathBuf,
}

/// Which clouds `ohfp-live` knows beside the simulated one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clouds {
    /// AWS, whose SDK takes ten minutes to build once.
    Aws,
    /// None.
    Simulated,
}

/// What the programs are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be installed, measured and tested.
    Use(Clouds),
    /// To be shown, soon: only the runtime is optimized as it is installed, and no cloud's SDK is built.
    Show,
}

impl Purpose {
    /// The profile of Cargo.toml for all but the runtime.
    fn profile(self) -> &'static str {
        match self {
            Self::Use(_) => "live",
            Self::Show => "demo",
        }
    }
}

/// Builds all three.
pub(crate) fn build(project: &Project, purpose: Purpose) -> Result<Binaries> {
    let target = musl_target(project);
    let runtime = runtime(project, target)?;
    let features: &[&str] = if purpose == Purpose::Use(Clouds::Aws) {
        step("building ohfp-live and ohfp-snapshot; AWS's SDK takes ten minutes once");
        &["--features", "ohfp-live/aws"]
    } else {
        step("building ohfp-live and ohfp-snapshot");
        &[]
    };
    // Together, so that what both use is compiled once.
    let packages = [&["-p", "ohfp-live", "-p", "ohfp-snapshot-builder"], features].concat();
    let directory = static_if_possible(project, purpose.profile(), &packages, target)?;
    Ok(Binaries { runtime, live: directory.join("ohfp-live"), snapshot: directory.join("ohfp-snapshot") })
}

/// Builds for `target`, or for this machine where that cannot be; gives the directory that the programs are in.
fn static_if_possible(
    project: &Project,
    profile: &str,
    packages: &[&str],
    target: Option<&str>,
) -> Result<PathBuf> {
    if let Some(target) = target {
        let built = cargo_build(project, profile, packages, Some(target));
        // Only what is compiled from C needs more for musl than for this machine. Where that can be had, the fault is in
        // the sources.
        if built.is_ok() || cargo_build(project, profile, &["-p", "libsqlite3-sys"], Some(target)).is_ok() {
            return built;
        }
        note("note: cannot build this for musl here; building it for this machine instead");
    }
    cargo_build(project, profile, packages, None)
}

/// Builds `ohfp` alone, and always alone: together with the others, cargo would unify features and
/// give the runtime the writer of the snapshot format.
pub(crate) fn runtime(project: &Project, target: Option<&str>) -> Result<PathBuf> {
    step("building the runtime");
    Ok(cargo_build(project, "release", &["-p", "ohfp"], target)?.join("ohfp"))
}

/// Gives the directory that the programs are in.
fn cargo_build(project: &Project, profile: &str, packages: &[&str], target: Option<&str>) -> Result<PathBuf> {
    let cargo = Project::cargo();
    let mut command = cmd!(project.sh, "{cargo} build --profile {profile} {packages...}");
    if let Some(target) = target {
        command = command.args(["--target", target]);
        // Made for this library; else .cargo/config.toml says how the system's compiler does it.
        if project.tool("musl-gcc").is_some() {
            command = command.env(format!("CC_{}", target.replace('-', "_")), "musl-gcc");
        }
    }
    // The commit that `ohfp version` shows, and its date: a build of the same commit has the same bytes.
    let shown = |format: &str| {
        cmd!(project.sh, "git show --no-patch --format={format} HEAD")
            .quiet()
            .ignore_stderr()
            .read()
            .unwrap_or_default()
    };
    for (variable, format) in [("OHFP_COMMIT", "%h"), ("OHFP_COMMIT_DATE", "%cs")] {
        let value = shown(format);
        if !value.is_empty() {
            command = command.env(variable, value);
        }
    }
    // Either of these would replace the flags of .cargo/config.toml, which make the runtime static.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").quiet().run()?;
    Ok(project.target.join(target.unwrap_or_default()).join(profile))
}

/// The musl target of this machine, installed if need be; nothing, and a note, where it cannot be had.
pub(crate) fn musl_target(project: &Project) -> Option<&'static str> {
    let target = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "x86_64-unknown-linux-musl",
        ("linux", "aarch64") => "aarch64-unknown-linux-musl",
        (os, arch) => {
            note(format_args!("note: no static runtime for {os} on {arch}; building a hosted one"));
            return None;
        }
    };
    if is_installed(project, target) {
        return Some(target);
    }
    step(format_args!("installing the target {target}"));
    let sh = &project.sh;
    if cmd!(sh, "rustup target add {target}").quiet().run().is_ok() && is_installed(project, target) {
        return Some(target);
    }
    note(format_args!(
        "note: the target {target} is not to be had; building a hosted runtime, which starts more slowly"
    ));
    None
}

/// Asks the compiler, not rustup: distributions package the target too.
fn is_installed(project: &Project, target: &str) -> bool {
    cmd!(project.sh, "rustc --print target-libdir --target {target}")
        .quiet()
        .ignore_stderr()
        .read()
        .is_ok_and(|directory| project.sh.path_exists(directory))
}
