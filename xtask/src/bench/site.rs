//! What is measured: an installed tree, and catalogs of several sizes with their snapshots.

use std::path::{Path, PathBuf};

use serde_json::Value;
use xshell::cmd;

use crate::dist::Tree;
use crate::project::{Project, Result, scrubbed, text};

/// A configuration with a catalog, its snapshot and what the product answers from it.
pub(crate) struct Site {
    pub(crate) config: PathBuf,
    pub(crate) snapshot: PathBuf,
    /// The answer to `templates list`.
    pub(crate) list: PathBuf,
    /// A template in the middle of the catalog.
    pub(crate) id: String,
}

impl Site {
    /// A site with a generated catalog and the shipped configuration otherwise.
    pub(crate) fn generate(project: &Project, tree: &Tree, count: u32) -> Result<Self> {
        let directory = project.fresh_dir(&format!("bench/{count}"))?;
        let config = directory.join("config");
        for name in ["config.json", "awsprov_config.json"] {
            project.copy(&tree.config().join(name), &config.join(name))?;
        }
        // As a command of its own, since it says on standard output what it wrote.
        let (xtask, size) = (std::env::current_exe()?, count.to_string());
        cmd!(project.sh, "{xtask} catalog {size} {config}").quiet().ignore_stdout().run()?;
        Self::build(project, tree, &directory, config)
    }

    /// A site of an existing configuration, with its snapshot in the directory.
    pub(crate) fn build(project: &Project, tree: &Tree, directory: &Path, config: PathBuf) -> Result<Self> {
        let mut site = Self {
            config,
            snapshot: directory.join("ohfp.snapshot"),
            list: directory.join("list.json"),
            id: String::new(),
        };
        let builder = tree.program("ohfp-snapshot");
        let sh = &project.sh;
        // Where the variables say, which is how the runtime will look for it.
        let built = scrubbed(cmd!(sh, "{builder} build --quiet")).envs(site.environment()?);
        built.quiet().ignore_stdout().run()?;

        let program = tree.program("ohfp");
        let output =
            cmd!(sh, "{program} templates list").env_clear().envs(site.environment()?).quiet().output()?;
        sh.write_file(&site.list, &output.stdout)?;
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        let templates =
            answer.get("templates").and_then(Value::as_array).ok_or("`templates list` lists no templates")?;
        let middle = templates.get(templates.len() / 2).and_then(|template| template.get("templateId"));
        middle.and_then(Value::as_str).ok_or("`templates list` names no template")?.clone_into(&mut site.id);
        Ok(site)
    }

    /// The environment to ask the runtime in: only what it needs. There is no program to hand over
    /// to, so whatever succeeds was answered by the runtime itself.
    pub(crate) fn environment(&self) -> Result<[(&str, &str); 4]> {
        Ok([
            ("PATH", "/usr/bin:/bin"),
            ("OHFP_CONFIG_DIR", text(&self.config)?),
            ("OHFP_SNAPSHOT", text(&self.snapshot)?),
            ("OHFP_LIVE", "/nonexistent/ohfp-live"),
        ])
    }
}
