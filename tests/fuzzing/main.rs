//! The fuzz targets on any compiler, with the whole corpus and with changed copies of it, which are the same every time.
//! `cargo +nightly fuzz run TARGET` goes further.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;
use std::path::Path;

use testkit::fuzzed::TARGETS;

/// The number of changed copies for each target, unless `FUZZ_INPUTS` sets it.
const INPUTS: u32 = 20_000;

/// The most memory that the process may have taken, in KiB: twice what it usually takes.
const MOST_MEMORY: u64 = 256 * 1024;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");

/// Words that parsers tend to fail on.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-0",
    b"1e999",
    b"\xff\xfe",
    b"\r\n",
    b"9223372036854775808",
    b"0001-01-01T00:00:00Z",
    b"t=",
    b"v1=",
    b"\"email\":",
    b"\xf0\x9f\x92\xa9",
    b"=",
    b"#",
    b"\0",
];

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(CORPUS).join(target);
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Changes a copy in one of the ways in which bytes get damaged.
fn change(random: &mut fastrand::Rng, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = random.usize(..=input.len());
    let end = at + random.usize(..=(input.len() - at).min(64));
    match random.u8(..8) {
        0 if !input.is_empty() => {
            let bit = random.u8(..8);
            let at = random.usize(..input.len());
            input[at] ^= 1 << bit;
        }
        1 => drop(input.splice(at..end, random.choice(WORDS).unwrap().iter().copied())),
        2 => drop(input.splice(at..at, random.choice(WORDS).unwrap().iter().copied())),
        3 => drop(input.drain(at..end)),
        4 => {
            let copy = input[at..end].repeat(random.usize(1..20));
            input.splice(at..at, copy);
        }
        5 => {
            let other = random.choice(corpus).unwrap();
            let from = random.usize(..=other.len());
            input.splice(at.., other[from..].iter().copied());
        }
        6 => input.truncate(at),
        _ => input.insert(at, random.u8(..)),
    }
}

/// The peak memory of the process, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn no_bytes_break_a_promise_or_take_all_memory() {
    let inputs = std::env::var("FUZZ_INPUTS").map_or(INPUTS, |text| text.parse().unwrap());
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        corpus.iter().for_each(|input| target(input));
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..inputs {
            let mut input = random.choice(&corpus).unwrap().clone();
            for _ in 0..random.u8(1..9) {
                change(&mut random, &mut input, &corpus);
            }
            input.truncate(128 * 1024);
            target(&input);
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
