//! Shows how a code looks, without revealing it.

use std::fmt;

/// The most characters of a code that are shown.
const LONGEST: usize = 32;

/// The shape of a code: `A` and `a` for letters, `9` for digits, everything else as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(String);

impl Shape {
    pub(super) fn of(code: &str) -> Self {
        let mut shape: String = marks(code).take(LONGEST).collect();
        if code.chars().nth(LONGEST).is_some() {
            shape.push('…');
        }
        Self(shape)
    }

    /// The shape as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Each character, or its replacement.
pub(super) fn marks(code: &str) -> impl Iterator<Item = char> {
    code.chars().map(|c| match c {
        _ if c.is_numeric() => '9',
        _ if c.is_uppercase() => 'A',
        _ if c.is_alphabetic() => 'a',
        _ => c,
    })
}
