//! Bearer tokens, stored as their SHA-256, so that stored data gives no access.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a token.
///
/// ```
/// use domain::token::TokenHash;
///
/// // What a brand file has, and what a webhook brings. The comparison takes constant time.
/// let configured = TokenHash::parse(&TokenHash::of("qb_secret").to_string()).unwrap();
/// assert!(configured.is(&TokenHash::of("qb_secret")));
/// assert!(!configured.is(&TokenHash::of("qb_guess")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

/// The text is not a token's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the SHA-256 of a token, 64 hexadecimal digits (quikly-braze token makes one)")]
pub struct NotAHash;

impl TokenHash {
    /// # Errors
    /// If the text is not 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, NotAHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash)?;
        Ok(Self(bytes))
    }

    /// The hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether two hashes are equal, in a time that does not depend on where they differ.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Shows 64 hexadecimal digits, as a brand file contains them.
impl std::fmt::Display for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash() {
        let written = TokenHash::of("qb_secret").to_string();
        assert_eq!(written.len(), 64);
        let hash = TokenHash::parse(&written).unwrap();
        assert!(hash.is(&TokenHash::of("qb_secret")));
        assert!(!hash.is(&TokenHash::of("qb_secret ")));
    }

    #[test]
    fn a_token_itself_is_not_taken_for_a_hash() {
        for text in ["", "qb_secret", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert_eq!(TokenHash::parse(text), Err(NotAHash), "{text}");
        }
    }
}
