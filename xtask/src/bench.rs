//! `cargo xtask bench`: the product against the floor, against ordinary programs and, on request,
//! against its peer.

mod before;
mod chart;
mod first_byte;
mod history;
mod hyperfine;
mod limits;
mod live;
pub(crate) mod measure;
mod on_cloud;
mod peer;
mod people;
pub(crate) mod report;
pub(crate) mod site;
mod told;

use std::path::{Path, PathBuf};

use limits::{at_most, to_float};
use measure::{Case, Output, Row, Tools};
use report::{Budget, Columns, Limit, Machine, Table};
use site::Site;

use crate::binaries::{Clouds, Purpose};
use crate::dist::{self, Tree};
use crate::project::{Project, Result, note, say, step, text};

/// Sizes of the catalogs that are listed. Single commands are asked of the middle one.
const SIZES: [u32; 3] = [10, 1_000, 10_000];

/// What one run shares.
struct Bench<'p> {
    project: &'p Project,
    tools: Tools<'p>,
    tree: Tree,
    before: Option<Tree>,
    hyperfine: Option<PathBuf>,
    quick: bool,
}

/// Runs the command.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<()> {
    if let ["chart", run] = options {
        return chart::draw(project, &project.sh.read_file(project.root.join(run))?);
    }
    let (live, options) = match options {
        ["live", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let (mut quick, mut with_peer, mut before, mut purpose) = (false, false, None, dist::USE);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match *word {
            "--quick" => quick = true,
            "--peer" => with_peer = true,
            "--without-aws" if live => purpose = Purpose::Use(Clouds::Simulated),
            "--before" => {
                let tree = words.next().ok_or("--before takes an installed tree of the commit before")?;
                before = Some(Tree { root: std::fs::canonicalize(tree)? });
            }
            other => {
                return Err(format!(
                    "bench knows `live`, --quick, --peer and --before TREE, and --without-aws of `live`, not `{other}`"
                )
                .into());
            }
        }
    }
    if live {
        return live::run(project, purpose, quick, with_peer, before.as_ref());
    }
    let tree = dist::make(project, &project.fresh_dir("bench/tree")?, dist::USE)?;
    let hyperfine = hyperfine(project, quick);
    step("compiling the floor programs");
    let bench = Bench { project, tools: Tools::build(project)?, tree, before, hyperfine, quick };

    step("generating catalogs and their snapshots");
    let mut sites = Vec::new();
    for count in SIZES {
        sites.push((count, Site::generate(project, &bench.tree, count)?));
    }
    let Some((count, site)) = sites.get(1) else { return Err("there are no sizes to measure".into()) };

    let mut tables = vec![bench.start(site)?];
    for (count, site) in &sites {
        tables.push(bench.list(*count, site)?);
    }
    tables.push(bench.script(*count, site)?);
    tables.push(bench.live(*count, site)?);
    let mut budgets = Vec::new();
    let table = bench.people(*count, site)?;
    budgets.extend(people::budgets(&table));
    tables.push(table);
    tables.extend(bench.build(&mut budgets)?);
    budgets.push(people::validation(project)?);
    if with_peer {
        let rows = peer::measure(project, &bench.tools, site, *count)?;
        tables.push(Table {
            title: "The peer".to_owned(),
            rows,
            before: Vec::new(),
            columns: Columns::Start,
        });
    }
    budgets.splice(0..0, ratios(&tables));
    budgets.extend(before::budgets(&tables));

    let machine = Machine::look(project)?;
    let report = report::markdown(&machine, report::METHOD, &tables, &budgets);
    say(report.trim_end())?;
    if !quick {
        let name = format!("tests/bench/runs/{}-{}.md", machine.date, machine.slug());
        project.sh.write_file(project.root.join(&name), &report)?;
        step(format_args!("kept as {name}"));
        if with_peer {
            chart::draw(project, &report)?;
        }
    }
    Ok(())
}

/// hyperfine is a second opinion, so its absence stops nothing.
fn hyperfine(project: &Project, quick: bool) -> Option<PathBuf> {
    let found = if quick {
        project.tool("hyperfine")
    } else {
        project.tool_or_install("hyperfine", hyperfine::VERSION).ok()
    };
    if found.is_none() {
        note(format_args!(
            "note: measuring without hyperfine; to have it: cargo install hyperfine --version {} --locked",
            hyperfine::VERSION
        ));
    }
    found
}

