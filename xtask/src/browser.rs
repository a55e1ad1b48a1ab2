//! A browser for the tests of pages: the system's, or Debian's package `chromium`, unpacked below the target directory
//! with the libraries that this host lacks. Nothing is installed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::debian::{self, Beside};
use crate::project::{Project, Result, note, step};

/// What names the browser to the tests.
pub(crate) const VARIABLE: &str = "OHFP_TEST_BROWSER";

/// What it is called where it is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What a page asks for where it names no font.
const ALIASES: &str = "<alias binding=\"same\"><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>\
    <alias binding=\"same\"><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>";

/// The browser, `None` where it can neither be found nor had; its tests are skipped then.
pub(crate) fn find(project: &Project) -> Option<PathBuf> {
    if let Some(found) = NAMES.iter().find_map(|name| project.tool(name)) {
        return Some(found);
    }
    let directory = project.target.join("chromium");
    let program = directory.join("chromium.sh");
    if program.is_file() {
        return Some(program);
    }
    match unpack(project, &directory, &program) {
        Ok(()) => Some(program),
        Err(error) => {
            note(format_args!("note: there is no Chromium here, pages are NOT opened in a browser: {error}"));
            None
        }
    }
}

fn unpack(project: &Project, directory: &Path, program: &Path) -> Result<()> {
    step("unpacking Chromium below the target directory (once, 0.4 GB)");
    let sh = &project.sh;
    let root = directory.join("root");
    sh.remove_path(directory)?;
    let packages = ["chromium", "fonts-dejavu-core"];
    debian::unpack(project, &packages, Beside::Dependencies, 600, &root)?;
    let binary = root.join("usr/lib/chromium/chromium");
    if !binary.is_file() {
        return Err("the package has no usr/lib/chromium/chromium".into());
    }
    // Every directory of the unpacked tree that has a library.
    let mut libraries = Vec::new();
    directories_with_libraries(&root, &mut libraries)?;
    let libraries: Vec<String> = libraries.iter().map(|path| path.display().to_string()).collect();
    let fonts = directory.join("fonts.conf");
    sh.write_file(
        &fonts,
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig><dir>/usr/share/fonts</dir>\
             <dir>{}</dir><cachedir>{}</cachedir>{ALIASES}</fontconfig>\n",
            root.join("usr/share/fonts").display(),
            directory.join("font-cache").display()
        ),
    )?;
    let script = format!(
        "#!/bin/sh\nexport LD_LIBRARY_PATH='{}' FONTCONFIG_FILE='{}'\nexec '{}' \"$@\"\n",
        libraries.join(":"),
        fonts.display(),
        binary.display()
    );
    let unfinished = program.with_extension("new");
    sh.write_file(&unfinished, script)?;
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o755))?;
    let version = cmd!(sh, "{unfinished} --version").quiet().ignore_stderr().read()?;
    step(format_args!("unpacked {version}"));
    Ok(fs::rename(unfinished, program)?)
}

fn directories_with_libraries(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut has_one = false;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            directories_with_libraries(&path, found)?;
        } else {
            has_one |= path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so"));
        }
    }
    if has_one {
        found.push(directory.to_owned());
    }
    Ok(())
}
