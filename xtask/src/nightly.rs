//! `cargo xtask fuzz` and `cargo xtask miri`: what only a nightly compiler can do. Nothing here is part of
//! the tests or of CI, so that neither depends on a compiler that changes every day.

use std::path::PathBuf;

use xshell::cmd;

use crate::project::{Project, Result, say, step, text};

/// How long a target runs when nothing else is said.
const SECONDS: u64 = 60;

/// Runs one fuzz target, or each of them in turn, from the committed seeds and what earlier runs found.
pub(crate) fn fuzz(project: &Project, options: &[&str]) -> Result<()> {
    let (wanted, seconds) = match options {
        [] => (None, SECONDS),
        ["--seconds", seconds] => (None, seconds.parse()?),
        [target] => (Some(*target), SECONDS),
        [target, "--seconds", seconds] | ["--seconds", seconds, target] => (Some(*target), seconds.parse()?),
        _ => return Err("fuzz takes `[TARGET] [--seconds N]`".into()),
    };
    let known = targets(project)?;
    let chosen: Vec<&String> =
        known.iter().filter(|name| wanted.is_none_or(|wanted| wanted == *name)).collect();
    if chosen.is_empty() {
        return Err(format!("there is no such fuzz target; there are: {}", known.join(", ")).into());
    }
    needs_nightly(project, "rust-src", "fuzzing")?;
    if project.tool("cargo-fuzz").is_none() {
        return Err("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz` makes it".into());
    }
    for target in chosen {
        step(format_args!("fuzzing {target} for {seconds} s"));
        let kept = project.target.join("fuzz").join(target);
        for name in ["corpus", "artifacts"] {
            project.sh.create_dir(kept.join(name))?;
        }
        let (build, corpus) = (project.target.join("fuzz/build"), kept.join("corpus"));
        let seeds = project.root.join("fuzz/seeds").join(target);
        // libFuzzer wants a prefix, so the separator counts.
        let artifacts = format!("-artifact_prefix={}/", text(&kept.join("artifacts"))?);
        let time = format!("-max_total_time={seconds}");
        let dictionary = dictionary(project, target)?;
        // Long, since a busy machine is no finding.
        let limits = ["-timeout=300", "-print_final_stats=1"];
        cmd!(
            project.sh,
            "rustup run nightly cargo fuzz run --target-dir {build} {target} {corpus} {seeds} -- {artifacts} {time} {limits...} {dictionary...}"
        )
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .run()?;
    }
    say("no finding")
}

/// The names of all targets.
fn targets(project: &Project) -> Result<Vec<String>> {
    let mut names: Vec<String> = project
        .sh
        .read_dir(project.root.join("fuzz/fuzz_targets"))?
        .iter()
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Targets that read JSON get its words to play with.
fn dictionary(project: &Project, target: &str) -> Result<Option<String>> {
    if !["config", "templates", "template_file", "host_factory"].contains(&target) {
        return Ok(None);
    }
    Ok(Some(format!("-dict={}", text(&project.root.join("fuzz/dictionaries/json.dict"))?)))
}

/// Runs the tests that read a snapshot from bytes under Miri, which sees every access that is not allowed.
pub(crate) fn miri(project: &Project) -> Result<()> {
    needs_nightly(project, "miri", "this")?;
    step("running the byte-slice tests of the snapshot format under Miri");
    let build: PathBuf = project.target.join("miri");
    cmd!(project.sh, "rustup run nightly cargo miri test -p ohfp-snapshot-format --test bytes")
        .env("CARGO_TARGET_DIR", build)
        // A relative pointer reaches beyond the reference it is found by, which the older model of borrows
        // forbids and rkyv's maintainers do not aim at.
        .env("MIRIFLAGS", "-Zmiri-tree-borrows")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .run()?;
    Ok(())
}

/// Says what to install where the nightly compiler or a part of it is missing.
fn needs_nightly(project: &Project, component: &str, what: &str) -> Result<()> {
    let installed = cmd!(project.sh, "rustup component list --installed --toolchain nightly")
        .quiet()
        .ignore_stderr()
        .read()
        .unwrap_or_default();
    if installed.lines().any(|line| line.starts_with(component)) {
        return Ok(());
    }
    Err(format!(
        "{what} needs a nightly compiler with {component}: \
         `rustup toolchain install nightly --component {component}` installs both"
    )
    .into())
}
