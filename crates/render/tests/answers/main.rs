//! What the queries answer, as bytes, and what stops them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run must say so")]

mod documents;
mod needs;
mod queries;
mod templates;

use ohfp_broker::Errors;
use ohfp_resolver::load::load_with_problems;
use ohfp_resolver::{Environment, Origin, Resolved};
use tempfile::TempDir;

fn directory(files: &[(&str, &str)]) -> (TempDir, Origin) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let origin = Origin { root: directory.path().to_owned(), config_file: None };
    (directory, origin)
}

fn resolve(files: &[(&str, &str)]) -> Result<Resolved, Errors> {
    let (_directory, origin) = directory(files);
    load_with_problems(&origin, &Environment::default())
}
