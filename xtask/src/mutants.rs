//! `cargo xtask mutants`: does each crate's own suite notice when its code is changed?
//!
//! cargo-mutants changes one expression at a time and runs the tests of that crate alone. What nothing catches is a
//! sentence about the crate that no test says. Mutants that change nothing a caller can see are listed in
//! `.cargo/mutants.toml`, each with its reason. CI tries a few of what changed last, see [`sample`].

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;
use xshell::{Cmd, cmd};

use crate::project::{Project, Result, note, say, step};

const TOOL: &str = "cargo-mutants";
const VERSION: &str = "27.1.0";

/// The crates that are held to [`SHARE`]: what decides, and what reads or writes foreign bytes.
const CRATES: [&str; 7] = [
    "ohfp-broker",
    "ohfp-keys",
    "ohfp-resolver",
    "ohfp-render",
    "ohfp-wire",
    "ohfp-snapshot-format",
    "ohfp-store-sqlite",
];

/// At least this part of the viable mutants must be caught, in percent.
const SHARE: u64 = 85;

/// What became of the mutants of one crate.
#[derive(Default)]
struct Outcome {
    caught: u64,
    missed: u64,
    unviable: u64,
}

/// Runs the command: `[CRATE] [--shard K/N] [--changed BASE]`, or `--sample`.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<()> {
    if options == ["--sample"] {
        sample(project);
        return Ok(());
    }
    let (mut wanted, mut shard, mut base) = (None, None, None);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match *word {
            "--shard" => shard = Some(*words.next().ok_or("--shard takes K/N, K from 0")?),
            "--changed" => base = Some(*words.next().ok_or("--changed takes a commit")?),
            name if !name.starts_with('-') && wanted.is_none() => wanted = Some(name),
            other => {
                return Err(format!(
                    "mutants takes `[CRATE] [--shard K/N] [--changed BASE]` or `--sample`, not `{other}`"
                )
                .into());
            }
        }
    }
    let known =
        |name: &str| CRATES.iter().find(|known| **known == name || known.strip_prefix("ohfp-") == Some(name));
    let crates: Vec<&str> = match wanted {
        None => CRATES.to_vec(),
        Some(name) => {
            vec![known(name).ok_or_else(|| format!("`{name}` is not one of {}", CRATES.join(", ")))?]
        }
    };
    let tool = project.tool_or_install(TOOL, VERSION)?;
    let output = project.fresh_dir("mutants")?;
    let diff = base.map(|base| changed(project, base, &output)).transpose()?;
    say(HEAD)?;
    let mut short = Vec::new();
    for name in crates {
        step(format_args!("changing {name}, one expression at a time"));
        let directory = output.join(name);
        let shard = shard.map(|shard| ["--shard", shard]).into_iter().flatten();
        let only = diff.as_deref().map(|diff| [Path::new("--in-diff"), diff]).into_iter().flatten();
        let packages = ["--package", name, "--test-package", name];
        // Its exit code tells that some were missed; what counts here is how many.
        let command = command(project, &[], &tool, &directory);
        command.args(packages).args(shard).args(only).quiet().ignore_stdout().ignore_status().run()?;
        let outcome = outcome(&directory)?;
        if !outcome.holds() {
            short.push(name);
        }
        say(outcome.row(name))?;
    }
    if short.is_empty() {
        return Ok(());
    }
    Err(format!(
        "less than {SHARE} % of the mutants of {} were caught; `missed.txt` below {} lists the others",
        short.join(", "),
        output.display()
    )
    .into())
}

const HEAD: &str = "| crate | viable | caught | missed | share | |\n|---|---:|---:|---:|---:|---|";

/// cargo-mutants on a copy of the tree, with a target directory that later runs find again. `bound` is a command
/// that ends it in time, or nothing.
fn command<'p>(project: &'p Project, bound: &[&str], tool: &Path, output: &Path) -> Cmd<'p> {
    let cargo = Project::cargo();
    let nextest = cmd!(project.sh, "{cargo} nextest --version").quiet().ignore_stdout().ignore_stderr().run();
    let runner = if nextest.is_ok() { "nextest" } else { "cargo" };
    // A shard is every so many-th mutant, so that each is a sample of the whole crate.
    let order = ["--sharding", "round-robin", "--no-shuffle", "--colors", "never"];
    // For a test that does not end; the slowest suite takes half of that.
    let time = ["--timeout", "60"];
    let words = bound.iter().map(OsStr::new).chain([tool.as_os_str()]).collect::<Vec<_>>();
    let (program, rest) =
        words.split_first().map_or((tool.as_os_str(), &[][..]), |(first, rest)| (*first, rest));
    cmd!(
        project.sh,
        "{program} {rest...} mutants --test-tool {runner} --output {output} {order...} {time...}"
    )
    .env("CARGO_TARGET_DIR", project.target.join("mutants-build"))
}

