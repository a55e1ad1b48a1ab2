//! `cargo xtask demo`: the product, from sources to answers, in one go.

use std::path::Path;

use xshell::cmd;

use crate::bench::measure::{Case, Output, Tools};
use crate::bench::report;
use crate::bench::site::Site;
use crate::binaries::Purpose;
use crate::dist;
use crate::project::{Project, Result, say, step, text};

/// Lines of an answer that are shown; the demo is to be read.
const HEAD: usize = 24;

const ROUNDS: u32 = 1_000;

/// The template that machines are requested of.
const TEMPLATE: &str = "OnDemand-M6i-Large";

pub(crate) fn run(project: &Project) -> Result<()> {
    let directory = project.fresh_dir("demo")?;
    let tree = dist::make(project, &directory, Purpose::Show)?;
    step("making the snapshot of the installed config/");
    let site = Site::build(project, &tree, &directory, tree.config())?;

    let ohfp = tree.program("ohfp");
    let show = ["templates", "show", site.id.as_str()];
    let table = ["templates", "list", "--format", "table"];
    for args in [&["--help"][..], &["templates", "list"], &table, &show] {
        ask(project, &ohfp, args, &site.environment()?)?;
    }

    step("requesting machines of the simulated provider, which boot for 5 to 15 seconds");
    let state = directory.join("state");
    let terminal = std::env::var("TERM").unwrap_or_default();
    let live = [
        ("OHFP_CONFIG_DIR", text(&site.config)?),
        ("OHFP_SNAPSHOT", text(&site.snapshot)?),
        ("OHFP_STATE_DIR", text(&state)?),
        ("TERM", terminal.as_str()),
    ];
    for args in [
        &["machines", "request", TEMPLATE, "2", "--wait", "--format", "table"][..],
        &["machines", "list", "--format", "table"],
        &["machines", "return", "--all", "--yes", "--wait", "--format", "table"],
        &["requests", "list", "--format", "table"],
    ] {
        ask(project, &ohfp, args, &live)?;
    }

    step("measuring");
    let tools = Tools::build(project)?;
    let writer = tools.floor_write("demo", &site.list)?;
    let cases = [
        Case::new("floor", Output::Nowhere, &tools.floor, &[])?,
        Case::new("/bin/true", Output::Nowhere, Path::new("/bin/true"), &[])?,
        Case::new("ohfp --help", Output::Nowhere, &ohfp, &["--help"])?,
        Case::new("ohfp templates show ID", Output::Nowhere, &ohfp, &show)?,
        Case::new("ohfp templates list", Output::Pipe, &ohfp, &["templates", "list"])?,
        Case::new("floor that writes the list", Output::Pipe, &writer, &[])?,
        Case::new("/bin/cat of the list", Output::Pipe, Path::new("/bin/cat"), &[text(&site.list)?])?,
    ];
    let rows = tools.measure(&site.environment()?, &cases, ROUNDS)?;
    say("\nMicroseconds from spawn to end; the floor is the smallest program that only exits.\n")?;
    say(report::rows(&rows, report::Columns::Start).trim_end())?;
    step(format_args!(
        "installed in {}; to try it further: OHFP_CONFIG_DIR={}. Built to be seen soon: `cargo xtask dist DIR` \
         optimizes all of it and adds AWS",
        tree.root.display(),
        tree.config().display()
    ));
    Ok(())
}

/// Asks as a person does, and shows the beginning of the answer.
fn ask(project: &Project, ohfp: &Path, args: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    say(format_args!("\n$ ohfp {}", args.join(" ")))?;
    let answer =
        cmd!(project.sh, "{ohfp} {args...}").env_clear().envs(environment.iter().copied()).quiet().read()?;
    for line in answer.lines().take(HEAD) {
        say(line)?;
    }
    let more = answer.lines().count().saturating_sub(HEAD);
    if more > 0 {
        say(format_args!("… {more} more lines"))?;
    }
    Ok(())
}
