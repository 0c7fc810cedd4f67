//! Every target with the whole corpus and with so many changed copies of it, the same every time, on any compiler. libFuzzer goes on
//! from the same corpus with the same targets: `cargo xtask fuzz`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod broken;
mod changes;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fuzz::TARGETS;

/// Changed copies for each target, unless `FUZZ_INPUTS` says how many.
const INPUTS: u32 = 20_000;

/// What the process may have taken at its end, in KiB. It takes 75 MiB, and with backtraces up to 90 more.
const MOST_MEMORY: u64 = 256 * 1024;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(CORPUS).join(target);
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The most that the process ever took, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Ends the test if this input breaks a promise, and keeps what it was cut down to.
fn must_keep_promises(name: &str, target: fn(&[u8]), input: &[u8]) {
    if broken::promise(target, input).is_none() {
        return;
    }
    let least = broken::cut_down(target, input.to_vec());
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
    // A nest of a million brackets, a body of a megabyte.
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
