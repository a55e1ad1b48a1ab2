//! `cargo xtask dist`: the installed tree, relocatable as a whole.
//!
//! ```text
//! DIR/bin/        ohfp, ohfp-live, ohfp-snapshot
//! DIR/scripts/    the five scripts that Host Factory runs
//! DIR/config/     the examples
//! DIR/share/ohfp/ license, read-me, JSON Schemas, the snapshot of the shipped configuration
//! DIR/share/      completions and manual pages, where shells and `man` look
//! ```
//!
//! The tree is made in a directory of its own inside DIR; then each file is renamed into its place.
//! So DIR may be shared with other programs, a running one is never written to, and an error half
//! way changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::binaries::{self, Binaries, Clouds, Purpose};
use crate::project::{HF_OPERATIONS, Project, Result, note, say, scrubbed, step};

/// An installed tree.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
}

impl Tree {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    /// Whether its programs know AWS: a build without it says so of each provider of that type.
    pub(crate) fn has_aws(&self, project: &Project) -> Result<bool> {
        let home = project.fresh_dir("knows-aws")?;
        let provider =
            r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"region": "r"}}]}}"#;
        project.sh.write_file(home.join("config.json"), provider)?;
        let program = self.program("ohfp");
        let asked = scrubbed(cmd!(project.sh, "{program} providers health"))
            .env("HOME", &home)
            .env("OHFP_CONFIG_DIR", &home)
            // Where nothing listens, and without waiting for keys.
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .quiet()
            .ignore_status()
            .output()?;
        let said = [asked.stdout, asked.stderr].concat();
        Ok(!String::from_utf8_lossy(&said).contains("not compiled into this build"))
    }
}

/// What a tree is made for, unless its maker wants something else.
pub(crate) const USE: Purpose = Purpose::Use(Clouds::Aws);

/// Runs the command.
pub(crate) fn run(project: &Project, dir: &Path, purpose: Purpose) -> Result<()> {
    let tree = make(project, dir, purpose)?;
    say(tree.root.display())
}

/// Builds everything and leaves the tree in `dir`.
pub(crate) fn make(project: &Project, dir: &Path, purpose: Purpose) -> Result<Tree> {
    let binaries = binaries::build(project, purpose)?;
    step("assembling the installed tree");
    let staging = dir.join(format!(".ohfp-dist-{}", std::process::id()));
    let made = assemble(project, &binaries, &staging).and_then(|files| publish(&files, &staging, dir));
    project.sh.remove_path(&staging)?;
    made.map(|()| Tree { root: dir.to_owned() })
}

/// Shells and their completion scripts, below `share`: where each looks when the tree is installed to a prefix such as
/// `/usr/local`; the last two look nowhere by themselves.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "bash-completion/completions/ohfp"),
    ("zsh", "zsh/site-functions/_ohfp"),
    ("fish", "fish/vendor_completions.d/ohfp.fish"),
    ("elvish", "elvish/lib/ohfp.elv"),
    ("powershell", "powershell/ohfp.ps1"),
];

/// Makes the tree in `staging` and lists its files, relative to it.
fn assemble(project: &Project, binaries: &Binaries, staging: &Path) -> Result<Vec<PathBuf>> {
    let sh = &project.sh;
    let [bin, scripts, config, share] =
        ["bin", "scripts", "config", "share/ohfp"].map(|part| staging.join(part));
    let mut files = Vec::new();

    for (name, program) in
        [("ohfp", &binaries.runtime), ("ohfp-live", &binaries.live), ("ohfp-snapshot", &binaries.snapshot)]
    {
        project.copy(program, &bin.join(name))?;
        files.push(Path::new("bin").join(name));
    }
    pad(&bin.join("ohfp"))?;

    for operation in HF_OPERATIONS {
        let name = format!("{operation}.sh");
        let path = scripts.join(&name);
        sh.write_file(&path, wrapper(operation))?;
        files.push(Path::new("scripts").join(name));
    }

    for source in files_below(&project.root.join("config"))? {
        let file = source.strip_prefix(&project.root)?.to_owned();
        project.copy(&source, &staging.join(&file))?;
        files.push(file);
    }

    for name in ["LICENSE", "README.md"] {
        let source = project.root.join(name);
        if source.is_file() {
            project.copy(&source, &share.join(name))?;
            files.push(Path::new("share/ohfp").join(name));
        }
    }

    let schemas = project.root.join("docs/src/schemas");
    for source in files_below(&schemas)? {
        let file = Path::new("share/ohfp/schemas").join(source.strip_prefix(&schemas)?);
        project.copy(&source, &staging.join(&file))?;
        files.push(file);
    }

    let live = bin.join("ohfp-live");
    for (shell, file) in COMPLETIONS {
        let output = scrubbed(cmd!(sh, "{live} completions {shell}")).quiet().output()?;
        sh.write_file(staging.join("share").join(file), output.stdout)?;
        files.push(Path::new("share").join(file));
    }
    let manual = scrubbed(cmd!(sh, "{live} __manual")).quiet().read()?;
    let pages: BTreeMap<String, String> = serde_json::from_str(&manual)?;
    for (name, page) in pages {
        let file = Path::new("share/man/man1").join(name);
        sh.write_file(staging.join(&file), page)?;
        files.push(file);
    }

    // Sealed: it must hold wherever the tree is moved to.
    let (builder, snapshot) = (bin.join("ohfp-snapshot"), share.join("default.snapshot"));
    let built = cmd!(sh, "{builder} build --sealed --quiet --config {config} --output {snapshot}");
    scrubbed(built).quiet().run()?;
    files.push("share/ohfp/default.snapshot".into());

    // A runtime made for another command tree refuses every snapshot, and nothing but its speed would
    // tell.
    let runtime = bin.join("ohfp");
    if scrubbed(cmd!(sh, "{runtime} --version")).env("OHFP_LIVE", "/").quiet().ignore_stdout().run().is_err()
    {
        return Err("the runtime refuses the snapshot that was just built: CLI_FINGERPRINT in \
                    crates/snapshot-format/src/lib.rs is out of date; `cargo test -p ohfp-snapshot-builder` prints the value"
            .into());
    }
    Ok(files)
}

