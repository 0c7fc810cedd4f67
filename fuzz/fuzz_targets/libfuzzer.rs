//! What libFuzzer runs: the target that `FUZZ_TARGET` names. `cargo xtask fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let target = fuzz::TARGETS.iter().find(|(known, _)| *known == name);
    target.map_or_else(|| panic!("FUZZ_TARGET is `{name}`, which is no target"), |(_, target)| *target)
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
