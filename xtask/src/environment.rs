//! The environment of what xtask runs: the caller's, without what `cargo run` adds about xtask itself.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// The repository, for a process that does not get cargo's variables.
const ROOT: &str = "XTASK_ROOT";

/// Starts xtask again without the variables in which cargo describes xtask; returns where there are none.
///
/// Build scripts watch some of them: that of `ring` is run again where `CARGO_MANIFEST_DIR` differs, and with it AWS's
/// SDK is built again, which takes ten minutes. A build by `cargo xtask`, one by `cargo`, and one in another checkout
/// that shares the target directory must be the same.
pub(crate) fn shed() -> io::Result<()> {
    let described: Vec<OsString> =
        std::env::vars_os().map(|(name, _)| name).filter(|name| describes_package(name)).collect();
    if described.is_empty() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).env(ROOT, root());
    for name in described {
        again.env_remove(name);
    }
    Err(again.exec())
}

/// The repository. Asked at run time: checkouts that share a target directory share this program too.
pub(crate) fn root() -> PathBuf {
    let own = match (std::env::var_os("CARGO_MANIFEST_DIR"), std::env::var_os(ROOT)) {
        (Some(own), _) => PathBuf::from(own),
        (None, Some(root)) => return root.into(),
        (None, None) => env!("CARGO_MANIFEST_DIR").into(),
    };
    own.parent().unwrap_or(&own).to_owned()
}

fn describes_package(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.starts_with(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_tells_of_the_package_goes() {
        for (name, goes) in [
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_MANIFEST_PATH", true),
            ("CARGO_PKG_VERSION_MAJOR", true),
            ("CARGO_TARGET_DIR", false),
            ("CARGO_PROFILE_RELEASE_LTO", false),
            ("CARGO", false),
        ] {
            assert_eq!(describes_package(OsStr::new(name)), goes, "{name}");
        }
    }
}
