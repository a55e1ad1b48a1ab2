//! One meaning for each public type name in the library crates.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::project::Result;

/// Public types of the crate whose sources are in `src`, by name; `place` is what messages call the crate.
pub(super) fn collect(src: &Path, place: &str, found: &mut BTreeMap<String, Vec<String>>) -> Result<()> {
    for (_, path) in super::files::files(src)? {
        let name = path.strip_prefix(src)?.display().to_string();
        for declared in declared(&super::files::production(&fs::read_to_string(&path)?)) {
            found.entry(declared).or_default().push(format!("{place}: {name}"));
        }
    }
    Ok(())
}

/// The names of public structs, enums, traits and type aliases that a text declares at its top level.
fn declared(text: &str) -> Vec<String> {
    let kinds = ["pub struct ", "pub enum ", "pub trait ", "pub type "];
    let rest = |line: &str| kinds.iter().find_map(|kind| line.strip_prefix(kind).map(str::to_owned));
    let name = |rest: String| rest.split(|letter: char| !letter.is_alphanumeric()).next().map(str::to_owned);
    text.lines().filter_map(rest).filter_map(name).collect()
}

/// A line for each name that is declared more than once.
pub(super) fn repeated(found: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let repeated = found.iter().filter(|(_, places)| places.len() > 1);
    repeated
        .map(|(name, places)| {
            format!("the public type `{name}` has {} meanings: {}", places.len(), places.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_public_types() {
        let text = "pub struct A<T> {\n    pub struct: u8\n}\npub(crate) struct B;\npub enum C {}\nstruct D;\npub trait E: F {}\npub type G = u8;\n    pub struct H;\n";
        assert_eq!(declared(text), ["A", "C", "E", "G"]);
    }

    #[test]
    fn repeated_names_are_told_with_their_places() {
        let places = |all: &[&str]| all.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>();
        let found = BTreeMap::from([
            ("Key".to_owned(), places(&["resolver: key.rs", "sim: keys.rs"])),
            ("Rule".to_owned(), places(&["resolver: rule.rs"])),
        ]);
        assert_eq!(
            repeated(&found),
            ["the public type `Key` has 2 meanings: resolver: key.rs, sim: keys.rs"]
        );
    }
}
