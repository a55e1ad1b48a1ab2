//! `--instance` and `--state-dir`: run a command in the environment of a Host Factory instance.
//!
//! Both become variables, as Host Factory would set them, so that configuration, state, snapshot and log follow by
//! the rules that hold for Host Factory's own calls.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::GlobalOptions;
use ohfp_platform::files;
use ohfp_render::queries::not_found;
use ohfp_resolver::Environment;
use serde::Deserialize;

/// Largest `hostProviders.json` that is read, in bytes.
const LIMIT: u64 = 16 * 1024 * 1024;

/// Host Factory's list of instances; other fields are its own.
#[derive(Deserialize)]
struct HostProviders {
    providers: Vec<Instance>,
}

/// An instance. Paths may name variables, as in `${HF_WORKDIR}/providers/aws`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    name: String,
    conf_path: Option<String>,
    work_path: Option<String>,
    log_path: Option<String>,
}

/// Sets the variables that the options stand for.
///
/// # Errors
///
/// `Input` where Host Factory's files or a directory are missing or wrong, `NotFound` for an unknown instance.
pub(super) fn apply(options: &GlobalOptions, env: &mut Environment) -> Result<()> {
    if let Some(name) = &options.instance {
        of_instance(name, env)?;
    }
    if let Some(directory) = &options.state_dir {
        let path = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
        if !path.is_dir() {
            let message = format!("`{}`, named by --state-dir, is no directory", path.display());
            return Err(Error::new(ErrorKind::Input, message).hint(
                "name the work directory of the instance: HF_PROVIDER_WORKDIR, as Host Factory sets it",
            ));
        }
        env.set("OHFP_STATE_DIR", path);
    }
    Ok(())
}

fn of_instance(name: &str, env: &mut Environment) -> Result<()> {
    let (file, instance) = find(name, env)?;
    let path = |written: Option<&String>, default: &str| -> Result<PathBuf> {
        let written = written.map_or(default, String::as_str);
        let expanded = expand(written, env).map_err(|variable| {
            let place = file.display();
            Error::new(ErrorKind::Input, format!("{place}: `{written}` of instance `{name}` names {variable}, which is not set"))
                .hint(format!("export {variable} as Host Factory's environment has it, or name the directory with --state-dir"))
        })?;
        // Relative paths start at the directory of Host Factory's configuration.
        Ok(file.parent().unwrap_or(Path::new("/")).join(expanded))
    };
    let own = |variable: &str| format!("${{{variable}}}/providers/{name}");
    let configuration = path(instance.conf_path.as_ref(), &own("HF_CONFDIR"))?;
    // With `--state-dir`, the work directory is not needed.
    let work = path(instance.work_path.as_ref(), &own("HF_WORKDIR"));
    let log = path(instance.log_path.as_ref(), "${HF_LOGDIR}");
    for variable in ["OHFP_CONFIG_DIR", "OHFP_STATE_DIR", "HF_PROVIDER_LOGDIR"] {
        env.unset(variable);
    }
    env.set("HF_PROVIDER_NAME", name);
    env.set("HF_PROVIDER_CONFDIR", configuration);
    env.set("HF_PROVIDER_WORKDIR", work?);
    // If the instance's log directory is unknown, the log stays where it is without an instance.
    if let Ok(log) = log {
        env.set("HF_PROVIDER_LOGDIR", log);
    }
    Ok(())
}

/// The instance of that name, and the file that lists it.
fn find(name: &str, env: &Environment) -> Result<(PathBuf, Instance)> {
    let Some(root) = env.get("HF_CONFDIR").filter(|root| !root.is_empty()) else {
        return Err(Error::new(ErrorKind::Input, "--instance needs HF_CONFDIR, which is not set").hint(
            "export HF_CONFDIR as Host Factory's environment has it, or name --config and --state-dir",
        ));
    };
    let root = std::path::absolute(root).unwrap_or_else(|_| PathBuf::from(root));
    // Host Factory before 7.3 has the file one level up.
    let candidates = [root.join("providers/hostProviders.json"), root.join("hostProviders.json")];
    let file = candidates.iter().find(|file| file.exists()).ok_or_else(|| {
        let [first, second] = candidates.each_ref().map(|file| file.display());
        Error::new(ErrorKind::Input, format!("there is neither `{first}` nor `{second}`"))
            .hint("HF_CONFDIR names the directory that Host Factory reads its configuration from")
    })?;
    let wrong = |cause: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Input, format!("cannot read the instances in `{}`", file.display()))
            .cause(cause)
    };
    let bytes = files::read_regular(file, LIMIT).map_err(|error| wrong(&error))?;
    let listed: HostProviders = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    let names: Vec<String> = listed.providers.iter().map(|instance| instance.name.clone()).collect();
    match listed.providers.into_iter().find(|instance| instance.name == name) {
        // The name becomes part of file names.
        Some(instance) if !name.contains(|letter: char| letter == '/' || letter.is_control()) => {
            Ok((file.clone(), instance))
        }
        _ => Err(not_found("instance", Some(name), names.iter().map(String::as_str))),
    }
}

/// Replaces `${NAME}` and `$NAME`; a variable that is not set is the error.
fn expand(text: &str, env: &Environment) -> Result<OsString, String> {
    let mut out = OsString::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push(before);
        let (name, tail) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(found) => found,
            None => {
                let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                after.split_at(end.unwrap_or(after.len()))
            }
        };
        let value: &OsStr = env.get(name).filter(|value| !value.is_empty()).ok_or_else(|| name.to_owned())?;
        out.push(value);
        rest = tail;
    }
    out.push(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text with variables, and what it becomes, or the variable that is missing.
    fn check(text: &str, expected: Result<&str, &str>) {
        let env = Environment::from_iter([("HF_WORKDIR", "/w"), ("EMPTY", "")]);
        let expanded = expand(text, &env);
        assert_eq!(expanded, expected.map(OsString::from).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn paths_name_variables() {
        check("/plain/path", Ok("/plain/path"));
        check("${HF_WORKDIR}/providers/a", Ok("/w/providers/a"));
        check("$HF_WORKDIR/providers/a", Ok("/w/providers/a"));
        check("a${HF_WORKDIR}b$HF_WORKDIR", Ok("a/wb/w"));
        check("${NOSUCH}/x", Err("NOSUCH"));
        check("$EMPTY/x", Err("EMPTY"));
        check("${unclosed", Err(""));
    }
}
