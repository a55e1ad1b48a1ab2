//! Compiles the page checksums that SQLite starts with; `.cargo/config.toml` tells SQLite so.

use std::{env, fs};

fn main() {
    let (source, schema) = ("sqlite/page_checksums.c", "src/schema.rs");
    println!("cargo:rerun-if-changed={source}");
    println!("cargo:rerun-if-changed={schema}");
    let text = fs::read_to_string(schema).unwrap_or_default();
    let version = text.lines().find_map(|line| line.strip_prefix("pub(crate) const VERSION: u32 = "));
    let version = version.map(|rest| rest.trim_end_matches(';')).unwrap_or_default();
    let mut build = cc::Build::new();
    build.file(source).define("SCHEMA_VERSION", format!("{version}u").as_str());
    // The header that belongs to the SQLite that is linked.
    build.includes(env::var_os("DEP_SQLITE3_INCLUDE"));
    build.warnings(true).extra_warnings(true).warnings_into_errors(true);
    // Nothing in Rust names it: SQLite does.
    build.link_lib_modifier("+whole-archive");
    build.compile("ohfp_page_checksums");
}
