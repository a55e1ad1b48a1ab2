//! `cargo xtask deps`: holds the direction of dependencies, which is what keeps the runtime small.
//!
//! The arrays here are the rules. A rule that fails names its array; changing the array is a
//! decision to be reviewed.

mod files;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use xshell::cmd;

use crate::binaries;
use crate::project::{Project, Result, note, step};

/// Every crate that the runtime links, with why.
const RUNTIME_DEPENDENCIES: [&str; 13] = [
    "bytecheck",            // rkyv: validation of the archive
    "hashbrown",            // rkyv
    "libc",                 // system calls that std hides behind a heap
    "memmap2",              // private mapping of snapshots
    "munge",                // rkyv
    "ohfp-platform",        // system calls, locations, the rule for terminals
    "ohfp-snapshot-format", // the contract
    "ptr_meta",             // rkyv
    "rancor",               // rkyv
    "rend",                 // rkyv: little-endian numbers
    "rkyv",                 // the index
    "simdutf8",             // bytecheck
    "xxhash-rust",          // checksums of sections
];

/// Which of our packages each of our packages may depend on, in any way. Packages that are not listed must not
/// be depended on: the programs, the tests and xtask are not libraries.
const EDGES: [(&str, &[&str]); 25] = [
    ("ohfp-platform", &[]),
    ("ohfp-broker", &[]),
    ("ohfp-keys", &["ohfp-broker"]),
    ("ohfp-cli", &[]),
    ("ohfp-snapshot-format", &["ohfp-platform"]),
    ("ohfp", &["ohfp-platform", "ohfp-snapshot-format"]),
    ("ohfp-resolver", &["ohfp-broker", "ohfp-keys", "ohfp-platform"]),
    ("ohfp-template-file", &["ohfp-broker", "ohfp-resolver"]),
    ("ohfp-render", &["ohfp-broker", "ohfp-resolver"]),
    ("ohfp-report", &["ohfp-broker"]),
    ("ohfp-wire", &["ohfp-broker", "ohfp-platform"]),
    ("ohfp-components", &["ohfp-broker", "ohfp-render", "ohfp-resolver", "ohfp-timings"]),
    ("ohfp-metrics", &["ohfp-broker", "ohfp-platform"]),
    ("ohfp-store-sqlite", &["ohfp-broker", "ohfp-metrics", "ohfp-platform", "ohfp-timings"]),
    ("ohfp-timings", &["ohfp-platform"]),
    ("ohfp-provider-sim", &["ohfp-broker", "ohfp-keys"]),
    ("ohfp-provider-aws", &["ohfp-broker", "ohfp-keys", "ohfp-metrics"]),
    ("ohfp-aws-client", &["ohfp-broker", "ohfp-provider-aws", "ohfp-timings"]),
    ("ohfp-otlp", &[]),
    ("ohfp-migration", &["ohfp-broker", "ohfp-provider-aws", "ohfp-resolver"]),
    (
        "ohfp-snapshot-builder",
        &["ohfp-broker", "ohfp-cli", "ohfp-platform", "ohfp-render", "ohfp-resolver", "ohfp-snapshot-format"],
    ),
    (
        "ohfp-service",
        &[
            "ohfp-aws-client",
            "ohfp-broker",
            "ohfp-cli",
            "ohfp-components",
            "ohfp-keys",
            "ohfp-metrics",
            "ohfp-migration",
            "ohfp-otlp",
            "ohfp-platform",
            "ohfp-provider-aws",
            "ohfp-provider-sim",
            "ohfp-render",
            "ohfp-resolver",
            "ohfp-snapshot-builder",
            "ohfp-snapshot-format",
            "ohfp-store-sqlite",
            "ohfp-template-file",
            "ohfp-timings",
            "ohfp-wire",
        ],
    ),
    (
        "ohfp-live",
        &[
            "ohfp-broker",
            "ohfp-cli",
            "ohfp-platform",
            "ohfp-render",
            "ohfp-report",
            "ohfp-service",
            "ohfp-timings",
            "ohfp-wire",
        ],
    ),
    ("ohfp-tests", &[]),
    ("xtask", &[]),
];

