//! `cargo xtask conformance`: plays Host Factory against an installed tree.
//!
//! The runner with its cases is a project of its own, used by other plug-ins too. It is looked for in
//! `OHFP_CONFORMANCE`, else in `shared/conformance` beside the repository. What it needs to know of this
//! plug-in, a profile, is made here: the simulated provider, fresh state, and hooks that play the cloud.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use xshell::cmd;

use crate::dist;
use crate::project::{Project, Result, say, scrubbed, step, text};

/// Checks the output against JSON Schemas.
const SCHEMAS: &str = "jsonschema==4.25.1";

/// Runs the command.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<ExitCode> {
    match options {
        ["--print-profile", dist] => {
            let profile = profile(project, &std::path::absolute(dist)?)?;
            say(profile.display())?;
            Ok(ExitCode::SUCCESS)
        }
        ["--print-profile", ..] => {
            Err("--print-profile takes the installed tree: --print-profile DIST".into())
        }
        rest => {
            let tree = dist::make(project, &project.fresh_dir("conformance-tree")?, dist::CLOUDS)?;
            play(project, &tree.root, rest)
        }
    }
}

/// Plays all cases against an installed tree; the runner's closing line is the last.
pub(crate) fn play(project: &Project, tree: &Path, options: &[&str]) -> Result<ExitCode> {
    let Some(runner) = runner(project) else {
        return Err("the conformance runner is not there: name its directory in OHFP_CONFORMANCE".into());
    };
    let python = python(project)?;
    let profile = profile(project, tree)?;
    step("playing Host Factory against the installed tree");
    let scripts = tree.join("scripts");
    let ran = scrubbed(cmd!(project.sh, "{python} {runner} {scripts} --profile {profile} {options...}"))
        .quiet()
        .ignore_status();
    let status = std::process::Command::from(ran).status()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
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

/// Sets up a site with fresh state for an installed tree, and gives the profile that describes it.
fn profile(project: &Project, tree: &Path) -> Result<PathBuf> {
    let program = tree.join("bin/ohfp");
    if !program.is_file() {
        return Err(format!("`{}` is no installed tree: it has no bin/ohfp", tree.display()).into());
    }
    let site = project.fresh_dir("conformance-site")?;
    let sh = &project.sh;
    let [config, work, log] = ["conf", "work", "log"].map(|name| site.join(name));
    for directory in [&config, &work, &log] {
        sh.create_dir(directory)?;
    }
    let templates = config.join("awsprov_templates.json");
    sh.copy_file(project.root.join("tests/conformance/awsprov_templates.json"), &templates)?;
    sh.write_file(config.join("config.json"), serde_json::to_string_pretty(&configuration())? + "\n")?;

    let quoted = |path: &Path| -> Result<String> { Ok(format!("'{}'", text(path)?.replace('\'', r"'\''"))) };
    let (program, templates, away) =
        (quoted(&program)?, quoted(&templates)?, quoted(&site.join("templates.away"))?);
    let aside = format!("test -f {away} || cp {templates} {away}");
    let profile = json!({
        "vars": variables(),
        "env": {
            "HF_PROVIDER_NAME": "confinst",
            "HF_PROVIDER_CONFDIR": text(&config)?,
            "HF_PROVIDER_WORKDIR": text(&work)?,
            "HF_PROVIDER_LOGDIR": text(&log)?,
        },
        "hooks": {
            "reclaim": format!("{program} sim reclaim \"$HF_MACHINE_ID\" --grace 0"),
            "live": format!("{program} sim live | tr -cd 0-9"),
            "templates_away": format!("{aside}; rm -f {templates}"),
            "templates_break": format!("{aside}; printf '{{ this is no JSON' > {templates}"),
            "templates_back": format!("test ! -f {away} || mv {away} {templates}"),
        },
        "ready_timeout_s": 60,
        "op_timeout_s": 60,
    });
    let path = site.join("profile.json");
    sh.write_file(&path, serde_json::to_string_pretty(&profile)? + "\n")?;
    Ok(path)
}

/// A cloud that is quick, so that a run takes a minute and not an hour. Machines end at once: cases count
/// them right after a return of the case before.
fn configuration() -> Value {
    json!({
        "provider": {
            "providers": [{
                "name": "sim",
                "type": "sim",
                "config": { "boot": { "seconds": [0.1, 0.4] }, "release": { "seconds": 0 } }
            }]
        }
    })
}

/// What the cases call the templates of `tests/conformance/awsprov_templates.json`.
fn variables() -> Value {
    json!({
        "tpl": "conf-small", "tpl_wrong_case": "CONF-SMALL", "tpl_ncores": "1",
        "tpl_tags": "company=abc;project=awscloud;team=xyz",
        "tpl_limited": "conf-limited", "tpl_limited_max": 5, "tpl_limited_max_plus_1": 6,
        "tpl_unlimited": "conf-unlimited", "tpl_disabled": "conf-disabled",
        "tpl_big": "conf-big", "tpl_big_ncpus": "4", "tpl_big_nram": "16384",
        "tpl_plain": "conf-plain", "tpl_plain_ncpus": "2", "tpl_plain_nram": "4096", "tpl_plain_rank": "3",
        "tpl_order":
            ["conf-small", "conf-limited", "conf-plain", "conf-unlimited", "conf-disabled", "conf-big"],
        "host_name_pattern": "^ip-[0-9]+-[0-9]+-[0-9]+-[0-9]+\\."
    })
}
