//! The columns of a CSV file.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use domain::answers::AnswerKind;
use domain::brand::Activation;
use domain::consent::Demand;
use domain::ids::Channel;
use intake::rows::RowFault;
use serde_json::{Map, Value};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Email,
    Phone,
    ConsentEmail,
    ConsentSms,
    ConsentTextId,
    ConsentPage,
    ConsentAt,
    Attribute(String, CellKind),
    Ignored,
}

/// How a cell of an attribute is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Text,
    Number,
    Boolean,
    List,
}

/// What separates the items of a list in a cell.
const ITEMS: char = '|';

/// The columns of a file, in order.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// Reads the names of columns.
    pub(super) fn parse(
        names: &[&str],
        activation: &Activation,
        ignore_others: bool,
    ) -> anyhow::Result<Self> {
        let mut seen = BTreeSet::new();
        let mut columns = Vec::with_capacity(names.len());
        for (number, name) in (1..).zip(names.iter().map(|name| name.trim())) {
            ensure!(seen.insert(name.to_lowercase()), "the column `{}` is there twice", shown(name));
            match column(name, activation) {
                Some(column) => columns.push(column),
                None if ignore_others => columns.push(Column::Ignored),
                None => bail!(
                    "column {number}, `{}`, is not known. Known are {}. --ignore-other-columns ignores others",
                    shown(name),
                    known(activation)
                ),
            }
        }
        let columns = Self(columns);
        columns.suffices(activation)?;
        Ok(columns)
    }

    fn has(&self, column: &Column) -> bool {
        self.0.contains(column)
    }

    /// Checks that rows can take part.
    fn suffices(&self, activation: &Activation) -> anyhow::Result<()> {
        let (email, phone) = (self.has(&Column::Email), self.has(&Column::Phone));
        ensure!(email || phone, "the file has neither a column `email` nor a column `phone`");
        let rules = activation.consent.as_ref();
        let requires = |way| rules.is_some_and(|rules| rules.email_of(way) == Some(Demand::Required));
        let mut required = Vec::new();
        if phone {
            required.push((Column::ConsentSms, "consent_sms"));
        }
        if (email && !phone && requires(Channel::Email)) || (phone && requires(Channel::Sms)) {
            required.push((Column::ConsentEmail, "consent_email"));
        }
        let consents =
            !required.is_empty() || self.has(&Column::ConsentEmail) || self.has(&Column::ConsentSms);
        if consents {
            required.push((Column::ConsentAt, "consent_at"));
        }
        if consents && rules.is_some() {
            required.push((Column::ConsentTextId, "consent_text_id"));
        }
        let missing: Vec<&str> =
            required.iter().filter(|(column, _)| !self.has(column)).map(|(_, name)| *name).collect();
        ensure!(
            missing.is_empty(),
            "the file has no column `{}`: the rows must say who consented to what, and when",
            missing.join("`, `")
        );
        Ok(())
    }

    /// The row as members of `POST /participations`.
    pub(super) fn members<'a>(
        &self,
        cells: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<Map<String, Value>, RowFault> {
        let (there, expected) = (cells.len(), self.0.len());
        if there != expected {
            let message = if there < expected { "has too few columns" } else { "has too many columns" };
            return Err(RowFault::new("row", message));
        }
        let (mut row, mut consent, mut attributes) = (Map::new(), Map::new(), Map::new());
        for (column, cell) in self.0.iter().zip(cells) {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            match column {
                Column::Email => drop(row.insert("email".to_owned(), cell.into())),
                Column::Phone => drop(row.insert("phone".to_owned(), cell.into())),
                Column::ConsentAt => drop(row.insert("consent_at".to_owned(), cell.into())),
                Column::ConsentEmail => drop(consent.insert("email".to_owned(), yes_or_no(cell))),
                Column::ConsentSms => drop(consent.insert("sms".to_owned(), yes_or_no(cell))),
                Column::ConsentTextId => drop(consent.insert("text_id".to_owned(), cell.into())),
                Column::ConsentPage => drop(consent.insert("page".to_owned(), cell.into())),
                Column::Attribute(name, kind) => drop(attributes.insert(name.clone(), value(*kind, cell))),
                Column::Ignored => {}
            }
        }
        if consent.contains_key("email") || consent.contains_key("sms") {
            row.insert("consent".to_owned(), consent.into());
        }
        if !attributes.is_empty() {
            row.insert("attributes".to_owned(), attributes.into());
        }
        Ok(row)
    }
}

fn column(name: &str, activation: &Activation) -> Option<Column> {
    if let Some(attribute) = name.strip_prefix("attributes.") {
        let rule = activation.answers.as_ref()?.by_name.get(attribute)?;
        let kind = match rule.kind {
            AnswerKind::Text(_) | AnswerKind::Date => CellKind::Text,
            AnswerKind::Number { .. } => CellKind::Number,
            AnswerKind::Boolean => CellKind::Boolean,
            AnswerKind::List { .. } => CellKind::List,
        };
        return Some(Column::Attribute(attribute.to_owned(), kind));
    }
    match name.to_lowercase().as_str() {
        "email" => Some(Column::Email),
        "phone" => Some(Column::Phone),
        "consent_email" => Some(Column::ConsentEmail),
        "consent_sms" => Some(Column::ConsentSms),
        "consent_text_id" => Some(Column::ConsentTextId),
        "consent_page" => Some(Column::ConsentPage),
        "consent_at" => Some(Column::ConsentAt),
        _ => None,
    }
}

fn known(activation: &Activation) -> String {
    let mut known =
        "email, phone, consent_email, consent_sms, consent_text_id, consent_page, consent_at".to_owned();
    for name in activation.answers.iter().flat_map(|rules| rules.by_name.keys()) {
        known.push_str(", attributes.");
        known.push_str(name);
    }
    known
}

/// A name as it may be repeated on a terminal. A file without a header has a contact in its place.
fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let is_shown = name.len() <= 64 && !name.is_empty() && name.chars().all(plain);
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if is_shown && digits < 6 { name.to_owned() } else { "(a name that is not shown)".to_owned() }
}

/// An answer. What is neither yes nor no is refused by the rules.
fn yes_or_no(cell: &str) -> Value {
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "t" => true.into(),
        "false" | "no" | "n" | "0" | "f" => false.into(),
        _ => cell.into(),
    }
}

fn value(kind: CellKind, cell: &str) -> Value {
    match kind {
        CellKind::Text => cell.into(),
        CellKind::Boolean => yes_or_no(cell),
        CellKind::List => cell.split(ITEMS).map(|item| Value::from(item.trim())).collect(),
        CellKind::Number => match (cell.parse::<i64>(), cell.parse::<f64>()) {
            (Ok(number), _) => number.into(),
            (Err(_), Ok(number)) if number.is_finite() => number.into(),
            (Err(_), Ok(_) | Err(_)) => cell.into(),
        },
    }
}
