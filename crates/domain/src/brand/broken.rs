//! A brand whose file cannot be used, with the parts of the file that show which work has to wait.

use std::collections::BTreeSet;

use crate::ids::{BrandId, Scope};
use crate::token::TokenHash;

/// A brand whose file cannot be used, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenBrand {
    /// The file's name.
    pub file: String,
    /// The brand's id, if the file shows it.
    pub id: Option<BrandId>,
    /// The scopes that the file shows.
    pub scopes: BTreeSet<Scope>,
    /// The tokens that the file shows.
    pub tokens: Vec<TokenHash>,
    /// The page origins that the file shows.
    pub origins: Vec<String>,
    /// Whether the file's text is TOML. If it is not, the file may have more scopes and tokens than it shows.
    pub legible: bool,
}

impl BrokenBrand {
    /// Whether this may be the brand with this id.
    #[must_use]
    pub fn may_be(&self, id: &BrandId) -> bool {
        self.id.as_ref().is_none_or(|own| own == id)
    }

    /// Whether a scope may belong to this brand.
    #[must_use]
    pub fn may_have_scope(&self, scope: &Scope) -> bool {
        !self.legible || self.scopes.contains(scope)
    }

    /// Whether a token may belong to this brand. Every token is compared, each in constant time.
    #[must_use]
    pub fn may_have_token(&self, token: &TokenHash) -> bool {
        !self.legible | self.tokens.iter().fold(false, |known, own| known | own.is(token))
    }
}
