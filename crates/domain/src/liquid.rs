//! What Braze's template language leaves behind where it had nothing to put in.

/// Whether a text holds a piece of a template: whoever sends it forgot to have it rendered.
#[must_use]
pub fn is_unrendered(text: &str) -> bool {
    ["{{", "}}", "{%", "%}", "${"].iter().any(|piece| text.contains(piece))
}

/// Whether a text that should name somebody is a mistake in the template: unrendered, or a word for nothing.
#[must_use]
pub fn names_nobody(text: &str) -> bool {
    let nothing = ["null", "nil", "none", "undefined"];
    is_unrendered(text) || nothing.iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}
