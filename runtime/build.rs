//! Chooses the entry point: C `main` without Rust's runtime start-up on static musl, `fn main`
//! anywhere else.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(bare_entry)");
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "musl") {
        println!("cargo::rustc-cfg=bare_entry");
        // One read-only segment and one writable one, without gaps: fewer pages to fault in.
        // Without the search table of an unwinder, which the program does not have: everything stays in 64 KiB.
        for option in ["-z,noseparate-code", "-z,norelro", "--build-id=none", "--no-eh-frame-hdr"] {
            println!("cargo::rustc-link-arg-bins=-Wl,{option}");
        }
    }
}
