//! Where a torture plays: a tree, a configuration, a snapshot.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::dist::{self, Tree};
use crate::project::{Project, Result};

/// An installed tree, a configuration to edit, and a directory for snapshots.
pub(super) struct Stage {
    pub(super) tree: Tree,
    pub(super) config: PathBuf,
    pub(super) work: PathBuf,
}

impl Stage {
    pub(super) fn set(project: &Project, name: &str) -> Result<Self> {
        let root = project.fresh_dir(&format!("torture-{name}"))?;
        // An installed tree that is there already saves the build.
        let tree = match std::env::var_os("OHFP_TEST_TREE") {
            Some(root) => Tree { root: PathBuf::from(root) },
            None => dist::make(project, &root.join("tree"), dist::USE)?,
        };
        let (config, work) = (root.join("config"), root.join("work"));
        for directory in [&config, &work] {
            project.sh.create_dir(directory)?;
        }
        for name in ["config.json", "awsprov_config.json", "awsprov_templates.json"] {
            project.sh.copy_file(tree.config().join(name), &config)?;
        }
        Ok(Self { tree, config, work })
    }

    /// A program of the tree that sees this stage and nothing else. The live program tells why the
    /// snapshot was not used and leaves it alone: a damaged snapshot must stay damaged.
    pub(super) fn command(&self, program: &str, snapshot: &Path) -> Command {
        self.command_of(&self.tree.program(program), snapshot)
    }

    /// The same for a program that lies elsewhere.
    pub(super) fn command_of(&self, program: &Path, snapshot: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("OHFP_CONFIG_DIR", &self.config)
            .env("OHFP_SNAPSHOT", snapshot)
            .env("OHFP_SNAPSHOT_REFRESH", "manual")
            .stdin(Stdio::null());
        command
    }

    pub(super) fn build(&self, snapshot: &Path) -> Result<()> {
        let built = self.command("ohfp-snapshot", snapshot).args(["build", "--quiet"]).output()?;
        if built.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&built.stderr).into()) }
    }
}