/// Order of the top modules of a crate, from the ground up: each may use those before it, none behind it. Modules
/// that are not listed only have to be free of circles.
const FLOORS: [(&str, &[&str]); 12] = [
    ("ohfp-snapshot-format", &["refusal", "header", "index", "stamps", "backing", "view", "open"]),
    (
        "ohfp-broker",
        &[
            "keyword",
            "error",
            "text",
            "time",
            "id",
            "host",
            "state",
            "template",
            "provider",
            "request",
            "machine",
            "view",
            "store",
            "operations",
            "scheduler",
        ],
    ),
    ("ohfp-keys", &["rule", "key", "typed", "shapes", "options"]),
    ("ohfp-resolver", &["nearest", "source", "settings", "providers", "resolved", "load"]),
    ("ohfp-resolver", &["nearest", "source", "settings", "templates", "resolved", "load"]),
    (
        "ohfp-store-sqlite",
        &[
            "failure",
            "place",
            "connection",
            "copy",
            "migration",
            "create",
            "store",
            "transactions",
            "backup",
            "contract",
        ],
    ),
    (
        "ohfp-provider-aws",
        &[
            "failure",
            "class",
            "token",
            "calls",
            "tags",
            "api",
            "told",
            "batches",
            "looking",
            "design",
            "launching",
            "provider",
        ],
    ),
    ("ohfp-provider-sim", &["chance", "network", "shapes", "keys", "config", "options", "life", "provider"]),
    (
        "ohfp-service",
        &[
            "state_dir",
            "log",
            "catalog",
            "invocation",
            "template_lookup",
            "store_factory",
            "registry",
            "session",
            "simulation",
        ],
    ),
    ("ohfp-template-file", &["spans", "print", "file", "input"]),
    ("ohfp-report", &["html", "number", "scale", "plot", "parts", "data", "sections"]),
    ("ohfp-live", &["present", "reply", "call", "output", "host_factory", "commands"]),
];

/// Types that do not leave a layer: the packages that may name each, and which of these must not hand it on to those
/// above them.
const INSIDE: [(&str, &[&str], &[&str]); 1] = [
    // The command line asks `service` what there is to say about a provider.
    ("ProviderInstance", &["ohfp-resolver", "ohfp-render", "ohfp-service"], &["ohfp-render", "ohfp-service"]),
];

/// Circles of files that are accepted: the container is one data structure.
const CIRCLES: [(&str, &[&str]); 1] =
    [("ohfp-components", &["container.rs", "deferred.rs", "register.rs", "slot.rs", "table.rs"])];

/// Most lines of Rust in a directory, tests included: a crate that keeps to its subject stays this small.
const SIZES: [(&str, usize); 1] = [("snapshot-builder", 2_100)];

/// Checks all rules and reports every breach.
pub(crate) fn run(project: &Project) -> Result<()> {
    step("checking dependencies");
    let mut breaches = allowlist(&runtime_links(project)?);
    let metadata = project.metadata()?;
    breaches.extend(edges(&metadata));
    breaches.extend(directions(&metadata)?);
    breaches.extend(meanings(&metadata)?);
    breaches.extend(escapes(&metadata)?);
    for (directory, most) in SIZES {
        breaches.extend(too_large(directory, lines(&project.root.join(directory))?, most));
    }
    for breach in &breaches {
        note(format_args!("error: {breach}"));
    }
    if breaches.is_empty() {
        Ok(())
    } else {
        Err("the dependency rules are broken; they are in xtask/src/deps.rs".into())
    }
}

fn too_large(directory: &str, lines: usize, most: usize) -> Option<String> {
    (lines > most).then(|| format!("`{directory}` has {lines} lines; SIZES allows {most}"))
}

/// Lines of Rust in a directory and those below it.
fn lines(directory: &Path) -> Result<usize> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sum += lines(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sum += fs::read_to_string(&path)?.lines().count();
        }
    }
    Ok(sum)
}

/// Names of the crates in the runtime, without itself. Procedural macros run in the compiler.
fn runtime_links(project: &Project) -> Result<BTreeSet<String>> {
    let cargo = Project::cargo();
    let mut command =
        cmd!(project.sh, "{cargo} tree --package ohfp --edges normal,no-proc-macro --prefix none");
    if let Some(target) = binaries::musl_target(project) {
        command = command.args(["--target", target]);
    }
    let tree = command.quiet().read()?;
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| *name != "ohfp").map(str::to_owned).collect())
}

fn allowlist(links: &BTreeSet<String>) -> Vec<String> {
    let allowed: BTreeSet<String> = RUNTIME_DEPENDENCIES.map(str::to_owned).into();
    let extra = links.difference(&allowed).map(|name| {
        format!("the runtime links `{name}`; drop it, or add it to RUNTIME_DEPENDENCIES with its reason")
    });
    // A list that allows more than is used would let things in unseen.
    let unused = allowed
        .difference(links)
        .map(|name| format!("the runtime no longer links `{name}`; remove it from RUNTIME_DEPENDENCIES"));
    extra.chain(unused).collect()
}

fn edges(metadata: &Value) -> Vec<String> {
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let packages = list(metadata, "packages");
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into();

    let mut breaches = Vec::new();
    for package in &packages {
        let from = name(package);
        let Some(may) = allowed.get(from.as_str()) else {
            breaches.push(format!("the package `{from}` is not in EDGES; add it with what it may depend on"));
            continue;
        };
        let wanted = list(package, "dependencies");
        for to in wanted
            .iter()
            .map(name)
            .filter(|to| *to != from && ours.contains(to) && !may.contains(&to.as_str()))
        {
            breaches.push(format!("`{from}` depends on `{to}`, which EDGES does not allow"));
        }
    }
    breaches
}

