//! The checks that other tools make: format, lints, licenses, advisories; and all of them in a row.

use std::process::ExitCode;

use xshell::cmd;

use crate::project::{Project, Result, note, step};
use crate::{deps, elf, mutants, testing};

const CARGO_DENY: &str = "0.20.2";

/// The fuzz targets are a workspace of their own.
const FUZZ: &str = "fuzz/Cargo.toml";

/// Formats the sources, or says which need it.
pub(crate) fn fmt(project: &Project, check: bool) -> Result<()> {
    step("formatting");
    let cargo = Project::cargo();
    let check = check.then_some("--check");
    for manifest in ["Cargo.toml", FUZZ] {
        cmd!(project.sh, "{cargo} fmt --all --manifest-path {manifest} {check...}").quiet().run()?;
    }
    Ok(())
}

/// Clippy on all targets; the fuzz targets are compiled.
pub(crate) fn lint(project: &Project) -> Result<()> {
    step("linting");
    let cargo = Project::cargo();
    cmd!(project.sh, "{cargo} clippy --workspace --all-targets -- -D warnings").quiet().run()?;
    // No test runs the fuzz targets, so nothing else notices when they no longer fit. They are not linked: libFuzzer is not
    // compiled, which would need a C++ compiler.
    let target = project.target.join("fuzz/check");
    let unlinked = target.join("libfuzzer.a");
    let check = cmd!(project.sh, "{cargo} check --quiet --locked --manifest-path {FUZZ}");
    Ok(check.env("CARGO_TARGET_DIR", target).env("CUSTOM_LIBFUZZER_PATH", unlinked).quiet().run()?)
}

/// Clippy on the crate that links AWS's SDK. It is empty for [`lint`], which would take five minutes more.
pub(crate) fn lint_sdk(project: &Project) -> Result<()> {
    step("linting what links AWS's SDK, which takes five minutes once");
    let cargo = Project::cargo();
    let package = ["--package", "ohfp-aws-client", "--features", "sdk", "--all-targets"];
    Ok(cmd!(project.sh, "{cargo} clippy {package...} -- -D warnings").quiet().run()?)
}

/// Licenses, bans and sources always; advisories where their database can be fetched.
///
/// Without cargo-deny, what `deps` checks has to do; deny.toml bans the versions that advisories
/// exist for, so the known ones bite without the database.
pub(crate) fn deny(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let tool = match project.tool_or_install("cargo-deny", CARGO_DENY) {
        Ok(tool) => tool,
        Err(error) => {
            note(format_args!(
                "note: cargo-deny is not to be had here ({error}); \
                 checked instead: the allowlist, the edges and the refused versions of `cargo xtask deps`"
            ));
            return Ok(());
        }
    };
    step("checking licenses, bans and sources");
    cmd!(sh, "{tool} check --hide-inclusion-graph bans licenses sources").quiet().run()?;
    step("fetching the advisory database");
    // An unreachable host may swallow packets for minutes.
    if cmd!(sh, "timeout 60 {tool} fetch db").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        note(
            "note: the advisory database is unreachable, so `cargo deny check advisories` was NOT run; \
             the versions that deny.toml bans stand in for it",
        );
        return Ok(());
    }
    step("checking advisories");
    Ok(cmd!(sh, "{tool} check advisories").quiet().run()?)
}

/// All checks, the tests last.
pub(crate) fn ci(project: &Project) -> Result<ExitCode> {
    let cargo = Project::cargo();
    step("checking that Cargo.lock is up to date");
    cmd!(project.sh, "{cargo} fetch --locked --quiet").quiet().run()?;
    fmt(project, true)?;
    lint(project)?;
    lint_sdk(project)?;
    deps::run(project)?;
    deny(project)?;
    elf::run(project)?;
    mutants::sample(project);
    testing::run(project, &[])
}
