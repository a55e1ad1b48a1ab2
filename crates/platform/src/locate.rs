//! Locates configuration and snapshot. The runtime, the live program and the builder share these rules, so they
//! cannot disagree.
//!
//! # Configuration root
//!
//! The first that applies:
//!
//! 1. `OHFP_CONFIG_DIR`
//! 2. `HF_PROVIDER_CONFDIR`
//! 3. `HF_CONFDIR` + `HF_PROVIDER_NAME`: `$HF_CONFDIR/providers/$HF_PROVIDER_NAME`
//! 4. `PRO_CONF_DIR` (LSF): its directory `conf` if there is one, else itself
//! 5. `$XDG_CONFIG_HOME/ohfp` or `$HOME/.config/ohfp`, where it exists
//! 6. `/etc/ohfp`, where it exists
//!
//! # Snapshot
//!
//! 1. `OHFP_SNAPSHOT`, a file
//! 2. `ohfp.snapshot` in `HF_PROVIDER_WORKDIR`, or in `$HF_WORKDIR/providers/$HF_PROVIDER_NAME`
//! 3. `ohfp-<PROVIDER_NAME>.snapshot` in `PRO_DATA_DIR` (LSF shares it between providers)
//! 4. `ohfp/<hash of the root>.snapshot` in `$XDG_CACHE_HOME` or `$HOME/.cache`
//!
//! Empty variables are treated as unset. `PROVIDER_NAME` (LSF) replaces a missing `HF_PROVIDER_NAME`. Relative
//! paths start at the current directory.

use std::ffi::CStr;
use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::sys;

/// Longest path in bytes, including the final zero byte. The runtime has less than the system allows, since its
/// paths lie on the stack of the fast path; for longer ones the live program answers.
pub const PATH_CAPACITY: usize = if cfg!(feature = "long-paths") { 4096 } else { 256 };

/// A path with a final zero byte in a fixed buffer.
#[derive(Clone, Debug)]
pub struct Path {
    bytes: [u8; PATH_CAPACITY],
    len: usize,
}

impl Path {
    /// Concatenates `parts`; `None` when the path is too long or holds a zero byte. Not inlined, as [`Self::push`].
    #[inline(never)]
    pub fn new(parts: &[&[u8]]) -> Option<Self> {
        let mut path = Self { bytes: [0; PATH_CAPACITY], len: 0 };
        for part in parts {
            path.push(part)?;
        }
        Some(path)
    }

    /// Appends bytes. Not inlined: the runtime does this in a dozen places, and has no room for as many copies.
    #[inline(never)]
    pub fn push(&mut self, part: &[u8]) -> Option<()> {
        let end = self.len.checked_add(part.len()).filter(|end| *end < PATH_CAPACITY)?;
        if part.contains(&0) {
            return None;
        }
        self.bytes.get_mut(self.len..end)?.copy_from_slice(part);
        self.len = end;
        Some(())
    }

    /// The path without its zero byte.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The path for a system call.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// `path`, made absolute and without final slashes.
    pub fn absolute(path: &[u8]) -> Option<Self> {
        let mut whole = Self::new(&[])?;
        if path.first() != Some(&b'/') {
            whole.len = sys::current_dir(&mut whole.bytes)?;
            whole.bytes.get_mut(whole.len..)?.fill(0);
            whole.push(b"/")?;
        }
        whole.push(path.strip_prefix(b"./").unwrap_or(path))?;
        while whole.len > 1 && whole.as_bytes().last() == Some(&b'/') {
            whole.len -= 1;
            *whole.bytes.get_mut(whole.len)? = 0;
        }
        Some(whole)
    }

    /// The parent directory.
    pub fn parent(&self) -> Option<Self> {
        let slash = self.as_bytes().iter().rposition(|byte| *byte == b'/')?;
        Self::new(&[self.bytes.get(..slash.max(1))?])
    }

