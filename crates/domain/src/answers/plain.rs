//! What answers of several types have in common.

use jiff::civil::Date;

use super::refused::AnswerError;
use crate::{invisible, liquid};

/// The text without space around it, if it contains nothing that a page or a template would execute.
///
/// # Errors
/// If it contains control characters, `<`, or a piece of a template.
pub(super) fn plain(text: &str) -> Result<&str, AnswerError> {
    if liquid::is_unrendered(text) {
        return Err(AnswerError::Unrendered);
    }
    if text.contains('<') || text.chars().any(char::is_control) {
        return Err(AnswerError::range("must not contain control characters or <"));
    }
    Ok(invisible::trim(text))
}

/// Reads `YYYY-MM-DD` and nothing else.
pub(super) fn civil_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let is_of = |part: Option<&str>, digits: usize| {
        part.is_some_and(|part| part.len() == digits && part.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let plain =
        is_of(parts.next(), 4) && is_of(parts.next(), 2) && is_of(parts.next(), 2) && parts.next().is_none();
    if plain { text.parse().ok() } else { None }
}
