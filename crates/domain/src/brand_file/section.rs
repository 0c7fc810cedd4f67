//! Reads a TOML table key by key, noting every finding instead of stopping at the first.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Timestamp;
use crate::brand_file::keys::Table;
use crate::brand_file::{Finding, Severity, pools, secrets};

/// The file being read, and what was found wrong so far.
pub(super) struct FileSource<'a> {
    pub(super) file: &'a str,
    text: &'a str,
    findings: RefCell<Vec<Finding>>,
    secrets: RefCell<Vec<secrets::NamedSecret>>,
    pools: RefCell<Vec<pools::NamedPool>>,
    /// Whether all of it is TOML; else what is not there may be what could not be parsed.
    pub(super) legible: bool,
    /// When somebody looks at it who wants to know what is doubtful.
    pub(super) reviewed_at: Option<Timestamp>,
}

impl<'a> FileSource<'a> {
    pub(super) fn new(file: &'a str, text: &'a str, reviewed_at: Option<Timestamp>) -> Self {
        Self {
            file,
            text,
            findings: RefCell::default(),
            secrets: RefCell::default(),
            pools: RefCell::default(),
            legible: true,
            reviewed_at,
        }
    }

    /// Notes that a field names a secret.
    pub(super) fn names(&self, secret: secrets::NamedSecret) {
        self.secrets.borrow_mut().push(secret);
    }

    /// Notes that a field names a pool. Where it does so first counts.
    pub(super) fn names_pool(&self, named: pools::NamedPool) {
        let mut pools = self.pools.borrow_mut();
        if pools.iter().all(|known| known.pool != named.pool) {
            pools.push(named);
        }
    }

    /// The pools that were named so far, each once.
    pub(super) fn take_pools(&self) -> Vec<pools::NamedPool> {
        self.pools.take()
    }

    /// How many findings there are that are more than doubts.
    pub(super) fn faults(&self) -> usize {
        self.findings.borrow().iter().filter(|finding| finding.severity > Severity::Warning).count()
    }

    pub(super) fn note(
        &self,
        severity: Severity,
        place: Option<&Range<usize>>,
        field: &str,
        message: impl Into<String>,
    ) {
        let line = place.map(|place| self.line(place));
        self.findings.borrow_mut().push(Finding {
            severity,
            file: self.file.to_owned(),
            line,
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, place: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(place.start);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }

    /// What was found, and the secrets that are named.
    pub(super) fn into_parts(self) -> (Vec<Finding>, Vec<secrets::NamedSecret>) {
        (self.findings.into_inner(), self.secrets.into_inner())
    }
}

/// A value with its place and its full name.
pub(super) struct Field<'a> {
    pub(super) source: &'a FileSource<'a>,
    pub(super) name: String,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Field<'a> {
    /// Notes a fault of this field: with it, the file cannot be used anywhere.
    pub(super) fn fault(&self, message: impl Into<String>) {
        self.note(Severity::Error, message);
    }

    /// Notes that this field breaks a rule that is newer than files in use. The value must be produced all the same.
    pub(super) fn rule(&self, message: impl Into<String>) {
        self.note(Severity::Rule, message);
    }

    /// Notes a doubt about this field.
    pub(super) fn warn(&self, message: impl Into<String>) {
        self.note(Severity::Warning, message);
    }

    /// Notes what is doubtful about this field, where somebody wants to know.
    pub(super) fn doubt(&self, message: impl Into<String>) {
        if self.source.reviewed_at.is_some() {
            self.warn(message);
        }
    }

    pub(super) fn note(&self, severity: Severity, message: impl Into<String>) {
        self.source.note(severity, Some(&self.value.span()), &self.name, message);
    }

    /// Whether it is a string, where it may be something else.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => {
                self.fault("must be a string");
                None
            }
        }
    }

    /// A string that `parse` accepts; its error becomes the fault.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(self.text()?).map_err(|error| self.fault(error.to_string())).ok()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.fault("must be true or false");
                None
            }
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        let value = match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if value.is_none() {
            self.fault("must be a whole number");
        }
        value
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let allowed: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.fault(format!("must be {}", allowed.join(" or ")));
        }
        found
    }

    /// The items of an array.
    pub(super) fn items(&self) -> Option<Vec<Field<'a>>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.fault("must be an array");
            return None;
        };
        let item =
            |(number, value)| Field { source: self.source, name: format!("{}[{number}]", self.name), value };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// The tables of an array of tables.
    pub(super) fn sections(&self, table: Table) -> Option<Vec<Section<'a>>> {
        Some(self.items()?.iter().filter_map(|item| item.section(table)).collect())
    }

    /// The keys that are in the value, which must be a table of this kind.
    pub(super) fn section(&self, known: Table) -> Option<Section<'a>> {
        match self.value.get_ref() {
            DeValue::Table(table) => {
                Some(Section::new(self.source, self.name.clone(), self.value.span(), (known, table)))
            }
            _ => {
                self.fault("must be a table");
                None
            }
        }
    }
}

