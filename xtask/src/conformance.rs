//! `cargo xtask conformance`: plays Host Factory against an installed tree.
//!
//! The runner with its cases is a project of its own, used by other plug-ins too. It is looked for in
//! `OHFP_CONFORMANCE`, else in `shared/conformance` beside the repository. What it needs to know of this
//! plug-in, a profile, is made here, for either provider: see [`site`].

mod site;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use site::Machines;
use xshell::cmd;

use crate::binaries::Clouds;
use crate::cloud;
use crate::dist::{self, Tree};
use crate::project::{Project, Result, note, say, scrubbed, step};

/// Checks the output against JSON Schemas.
const SCHEMAS: &str = "jsonschema==4.25.1";

/// The account of the cloud for tests that has the machines of a site.
const ACCOUNT: &str = "AKIACONFORMANCE00001";

/// For how long a cloud that others judge on waits for them.
const IDLE_SECONDS: u32 = 3_600;

/// Runs the command.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<ExitCode> {
    let (clouds, options) = provider(options)?;
    match options.as_slice() {
        ["--print-profile", dist] => {
            print_profile(project, &installed(dist)?, clouds.unwrap_or(Clouds::Simulated))
        }
        ["--print-profile", ..] => {
            Err("--print-profile takes the installed tree: --print-profile DIST [--provider sim|aws]".into())
        }
        [dist, rest @ ..] if !dist.starts_with('-') => {
            play(project, &installed(dist)?, clouds.unwrap_or(Clouds::Simulated), rest)
        }
        rest => {
            let tree = dist::make(project, &project.fresh_dir("conformance-tree")?, dist::USE)?;
            play(project, &tree, clouds.unwrap_or(Clouds::Simulated), rest)
        }
    }
}

/// What `--provider` says, and the other options.
fn provider<'o>(options: &[&'o str]) -> Result<(Option<Clouds>, Vec<&'o str>)> {
    let mut others = options.to_vec();
    let Some(at) = others.iter().position(|option| *option == "--provider") else {
        return Ok((None, others));
    };
    let clouds = match others.get(at + 1) {
        Some(&"sim") => Clouds::Simulated,
        Some(&"aws") => Clouds::Aws,
        _ => return Err("--provider takes sim or aws".into()),
    };
    others.drain(at..=at + 1);
    Ok((Some(clouds), others))
}

/// The tree that the caller names.
fn installed(dist: &str) -> Result<Tree> {
    let tree = Tree { root: std::path::absolute(dist)? };
    if tree.program("ohfp").is_file() {
        Ok(tree)
    } else {
        Err(format!("`{dist}` is no installed tree: it has no bin/ohfp").into())
    }
}

/// Sets up a site for others to judge on, and prints the path of its profile. The cloud goes on.
fn print_profile(project: &Project, tree: &Tree, clouds: Clouds) -> Result<ExitCode> {
    let profile = match clouds {
        Clouds::Simulated => site::make(project, tree, &Machines::Simulated)?,
        Clouds::Aws => {
            require_aws(project, tree)?;
            let log = project.target.join("conformance-cloud.log");
            let cloud = cloud::leave_running(project, IDLE_SECONDS, &log)?;
            let (address, id) = (&cloud.address, cloud.id);
            let port = address.rsplit(':').next().unwrap_or_default();
            note(format_args!(
                "note: the cloud for tests is process {id} at {address}. It ends after an hour without a call, or by \
                 `kill {id}`; `cargo xtask cloud --port {port}` is the same cloud again, without its machines.\n\
                 note: this profile is for one run at a time; for another, print another."
            ));
            site::make(project, tree, &Machines::Aws { address, account: ACCOUNT })?
        }
    };
    say(profile.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Plays all cases against an installed tree; the runner's closing line is the last.
pub(crate) fn play(project: &Project, tree: &Tree, clouds: Clouds, options: &[&str]) -> Result<ExitCode> {
    let Some(runner) = runner(project) else {
        return Err("the conformance runner is not there: name its directory in OHFP_CONFORMANCE".into());
    };
    let python = python(project)?;
    // Serves until all is played.
    let cloud = match clouds {
        Clouds::Simulated => None,
        Clouds::Aws => {
            require_aws(project, tree)?;
            Some(cloud::Shared::start(project)?.ok_or(cloud::NOT_INSTALLED)?)
        }
    };
    let machines = match &cloud {
        None => Machines::Simulated,
        Some(cloud) => Machines::Aws { address: &cloud.address, account: ACCOUNT },
    };
    let profile = site::make(project, tree, &machines)?;
    step(format_args!("playing Host Factory against the installed tree, with {}", machines.name()));
    let scripts = tree.root.join("scripts");
    let ran = scrubbed(cmd!(project.sh, "{python} {runner} {scripts} --profile {profile} {options...}"))
        .quiet()
        .ignore_status();
    let status = std::process::Command::from(ran).status()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

fn require_aws(project: &Project, tree: &Tree) -> Result<()> {
    if tree.has_aws(project)? {
        return Ok(());
    }
    let root = tree.root.display();
    Err(format!("`{root}` is built without AWS: `cargo xtask dist {root}` makes it anew").into())
}

/// The runner, if it is there.
pub(crate) fn runner(project: &Project) -> Option<PathBuf> {
    let named = std::env::var_os("OHFP_CONFORMANCE").map(PathBuf::from);
    let directory = named.unwrap_or_else(|| project.root.join("../shared/conformance"));
    let runner = directory.canonicalize().ok()?.join("run.py");
    runner.is_file().then_some(runner)
}

/// A Python with what the runner needs, in a virtual environment.
fn python(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let environment = project.target.join("conformance-venv");
    let python = environment.join("bin/python");
    let ready = |python: &Path| {
        python.is_file() && cmd!(sh, "{python} -c 'import jsonschema'").quiet().ignore_stderr().run().is_ok()
    };
    if !ready(&python) {
        step(format_args!("installing {SCHEMAS} in a virtual environment"));
        cmd!(sh, "python3 -m venv {environment}").quiet().run()?;
        let pip = environment.join("bin/pip");
        cmd!(sh, "{pip} install --quiet --disable-pip-version-check {SCHEMAS}").quiet().run()?;
    }
    Ok(python)
}
