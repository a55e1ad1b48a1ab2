//! Direction between the files of a crate, read off their `use` lines and paths.
//!
//! A file uses another where a path of its production code (`crate::…`, `super::…`, or a child module's name) leads
//! there, through re-exports. Declaring or re-exporting a module is no use of it. This reads text, not Rust: macros
//! are not expanded, and a path that leads nowhere is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Result;

/// A module's path inside its crate; empty for the crate's root.
pub(super) type Module = Vec<String>;

/// Which modules each module of a crate uses.
pub(super) struct Uses {
    /// The file of each module, relative to the crate.
    pub(super) files: BTreeMap<Module, String>,
    pub(super) edges: BTreeMap<Module, BTreeSet<Module>>,
}

impl Uses {
    /// Reads the crate whose sources are in `src`.
    pub(super) fn read(src: &Path) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for (module, path) in files(src)? {
            let name = path.strip_prefix(src)?.display().to_string();
            texts.insert(module, (name, production(&fs::read_to_string(&path)?)));
        }
        Ok(Self::of(&texts))
    }

    /// The same from names and texts.
    fn of(texts: &BTreeMap<Module, (String, String)>) -> Self {
        let mut exports: BTreeMap<&Module, BTreeMap<String, Module>> = BTreeMap::new();
        for (module, (_, text)) in texts {
            let names = exports.entry(module).or_default();
            for statement in statements(text).filter(|statement| statement.exports) {
                for path in paths(&rooted(statement.tree)) {
                    if let Some(name) = path.last().cloned() {
                        names.insert(name, absolute(module, &path));
                    }
                }
            }
        }
        let crate_of = Crate { texts, exports };
        let mut edges = BTreeMap::new();
        for (module, (_, text)) in texts {
            let used = paths(&without_exports(text)).into_iter().map(|path| absolute(module, &path));
            let children = statements(text).filter(|statement| !statement.exports).map(|statement| {
                let first: String = statement.tree.chars().take_while(|letter| is_word(*letter)).collect();
                [module.clone(), vec![first]].concat()
            });
            let children = children.filter(|path| texts.contains_key(path));
            // A child is also used by its bare name, as in `child::f()`.
            let named = texts.keys().filter(|other| {
                other.split_last().is_some_and(|(name, parent)| parent == *module && is_named(text, name))
            });
            let used =
                used.chain(children).chain(named.cloned()).filter_map(|path| crate_of.resolve(&path, 0));
            edges.insert(module.clone(), used.filter(|other| other != module).collect());
        }
        Self {
            files: texts.iter().map(|(module, (name, _))| (module.clone(), name.clone())).collect(),
            edges,
        }
    }

    /// Groups of files that use each other in a circle.
    pub(super) fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.edges.keys().map(|module| (module, self.reach(module))).collect();
        let leads = |from: &Module, to: &Module| reached.get(from).is_some_and(|all| all.contains(to));
        let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
        for module in self.edges.keys().filter(|module| leads(module, module)) {
            let group = self.edges.keys().filter(|other| leads(module, other) && leads(other, module));
            groups.insert(group.filter_map(|module| self.files.get(module).cloned()).collect());
        }
        groups.into_iter().collect()
    }

    fn reach(&self, from: &Module) -> BTreeSet<&Module> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Module> = self.edges.get(from).into_iter().flatten().collect();
        while let Some(module) = open.pop() {
            if reached.insert(module) {
                open.extend(self.edges.get(module).into_iter().flatten());
            }
        }
        reached
    }
}

struct Crate<'t> {
    texts: &'t BTreeMap<Module, (String, String)>,
    exports: BTreeMap<&'t Module, BTreeMap<String, Module>>,
}

impl Crate<'_> {
    /// The module that a path from the crate's root leads to, through re-exports.
    fn resolve(&self, path: &[String], depth: u32) -> Option<Module> {
        let module = (0..=path.len()).rev().find_map(|len| {
            path.get(..len).map(<[String]>::to_vec).filter(|module| self.texts.contains_key(module))
        })?;
        let exported = path.get(module.len()).and_then(|name| self.exports.get(&module)?.get(name));
        match exported {
            Some(path) if depth < 8 => self.resolve(path, depth + 1),
            _ => Some(module),
        }
    }
}

/// A `use` statement.
struct Statement<'t> {
    exports: bool,
    tree: &'t str,
}

fn statements(text: &str) -> impl Iterator<Item = Statement<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find("use ")?;
            let (before, after) = rest.split_at_checked(at)?;
            let line = before.rsplit('\n').next().unwrap_or_default().trim();
            let (tree, behind) = after.strip_prefix("use ")?.split_once(';')?;
            rest = behind;
            if line.is_empty() || line.starts_with("pub") {
                return Some(Statement { exports: !line.is_empty(), tree: tree.trim() });
            }
        }
    })
}

/// The text without statements that re-export.
fn without_exports(text: &str) -> String {
    let mut kept = text.to_owned();
    for statement in statements(text).filter(|statement| statement.exports) {
        kept = kept.replacen(statement.tree, "", 1);
    }
    kept
}