/// As many mutants as CI tries.
const SAMPLE: usize = 15;
/// As long as CI waits, in seconds: for the tool, and for the sample.
const PATIENCE: &str = "240";

/// Tries a few mutants of what the last commit changed, and tells which of them no test noticed. So few are no
/// measure, so they fail nothing; where they cannot be tried in time, a note says so.
pub(crate) fn sample(project: &Project) {
    step("changing what the last commit changed, one expression at a time");
    if let Err(why) = tried(project) {
        note(format_args!("note: no mutants were tried ({why}); `cargo xtask mutants` tries them all"));
    }
}

fn tried(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let base = cmd!(sh, "git rev-parse --verify --quiet HEAD~1").quiet().ignore_stderr().read();
    let base = base.map_err(|_| "there is no commit before this one")?;
    let tool = project.tool_or_install_within(TOOL, VERSION, Some(PATIENCE))?;
    let output = project.fresh_dir("mutants")?;
    let diff = changed(project, &base, &output)?;
    let packages: Vec<&str> =
        CRATES.iter().flat_map(|name| ["--package", name, "--test-package", name]).collect();
    let only = [Path::new("--in-diff"), &diff];
    let listed =
        cmd!(sh, "{tool} mutants --list --colors never").args(&packages).args(only).quiet().ignore_stderr();
    let count = listed.ignore_status().read()?.lines().count();
    if count == 0 {
        return Err("none of the crates that are measured has changed".into());
    }
    let shard = format!("0/{}", count.div_ceil(SAMPLE));
    let directory = output.join("sample");
    let bound = ["timeout", "--kill-after=10", PATIENCE];
    let command =
        command(project, &bound, &tool, &directory).args(packages).args(only).args(["--shard", &shard]);
    command.quiet().ignore_stdout().ignore_stderr().ignore_status().run()?;
    let outcome = outcome(&directory)?;
    if outcome.viable() == 0 {
        return Err(format!("none of {count} was ready within {PATIENCE} s").into());
    }
    say(HEAD)?;
    say(outcome.row("sample"))?;
    for missed in sh.read_file(directory.join("mutants.out/missed.txt")).unwrap_or_default().lines() {
        note(format_args!("not noticed: {missed}"));
    }
    Ok(())
}

/// The difference to a commit, as a file.
fn changed(project: &Project, base: &str, output: &Path) -> Result<std::path::PathBuf> {
    let path = output.join("changed.diff");
    let diff = cmd!(project.sh, "git diff {base}").quiet().read()?;
    project.sh.write_file(&path, format!("{diff}\n"))?;
    Ok(path)
}

/// Reads what cargo-mutants found. Without any mutant in the difference it writes nothing.
fn outcome(directory: &Path) -> Result<Outcome> {
    let path = directory.join("mutants.out/outcomes.json");
    if !path.is_file() {
        return Ok(Outcome::default());
    }
    let found: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let count = |name: &str| found.get(name).and_then(Value::as_u64).unwrap_or_default();
    // A mutant that hangs is noticed as well.
    Ok(Outcome {
        caught: count("caught") + count("timeout"),
        missed: count("missed"),
        unviable: count("unviable"),
    })
}

impl Outcome {
    fn viable(&self) -> u64 {
        self.caught + self.missed
    }

    fn holds(&self) -> bool {
        self.caught * 100 >= self.viable() * SHARE
    }

    fn row(&self, name: &str) -> String {
        let share = (self.caught * 100)
            .checked_div(self.viable())
            .map_or("–".to_owned(), |share| format!("{share} %"));
        let verdict = if self.holds() { "holds" } else { "**missed**" };
        format!("| {name} | {} | {} | {} | {share} | {verdict} |", self.viable(), self.caught, self.missed)
            + &if self.unviable > 0 {
                format!(" <!-- {} do not compile -->", self.unviable)
            } else {
                String::new()
            }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn shares() {
        let check = |caught, missed, holds, row: &str| {
            let outcome = Outcome { caught, missed, unviable: 0 };
            assert_eq!(outcome.holds(), holds, "{caught} of {}", caught + missed);
            assert_eq!(outcome.row("x"), row);
        };
        check(85, 15, true, "| x | 100 | 85 | 15 | 85 % | holds |");
        check(84, 16, false, "| x | 100 | 84 | 16 | 84 % | **missed** |");
        check(0, 0, true, "| x | 0 | 0 | 0 | – | holds |");
    }
}
