//! Reads a TOML table key by key, and reports every finding instead of stopping at the first.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Timestamp;
use crate::brand_file::keys::Table;
use crate::brand_file::named_pool::NamedPool;
use crate::brand_file::secrets::NamedSecret;
use crate::brand_file::{Finding, Severity};

/// The file that is being read, with the findings so far.
pub(super) struct FileSource<'a> {
    pub(super) file: &'a str,
    text: &'a str,
    findings: RefCell<Vec<Finding>>,
    secrets: RefCell<Vec<NamedSecret>>,
    pools: RefCell<Vec<NamedPool>>,
    /// Whether the whole text is TOML; if not, a missing key may be one that could not be parsed.
    pub(super) legible: bool,
    /// The time of a review, if somebody reviews the file and wants to know about doubts.
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

    /// Records that a field names a secret.
    pub(super) fn names(&self, secret: NamedSecret) {
        self.secrets.borrow_mut().push(secret);
    }

    /// Records that a field names a pool. Only the first field counts.
    pub(super) fn names_pool(&self, named: NamedPool) {
        let mut pools = self.pools.borrow_mut();
        if pools.iter().all(|known| known.pool != named.pool) {
            pools.push(named);
        }
    }

    /// The pools that were named so far, each of them once.
    pub(super) fn take_pools(&self) -> Vec<NamedPool> {
        self.pools.take()
    }

    /// How many findings are more serious than warnings.
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

    /// The line of a position, counted from 1.
    pub(super) fn line(&self, place: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(place.start);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }

    /// The findings, and the secrets that are named.
    pub(super) fn into_parts(self) -> (Vec<Finding>, Vec<NamedSecret>) {
        (self.findings.into_inner(), self.secrets.into_inner())
    }
}

/// A value with its position and its full name.
pub(super) struct Field<'a> {
    pub(super) source: &'a FileSource<'a>,
    pub(super) name: String,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Field<'a> {
    /// Reports a fault of this field, which makes the file unusable.
    pub(super) fn fault(&self, message: impl Into<String>) {
        self.note(Severity::Error, message);
    }

    /// Reports that this field breaks a rule that is newer than files in use. The value must still be
    /// returned.
    pub(super) fn rule(&self, message: impl Into<String>) {
        self.note(Severity::Rule, message);
    }

    /// Reports a warning about this field.
    pub(super) fn warn(&self, message: impl Into<String>) {
        self.note(Severity::Warning, message);
    }

    /// Reports a doubt about this field, if somebody reviews the file.
    pub(super) fn doubt(&self, message: impl Into<String>) {
        if self.source.reviewed_at.is_some() {
            self.warn(message);
        }
    }

    pub(super) fn note(&self, severity: Severity, message: impl Into<String>) {
        self.source.note(severity, Some(&self.value.span()), &self.name, message);
    }

    /// Whether the value is a string, if it may be of another type.
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

    /// Reads a string that `parse` accepts; its error is reported as a fault.
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

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let allowed: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.fault(format!("must be {}", allowed.join(" or ")));
        }
        found
    }

    /// Reads the items of an array.
    pub(super) fn items(&self) -> Option<Vec<Field<'a>>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.fault("must be an array");
            return None;
        };
        let item =
            |(number, value)| Field { source: self.source, name: format!("{}[{number}]", self.name), value };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Reads the tables of an array of tables.
    pub(super) fn sections(&self, table: Table) -> Option<Vec<Section<'a>>> {
        Some(self.items()?.iter().filter_map(|item| item.section(table)).collect())
    }

    /// Reads the value as a table of this kind.
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

/// A table whose keys are taken once each; [`Section::finish`] reports the keys that were not taken.
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

    /// Reports a fault of the whole section, under a key that it has or should have.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        self.note(Severity::Error, key, message);
    }

    /// Reports a warning about the section.
    pub(super) fn warn(&self, key: &str, message: impl Into<String>) {
        self.note(Severity::Warning, key, message);
    }

    fn note(&self, severity: Severity, key: &str, message: impl Into<String>) {
        self.source.note(severity, Some(&self.place), &self.name_of(key), message);
    }

    /// Reports a doubt about the whole section, if somebody reviews the file.
    pub(super) fn doubt(&self, key: &str, message: impl Into<String>) {
        if self.source.reviewed_at.is_some() {
            self.source.note(Severity::Warning, Some(&self.place), &self.name_of(key), message);
        }
    }

    fn name_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Whether a key is present.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Takes the value of a key that this kind of table may have.
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

    /// Reports that a key is missing.
    pub(super) fn missing(&self, key: &str) {
        if self.source.legible {
            self.fault(key, "is missing");
        }
    }

    /// Takes the tables of an array of tables; none if the key is absent.
    pub(super) fn sections(&mut self, key: &str, table: Table) -> Vec<Section<'a>> {
        self.optional(key).and_then(|field| field.sections(table)).unwrap_or_default()
    }

    /// Takes every key that is present, with its field.
    pub(super) fn fields(&mut self) -> Vec<(&'a str, Field<'a>)> {
        let keys = self.table.keys().map(|key| key.get_ref().as_ref());
        keys.filter_map(|key| Some((key, self.take(key)?))).collect()
    }

    /// Reports keys that were not taken, because a misspelt setting must not be ignored silently.
    pub(super) fn finish(self) {
        for (key, _) in self.table.iter() {
            if !self.taken.contains(key.get_ref().as_ref()) {
                let field = self.name_of(key.get_ref());
                self.source.note(Severity::Error, Some(&key.span()), &field, "is not a known key");
            }
        }
    }
}