impl Bench<'_> {
    fn rounds(&self, full: u32) -> u32 {
        if self.quick { (full / 10).max(3) } else { full }
    }

    /// Measures one table, by the loop and by hyperfine.
    fn table(&self, title: impl Into<String>, site: &Site, cases: &[Case], full: u32) -> Result<Table> {
        let (title, environment, rounds) = (title.into(), site.environment()?, self.rounds(full));
        step(format_args!("measuring: {title}"));
        let older = before::cases(&self.tree, self.before.as_ref(), cases);
        let mut rows = self.tools.measure(&environment, &[cases, &older].concat(), rounds)?;
        let before = rows.split_off(cases.len());
        if let Some(hyperfine) = &self.hyperfine {
            hyperfine::add(self.project, hyperfine, &environment, cases, &mut rows, rounds / 4 + 2)?;
        }
        Ok(Table { title, rows, before, columns: Columns::Start })
    }

    fn floor(&self) -> Result<Case> {
        Case::new("floor", Output::Nowhere, &self.tools.floor, &[])
    }

    fn start(&self, site: &Site) -> Result<Table> {
        let ohfp = self.tree.program("ohfp");
        let cases = [
            self.floor()?,
            Case::new("/bin/true", Output::Nowhere, Path::new("/bin/true"), &[])?,
            Case::new("ohfp --help", Output::Nowhere, &ohfp, &["--help"])?,
            Case::new("ohfp --version", Output::Nowhere, &ohfp, &["--version"])?,
            Case::new("ohfp templates show ID", Output::Nowhere, &ohfp, &["templates", "show", &site.id])?,
            Case::new("ohfp --help, piped", Output::Pipe, &ohfp, &["--help"])?,
        ];
        self.table("Starting", site, &cases, 3_000)
    }

    fn list(&self, count: u32, site: &Site) -> Result<Table> {
        let writer = self.tools.floor_write(&count.to_string(), &site.list)?;
        let cases = [
            self.floor()?,
            Case::new("floor that writes the bytes", Output::Pipe, &writer, &[])?,
            Case::new("/bin/cat of the bytes", Output::Pipe, Path::new("/bin/cat"), &[text(&site.list)?])?,
            Case::new(
                "ohfp templates list",
                Output::Pipe,
                &self.tree.program("ohfp"),
                &["templates", "list"],
            )?,
        ];
        let table = self.table(
            format!("Listing {count} templates"),
            site,
            &cases,
            if count > 1_000 { 300 } else { 1_500 },
        )?;
        same_bytes(&table)?;
        Ok(table)
    }

    /// As Host Factory calls it: `SCRIPT -f FILE`.
    fn script(&self, count: u32, site: &Site) -> Result<Table> {
        let name = "getAvailableTemplates.sh";
        let link = self.tree.root.join("scripts-direct").join(name);
        self.project.sh.write_file(link.with_extension("json"), "{}\n")?;
        std::os::unix::fs::symlink("../bin/ohfp", &link)?;
        let input = link.with_extension("json");
        let args = ["-f", text(&input)?];
        let cases = [
            self.floor()?,
            Case::new(format!("{name}, a link"), Output::Pipe, &link, &args)?,
            Case::new(
                format!("{name}, a script"),
                Output::Pipe,
                &self.tree.root.join("scripts").join(name),
                &args,
            )?,
            Case::new("/bin/sh -c :", Output::Nowhere, Path::new("/bin/sh"), &["-c", ":"])?,
        ];
        self.table(format!("Host Factory's getAvailableTemplates, {count} templates"), site, &cases, 1_000)
    }

    /// The same questions put to the program that answers from the sources.
    fn live(&self, count: u32, site: &Site) -> Result<Table> {
        let live = self.tree.program("ohfp-live");
        let cases = [
            self.floor()?,
            Case::new("ohfp-live --help", Output::Nowhere, &live, &["--help"])?,
            Case::new(
                "ohfp-live templates show ID",
                Output::Nowhere,
                &live,
                &["templates", "show", &site.id],
            )?,
            Case::new("ohfp-live templates list", Output::Pipe, &live, &["templates", "list"])?,
        ];
        self.table(format!("Without the snapshot, {count} templates"), site, &cases, 100)
    }

    fn people(&self, count: u32, site: &Site) -> Result<Table> {
        let ohfp = self.tree.program("ohfp");
        let mut cases = vec![self.floor()?];
        for (name, words, _) in people::COMMANDS {
            cases.push(Case::new(name, Output::Pipe, &ohfp, words)?);
        }
        self.table(format!("What a person waits for, {count} templates"), site, &cases, 300)
    }

    /// Making snapshots, with what that is held to.
    fn build(&self, budgets: &mut Vec<Budget>) -> Result<Vec<Table>> {
        let mut medians = Vec::new();
        let mut tables = Vec::new();
        let sizes: &[u32] = if self.quick { &[10_000] } else { &[10_000, 100_000] };
        for &count in sizes {
            let site = Site::generate(self.project, &self.tree, count)?;
            let snapshot = site.snapshot.with_file_name("built.snapshot");
            let args = ["build", "--quiet", "--config", text(&site.config)?, "--output", text(&snapshot)?];
            let case = Case::new(
                "ohfp-snapshot build",
                Output::Nowhere,
                &self.tree.program("ohfp-snapshot"),
                &args,
            )?;
            step(format_args!("measuring: a snapshot of {count} templates"));
            let rows =
                self.tools.measure(&site.environment()?, &[case], if count > 10_000 { 3 } else { 7 })?;
            let bytes = std::fs::metadata(&snapshot)?.len();
            for row in &rows {
                medians.push(row.median);
                // What larger ones are held to is their growth.
                if count == 10_000 {
                    budgets.push(at_most("snapshot of 10000 templates, ms", row.median / 1_000.0, 400.0));
                    budgets.extend(row.peak.map(|peak| {
                        let ratio = to_float(peak * 1024) / to_float(bytes);
                        at_most("peak memory / snapshot, 10000 templates", ratio, 4.0)
                    }));
                }
            }
            tables.push(Table {
                title: format!("Making a snapshot of {count} templates ({bytes} bytes)"),
                rows,
                before: Vec::new(),
                columns: Columns::Start,
            });
        }
        if let [small, large] = medians.as_slice() {
            budgets.push(at_most("100000 templates / 10000 templates, time", large / small, 11.0));
        }
        Ok(tables)
    }
}

