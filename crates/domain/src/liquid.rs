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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_a_template_is_found_wherever_it_stands() {
        for text in ["{{custom_attribute.${store}}}", "a {{ b", "b }}", "{% if x", "%}", "${email_address}"] {
            assert!(is_unrendered(text) && names_nobody(text), "{text}");
        }
        for text in ["", "ada@example.com", "{a}", "100%", "$5"] {
            assert!(!is_unrendered(text) && !names_nobody(text), "{text}");
        }
    }

    #[test]
    fn a_word_for_nothing_names_nobody_and_is_a_text_like_others_elsewhere() {
        for text in ["null", " NIL ", "None", "undefined"] {
            assert!(names_nobody(text) && !is_unrendered(text), "{text}");
        }
        assert!(!names_nobody("nonesuch@example.com"));
    }
}
