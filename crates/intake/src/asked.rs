//! The body of `POST /participations`, which is also a row of a file.

use domain::Timestamp;
use domain::attributes::Attributes;
use domain::consent::{Consent, ConsentRules, Respondent};
use domain::contact::{EmailError, LONGEST_ADDRESS};
use domain::ids::Channel;

use crate::answers::Allowed;
use crate::body::Members;
use crate::consent::{self, SaidConsent};
use crate::field_error::FieldError;
use crate::problem::Problem;
use crate::spelling::Typed;

/// A body, as far as it can be read without knowing the activation.
pub(crate) struct AskedBody {
    pub(crate) scope: String,
    pub(crate) email: Option<Typed>,
    pub(crate) phone: Option<String>,
    /// The consumer's answer; `None` if the consumer was not asked.
    pub(crate) consent: Option<Consent>,
    /// Whether the consumer says no to e-mail.
    pub(crate) declines_email: bool,
    pub(crate) attributes: Attributes,
    /// Why the answers do not suffice to take part. A withdrawal needs none of them.
    pub(crate) refusals: Vec<FieldError>,
    /// Whether the caller only asks if the request would be accepted.
    pub(crate) dry_run: bool,
}

pub(crate) fn read(
    mut body: Members,
    (allowed, rules): (Allowed<'_>, Option<&ConsentRules>),
    now: Timestamp,
) -> Result<AskedBody, Problem> {
    let mut errors = Vec::new();
    let scope = body.text("scope", &mut errors);
    let email = body.text("email", &mut errors);
    let phone = body.text("phone", &mut errors);
    let way = if phone.is_some() { Channel::Sms } else { Channel::Email };
    let mut refusals = Vec::new();
    let asked = Respondent { way, has_email: email.is_some() };
    let said = consent::read(&mut body, rules, asked, now, (&mut errors, &mut refusals));
    let members = body.object("attributes", &mut errors);
    let attributes =
        allowed.read(members, now, if said.declines_email { &mut refusals } else { &mut errors });
    let dry_run = body.flag("dry_run", &mut errors);
    body.finish(&mut errors);
    let email = match email {
        Some(text) => Typed::parse(&text).map_err(|error| errors.push(refused_email(error))).ok(),
        None => None,
    };
    require("scope", scope.is_some(), &mut errors);
    require("email", email.is_some() || phone.is_some(), &mut errors);
    if !said.declines_email {
        errors.append(&mut refusals);
    }
    let SaidConsent { consent, declines_email } = said;
    match scope {
        Some(scope) if errors.is_empty() => {
            Ok(AskedBody { scope, email, phone, consent, declines_email, attributes, refusals, dry_run })
        }
        Some(_) | None => Err(Problem::invalid(errors)),
    }
}

fn require(field: &str, there: bool, errors: &mut Vec<FieldError>) {
    if !there && !errors.iter().any(|error| error.field == field) {
        errors.push(FieldError::missing(field));
    }
}

fn refused_email(error: EmailError) -> FieldError {
    let refused = FieldError::new("email", error.to_string(), error.code());
    if error == EmailError::TooLong { refused.with("longest", LONGEST_ADDRESS) } else { refused }
}
