//! What is wrong with a brand file, and where.

use std::fmt;

/// One fault: file, line, field and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// The line, from 1; none when the fault is not in a line.
    pub line: Option<usize>,
    /// The field, as `activation[1].scope`; empty for the file as a whole.
    pub field: String,
    /// What is wrong. Never repeats a secret.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if self.field.is_empty() {
            write!(f, ": {}", self.message)
        } else {
            write!(f, ": {}: {}", self.field, self.message)
        }
    }
}
