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

/// An answer. The rules refuse a value that is neither yes nor no.
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

#[cfg(test)]
mod tests {
    use domain::brand::Brands;
    use domain::brand_file::{AssumePresent, BrandFile, read_all};
    use domain::ids::Scope;
    use serde_json::json;

    use super::*;

    fn brands() -> Brands {
        let text = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { env = \"K\" }\n[[activation]]\n\
            scope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2030-12-01T00:00:00Z\n[activation.email]\n\
            [activation.attributes]\nsize = { type = \"number\" }\nvip = { type = \"boolean\" }\n\
            toys = { type = \"list\", choices = [\"ball\", \"kite\"] }\n\
            [activation.consent]\ntexts = { v1 = \"I agree.\" }\nemail = { email = \"required\" }\n";
        read_all(&[BrandFile { name: "acme".into(), text: text.into() }], &AssumePresent).unwrap()
    }

    fn columns(names: &[&str], ignore_others: bool) -> anyhow::Result<Columns> {
        let brands = brands();
        let (_, activation) = brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        Columns::parse(names, activation, ignore_others)
    }

    const CONSENT: [&str; 4] = ["Email", " consent_email", "consent_text_id", "CONSENT_AT"];

    #[test]
    fn cells_become_values_of_their_columns_types() {
        let names =
            [&CONSENT[..], &["attributes.size", "attributes.vip", "attributes.toys", "note"]].concat();
        let cells = [" a@example.com ", "Yes", "v1", "", "7.5", "0", "ball| kite", "ignored"];
        let row = columns(&names, true).unwrap().members(cells.into_iter()).unwrap();
        let attributes = json!({ "size": 7.5, "vip": false, "toys": ["ball", "kite"] });
        let consent = json!({ "email": true, "text_id": "v1" });
        let expected = json!({ "email": "a@example.com", "consent": consent, "attributes": attributes });
        assert_eq!(Value::Object(row), expected);
    }

    #[test]
    fn a_column_that_is_not_known_is_refused_unless_others_are_ignored() {
        let names = [&CONSENT[..], &["attributes.colour"]].concat();
        let said = columns(&names, false).unwrap_err().to_string();
        assert!(said.contains("attributes.colour") && said.contains("attributes.size"), "{said}");
        assert!(columns(&names, true).is_ok());
        let contact = columns(&["ada@example.com"], false).unwrap_err().to_string();
        assert!(!contact.contains("ada"), "a file without a header shows no contact: {contact}");
    }

    #[test]
    fn the_columns_of_a_consent_that_is_required_must_be_there() {
        for missing in 1..CONSENT.len() {
            let mut names = CONSENT.to_vec();
            let name = names.remove(missing).trim().to_lowercase();
            let said = columns(&names, false).unwrap_err().to_string();
            assert!(said.contains(&format!("`{name}`")), "{said}");
        }
        assert!(columns(&CONSENT, false).is_ok());
    }

    #[test]
    fn a_row_with_too_many_or_too_few_cells_is_refused() {
        let columns = columns(&CONSENT, false).unwrap();
        assert_eq!(columns.members(["a"].into_iter()).unwrap_err().message, "has too few columns");
        assert_eq!(columns.members(["a"; 5].into_iter()).unwrap_err().message, "has too many columns");
    }
}
