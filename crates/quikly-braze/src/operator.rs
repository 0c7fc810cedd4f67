//! Who uses the command line, for the audit log.

use std::env;
use std::os::unix::fs::MetadataExt;

use crate::arguments::Operator;

/// The longest name that is kept.
const LONGEST: usize = 100;

/// The name that was given, or else that of the operating system's user.
pub(crate) fn name(operator: &Operator) -> String {
    let named = operator.name.clone().filter(|name| !name.trim().is_empty());
    let name = named.unwrap_or_else(of_system);
    name.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

fn of_system() -> String {
    let named =
        ["USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok().filter(|name| !name.is_empty()));
    let number = || std::fs::metadata("/proc/self").map(|process| process.uid());
    named.unwrap_or_else(|| number().map_or_else(|_| "unknown".to_owned(), |number| format!("user {number}")))
}
