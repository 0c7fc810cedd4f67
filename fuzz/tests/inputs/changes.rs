//! Copies of the corpus with the kinds of damage that bytes suffer.

/// The largest input, in bytes.
const LARGEST: usize = 128 * 1024;

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

/// One of these inputs after one to eight changes.
pub(crate) fn changed(random: &mut fastrand::Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = random.choice(corpus).unwrap().clone();
    for _ in 0..random.u8(1..9) {
        change(random, &mut input, corpus);
    }
    input.truncate(LARGEST);
    input
}

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
