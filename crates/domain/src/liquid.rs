//! What Braze's template language leaves in a text if it had no value to insert.

/// Whether a text contains a piece of a template, because the sender did not render it.
#[must_use]
pub fn is_unrendered(text: &str) -> bool {
    ["{{", "}}", "{%", "%}", "${"].iter().any(|piece| text.contains(piece))
}

/// Whether an identifier is a mistake in the template: it was not rendered, or is a word such as `null`.
#[must_use]
pub fn names_nobody(text: &str) -> bool {
    let nothing = ["null", "nil", "none", "undefined"];
    is_unrendered(text) || nothing.iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}
