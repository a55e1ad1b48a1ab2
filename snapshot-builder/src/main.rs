//! `ohfp-snapshot`: the command line of the builder.

use std::process::ExitCode;

use clap::Parser;
use ohfp_snapshot_builder::load::Environment;
use ohfp_snapshot_builder::tool::{self, Tool};

fn main() -> ExitCode {
    ExitCode::from(tool::run(&Tool::parse(), &Environment::from_process()))
}
