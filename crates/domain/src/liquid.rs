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
