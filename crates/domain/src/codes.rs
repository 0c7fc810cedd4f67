//! Files of unique codes, with one code in each line. A code is worth money, so nothing in this module prints
//! one.

mod doubts;
mod repeats;
mod shape;

use std::borrow::Cow;

pub use shape::Shape;

use crate::attributes::LONGEST_TEXT;
use crate::invisible::{is_invisible, is_meaningless};

/// A mark that programs put at the beginning of a text to show its encoding. Earlier versions took it for a
/// part of the first code.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The codes of a file, in its order. `Debug` does not show them.
#[derive(Default, PartialEq, Eq)]
pub struct CodeList {
    codes: Vec<String>,
    /// The line of each code, counted from 1.
    lines: Vec<usize>,
}

impl std::fmt::Debug for CodeList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeList({} codes)", self.codes.len())
    }
}

/// Why a file has no usable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodesError {
    /// The file is UTF-16, as its byte order mark shows.
    #[error("is UTF-16 text: save it as UTF-8")]
    Utf16,
    /// The file has a NUL byte, so it has another encoding or is not text.
    #[error("has NUL bytes, as UTF-16 text has: save it as UTF-8 text")]
    Nul,
    /// The file is not UTF-8; the first wrong line is given.
    #[error("line {0} is not UTF-8: save the file as UTF-8")]
    NotUtf8(usize),
    /// A line has a tab, as between columns.
    #[error("line {0} has a tab inside: leave one code a line, and no other column")]
    Tab(usize),
    /// A line has an invisible character, which nobody types.
    #[error("line {line} has an invisible character (U+{code_point:04X}): remove it")]
    Invisible {
        /// The line.
        line: usize,
        /// The character.
        code_point: u32,
    },
    /// A line has a character that no text contains.
    #[error(
        "line {line} has a meaningless character (U+{code_point:04X}): save the file as UTF-8 and look at that line"
    )]
    Meaningless {
        /// The line.
        line: usize,
        /// The character.
        code_point: u32,
    },
    /// A code is longer than Braze keeps an attribute.
    #[error("line {0} is no code of at most {longest} characters", longest = LONGEST_TEXT)]
    TooLong(usize),
    /// A code is repeated.
    #[error("line {0} repeats a code")]
    Repeated(usize),
}

impl CodesError {
    /// Whether files were accepted in spite of this before the rule existed.
    #[must_use]
    pub fn is_new(self) -> bool {
        match self {
            Self::Invisible { code_point, .. } => !char::from_u32(code_point).is_some_and(char::is_control),
            Self::Meaningless { .. } => true,
            Self::Utf16
            | Self::Nul
            | Self::NotUtf8(_)
            | Self::Tab(_)
            | Self::TooLong(_)
            | Self::Repeated(_) => false,
        }
    }
}

impl CodeList {
    /// Reads a file. Lines may end as on any system. Empty lines, plain spaces and tabs at the ends of a
    /// line, and a byte order mark at the beginning are ignored.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn read(bytes: &[u8]) -> Result<Self, CodesError> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(CodesError::Utf16);
        }
        if bytes.contains(&0) {
            return Err(CodesError::Nul);
        }
        let text = text(bytes)?;
        let mut list = Self::default();
        for (number, line) in (1..).zip(lines(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))) {
            let code = line.trim_matches([' ', '\t']);
            if code.is_empty() {
                continue;
            }
            check(code, number)?;
            list.codes.push(code.to_owned());
            list.lines.push(number);
        }
        let repeated = repeats::repeats(&list.codes, |code| Cow::Borrowed(code));
        match repeated.first().and_then(|place| list.lines.get(*place)) {
            Some(line) => Err(CodesError::Repeated(*line)),
            None => Ok(list),
        }
    }

    /// How many codes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.codes.len()
    }

    /// The shape of the first code.
    #[must_use]
    pub fn first(&self) -> Option<Shape> {
        self.codes.first().map(|code| Shape::of(code))
    }

    /// Doubts about the codes, with one sentence for each kind.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        doubts::all(&self.codes, &self.lines)
    }

    /// The codes.
    #[must_use]
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// Returns the codes by value.
    #[must_use]
    pub fn into_codes(self) -> Vec<String> {
        self.codes
    }
}

/// A code as it is given out, in whatever form it is stored.
#[must_use]
pub fn without_mark(code: &str) -> &str {
    code.trim_start_matches(BYTE_ORDER_MARK)
}

/// A code as earlier versions stored the first one of a file that began with a byte order mark.
#[must_use]
pub fn with_mark(code: &str) -> String {
    format!("{BYTE_ORDER_MARK}{code}")
}

fn text(bytes: &[u8]) -> Result<&str, CodesError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        CodesError::NotUtf8(lines(&String::from_utf8_lossy(before)).count())
    })
}

/// The lines, which end with a line feed, a carriage return, or both.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn check(code: &str, line: usize) -> Result<(), CodesError> {
    if !code.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        for c in code.chars() {
            let code_point = u32::from(c);
            match c {
                '\t' => return Err(CodesError::Tab(line)),
                _ if is_invisible(c) => return Err(CodesError::Invisible { line, code_point }),
                _ if is_meaningless(c) => return Err(CodesError::Meaningless { line, code_point }),
                _ => {}
            }
        }
    }
    if code.chars().count() > LONGEST_TEXT {
        return Err(CodesError::TooLong(line));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
