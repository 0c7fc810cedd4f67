//! Leaves the tables for unwinding out of a function that is built for size. They take 1.3 MB, and such a function aborts at a panic.
//! `-C force-unwind-tables=no` changes nothing in a build with fat LTO, so the linker discards them.

use std::env;

fn main() -> Result<(), env::VarError> {
    println!("cargo::rerun-if-changed=../build.rs");
    println!("cargo::rerun-if-changed=../without-unwinding.ld");
    // Only the profile in .cargo/config.toml has the level `z`, and it aborts. The other profiles unwind.
    if env::var("OPT_LEVEL")? == "z" && env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        let package = env::var("CARGO_MANIFEST_DIR")?;
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{package}/../without-unwinding.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    }
    Ok(())
}
