//! A copy of the environment variables. It must not know which of them have a meaning.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Environment variables as the resolver sees them: the real ones, or a test's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The variables of this process.
    pub fn from_process() -> Self {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            // The first of two counts, as for `getenv` and the runtime.
            variables.entry(name).or_insert(value);
        }
        Self(variables)
    }

    /// The raw value, not recorded on the trail. An answer that depends on a variable must read it through the
    /// trail instead.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The raw value as bytes, in the form that `platform` takes.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(OsStrExt::as_bytes)
    }

    /// Every variable, for a program that is started in the same environment.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The variables that override keys of the configuration: `OHFP_A__B` is the key `a.b`. By name, and each with the
    /// dotted key.
    pub fn overrides(&self) -> impl Iterator<Item = (&str, String, &OsStr)> {
        self.0.iter().filter_map(|(name, value)| {
            let name = name.to_str()?;
            Some((name, overridden(name)?, value.as_os_str())).filter(|_| !value.is_empty())
        })
    }

    /// The same without the variables that override keys: a snapshot is for every process, whatever those are.
    #[must_use]
    pub fn without_overrides(&self) -> Self {
        let mut env = self.clone();
        env.0.retain(|name, _| name.to_str().and_then(overridden).is_none());
        env
    }

    /// Sets a variable, for this invocation alone.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.insert(name.into(), value.into());
    }

    /// Unsets a variable, for this invocation alone.
    pub fn unset(&mut self, name: &str) {
        self.0.remove(OsStr::new(name));
    }
}

/// The dotted key that a variable overrides.
fn overridden(name: &str) -> Option<String> {
    let path = name.strip_prefix("OHFP_")?;
    let parts: Vec<&str> = path.split("__").collect();
    (parts.len() > 1 && parts.iter().all(|part| !part.is_empty())).then(|| parts.join(".").to_lowercase())
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_overrides() {
        for (name, key) in [
            ("OHFP_SCHEDULER__TYPE", Some("scheduler.type")),
            ("OHFP_STORAGE__SQL_STRATEGY__NAME", Some("storage.sql_strategy.name")),
            ("OHFP_SNAPSHOT_REFRESH", None),
            ("OHFP_CONFIG_DIR", None),
            ("OHFP___TYPE", None),
            ("OHFP_A__", None),
            ("HF_A__B", None),
        ] {
            let env: Environment = [(name, "x")].into_iter().collect();
            let found: Vec<String> = env.overrides().map(|(_, key, _)| key).collect();
            assert_eq!(found.first().map(String::as_str), key, "{name}");
            assert_eq!(env.without_overrides() == env, key.is_none(), "{name}");
        }
        let empty: Environment = [("OHFP_A__B", "")].into_iter().collect();
        assert_eq!(empty.overrides().count(), 0);
    }

    #[test]
    fn variables_are_set_for_one_invocation() {
        let mut env: Environment = [("A", "1"), ("B", "")].into_iter().collect();
        env.set("C", "3");
        env.set("A", "2");
        env.unset("B");
        for (name, value) in [("A", Some("2")), ("B", None), ("C", Some("3"))] {
            assert_eq!(env.get(name), value.map(OsStr::new), "{name}");
        }
        let names: Vec<&OsStr> = env.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "C"]);
        // Every process has a PATH, or it would not have found the compiler.
        assert_eq!(Environment::from_process().get("PATH"), std::env::var_os("PATH").as_deref());
    }
}
