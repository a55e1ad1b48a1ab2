//! One meaning for each public type name in the library crates, and names that stay inside some of them.

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

/// Where a crate names a type, and where it hands it on: in the signature of a function, or the type of a field, that
/// is public.
pub(super) fn naming(src: &Path, name: &str) -> Result<(Vec<String>, Vec<String>)> {
    let (mut named, mut handed_on) = (Vec::new(), Vec::new());
    for (_, path) in super::files::files(src)? {
        let text = super::files::production(&fs::read_to_string(&path)?);
        let file = path.strip_prefix(src)?.display().to_string();
        if has_word(&text, name) {
            named.push(file.clone());
        }
        let public = signatures(&text).into_iter().filter(|signature| has_word(signature, name));
        handed_on.extend(public.map(|signature| format!("{file}: `{}`", signature.trim())));
    }
    Ok((named, handed_on))
}

/// What is public of a text: functions up to their bodies, and everything else by the line.
fn signatures(text: &str) -> Vec<&str> {
    let starts = text.match_indices("pub ").filter_map(|(at, _)| text.split_at_checked(at));
    starts
        .filter(|(before, _)| before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()))
        .map(|(_, item)| {
            let line = item.split('\n').next().unwrap_or_default();
            if has_word(line, "fn") { item.split(['{', ';']).next().unwrap_or_default() } else { line }
        })
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public_of_a_text() {
        let text = "pub struct A {\n    pub b: Vec<B>,\n    c: C,\n}\n\npub fn d(\n    e: &E,\n) -> F {\n    g(G)\n}\n\
                    pub(crate) fn h(i: I) {}\npub use j::K;\n";
        let found = signatures(text);
        for (name, is_public) in
            [("B", true), ("C", false), ("E", true), ("F", true), ("G", false), ("I", false), ("K", true)]
        {
            let has = found.iter().any(|signature| has_word(signature, name));
            assert_eq!(has, is_public, "{name}: {found:?}");
        }
        assert!(!has_word("Bee, a_B", "B"));
    }

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
