//! `ohfp-snapshot`: the command line of the builder.

use std::process::ExitCode;

use clap::Parser;
use ohfp_resolver::Environment;
use ohfp_snapshot_builder::tool::{self, Tool};

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: ohfp_platform::heap::Heap = ohfp_platform::heap::Heap::new();

fn main() -> ExitCode {
    ohfp_platform::sys::survive_file_size_limit();
    let env = Environment::from_process().without_overrides();
    ExitCode::from(match Tool::try_parse() {
        Ok(tool) => tool::run(&tool, &env),
        Err(error) => tool::misunderstood(&error, &env),
    })
}
