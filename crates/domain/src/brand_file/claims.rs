//! What may be in one file only: a brand's id, scopes, tokens and files of codes.

use std::collections::BTreeMap;
use std::fmt;

use crate::brand::Brand;
use crate::brand_file::section::Field;
use crate::brand_file::{Finding, Severity};
use crate::identity::{BrandId, Scope};
use crate::token::TokenHash;

/// Something that one file may have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unique {
    Id(BrandId),
    Scope(Scope),
    Token(TokenHash),
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "\"{id}\""),
            Self::Scope(scope) => write!(f, "\"{scope}\""),
            Self::Token(token) => write!(f, "\"{token}\""),
        }
    }
}

/// That a file has something, and where it says so.
struct Claim {
    what: Unique,
    line: Option<usize>,
    field: String,
}

/// What one file claims.
#[derive(Default)]
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    /// Notes that a field claims something. Twice in one file is a fault; then it says false.
    pub(super) fn add(&mut self, field: &Field<'_>, what: Unique) -> bool {
        if self.0.iter().any(|claim| claim.what == what) {
            field.fault(format!("{what} is already taken in {}", field.source.file));
            return false;
        }
        self.0.push(Claim {
            what,
            line: Some(field.source.line(&field.value.span())),
            field: field.name.clone(),
        });
        true
    }

    /// What a brand has that is in use.
    pub(super) fn of(brand: &Brand) -> Self {
        let id = std::iter::once(Unique::Id(brand.id.clone()));
        let scopes = brand.activations.keys().cloned().map(Unique::Scope);
        let tokens = brand.webhook_tokens.iter().copied().map(Unique::Token);
        let claim = |what| Claim { what, line: None, field: String::new() };
        Self(id.chain(scopes).chain(tokens).map(claim).collect())
    }
}

/// What the files so far have taken, each with the file that took it.
#[derive(Default)]
pub(super) struct Taken(BTreeMap<Unique, String>);

impl Taken {
    /// Gives a file what it claims. What another file has already stays there, and is a finding.
    pub(super) fn give(&mut self, file: &str, claims: &Claims) -> Vec<Finding> {
        let mut findings = Vec::new();
        for claim in &claims.0 {
            match self.0.get(&claim.what) {
                None => {
                    self.0.insert(claim.what.clone(), file.to_owned());
                }
                Some(other) if other == file => {}
                Some(other) => findings.push(Finding {
                    severity: Severity::Error,
                    file: file.to_owned(),
                    line: claim.line,
                    field: claim.field.clone(),
                    message: format!("{} is already taken in {other}", claim.what),
                }),
            }
        }
        findings
    }
}
