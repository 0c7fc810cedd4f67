//! Invisible characters. They get into a text when it is pasted, and make texts different that look the same.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Characters that Unicode counts as letters or symbols, and that are blank: the Braille blank, a musical
/// null, and the filler of Khitan Small Script.
const BLANK: [char; 3] = ['\u{2800}', '\u{1d159}', '\u{16fe4}'];

/// Whether a character is invisible by itself: a control, a direction mark, a zero-width character, a filler,
/// a variation selector, a tag, a soft hyphen, or any white space except the plain space.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' => false,
        _ => {
            let hidden = GeneralCategoryGroup::Control
                .union(GeneralCategoryGroup::Format)
                .union(GeneralCategoryGroup::Separator);
            hidden.contains(CodePointMapData::<GeneralCategory>::new().get(c))
                || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
                || CodePointSetData::new::<WhiteSpace>().contains(c)
                || BLANK.contains(&c)
        }
    }
}

/// Whether a text contains an invisible character. Plain spaces do not count.
#[must_use]
pub fn has_invisible(text: &str) -> bool {
    text.chars().any(is_invisible)
}

/// The text without white space and invisible characters at its ends.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c == ' ' || is_invisible(c))
}

/// Whether a character is one that nobody writes: it is unassigned, for private use, or the replacement for
/// something unreadable.
#[must_use]
pub fn is_meaningless(c: char) -> bool {
    let none = GeneralCategoryGroup::Unassigned
        .union(GeneralCategoryGroup::PrivateUse)
        .union(GeneralCategoryGroup::Surrogate);
    !c.is_ascii() && (c == '\u{fffd}' || none.contains(CodePointMapData::<GeneralCategory>::new().get(c)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blank_characters_are_invisible() {
        let hidden = [
            '\0',
            '\t',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{1680}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{202f}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d159}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0020}',
            '\u{e0100}',
        ];
        for c in hidden {
            assert!(is_invisible(c), "{c:?}");
            assert_eq!(trim(&format!("{c}a b{c}{c}")), "a b", "{c:?}");
        }
        for c in " aZ0@.-é\u{301}ßЖ日ا१\u{1f600}€".chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn meaningless_characters_are_recognised() {
        for c in ['\u{fffd}', '\u{e000}', '\u{378}', '\u{ffff}'] {
            assert!(is_meaningless(c), "{c:?}");
        }
        assert!(!"aé\u{301}日\u{1f600}".chars().any(is_meaningless));
    }

    proptest! {
        #[test]
        fn nothing_is_left_to_trim_after_trimming(text in "\\PC{0,20}[\\s\u{200b}\u{feff}\u{2800}]{0,3}") {
            let trimmed = trim(&text);
            prop_assert_eq!(trim(trimmed), trimmed);
        }
    }
}