/// A comparison of programs that do not do the same would be worth nothing.
fn same_bytes(table: &Table) -> Result<()> {
    let mut lengths = table.rows.iter().filter(|row| row.output == Output::Pipe).map(|row| row.bytes);
    let first = lengths.next();
    if lengths.any(|length| Some(length) != first) {
        return Err(format!("the programs of `{}` do not write the same bytes", table.title).into());
    }
    Ok(())
}

/// What the rows are held to, as the project set out.
fn ratios(tables: &[Table]) -> Vec<Budget> {
    let row = |title: &str, name: &str| -> Option<&Row> {
        let table = tables.iter().find(|table| table.title.starts_with(title))?;
        table.rows.iter().find(|row| row.name.starts_with(name))
    };
    let ratio =
        |title: &str, above: &str, below: &str| Some(row(title, above)?.median / row(title, below)?.median);
    let list = "Listing 1000 templates";
    let mut budgets = Vec::new();
    for name in ["ohfp --help", "ohfp --version", "ohfp templates show"] {
        budgets.extend(
            ratio("Starting", name, "floor").map(|found| at_most(format!("{name} / floor"), found, 1.25)),
        );
    }
    budgets.extend(
        ratio(list, "ohfp", "floor that")
            .map(|found| at_most("1000 templates / floor that writes them", found, 1.25)),
    );
    budgets.extend(
        ratio("Listing 10000 templates", "ohfp", "/bin/cat")
            .map(|found| at_most("10000 templates / cat", found, 0.75)),
    );
    budgets.extend(
        row("Starting", "ohfp --help").map(|row| at_most("page faults of ohfp --help", row.faults, 12.0)),
    );
    for (name, ours, theirs, limit) in [
        ("--help", ("Starting", "ohfp --help"), "orb --help", 3_000.0),
        ("templates list", (list, "ohfp"), "orb templates", 5_000.0),
    ] {
        if let (Some(theirs), Some(ours)) = (row("The peer", theirs), row(ours.0, ours.1)) {
            let found = theirs.median / ours.median;
            budgets.push(Budget {
                what: format!("peer / ohfp, {name}"),
                found,
                limit: Limit::AtLeast(limit),
            });
        }
    }
    budgets
}
