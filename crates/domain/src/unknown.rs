//! Fields that a newer version has written and this one does not know.

use std::fmt;

/// Fields of a stored record that this version does not know. They are carried from reading to writing, so
/// that a newer version that runs at the same time finds them again. Nothing interprets them, and `Debug`
/// does not show them, since they may contain a contact.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UnknownFields(Option<Box<str>>);

impl UnknownFields {
    /// The fields, as the text that the reader of the record made of them.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Some(text.into_boxed_str()))
    }

    /// The text of [`UnknownFields::new`]; `None` if there were no such fields.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Debug for UnknownFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "UnknownFields(…)" } else { "UnknownFields(none)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_keep_their_text_and_do_not_print_it() {
        let fields = UnknownFields::new("{\"email\":\"ada@example.com\"}".to_owned());
        assert_eq!(fields.text(), Some("{\"email\":\"ada@example.com\"}"));
        assert_eq!(format!("{fields:?}"), "UnknownFields(…)");
        let none = UnknownFields::default();
        assert_eq!((none.text(), format!("{none:?}")), (None, "UnknownFields(none)".to_owned()));
    }
}
