//! Strings that others chose, such as a reason of Braze's or a code, in a sentence.
//!
//! An answer is plain text. Whatever could act on a terminal, or make one text look like another, is written as an escape here. A surface
//! escapes the text once more in its own way: JSON as a JSON string, HTML with entities, CSV as a cell that is no formula.

use std::fmt::Write;

/// The most characters of a string that a sentence shows.
const MOST: usize = 200;

/// The string with its control, invisible and direction-changing characters written as escapes, cut if it is long.
#[must_use]
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => in_full(text.get(..end).unwrap_or(text)) + "…",
        None => in_full(text),
    }
}

/// The same, however long it is.
#[must_use]
pub fn in_full(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            let _always = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character is not shown as itself.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A code, of which only the last four characters are shown.
#[must_use]
pub fn masked_code(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    // Of a short code, four characters would be too much.
    let kept = if characters.len() >= 8 { 4 } else { 0 };
    let last: String = characters.iter().skip(characters.len().saturating_sub(kept)).collect();
    if last.is_empty() { "••••".to_owned() } else { format!("••••\u{a0}{}", shown(&last)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_written_as_an_escape() {
        assert_eq!(shown("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(shown("abc\u{202e}fed\u{200b}"), "abc\\u{202e}fed\\u{200b}");
        assert_eq!(shown("Zoë <b>&amp;</b> =1+1"), "Zoë <b>&amp;</b> =1+1");
    }

    #[test]
    fn a_long_string_is_cut() {
        assert_eq!(shown(&"é".repeat(500)), format!("{}…", "é".repeat(200)));
    }

    #[test]
    fn of_a_code_only_the_end_is_shown_and_of_a_short_one_nothing() {
        assert_eq!(masked_code("SPRING-20-7K2Q"), "••••\u{a0}7K2Q");
        assert_eq!(masked_code("7K2Q"), "••••");
    }
}
