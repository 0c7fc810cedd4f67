//! Finds repeated codes among up to a million. Hashes are compared first, so that very few codes have to be
//! compared.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The indexes of codes that are equal to an earlier one; `as_compared` gives the form in which they are
/// compared.
pub(super) fn repeats(codes: &[String], as_compared: fn(&str) -> Cow<'_, str>) -> Vec<usize> {
    let hashes: Vec<u64> = codes.iter().map(|code| hash(&as_compared(code))).collect();
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    let suspects: HashSet<u64> = sorted
        .iter()
        .zip(sorted.iter().skip(1))
        .filter(|(one, next)| one == next)
        .map(|(one, _)| *one)
        .collect();
    if suspects.is_empty() {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let looked_at = codes.iter().zip(&hashes).enumerate().filter(|(_, (_, hash))| suspects.contains(hash));
    looked_at.filter(|(_, (code, _))| !seen.insert(as_compared(code))).map(|(place, _)| place).collect()
}

fn hash(code: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    code.hash(&mut hasher);
    hasher.finish()
}