/// Fills the runtime's file up to 64 KiB. Written in one piece the page cache keeps such a file as one
/// folio, and mapping that is cheaper than mapping several: 1 µs of every start.
fn pad(program: &Path) -> Result<()> {
    const WINDOW: usize = 64 * 1024;
    let mut content = fs::read(program)?;
    let padded = content.len().next_multiple_of(WINDOW);
    content.resize(padded, 0);
    Ok(fs::write(program, content)?)
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Moves the files into place. A file that the user may have edited is kept beside the new one.
fn publish(files: &[PathBuf], staging: &Path, dir: &Path) -> Result<()> {
    for file in files {
        let (from, to) = (staging.join(file), dir.join(file));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        // Not what the clone or the umask happen to have: the tree is for others to use.
        let mode = if file.starts_with("bin") || file.starts_with("scripts") { 0o755 } else { 0o644 };
        fs::set_permissions(&from, fs::Permissions::from_mode(mode))?;
        if file.starts_with("config") && to.exists() && fs::read(&to)? != fs::read(&from)? {
            let kept = dir.join(format!("{}.bak", file.display()));
            fs::rename(&to, &kept)?;
            note(format_args!(
                "note: {} differed from the shipped file; it is kept as {}",
                to.display(),
                kept.display()
            ));
        }
        fs::rename(&from, &to)
            .map_err(|error| format!("cannot move {} into place: {error}", to.display()))?;
    }
    Ok(())
}

/// A script of the tree: finds the program from its own place, so that the tree can be moved, and
/// becomes it without starting another process, since Host Factory runs these for ever.
///
/// `[`, `case`, `while` and `exec` are the shell's own; only a link costs a `readlink`. The kernel
/// follows linked directories in `/..` by itself.
fn wrapper(operation: &str) -> String {
    format!(
        r#"#!/bin/sh
# Part of ohfp. Host Factory runs this as `{operation}.sh -f FILE`.
self=$0
case $self in
*/*) ;;
*) [ -e "./$self" ] && self=./$self || self=$(command -v -- "$self") ;;
esac
while [ -L "$self" ]; do
    link=$(readlink -- "$self") || exit 1
    case $link in
    /*) self=$link ;;
    *) self=${{self%/*}}/$link ;;
    esac
done
exec "${{self%/*}}/../bin/ohfp" {operation} "$@"
"#
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    /// Every way to run a script must reach the program of its own tree, with all arguments.
    #[test]
    fn scripts_find_their_tree() {
        let root = std::env::temp_dir().join(format!("ohfp xtask {}", std::process::id()));
        let tree = root.join("a tree");
        for part in ["bin", "scripts"] {
            fs::create_dir_all(tree.join(part)).unwrap();
        }
        let script = tree.join("scripts/getRequestStatus.sh");
        for (path, content) in [
            (&script, wrapper("getRequestStatus")),
            (&tree.join("bin/ohfp"), "#!/bin/sh\necho \"$#:$*\"\n".into()),
        ] {
            fs::write(path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let absolute = root.join("absolute link");
        symlink(&script, &absolute).unwrap();
        let relative = root.join("relative link");
        symlink("a tree/scripts/getRequestStatus.sh", &relative).unwrap();
        let chain = root.join("chain");
        symlink("relative link", &chain).unwrap();
        let directory = root.join("linked directory");
        symlink(tree.join("scripts"), &directory).unwrap();

        let check = |mut command: Command| {
            let output = command.args(["-f", "a file"]).output().unwrap();
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                "3:getRequestStatus -f a file\n",
                "{command:?} {output:?}"
            );
        };
        for path in [&script, &absolute, &relative, &chain, &directory.join("getRequestStatus.sh")] {
            check(Command::new(path));
            for shell in ["sh", "bash"] {
                let mut command = Command::new(shell);
                command.arg(path).current_dir("/");
                check(command);
            }
        }
        for (place, name) in [
            ("a tree/scripts", "getRequestStatus.sh"),
            ("", "chain"),
            ("a tree", "scripts/getRequestStatus.sh"),
        ] {
            let mut command = Command::new("bash");
            command.arg(name).current_dir(root.join(place));
            check(command);
        }
        fs::remove_dir_all(&root).unwrap();
    }
}
