//! Findings in a brand file, with their positions.

use std::fmt;

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth checking. It does not make a file unusable.
    Warning,
    /// The file breaks a rule that is newer than files in use. Commands that an operator runs refuse the
    /// file; a file that was in use before continues to work.
    Rule,
    /// The file cannot be used at all.
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

/// One finding: the file, the line, the field, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How serious it is.
    pub severity: Severity,
    /// The file's name.
    pub file: String,
    /// The line, counted from 1; `None` if the finding is not about a line.
    pub line: Option<usize>,
    /// The field, such as `activation[1].scope`; empty if the finding is about the whole file.
    pub field: String,
    /// What is wrong. It never repeats a secret.
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