    fn is_dir(&self) -> bool {
        sys::stat(self.as_c_str()).is_ok_and(|status| status.is_dir())
    }
}

/// The rule that decided the configuration root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootSource {
    /// A path on the command line.
    CommandLine,
    /// An environment variable.
    Variable(&'static str),
    /// The user's configuration directory.
    User,
    /// `/etc/ohfp`.
    System,
}

impl fmt::Display for RootSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("named by --config"),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::User => f.write_str("the user's configuration directory"),
            Self::System => f.write_str("the system's configuration directory"),
        }
    }
}

/// A configuration root and its source.
#[derive(Clone, Debug)]
pub struct Root {
    /// Absolute path.
    pub path: Path,
    /// The rule that decided it.
    pub source: RootSource,
}

/// Looks a variable up; an empty one counts as unset.
fn set<'e>(get: &impl Fn(&str) -> Option<&'e [u8]>, name: &str) -> Option<&'e [u8]> {
    get(name).filter(|value| !value.is_empty())
}

/// The instance name, set by Host Factory or LSF.
pub fn provider_name<'e>(get: &impl Fn(&str) -> Option<&'e [u8]>) -> Option<&'e [u8]> {
    set(get, "HF_PROVIDER_NAME").or_else(|| set(get, "PROVIDER_NAME"))
}

/// The configuration root; `None` if no rule applies.
pub fn config_root<'e>(get: &impl Fn(&str) -> Option<&'e [u8]>) -> Option<Root> {
    let from = |name, path: Option<Path>| path.map(|path| Root { path, source: RootSource::Variable(name) });
    for name in ["OHFP_CONFIG_DIR", "HF_PROVIDER_CONFDIR"] {
        if let Some(directory) = set(get, name) {
            return from(name, Path::absolute(directory));
        }
    }
    if let (Some(directory), Some(provider)) = (set(get, "HF_CONFDIR"), provider_name(get)) {
        let mut path = Path::absolute(directory)?;
        path.push(b"/providers/")?;
        path.push(provider)?;
        return from("HF_CONFDIR", Some(path));
    }
    if let Some(directory) = set(get, "PRO_CONF_DIR") {
        let path = Path::absolute(directory)?;
        let conf = Path::new(&[path.as_bytes(), b"/conf"]).filter(Path::is_dir);
        return from("PRO_CONF_DIR", Some(conf.unwrap_or(path)));
    }
    let user = match (set(get, "XDG_CONFIG_HOME"), set(get, "HOME")) {
        (Some(base), _) => Path::new(&[base, b"/ohfp"]),
        (None, Some(home)) => Path::new(&[home, b"/.config/ohfp"]),
        (None, None) => None,
    };
    if let Some(path) = user.filter(|path| path.as_bytes().first() == Some(&b'/') && path.is_dir()) {
        return Some(Root { path, source: RootSource::User });
    }
    let path = Path::new(&[b"/etc/ohfp"]).filter(Path::is_dir)?;
    Some(Root { path, source: RootSource::System })
}

/// Path of the snapshot of `root`; `None` if no directory is known.
pub fn snapshot_path<'e>(get: &impl Fn(&str) -> Option<&'e [u8]>, root: Option<&[u8]>) -> Option<Path> {
    if let Some(file) = set(get, "OHFP_SNAPSHOT") {
        return Path::absolute(file);
    }
    if let Some(directory) = set(get, "HF_PROVIDER_WORKDIR") {
        let mut path = Path::absolute(directory)?;
        path.push(b"/ohfp.snapshot")?;
        return Some(path);
    }
    if let Some(provider) = provider_name(get) {
        if let Some(directory) = set(get, "HF_WORKDIR") {
            let mut path = Path::absolute(directory)?;
            for part in [b"/providers/".as_slice(), provider, b"/ohfp.snapshot"] {
                path.push(part)?;
            }
            return Some(path);
        }
        if let Some(directory) = set(get, "PRO_DATA_DIR") {
            let mut path = Path::absolute(directory)?;
            for part in [b"/ohfp-".as_slice(), provider, b".snapshot"] {
                path.push(part)?;
            }
            return Some(path);
        }
    }
    let mut hash = [0; 16];
    let mut rest = xxh3_64(root?);
    for digit in &mut hash {
        *digit = b"0123456789abcdef".get(usize::try_from(rest >> 60).unwrap_or_default()).copied()?;
        rest <<= 4;
    }
    let base = match (set(get, "XDG_CACHE_HOME"), set(get, "HOME")) {
        (Some(base), _) => Path::new(&[base]),
        (None, Some(home)) => Path::new(&[home, b"/.cache"]),
        (None, None) => None,
    }?;
    if base.as_bytes().first() != Some(&b'/') {
        return None;
    }
    Path::new(&[base.as_bytes(), b"/ohfp/", &hash, b".snapshot"])
}

