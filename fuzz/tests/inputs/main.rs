//! Every target on any compiler, with the whole corpus and with changed copies of it, which are the same every time.
//! `cargo xtask fuzz` goes further with libFuzzer, the same targets and the same corpus.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod broken;
mod changes;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fuzz::TARGETS;

/// The number of changed copies for each target, unless `FUZZ_INPUTS` sets it.
const INPUTS: u32 = 20_000;

/// The most memory that the process may have taken, in KiB. It usually takes 75 MiB, and up to 90 MiB more with backtraces.
const MOST_MEMORY: u64 = 256 * 1024;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(CORPUS).join(target);
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The peak memory of the process, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Fails the test if this input breaks a promise, and keeps the reduced input.
fn must_keep_promises(name: &str, target: fn(&[u8]), input: &[u8]) {
    if broken::promise(target, input).is_none() {
        return;
    }
    let least = broken::reduce(target, input.to_vec());
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&kept, &least).unwrap();
    let promise = broken::promise(target, &least).unwrap();
    panic!("{name}: {promise}\nby {}, which is kept in {}", least.escape_ascii(), kept.display());
}

#[test]
fn no_bytes_break_a_promise_or_take_all_memory() {
    let inputs = std::env::var("FUZZ_INPUTS").map_or(INPUTS, |text| text.parse().unwrap());
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        corpus.iter().for_each(|input| must_keep_promises(name, target, input));
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..inputs {
            must_keep_promises(name, target, &changes::changed(&mut random, &corpus));
        }
        println!("{name}: {} of the corpus, {inputs} changed", corpus.len());
    }
    // A million nested brackets, and a body of a megabyte.
    for (_, target) in TARGETS {
        target("[".repeat(1_000_000).as_bytes());
        target(format!("{{\"scope\":\"{}\"}}", "a".repeat(1_000_000)).as_bytes());
    }
    let peak = peak_memory();
    println!("peak memory: {} MiB", peak / 1024);
    assert!(peak < MOST_MEMORY, "{peak} KiB");
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let directories = fs::read_dir(CORPUS).unwrap().map(|entry| entry.unwrap().file_name());
    let directories: BTreeSet<String> = directories.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(directories, TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect());
    for name in directories {
        assert!(!corpus(&name).is_empty(), "{name} has no corpus");
    }
}
