//! The program `ohfp-live`.

use std::process::ExitCode;

#[cfg(target_env = "musl")]
use dlmalloc::GlobalDlmalloc;
#[cfg(target_env = "musl")]
use ohfp_platform::counting::Counting;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: Counting<GlobalDlmalloc> = Counting(GlobalDlmalloc);

fn main() -> ExitCode {
    ohfp_live::main()
}
