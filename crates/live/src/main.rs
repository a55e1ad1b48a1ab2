//! The program `ohfp-live`.

use std::process::ExitCode;

#[cfg(target_env = "musl")]
use ohfp_platform::counting::Counting;
#[cfg(target_env = "musl")]
use ohfp_platform::heap::Heap;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: Counting<Heap> = Counting(Heap::new());

fn main() -> ExitCode {
    ohfp_live::main()
}