/// Our packages, each with the directory of its sources.
fn sources(metadata: &Value) -> impl Iterator<Item = (&str, PathBuf)> {
    metadata.get("packages").and_then(Value::as_array).into_iter().flatten().map(|package| {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        (text("name"), Path::new(text("manifest_path")).with_file_name("src"))
    })
}

/// Circles of files, and uses against the order of [`FLOORS`], in all our crates.
fn directions(metadata: &Value) -> Result<Vec<String>> {
    let mut breaches = Vec::new();
    for (name, src) in sources(metadata) {
        let uses = files::Uses::read(&src)?;
        for circle in uses.circles() {
            if !CIRCLES.iter().any(|(of, files)| *of == name && circle == *files) {
                breaches.push(format!("files of `{name}` use each other in a circle: {}", circle.join(", ")));
            }
        }
        for (_, order) in FLOORS.iter().filter(|(of, _)| *of == name) {
            breaches.extend(against(&uses, name, order));
        }
    }
    Ok(breaches)
}

/// Public type names that stand for two things in our library crates.
fn meanings(metadata: &Value) -> Result<Vec<String>> {
    let mut found = BTreeMap::new();
    for (name, src) in sources(metadata) {
        if src.join("lib.rs").is_file() && name != "ohfp-tests" {
            names::collect(&src, name, &mut found)?;
        }
    }
    Ok(names::repeated(&found))
}

/// Names of [`INSIDE`] in packages that must not know them.
fn escapes(metadata: &Value) -> Result<Vec<String>> {
    let mut breaches = Vec::new();
    for (name, src) in sources(metadata).filter(|(name, src)| *name != "xtask" && src.is_dir()) {
        for (inner, knowing, keeping) in INSIDE {
            let (named, handed_on) = names::naming(&src, inner)?;
            if !knowing.contains(&name) && !named.is_empty() {
                let places = named.join(", ");
                breaches.push(format!("`{name}` names `{inner}`, which INSIDE does not allow: {places}"));
            }
            if keeping.contains(&name) && !handed_on.is_empty() {
                let places = handed_on.join(", ");
                breaches.push(format!("`{name}` hands on `{inner}`, which INSIDE keeps inside: {places}"));
            }
        }
    }
    Ok(breaches)
}

/// Uses of a module by one that stands before it in `order`.
fn against(uses: &files::Uses, name: &str, order: &[&str]) -> Vec<String> {
    let floor = |module: &files::Module| {
        order.iter().position(|listed| module.first().is_some_and(|first| first == listed))
    };
    let mut breaches = Vec::new();
    for (module, used) in &uses.edges {
        for other in used.iter().filter(|other| floor(other) > floor(module) && floor(module).is_some()) {
            breaches.push(format!(
                "`{}` of `{name}` uses `{}`, which stands above it in FLOORS",
                module.join("::"),
                other.join("::")
            ));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_edges_are_named() {
        let check = |from: &str, to: &str, breaches: usize| {
            let metadata = serde_json::json!({ "packages": [
                { "name": from, "dependencies": [{ "name": to, "kind": "dev" }, { "name": "serde" }] },
                { "name": to, "dependencies": [] },
            ] });
            assert_eq!(edges(&metadata).len(), breaches, "{from} {to}");
        };
        check("ohfp", "ohfp-snapshot-format", 0);
        check("ohfp", "ohfp-broker", 1);
        check("ohfp-tests", "ohfp-live", 1);
        check("ohfp-cli", "ohfp-new", 2);
    }

    #[test]
    fn sizes_count_every_file() {
        let directory = std::env::temp_dir().join(format!("xtask-sizes-{}", std::process::id()));
        fs::create_dir_all(directory.join("src/tool")).unwrap();
        for (name, text) in [("a.rs", "1\n2\n"), ("src/tool/b.rs", "1\n\n3"), ("src/c.json", "1\n")] {
            fs::write(directory.join(name), text).unwrap();
        }
        assert_eq!(lines(&directory).ok(), Some(5));
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!((too_large("a", 5, 5), too_large("a", 6, 5).is_some()), (None, true));
    }

    #[test]
    fn allowlist_is_exact() {
        let mut links: BTreeSet<String> = RUNTIME_DEPENDENCIES.map(str::to_owned).into();
        assert!(allowlist(&links).is_empty());
        links.remove("rkyv");
        links.insert("clap".to_owned());
        assert_eq!(allowlist(&links).len(), 2);
    }
}
