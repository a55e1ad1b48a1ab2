//! The new directory of an import: under another name until it is complete, and gone again unless it is kept.
//!
//! It must not know why a template is left out.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::GlobalOptions;
use ohfp_migration::ImportPlan;
use ohfp_platform::files;
use ohfp_resolver::Environment;

use crate::invocation::Invocation;

/// Mode of a directory; the file creation mask takes away from it.
const DIRECTORY_MODE: u32 = 0o777;

/// The new directory.
pub(super) struct Stage {
    /// Where it is now.
    path: PathBuf,
    /// Where it belongs, for messages.
    to: PathBuf,
    /// Mode of its files.
    mode: u32,
    is_kept: bool,
}

impl Stage {
    pub(super) fn make(to: &Path, dry_run: bool, mode: u32) -> Result<Self> {
        let failed = |path: &Path, error: io::Error| {
            Error::new(ErrorKind::System, format!("cannot make the directory `{}`", path.display()))
                .cause(error)
        };
        let name = to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!(".{name}.{}.import", std::process::id());
        let parent = if dry_run { std::env::temp_dir() } else { files::directory(to).to_owned() };
        files::create_directories(&parent, DIRECTORY_MODE).map_err(|error| failed(&parent, error))?;
        let path = parent.join(name);
        let mode_of_directory = if dry_run || mode.trailing_zeros() >= 6 { 0o700 } else { DIRECTORY_MODE };
        files::create_directory(&path, mode_of_directory).map_err(|error| failed(&path, error))?;
        Ok(Self { path, to: to.to_owned(), mode, is_kept: false })
    }

    /// Writes the files of a plan, and gives their names.
    pub(super) fn write(&self, plan: &ImportPlan) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (name, content) in plan.files() {
            self.file(Path::new(name), &content)?;
            names.push(name.to_owned());
        }
        for (from, to) in &plan.copies {
            let content = files::read_regular(from, u64::MAX).map_err(|error| {
                Error::new(ErrorKind::Input, format!("cannot read `{}`", from.display())).cause(error)
            })?;
            self.file(to, &content)?;
            names.push(to.display().to_string());
        }
        Ok(names)
    }

    fn file(&self, name: &Path, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let failed = |error: io::Error| self.not_written(name, error);
        files::create_directories(files::directory(&path), DIRECTORY_MODE).map_err(failed)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file =
            files::create(&path, self.mode).map_err(|refused| failed(io::Error::other(refused)))?;
        file.write_all(content).map_err(failed)
    }

    fn not_written(&self, name: &Path, error: io::Error) -> Error {
        Error::new(ErrorKind::System, format!("cannot write `{}`", self.to.join(name).display())).cause(error)
    }

    /// Makes the files durable, once each, and their names.
    pub(super) fn sync(&self, names: &[String]) -> Result<()> {
        let mut directories = BTreeSet::from([self.path.clone()]);
        for name in names {
            let path = self.path.join(name);
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|error| self.not_written(Path::new(name), error))?;
            let above = path.ancestors().skip(1).take_while(|above| **above != *self.path);
            directories.extend(above.map(Path::to_owned));
        }
        for directory in &directories {
            files::sync_entries(directory);
        }
        Ok(())
    }

    /// The site that it is or would be.
    pub(super) fn site(&self, env: &Environment) -> Result<Invocation> {
        let options = GlobalOptions { config: Some(self.path.clone()), ..GlobalOptions::default() };
        Invocation::new(options, env.clone())
    }

    /// A message with the path that the directory will have.
    pub(super) fn text(&self, message: &str) -> String {
        message.replace(&self.path.display().to_string(), &self.to.display().to_string())
    }

    pub(super) fn renamed(&self, errors: &Errors) -> Errors {
        let renamed = |error: &Error| {
            let text = self.text(&error.summary());
            error.clone().with_message(text)
        };
        errors.iter().map(renamed).collect()
    }

    /// Renames it to its place.
    pub(super) fn place(&mut self) -> Result<()> {
        // Replaces an empty directory, and nothing else.
        fs::rename(&self.path, &self.to).map_err(|error| {
            Error::new(ErrorKind::Refused, format!("cannot make `{}`", self.to.display()))
                .cause(error)
                .hint("an import replaces nothing: name a new directory with --to")
        })?;
        self.path.clone_from(&self.to);
        files::sync_directory(&self.to);
        Ok(())
    }

    /// Leaves it where it is.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