/// The tree of a `use` statement with its first step written out.
fn rooted(tree: &str) -> String {
    let starts = ["crate::", "super::", "self::"];
    if starts.iter().any(|start| tree.starts_with(start)) { tree.to_owned() } else { format!("self::{tree}") }
}

/// Whether a text has a path that begins with a name, other than in what it re-exports.
fn is_named(text: &str, name: &str) -> bool {
    let text = without_exports(text);
    text.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|letter| is_word(letter) || letter == ':')
    })
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// All paths that begin with `crate`, `super` or `self`, groups in braces taken apart.
fn paths(text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for start in ["crate", "super", "self"] {
        for (at, _) in text.match_indices(start) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + start.len()..).unwrap_or_default();
            if !before.is_some_and(|letter| is_word(letter) || letter == ':') && after.starts_with("::") {
                follow(after, vec![start.to_owned()], &mut found);
            }
        }
    }
    found
}

/// Follows a path from its `::` on and gives what is behind it.
fn follow<'t>(mut text: &'t str, mut path: Module, found: &mut Vec<Module>) -> &'t str {
    while let Some(rest) = text.strip_prefix("::") {
        if let Some(mut group) = rest.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
                if let Some(behind) = group.strip_prefix('}') {
                    return behind;
                }
                let (word, behind) = word(group);
                if word.is_empty() {
                    return group;
                }
                let longer = [path.clone(), vec![word.to_owned()]].concat();
                group = follow(behind, longer, found);
                if let Some(renamed) = group.trim_start().strip_prefix("as ") {
                    group = self::word(renamed.trim_start()).1;
                }
            }
        }
        let (word, behind) = word(rest);
        if word.is_empty() {
            break;
        }
        path.push(word.to_owned());
        text = behind;
    }
    // A root alone, as in a text about paths, leads nowhere.
    if path.len() > 1 {
        found.push(path);
    }
    text
}

/// The word, or star, that a text begins with, and the rest.
fn word(text: &str) -> (&str, &str) {
    let len = text.find(|letter| !is_word(letter)).unwrap_or(text.len());
    let len = if text.starts_with('*') { 1 } else { len };
    text.split_at_checked(len).unwrap_or((text, ""))
}

/// A path from the crate's root.
fn absolute(module: &Module, path: &[String]) -> Module {
    let Some((first, rest)) = path.split_first() else { return Vec::new() };
    let mut base = if first == "crate" { Vec::new() } else { module.clone() };
    if first == "super" {
        base.pop();
    }
    for step in rest {
        if step == "super" {
            base.pop();
        } else {
            base.push(step.clone());
        }
    }
    base
}

/// The files of a crate but its tests, with the modules that they are.
pub(super) fn files(src: &Path) -> Result<Vec<(Module, PathBuf)>> {
    let (mut found, mut directories) = (Vec::new(), vec![src.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && stem != "tests" {
                directories.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && stem != "tests" {
                let parts = path.strip_prefix(src)?.with_extension("");
                let mut module: Module =
                    parts.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                if ["mod", "lib", "main"].contains(&stem.as_str()) {
                    module.pop();
                }
                found.push((module, path));
            }
        }
    }
    Ok(found)
}

/// Without comments, and without the tests at a file's end.
pub(super) fn production(text: &str) -> String {
    let ends = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(super) mod tests {"];
    let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate with these files.
    fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
        let texts = files
            .iter()
            .map(|(name, text)| {
                let module: Module =
                    name.split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
                (module, ((*name).to_owned(), production(text)))
            })
            .collect();
        let found = Uses::of(&texts).circles();
        assert_eq!(
            found,
            expected
                .iter()
                .map(|group| group.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn circles_are_found_through_groups_parents_and_exports() {
        let lib = ("lib", "mod a;\nmod b;\npub use a::A;\npub use b::{B, c};\n");
        check(&[lib, ("a", "use crate::b::B;"), ("b", "struct B;")], &[]);
        check(&[lib, ("a", "use crate::b::B;"), ("b", "use crate::a::A;")], &[&["a", "b"]]);
        check(
            &[lib, ("a", "use crate::{x, b::{B as D, c}};"), ("b", "fn f() { crate::a::g() }")],
            &[&["a", "b"]],
        );
        // Through what the root re-exports; the root itself only declares.
        check(&[lib, ("a", "use crate::B;"), ("b", "use super::A;")], &[&["a", "b"]]);
        check(
            &[
                lib,
                ("a", "use crate::B;"),
                ("b", "// use super::A;\n#[cfg(test)]\nmod tests {\nuse super::super::A;"),
            ],
            &[],
        );
        // The same by the child's bare name.
        check(&[("lib", ""), ("a", "mod d;\nfn f() { d::g() }"), ("a/d", "use super::A;")], &[&["a", "a/d"]]);
        check(&[("lib", ""), ("a", "mod d;\npub use d::D;\npub struct A;"), ("a/d", "use super::A;")], &[]);
        // A parent that uses its child, and the child its parent.
        check(
            &[("lib", ""), ("a", "mod d;\nuse d::D;\npub struct A;"), ("a/d", "use super::A;")],
            &[&["a", "a/d"]],
        );
    }
}
