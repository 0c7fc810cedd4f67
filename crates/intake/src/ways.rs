//! Makes the participation that a body asks for.

use domain::Timestamp;
use domain::accept::{Acceptance, ImportTerms};
use domain::brand::{Activation, Brand};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::participation::Participation;

use crate::asked::AskedBody;
use crate::field_error::FieldError;
use crate::problem::Problem;

/// What a participation is made under.
#[derive(Clone, Copy)]
pub(crate) struct Accepting<'a> {
    pub(crate) id_key: &'a IdKey,
    pub(crate) terms: (&'a Brand, &'a Activation),
    /// The `Idempotency-Key` of the request.
    pub(crate) key: Option<&'a str>,
    /// Set for a row of a file.
    pub(crate) import: Option<ImportTerms>,
    pub(crate) now: Timestamp,
}

impl<'a> Accepting<'a> {
    /// Makes a participation by e-mail.
    pub(crate) fn by_email(self, email: Option<Email>, asked: AskedBody) -> Result<Participation, Problem> {
        let refused = |error| Problem::invalid(vec![error]);
        if self.terms.1.email.is_none() {
            let message = "taking part by e-mail is not offered";
            return Err(refused(FieldError::new("email", message, "email-not-offered")));
        }
        let email = email.ok_or_else(|| refused(FieldError::missing("email")))?;
        let acceptance = self.begin(&Contact::Email(email.clone()));
        Ok(acceptance.by_email(email, asked.consent, asked.attributes))
    }

    /// Makes a participation by mobile number.
    pub(crate) fn by_phone(
        self,
        (phone, email): (&str, Option<Email>),
        asked: &AskedBody,
    ) -> Result<Participation, Problem> {
        let refused = |message: String, code| Problem::invalid(vec![FieldError::new("phone", message, code)]);
        let not_offered =
            || refused("taking part by mobile number is not offered".to_owned(), "phone-not-offered");
        let (Some(terms), Some(consent)) = (&self.terms.1.sms, &asked.consent) else {
            return Err(not_offered());
        };
        let phone =
            Phone::parse(phone, terms.region).map_err(|error| refused(error.to_string(), error.code()))?;
        terms.texting.check(&phone).map_err(|why| refused(why.to_string(), why.code()))?;
        let acceptance = self.begin(&Contact::Phone { phone: phone.clone(), email: email.clone() });
        Ok(acceptance.by_consenting_phone((phone, email), consent.clone(), asked.attributes.clone()))
    }

    fn begin(self, contact: &Contact) -> Acceptance<'a> {
        let id = self.id_key.participation(&self.terms.1.scope, contact);
        let repeat_key = self.key.map(|key| self.id_key.repeat_key(id, key));
        let acceptance = Acceptance::new(id, self.terms, self.now).repeatable_by(repeat_key);
        match self.import {
            Some(import) => acceptance.imported(import),
            None => acceptance,
        }
    }
}
