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
            None => dist::make(project, &root.join("tree"))?,
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

/// A small generator: deterministic, so that a failure can be repeated.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // Steele and Vigna's SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(bound).unwrap_or(0)
    }
}
