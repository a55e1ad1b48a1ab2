//! `cargo xtask`: everything that is done to this repository, written in the language of the
//! repository.
//!
//! A command per file. xtask builds, measures and checks the product through its programs; it links
//! none of the product's code.

mod bench;
mod binaries;
mod browser;
mod catalog;
mod checks;
mod cloud;
mod conformance;
mod debian;
mod demo;
mod deps;
mod dice;
mod dist;
mod elf;
mod environment;
mod mutants;
mod nightly;
mod project;
mod promtool;
mod testing;
mod torture;

use std::path::absolute;
use std::process::ExitCode;

use binaries::{Clouds, Purpose};
use project::{Project, Result, note, say};

const HELP: &str = "\
Development tasks of ohfp

Usage: cargo xtask COMMAND [ARGUMENTS]

To see it work
  demo                  Build, make a snapshot of config/, ask it, print times against the floor
  test [ARGUMENTS]      Build an installed tree and run every test on it; ARGUMENTS go to the runner
                        (cargo-nextest where it is installed, else cargo test)

To use it
  dist DIR [--without-aws]
                        Leave an installed, relocatable tree in DIR: bin, scripts, config, share.
                        AWS's SDK takes ten minutes to build, once; --without-aws: without its provider

To measure it
  bench [--quick] [--peer]
                        Compare with the floor, cat and friends; a table on standard output, kept
                        under tests/bench/runs. --quick: fewer rounds, nothing kept.
                        --peer: orb-py from PyPI too, in a virtual environment
  bench live [--quick] [--peer] [--without-aws]
                        The same of requests and machines: every operation, little and much history.
                        --peer: orb-py too, and machines of AWS on the cloud for tests, both in turn
  bench [live] --before TREE
                        The same beside an installed tree of the commit before, within 2 %
  bench chart RUN       Draw the chart of the README from a kept run, a file under tests/bench/runs
  catalog N [DIR]       Write a catalog of N templates, 10 to 1000000

To check it
  fmt [--check]         Format the sources
  lint [--sdk]          Clippy on every target, and whether fuzz/ compiles; warnings are errors.
                        --sdk: on the crate that links AWS's SDK, which takes five minutes once
  deps                  The runtime's dependency allowlist, who may depend on whom, refused versions
  deny                  Licenses, bans, sources and, where reachable, advisories (cargo-deny)
  binary                Build the runtime: static, fixed address, no dynamic linker, small
  torture snapshot [--stride N]
                        Damage every byte and every length of a snapshot; answers must not change
  torture publish [--kills N]
                        Kill builders at random moments under eight readers
  torture crowd         64 processes at once, 20 rounds of requests
  torture requests [--kills N]
                        Kill processes at random moments of requests, returns and looks
  torture readers [--readers N --builds N]
                        Readers while one snapshot replaces another; every answer is whole
  torture rot [--databases N]
                        Damage 2000 databases; every answer is the one of before, or says why not
  torture files         Lose, replace, link or give away each file of the store, and ask everything
  torture power [--cuts N]
                        Stop a file system 50 times while processes request and return machines;
                        what was told is known afterwards (needs root and a loop device)
  torture aws [--cycles N]
                        3000 requests and returns of AWS machines on the cloud for tests while a fifth of
                        all calls fail, processes are killed and the power is cut; half an hour
  fuzz [TARGET] [--seconds N]
                        Fuzz what reads foreign bytes (nightly compiler and cargo-fuzz)
  miri                  The byte-slice path of the snapshot format under Miri (nightly compiler)
  mutants [CRATE] [--shard K/N] [--changed BASE]
                        Change each crate's code; how much of that its own tests notice (cargo-mutants)
  mutants --sample      A few changes of what the last commit changed, for four minutes at most, as CI tries
  cloud [--port N]      Run the cloud for tests (EC2, Auto Scaling); its address is the first line
  cloud --test          Run the cloud's own tests
  conformance [DIST] [--provider sim|aws] [ARGUMENTS]
                        Play Host Factory against an installed tree, DIST or one made for it;
                        ARGUMENTS go to the runner. --provider aws: on the cloud for tests
  conformance --print-profile DIST [--provider sim|aws]
                        Set up a site with fresh state for the installed tree DIST; the last line is the
                        path of its profile. With aws the cloud for tests goes on until it is unused
  ci                    All checks, then the tests; .ci/run calls this
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match environment::shed().map_err(Into::into).and_then(|()| run(&args)) {
        Ok(code) => code,
        Err(error) => {
            note(format_args!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        say(HELP.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    if matches!(command.as_str(), "help" | "--help" | "-h")
        || rest.iter().any(|arg| arg == "--help") && command != "test"
    {
        say(HELP.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let options: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (command.as_str(), options.as_slice()) {
        ("cloud", _) => return cloud::run(&Project::open()?, &options),
        ("conformance", _) => return conformance::run(&Project::open()?, &options),
        ("demo", []) => demo::run(&Project::open()?)?,
        ("test", _) => return testing::run(&Project::open()?, rest),
        // The directory is the caller's, so it is relative to where the caller stands.
        ("dist", [dir]) => dist::run(&Project::open()?, &absolute(dir)?, dist::USE)?,
        ("dist", [dir, "--without-aws"]) => {
            dist::run(&Project::open()?, &absolute(dir)?, Purpose::Use(Clouds::Simulated))?;
        }
        ("bench", _) => bench::run(&Project::open()?, &options)?,
        ("catalog", _) => catalog::run(rest)?,
        ("fmt", [] | ["--check"]) => checks::fmt(&Project::open()?, !options.is_empty())?,
        ("lint", []) => checks::lint(&Project::open()?)?,
        ("lint", ["--sdk"]) => checks::lint_sdk(&Project::open()?)?,
        ("deps", []) => deps::run(&Project::open()?)?,
        ("deny", []) => checks::deny(&Project::open()?)?,
        ("binary", []) => elf::run(&Project::open()?)?,
        ("fuzz", _) => nightly::fuzz(&Project::open()?, &options)?,
        ("miri", []) => nightly::miri(&Project::open()?)?,
        ("torture", _) => torture::run(&Project::open()?, &options)?,
        ("mutants", _) => mutants::run(&Project::open()?, &options)?,
        ("ci", []) => return checks::ci(&Project::open()?),
        (command, _) => {
            return Err(format!(
                "cannot run `{command}` with these arguments; `cargo xtask --help` lists what there is"
            )
            .into());
        }
    }
    Ok(ExitCode::SUCCESS)
}