/// The snapshot of the shipped defaults, relative to the directory of the executable.
pub const SHIPPED_SNAPSHOT: &[u8] = b"/../share/ohfp/default.snapshot";
/// The live program, relative to the directory of the executable.
pub const LIVE_PROGRAM: &[u8] = b"/ohfp-live";

/// The directory of the running executable, links resolved.
pub fn program_directory() -> Option<Path> {
    let mut path = Path::new(&[])?;
    path.len = sys::read_link(c"/proc/self/exe", &mut path.bytes)?;
    path.parent()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], root: Option<&str>, snapshot: Option<&str>) {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_bytes());
        let found = config_root(&get);
        let text = |path: &Path| String::from_utf8_lossy(path.as_bytes()).into_owned();
        assert_eq!(found.as_ref().map(|root| text(&root.path)).as_deref(), root, "{variables:?}");
        let found = snapshot_path(&get, found.as_ref().map(|root| root.path.as_bytes()));
        assert_eq!(found.as_ref().map(text).as_deref(), snapshot, "{variables:?}");
    }

    #[test]
    fn order_of_rules() {
        let hf = [("HF_CONFDIR", "/c"), ("HF_WORKDIR", "/w"), ("HF_PROVIDER_NAME", "aws")];
        check(&hf, Some("/c/providers/aws"), Some("/w/providers/aws/ohfp.snapshot"));
        check(
            &[&hf[..], &[("HF_PROVIDER_CONFDIR", "/pc/"), ("HF_PROVIDER_WORKDIR", "/pw")]].concat(),
            Some("/pc"),
            Some("/pw/ohfp.snapshot"),
        );
        check(
            &[&hf[..], &[("OHFP_CONFIG_DIR", "/mine"), ("OHFP_SNAPSHOT", "/s/x.snapshot")]].concat(),
            Some("/mine"),
            Some("/s/x.snapshot"),
        );
        check(
            &[("PRO_CONF_DIR", "/nonexistent/rc/aws"), ("PRO_DATA_DIR", "/data"), ("PROVIDER_NAME", "aws")],
            Some("/nonexistent/rc/aws"),
            Some("/data/ohfp-aws.snapshot"),
        );
        check(&[("OHFP_CONFIG_DIR", ""), ("HOME", "/nonexistent")], None, None);
        check(
            &[("OHFP_CONFIG_DIR", "/a"), ("HOME", "/h")],
            Some("/a"),
            Some("/h/.cache/ohfp/e292ab48a6b06805.snapshot"),
        );
    }

    #[test]
    fn relative_paths_start_in_the_current_directory() {
        let here = std::env::current_dir().unwrap();
        let path = Path::absolute(b"./x/").unwrap();
        assert_eq!(path.as_bytes(), here.join("x").to_str().unwrap().as_bytes());
    }

    #[test]
    fn too_long_is_refused() {
        assert!(Path::new(&[&[b'a'; PATH_CAPACITY]]).is_none());
        assert!(Path::new(&[b"a\0b"]).is_none());
    }
}
