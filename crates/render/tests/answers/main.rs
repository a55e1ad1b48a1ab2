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

fn folder(files: &[(&str, &str)]) -> (TempDir, Origin) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let origin = Origin { root: folder.path().to_owned(), config_file: None };
    (folder, origin)
}

fn resolve(files: &[(&str, &str)]) -> Result<Resolved, Errors> {
    let (_folder, origin) = folder(files);
    load_with_problems(&origin, &Environment::default())
}
