//! Checks log, snapshot and result cache at their configured paths.

use std::fs;
use std::io;
use std::path::Path;

use ohfp_platform::disk;
use ohfp_platform::files::{self, Access, Refused};
use ohfp_resolver::Refresh;
use ohfp_resolver::location::ConfigLocation;
use ohfp_snapshot_builder::freshness::{self, Scrutiny, Verdict};
use ohfp_snapshot_format::Refusal;

use super::check::{Check, OK, WARNING};
use crate::invocation::Invocation;
use crate::state_dir;

/// Why the log cannot be written; `None` if it can. An existing file is opened for appending and left unchanged.
pub fn log_problem(path: &Path) -> Option<String> {
    match files::open(path, Access::Append) {
        Ok(_) => None,
        Err(refused) if refused.is_missing() => may_create(path).err().map(|error| error.to_string()),
        Err(refused) => Some(refused.to_string()),
    }
}

/// Checks whether a file and its missing parent directories could be created.
fn may_create(path: &Path) -> io::Result<()> {
    let directory = files::directory(path);
    let existing = directory.ancestors().find(|path| fs::symlink_metadata(path).is_ok());
    let existing = existing.unwrap_or(Path::new("."));
    if fs::metadata(existing)?.is_dir() {
        disk::may_create_in(existing)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

pub(super) fn log(invocation: &Invocation) -> Check {
    let what = "log";
    let Some(path) = invocation.log_path() else {
        return Check {
            what,
            status: WARNING,
            detail: "nothing is logged".to_owned(),
            fix: Some("set HF_PROVIDER_LOGDIR or HOME".to_owned()),
        };
    };
    let shown = path.display();
    match log_problem(&path) {
        None => Check { what, status: OK, detail: shown.to_string(), fix: None },
        Some(problem) => Check {
            what,
            status: WARNING,
            detail: format!("nothing can be logged to `{shown}`: {problem}"),
            fix: Some(format!(
                "make `{}` writable for the account that Host Factory runs as, and `{shown}` its file, or name another \
                 directory in HF_PROVIDER_LOGDIR",
                files::directory(&path).display()
            )),
        },
    }
}

pub(super) fn cache(invocation: &Invocation) -> Option<Check> {
    let path = state_dir::cache(&invocation.state_directory().ok()?);
    let refused = files::open(&path, Access::Read).err().filter(|refused| !refused.is_missing())?;
    let shown = path.display();
    Some(Check {
        what: "cache",
        status: WARNING,
        detail: format!("`{shown}` is not used: {refused}"),
        fix: Some(match refused {
            Refused::Io(_) => format!("make `{shown}` readable for the account that Host Factory runs as"),
            _ => format!("remove `{shown}`: the next invocation recreates it"),
        }),
    })
}

pub(super) fn snapshot(place: &ConfigLocation, invocation: &Invocation) -> Check {
    let what = "snapshot";
    let Some(path) = &place.snapshot else {
        return Check {
            what,
            status: WARNING,
            detail: "no path is configured: every answer is computed from the configuration files".to_owned(),
            fix: Some("name a file in OHFP_SNAPSHOT".to_owned()),
        };
    };
    let (verdict, _) = freshness::assess(path, place, invocation.env(), Scrutiny::EveryByte);
    let shown = path.display();
    let Some(reason) = verdict.reason() else {
        return Check { what, status: OK, detail: format!("{shown} is fresh"), fix: None };
    };
    let fix = match &verdict {
        Verdict::Foreign(_) => "name another file in OHFP_SNAPSHOT".to_owned(),
        Verdict::Unusable(Refusal::Owner(_) | Refusal::NotAFile) => {
            format!("remove `{shown}`, or name another file in OHFP_SNAPSHOT")
        }
        Verdict::Unusable(Refusal::WritableByOthers) => format!("chmod go-w '{shown}'"),
        _ => match may_create(path) {
            Err(error) => format!(
                "make `{}` writable ({error}), or name another file in OHFP_SNAPSHOT",
                files::directory(path).display()
            ),
            Ok(()) if refresh(invocation) == Some(Refresh::Auto) => {
                "none needed: the next invocation builds it; `ohfp-snapshot build` does so now".to_owned()
            }
            Ok(()) => {
                "`ohfp-snapshot build`; with `snapshot.refresh` = auto the next invocation does so".to_owned()
            }
        },
    };
    Check { what, status: WARNING, detail: format!("{shown} is not used: {reason}"), fix: Some(fix) }
}

fn refresh(invocation: &Invocation) -> Option<Refresh> {
    invocation.configuration().ok().map(|configuration| configuration.settings.refresh())
}
