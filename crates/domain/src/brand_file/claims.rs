//! Things that only one file may have: a brand's id, scopes, tokens and files of codes.

use std::collections::BTreeMap;

use crate::brand::Brand;
use crate::brand_file::section::Field;
use crate::brand_file::{FileIdentity, Finding, PoolFile, Resolver, Severity};
use crate::ids::{BrandId, Scope};
use crate::incentive::Pool;
use crate::token::TokenHash;

/// A thing that only one file may have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unique {
    Id(BrandId),
    Scope(Scope),
    Token(TokenHash),
    /// A file of codes, by its name as case-insensitive file systems compare names.
    Codes(String),
    /// A file of codes, by its identity on disk.
    CodesFile(FileIdentity),
}

/// The claim of a file to have a thing, and the line that makes it.
#[derive(Clone)]
struct FileClaim {
    what: Unique,
    /// The thing's name in the file.
    shown: String,
    line: Option<usize>,
    field: String,
}

impl FileClaim {
    /// The finding if another file has the same thing.
    fn lost_to(&self, other: &str) -> (Severity, String) {
        let shown = &self.shown;
        match self.what {
            Unique::Id(_) | Unique::Scope(_) | Unique::Token(_) => {
                (Severity::Error, format!("\"{shown}\" is already taken in {other}"))
            }
            // This rule is newer than files in use.
            Unique::Codes(_) | Unique::CodesFile(_) => (
                Severity::Rule,
                format!(
                    "\"{shown}\" is the file of codes of {other}, too, and each code would be given out twice: give each brand its own file"
                ),
            ),
        }
    }
}

/// The claims of one file.
#[derive(Default)]
pub(super) struct Claims(Vec<FileClaim>);

impl Claims {
    /// Records that a field claims a thing. A repeated claim in one file is a fault; then this returns false.
    pub(super) fn add(&mut self, field: &Field<'_>, what: Unique) -> bool {
        let shown = shown(&what);
        if self.0.iter().any(|claim| claim.what == what) {
            field.fault(format!("\"{shown}\" is already taken in {}", field.source.file));
            return false;
        }
        self.add_at(what, &shown, field.source.line(&field.value.span()), &field.name);
        true
    }

    /// Records a claim to a thing that the file does not have yet.
    pub(super) fn add_at(&mut self, what: Unique, shown: &str, line: usize, field: &str) {
        self.0.push(FileClaim { what, shown: shown.to_owned(), line: Some(line), field: field.to_owned() });
    }

    /// The claims of a brand that is in use.
    pub(super) fn of(brand: &Brand, resolver: &dyn Resolver) -> Self {
        let claim = |what: Unique| FileClaim { shown: shown(&what), what, line: None, field: String::new() };
        let id = std::iter::once(Unique::Id(brand.id.clone()));
        let scopes = brand.activations.keys().cloned().map(Unique::Scope);
        let tokens = brand.webhook_tokens.iter().copied().map(Unique::Token);
        let mut claims: Vec<FileClaim> = id.chain(scopes).chain(tokens).map(claim).collect();
        let plain = brand.pools().into_iter().filter(|pool| pool.flaw().is_none());
        for pool in plain {
            let stock = resolver.codes(pool).ok();
            let of_pool = |what| FileClaim { shown: pool.file().to_owned(), ..claim(what) };
            claims.extend(unique(pool, stock.as_ref()).into_iter().map(of_pool));
        }
        Self(claims)
    }

    /// The claims that both have.
    pub(super) fn shared_with(&self, others: &Self) -> Self {
        let shared = self.0.iter().filter(|claim| others.0.iter().any(|other| other.what == claim.what));
        Self(shared.cloned().collect())
    }
}

/// What a brand has to itself with a pool.
pub(super) fn unique(pool: &Pool, stock: Option<&PoolFile>) -> Vec<Unique> {
    let identity = stock.and_then(|stock| stock.identity).map(Unique::CodesFile);
    std::iter::once(Unique::Codes(pool.folded())).chain(identity).collect()
}

fn shown(what: &Unique) -> String {
    match what {
        Unique::Id(id) => id.to_string(),
        Unique::Scope(scope) => scope.to_string(),
        Unique::Token(token) => token.to_string(),
        Unique::Codes(name) => name.clone(),
        Unique::CodesFile(_) => "codes".to_owned(),
    }
}

/// The things that the files so far have taken, each with the file that took it.
#[derive(Default)]
pub(super) struct Taken(BTreeMap<Unique, String>);

impl Taken {
    /// Gives a file the things that it claims, except those that another file has already.
    pub(super) fn give(&mut self, file: &str, claims: &Claims) {
        for claim in &claims.0 {
            self.0.entry(claim.what.clone()).or_insert_with(|| file.to_owned());
        }
    }

    /// One finding for each thing that a file claims and another file has.
    pub(super) fn lost(&self, file: &str, claims: &Claims) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for claim in &claims.0 {
            let Some(other) = self.0.get(&claim.what).filter(|other| *other != file) else { continue };
            let (severity, message) = claim.lost_to(other);
            let (line, field) = (claim.line, claim.field.clone());
            let finding = Finding { severity, file: file.to_owned(), line, field, message };
            // A file of codes may be taken both by its name and by its identity.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        findings
    }
}
