//! A brand whose file cannot be used: as much of it as says whose work has to wait.

use std::collections::BTreeSet;

use crate::ids::{BrandId, Scope};
use crate::token::TokenHash;

/// A brand whose file cannot be used, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenBrand {
    /// The file's name.
    pub file: String,
    /// The brand's id, where the file shows it.
    pub id: Option<BrandId>,
    /// The scopes that the file shows.
    pub scopes: BTreeSet<Scope>,
    /// The tokens that it shows.
    pub tokens: Vec<TokenHash>,
    /// The origins of pages that it shows.
    pub origins: Vec<String>,
    /// Whether the file is text in the form of TOML. One that is not may have more scopes and tokens than it shows.
    pub legible: bool,
}

impl BrokenBrand {
    /// Whether this may be the brand with an id.
    #[must_use]
    pub fn may_be(&self, id: &BrandId) -> bool {
        self.id.as_ref().is_none_or(|own| own == id)
    }

    /// Whether a scope may be one of its own.
    #[must_use]
    pub fn may_have_scope(&self, scope: &Scope) -> bool {
        !self.legible || self.scopes.contains(scope)
    }

    /// Whether a token may be one of its own. Every one is compared, each in constant time.
    #[must_use]
    pub fn may_have_token(&self, token: &TokenHash) -> bool {
        !self.legible | self.tokens.iter().fold(false, |known, own| known | own.is(token))
    }
}