/// A table of which each key is taken once; [`Section::finish`] reports the ones nobody took.
pub(super) struct Section<'a> {
    pub(super) source: &'a FileSource<'a>,
    name: String,
    place: Range<usize>,
    known: Table,
    table: &'a DeTable<'a>,
    taken: BTreeSet<String>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        source: &'a FileSource<'a>,
        name: String,
        place: Range<usize>,
        (known, table): (Table, &'a DeTable<'a>),
    ) -> Self {
        Self { source, name, place, known, table, taken: BTreeSet::new() }
    }

    /// Notes a fault of the section as a whole, under a key that it has or should have.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        self.note(Severity::Error, key, message);
    }

    /// Notes a doubt about the section.
    pub(super) fn warn(&self, key: &str, message: impl Into<String>) {
        self.note(Severity::Warning, key, message);
    }

    fn note(&self, severity: Severity, key: &str, message: impl Into<String>) {
        self.source.note(severity, Some(&self.place), &self.name_of(key), message);
    }

    /// Notes what is doubtful about the section as a whole, where somebody wants to know.
    pub(super) fn doubt(&self, key: &str, message: impl Into<String>) {
        if self.source.reviewed_at.is_some() {
            self.source.note(Severity::Warning, Some(&self.place), &self.name_of(key), message);
        }
    }

    fn name_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// The value of a key that this kind of table may have.
    pub(super) fn optional(&mut self, key: &str) -> Option<Field<'a>> {
        debug_assert!(
            self.known.keys.contains(&key),
            "`{key}` is not among the keys of {}",
            self.known.title
        );
        self.take(key)
    }

    fn take(&mut self, key: &str) -> Option<Field<'a>> {
        self.taken.insert(key.to_owned());
        let value = self.table.iter().find(|(name, _)| name.get_ref() == key)?.1;
        Some(Field { source: self.source, name: self.name_of(key), value })
    }

    pub(super) fn required(&mut self, key: &str) -> Option<Field<'a>> {
        let field = self.optional(key);
        if field.is_none() {
            self.missing(key);
        }
        field
    }

    /// Notes that a key should be there.
    pub(super) fn missing(&self, key: &str) {
        if self.source.legible {
            self.fault(key, "is missing");
        }
    }

    /// The tables of an array of tables; none when the key is absent.
    pub(super) fn sections(&mut self, key: &str, table: Table) -> Vec<Section<'a>> {
        self.optional(key).and_then(|field| field.sections(table)).unwrap_or_default()
    }

    /// Every key that is there, with its field.
    pub(super) fn fields(&mut self) -> Vec<(&'a str, Field<'a>)> {
        let keys = self.table.keys().map(|key| key.get_ref().as_ref());
        keys.filter_map(|key| Some((key, self.take(key)?))).collect()
    }

    /// Reports keys that no one asked for: a misspelt setting must not be silently ignored.
    pub(super) fn finish(self) {
        for (key, _) in self.table.iter() {
            if !self.taken.contains(key.get_ref().as_ref()) {
                let field = self.name_of(key.get_ref());
                self.source.note(Severity::Error, Some(&key.span()), &field, "is not a known key");
            }
        }
    }
}
