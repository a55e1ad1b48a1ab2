//! Compiles what SQLite starts with: the page checksums, of which `.cargo/config.toml` tells SQLite, and its memory.

use std::{env, fs};

fn main() {
    let (sources, schema) = (["sqlite/page_checksums.c", "sqlite/memory.c"], "src/schema.rs");
    for file in sources.iter().chain([&schema]) {
        println!("cargo:rerun-if-changed={file}");
    }
    let text = fs::read_to_string(schema).unwrap_or_default();
    let version = text.lines().find_map(|line| line.strip_prefix("pub(crate) const VERSION: u32 = "));
    let version = version.map(|rest| rest.trim_end_matches(';')).unwrap_or_default();
    let mut build = cc::Build::new();
    build.files(sources).define("SCHEMA_VERSION", format!("{version}u").as_str());
    // The header that belongs to the SQLite that is linked.
    build.includes(env::var_os("DEP_SQLITE3_INCLUDE"));
    build.warnings(true).extra_warnings(true).warnings_into_errors(true);
    // Nothing in Rust names them.
    build.link_lib_modifier("+whole-archive");
    build.compile("ohfp_sqlite");
}
