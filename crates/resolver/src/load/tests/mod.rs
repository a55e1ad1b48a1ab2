//! Whole directories through the loader: files and variables in, templates and findings out.

mod files;
mod layers;
mod peer_keys;
mod providers;
mod template_values;
mod templates;
mod unread;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use ohfp_broker::Errors;
use serde_json::Value;

use super::{configuration, load, load_with_problems};
use crate::resolved::{Configuration, Origin, Resolved};
use crate::source::environment::Environment;

/// A directory of its own that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ohfp-load-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (name, content) in files {
            fs::write(path.join(name), content).unwrap();
        }
        Self(path)
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Resolved, Errors> {
        let origin = Origin { root: self.0.clone(), config_file: None };
        load(&origin, &variables.iter().copied().collect::<Environment>())
    }

    fn resolve(&self, variables: &[(&str, &str)]) -> Result<Resolved, Errors> {
        let origin = Origin { root: self.0.clone(), config_file: None };
        load_with_problems(&origin, &variables.iter().copied().collect::<Environment>())
    }

    fn configuration(&self, variables: &[(&str, &str)]) -> Result<Configuration, Errors> {
        let origin = Origin { root: self.0.clone(), config_file: None };
        configuration(&origin, &variables.iter().copied().collect::<Environment>())
    }

    /// Findings with the directory's name taken out.
    fn lines(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let prefix = format!("{}/", self.0.display());
        let lines: Vec<String> = match self.load(variables) {
            Ok(resolved) => resolved.warnings.iter().map(|warning| format!("warning: {warning}")).collect(),
            Err(errors) => errors.iter().map(|error| format!("error: {}", error.summary())).collect(),
        };
        lines
            .into_iter()
            .map(|line| line.replace(&prefix, "").replace(prefix.trim_end_matches('/'), "ROOT"))
            .collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Attributes that need no machine type.
const GIVEN: &str = r#""attributes": {"type": "X86_64", "ncpus": 1, "nram": 1024}"#;
const TYPED: &str =
    r#""attributes":{"type":["String","X86_64"],"ncpus":["Numeric","1"],"nram":["Numeric","1024"]}"#;

fn one(fields: &str) -> String {
    format!(r#"[{{"templateId": "a", "maxNumber": 1, {fields}}}]"#)
}

/// One template file: the templates that come out, and the findings.
fn check(content: &str, wanted: &[&str], findings: &[&str]) {
    check_with(&[("awsprov_templates.json", content)], &[], wanted, findings);
}

fn check_with(files: &[(&str, &str)], variables: &[(&str, &str)], wanted: &[&str], findings: &[&str]) {
    let directory = Directory::new(files);
    let lines = directory.lines(variables);
    assert_eq!(lines, findings, "{files:?}");
    let templates = directory.load(variables).map(|resolved| resolved.templates).unwrap_or_default();
    let templates: Vec<String> =
        templates.into_iter().map(|template| Value::Object(template.fields().clone()).to_string()).collect();
    assert_eq!(templates, wanted, "{files:?}");
}
