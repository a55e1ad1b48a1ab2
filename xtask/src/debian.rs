//! Debian's packages, unpacked below the target directory: nothing is installed, and no service is started.

use std::fs;
use std::path::Path;

use xshell::cmd;

use crate::project::{Project, Result};

/// What is fetched beside the packages themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing.
    Nothing,
    /// What they depend on, as far as this host lacks it.
    Dependencies,
}

/// Fetches packages, within that many seconds, and unpacks them into `root`, which is made for it.
pub(crate) fn unpack(
    project: &Project,
    packages: &[&str],
    beside: Beside,
    seconds: u32,
    root: &Path,
) -> Result<()> {
    let sh = &project.sh;
    for tool in ["apt-get", "dpkg-deb"] {
        project.tool(tool).ok_or_else(|| format!("{tool} is not here"))?;
    }
    let fetched = root.with_extension("packages");
    sh.remove_path(&fetched)?;
    sh.create_dir(fetched.join("partial"))?;
    let seconds = seconds.to_string();
    let fetch = match beside {
        Beside::Nothing => cmd!(sh, "timeout {seconds} apt-get download --quiet {packages...}"),
        Beside::Dependencies => {
            // Only fetches: packages go to a directory of our own, without the locks of the package manager.
            let archives = format!("Dir::Cache::archives={}", fetched.display());
            let options = ["--yes", "--quiet", "--download-only", "--no-install-recommends", "-o", &archives];
            let unlocked = ["-o", "Debug::NoLocking=1"];
            cmd!(sh, "timeout {seconds} apt-get install {options...} {unlocked...} {packages...}")
        }
    };
    {
        let _in_it = sh.push_dir(&fetched);
        fetch.quiet().ignore_stdout().ignore_stderr().run()?;
    }
    sh.create_dir(root)?;
    let mut count = 0;
    for entry in fs::read_dir(&fetched)? {
        let package = entry?.path();
        if package.extension().is_some_and(|ending| ending == "deb") {
            cmd!(sh, "dpkg-deb --extract {package} {root}").quiet().run()?;
            count += 1;
        }
    }
    sh.remove_path(&fetched)?;
    if count == 0 { Err("no package was fetched".into()) } else { Ok(()) }
}
