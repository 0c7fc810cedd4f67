//! Rows of a file that is imported: the same rules as for `POST /participations`.

use domain::Timestamp;
use domain::accept::{ImportTerms, imported_entry};
use domain::brand::{Activation, Brand};
use domain::contact::{Contact, Email};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use ports::imports::ImportedRow;
use serde_json::{Map, Value};

use crate::LARGEST_BODY;
use crate::answers::Allowed;
use crate::asked::{self, AskedBody};
use crate::body::Members;
use crate::field_error::FieldError;
use crate::ways::Accepting;

/// The longest row that is read, in bytes.
pub const LONGEST_ROW: usize = LARGEST_BODY;

/// What rows become under the terms of one activation.
#[derive(Clone, Copy)]
pub struct RowRules<'a> {
    /// The brand and its activation.
    pub terms: (&'a Brand, &'a Activation),
    /// The key that ids are made with.
    pub id_key: &'a IdKey,
}

/// The fault of a row. It contains no value of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The field, as in `POST /participations`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl RowFault {
    /// Says what is wrong with a field.
    #[must_use]
    pub fn new(field: &str, message: &str) -> Self {
        Self { field: field.to_owned(), message: message.to_owned() }
    }
}

impl From<FieldError> for RowFault {
    fn from(error: FieldError) -> Self {
        Self { field: error.field, message: error.message }
    }
}

fn faults(errors: Vec<FieldError>) -> Vec<RowFault> {
    errors.into_iter().map(RowFault::from).collect()
}

impl RowRules<'_> {
    /// Reads a row that is a JSON object.
    ///
    /// # Errors
    /// Everything that is wrong with the row.
    pub fn read_json(
        &self,
        row: &[u8],
        import: ImportTerms,
        now: Timestamp,
    ) -> Result<ImportedRow, Vec<RowFault>> {
        let malformed = |_| {
            faults(vec![FieldError::wrong_type(
                "row",
                "is not a JSON object without repeated keys",
                "object",
            )])
        };
        let members = serde_json::from_slice::<Members>(row).map_err(malformed)?;
        self.read(members.into_object(), import, now)
    }

    /// Reads a row whose members are known. They are those of `POST /participations`, without `scope`, and `consent_at`: when the
    /// consumer consented.
    ///
    /// # Errors
    /// Everything that is wrong with the row.
    pub fn read(
        &self,
        mut row: Map<String, Value>,
        import: ImportTerms,
        now: Timestamp,
    ) -> Result<ImportedRow, Vec<RowFault>> {
        let mut errors = Vec::new();
        let activation = self.terms.1;
        if row.remove("scope").is_some_and(|scope| scope.as_str() != Some(activation.scope.as_str())) {
            errors.push(FieldError::new(
                "scope",
                "is not the activation that is imported into",
                "unknown-scope",
            ));
        }
        let consented_at = consented_at(row.remove("consent_at"), now, &mut errors);
        row.insert("scope".to_owned(), activation.scope.to_string().into());
        let rules = (Allowed::under(activation), activation.consent.as_ref());
        let mut asked = match asked::read(Members::of(row), rules, now) {
            Ok(asked) if errors.is_empty() && asked.refusals.is_empty() => asked,
            Ok(asked) => {
                errors.extend(asked.refusals);
                return Err(faults(errors));
            }
            Err(problem) => {
                errors.extend(problem.into_errors());
                return Err(faults(errors));
            }
        };
        if let Some(consent) = &mut asked.consent {
            let missing =
                || FieldError::new("consent_at", "is missing: the row says nothing about when", "missing");
            consent.at = consented_at.ok_or_else(|| faults(vec![missing()]))?;
        }
        self.accept(asked, import, now)
    }

    fn accept(
        &self,
        mut asked: AskedBody,
        import: ImportTerms,
        now: Timestamp,
    ) -> Result<ImportedRow, Vec<RowFault>> {
        let Self { terms, id_key } = *self;
        let accepting = Accepting { id_key, terms, key: None, import: Some(import), now };
        let typed = asked.email.take();
        let earlier = typed.iter().flat_map(|typed| &typed.earlier);
        let earlier = earlier.flat_map(|email| self.ids_of(email)).collect();
        let email = typed.map(|typed| typed.email);
        let made = match asked.phone.take() {
            Some(phone) => accepting.by_phone((&phone, email), &asked),
            None => accepting.by_email(email, asked),
        };
        let participation = made.map_err(|problem| faults(problem.into_errors()))?;
        let entry = imported_entry(&participation, terms, id_key, import);
        Ok(ImportedRow { participation, entry, earlier })
    }

    /// The ids under which an address takes part by e-mail or by an event.
    fn ids_of(&self, email: &Email) -> Vec<ParticipationId> {
        let (activation, contact) = (self.terms.1, Contact::Email(email.clone()));
        let events = activation.events.keys();
        let events = events.map(|event| self.id_key.event(&activation.scope, event, &contact, None));
        events.chain([self.id_key.participation(&activation.scope, &contact)]).collect()
    }
}

/// When the consumer of a row consented.
fn consented_at(value: Option<Value>, now: Timestamp, errors: &mut Vec<FieldError>) -> Option<Timestamp> {
    let refused = |message: &str| FieldError::new("consent_at", message, "out_of_range");
    match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(at) if at <= now => Some(at),
            Ok(_) => {
                errors.push(refused("is in the future"));
                None
            }
            Err(_) => {
                errors.push(refused("must be a moment as 2026-11-23T10:00:00Z"));
                None
            }
        },
        Some(_) => {
            errors.push(refused("must be a moment as 2026-11-23T10:00:00Z"));
            None
        }
    }
}
