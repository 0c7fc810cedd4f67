//! Texts as answers: their length, their pattern, or the choices.

use std::fmt;

use regex::{Regex, RegexBuilder};

use super::plain::plain;
use super::refused::AnswerError;
use crate::attributes::LONGEST_TEXT;

/// How much memory the compiled form of a pattern may take, in bytes. A pattern of a few hundred characters
/// takes less.
const LARGEST_PATTERN: usize = 256 * 1024;

/// The longest pattern, in characters.
const LONGEST_PATTERN: usize = 1_000;

/// What a text may be.
#[derive(Debug, Clone, Default)]
pub struct TextRule {
    /// The least number of characters.
    pub min_length: usize,
    /// The most characters; `None` for as many as Braze keeps.
    pub max_length: Option<usize>,
    /// The pattern that the whole text must have.
    pub pattern: Option<Pattern>,
    /// The texts to choose from; empty if any text is allowed.
    pub choices: Vec<String>,
}

/// A regular expression that a whole text must match. A match takes time in proportion to the text, whatever
/// the pattern is.
#[derive(Clone)]
pub struct Pattern(Regex);

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is empty or too long.
    #[error("must have 1 to 1000 characters")]
    Length,
    /// It is not a regular expression.
    #[error("is not a regular expression: {0}")]
    Syntax(String),
    /// It takes too much memory.
    #[error("is too complex: shorten it, or use smaller numbers of repetitions")]
    TooComplex,
}

impl Pattern {
    /// # Errors
    /// If the text is not a regular expression, or too large.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if !(1..=LONGEST_PATTERN).contains(&text.chars().count()) {
            return Err(PatternError::Length);
        }
        let checked = |pattern: &str| RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
        // The text alone must be an expression: one that closes the group around it would not be anchored.
        checked(text).and_then(|_alone| checked(&format!("^(?:{text})$"))).map(Self).map_err(|error| {
            match error {
                regex::Error::CompiledTooBig(_) => PatternError::TooComplex,
                other => PatternError::Syntax(last_line(&other.to_string())),
            }
        })
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// The last line of the error, which says what is wrong; those before draw an arrow.
fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.0.as_str())
    }
}

impl TextRule {
    /// Returns the text without space around it, if it is allowed.
    pub(super) fn check(&self, text: &str) -> Result<String, AnswerError> {
        let text = plain(text)?;
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == text) {
            return Err(AnswerError::range("is not one of the choices"));
        }
        let (least, most) = (self.min_length, self.max_length.unwrap_or(LONGEST_TEXT));
        if !(least..=most).contains(&text.chars().count()) {
            return Err(AnswerError::Range(match least {
                0 => format!("may have at most {most} characters"),
                _ => format!("must have {least} to {most} characters"),
            }));
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.matches(text)) {
            return Err(AnswerError::range("does not have the form that is asked for"));
        }
        Ok(text.to_owned())
    }
}
