//! What was found in a brand file, and where.

use std::fmt;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look. It refuses nothing.
    Warning,
    /// A rule that is newer than files that are in use. Where an operator is at hand, the file is refused; a file that was in use before
    /// goes on working.
    Rule,
    /// The file cannot be used anywhere.
    Error,
}

impl Severity {
    /// The severity's name in JSON and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Rule => "rule",
            Self::Error => "error",
        }
    }
}

/// One finding: file, line, field and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file's name.
    pub file: String,
    /// The line, from 1; none when the finding is not in a line.
    pub line: Option<usize>,
    /// The field, as `activation[1].scope`; empty for the file as a whole.
    pub field: String,
    /// What is wrong. Never repeats a secret.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if self.severity == Severity::Warning {
            f.write_str(": warning")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_rise_and_have_names_for_programs() {
        let severities = [Severity::Warning, Severity::Rule, Severity::Error];
        assert!(severities.is_sorted());
        assert_eq!(severities.map(Severity::name), ["warning", "rule", "error"]);
    }
}
