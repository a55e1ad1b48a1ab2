//! The files that `init` writes: compared with what exists, then written.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::Replacement;

use crate::output;

/// Mode of a script, whatever the file creation mask says: Host Factory's account must be able to run it.
const SCRIPT_MODE: u32 = 0o755;

/// A file to be written.
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) content: Content,
}

pub(super) enum Content {
    Script(String),
    Link(PathBuf),
    Data(String),
}

/// What became of the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) written: Vec<PathBuf>,
    /// They were as they should be.
    pub(super) unchanged: Vec<PathBuf>,
    /// They exist, differ, and were not replaced.
    pub(super) kept: Vec<PathBuf>,
}

/// Files that belong together.
pub(super) struct Group {
    pub(super) files: Vec<Planned>,
    /// The directory of a configuration: where it has another one already, no file of the group is written, since
    /// half a configuration beside another changes what that one means.
    pub(super) configuration: Option<PathBuf>,
}

impl Group {
    pub(super) fn alone(files: Vec<Planned>) -> Self {
        Self { files, configuration: None }
    }
}

/// Looks for directories where files belong.
///
/// # Errors
/// [`ErrorKind::Refused`] where there is one.
pub(super) fn must_be_free(groups: &[Group]) -> Result<()> {
    let mut all = groups.iter().flat_map(|group| &group.files);
    let taken = all.find(|planned| planned.path.symlink_metadata().is_ok_and(|found| found.is_dir()));
    let Some(taken) = taken else { return Ok(()) };
    Err(Error::new(ErrorKind::Refused, format!("`{}` exists, and is a directory", taken.path.display()))
        .hint("nothing was written; move it away, or choose another directory"))
}

/// Writes all groups.
///
/// # Errors
/// As [`must_be_free`]; no file has been written then.
pub(super) fn write(groups: &[Group], force: bool) -> Result<Done> {
    must_be_free(groups)?;
    let mut done = Done::default();
    for group in groups {
        let foreign = if force { Vec::new() } else { group.foreign() };
        if !foreign.is_empty() {
            done.kept.extend(foreign);
            continue;
        }
        for planned in &group.files {
            if planned.is_there() {
                done.unchanged.push(planned.path.clone());
            } else if !force && planned.path.symlink_metadata().is_ok() {
                done.kept.push(planned.path.clone());
            } else {
                planned.write()?;
                done.written.push(planned.path.clone());
            }
        }
    }
    Ok(done)
}

impl Group {
    /// Files of another configuration in the directory of this one.
    fn foreign(&self) -> Vec<PathBuf> {
        let Some(directory) = &self.configuration else { return Vec::new() };
        let is_ours =
            |path: &Path| self.files.iter().any(|planned| planned.path == path && planned.is_there());
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .filter(|entry| entry.file_name().to_str().is_some_and(is_configuration))
            .map(|entry| directory.join(entry.file_name()))
            .filter(|path| !is_ours(path))
            .collect();
        found.sort();
        found
    }
}

/// Whether a file of that name is a part of a configuration.
fn is_configuration(name: &str) -> bool {
    let is_settings = ["config.json", "config.yaml", "config.yml", "config.toml", "config.d"].contains(&name);
    is_settings
        || name.ends_with("prov_config.json")
        || name == "templates.json"
        || name.ends_with("_templates.json")
}

impl Planned {
    /// Whether it exists exactly so.
    fn is_there(&self) -> bool {
        match &self.content {
            Content::Script(text) | Content::Data(text) => {
                let is_file = self.path.symlink_metadata().is_ok_and(|found| found.is_file());
                is_file && fs::read(&self.path).is_ok_and(|found| found == text.as_bytes())
            }
            Content::Link(target) => fs::read_link(&self.path).is_ok_and(|found| found == *target),
        }
    }

    fn write(&self) -> Result<()> {
        let path = &self.path;
        let failed = |error: io::Error| {
            Error::new(ErrorKind::System, format!("cannot write `{}`", path.display())).cause(error)
        };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        match &self.content {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_configuration() {
        for (name, expected) in [
            ("config.json", true),
            ("config.d", true),
            ("awsinstprov_templates.json", true),
            ("aws_templates.json", true),
            ("awsprov_config.json", true),
            ("scripts", false),
            ("README.md", false),
            ("left-out.json", false),
        ] {
            assert_eq!(is_configuration(name), expected, "{name}");
        }
    }
}
