//! `ohfp init`: Host Factory's five scripts, and a configuration to start from.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::{HF_OPERATIONS, Init};
use ohfp_platform::files::Replacement;
use ohfp_render::{Format, Rendered, documents};
use serde_json::json;

use crate::example_config;
use crate::output;

/// Mode of a script, whatever the file creation mask says: Host Factory's account must be able to run it.
const SCRIPT_MODE: u32 = 0o755;

/// A file to be written.
struct Planned {
    path: PathBuf,
    content: Content,
}

enum Content {
    Script(String),
    Link(PathBuf),
    Data(&'static str),
}

/// Plans all files, refuses if one exists already, then writes them.
pub(crate) fn run(arguments: &Init) -> Result<Rendered> {
    let mut planned = Vec::new();
    if let Some(directory) = &arguments.scripts_dir {
        let program = program()?;
        for operation in HF_OPERATIONS {
            let content = if arguments.direct {
                Content::Link(program.clone())
            } else {
                Content::Script(script(&program, operation)?)
            };
            planned.push(Planned { path: directory.join(format!("{operation}.sh")), content });
        }
    }
    if let Some(directory) = &arguments.config_dir {
        for (name, content) in example_config::FILES {
            planned.push(Planned { path: directory.join(name), content: Content::Data(content) });
        }
    }
    if !arguments.force
        && let Some(taken) = planned.iter().find(|planned| planned.path.symlink_metadata().is_ok())
    {
        return Err(Error::new(ErrorKind::Refused, format!("`{}` exists", taken.path.display()))
            .hint("nothing was written; --force replaces existing files"));
    }
    for planned in &planned {
        write(planned)?;
    }
    let written: Vec<String> = planned.iter().map(|planned| planned.path.display().to_string()).collect();
    Ok(documents::render(&json!({ "written": written }), Format::Json))
}

/// Path of the runtime, which is installed beside this program.
fn program() -> Result<PathBuf> {
    let beside = std::env::current_exe()
        .map_err(|error| Error::new(ErrorKind::System, "cannot find this program's own path").cause(error))?
        .with_file_name(ohfp_cli::PROGRAM);
    if beside.is_file() {
        Ok(beside)
    } else {
        Err(Error::new(ErrorKind::NotFound, format!("`{}` does not exist", beside.display()))
            .hint("install ohfp beside ohfp-live; the scripts run it"))
    }
}

/// A script of two lines for any POSIX shell, run directly or through `bash FILE`.
fn script(program: &Path, operation: &str) -> Result<String> {
    let path = program.to_str().ok_or_else(|| {
        Error::new(ErrorKind::Input, format!("the path `{}` is not UTF-8", program.display()))
            .hint("install ohfp under another path, or use --direct")
    })?;
    let quoted = path.replace('\'', r"'\''");
    Ok(format!("#!/bin/sh\nexec '{quoted}' {operation} \"$@\"\n"))
}

fn write(planned: &Planned) -> Result<()> {
    let path = &planned.path;
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::System, format!("cannot write `{}`", path.display())).cause(error)
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    match &planned.content {
        Content::Script(text) => {
            let mut script =
                Replacement::unnamed(path, SCRIPT_MODE).map_err(io::Error::other).map_err(failed)?;
            script.file().write_all(text.as_bytes()).and_then(|()| script.commit()).map_err(failed)
        }
        Content::Link(target) => {
            let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
            symlink(target, &temporary).and_then(|()| fs::rename(&temporary, path)).map_err(failed)
        }
        Content::Data(text) => output::file::replace(path, text.as_bytes()),
    }
}
