//! The consent of `POST /participations`: `true` or `false`, or an object with an answer for each channel.

use domain::Timestamp;
use domain::consent::{
    Answers, Consent, ConsentRules, InsufficientConsent, LONGEST_PAGE, Page, PageError, Respondent,
};
use domain::ids::{Channel, Scope};
use serde_json::{Map, Value};

use crate::Intake;
use crate::body::{Members, shown};
use crate::field_error::FieldError;

/// The longest name of a consent text, in characters.
const LONGEST_TEXT_ID: usize = 255;

/// The longest page that is read, in bytes, with what is left out of it.
const LONGEST_ADDRESS: usize = 8 * LONGEST_PAGE;

/// How the caller has written the consent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `true`, `false` or nothing, which is about the channel of taking part.
    Short,
    /// An object.
    Long,
}

/// What a body says of the consent.
pub(crate) struct SaidConsent {
    pub(crate) consent: Option<Consent>,
    /// Whether the consumer says no to e-mail, which withdraws an earlier consent.
    pub(crate) declines_email: bool,
}

/// The rules of the activation that a body names.
pub(crate) fn rules<'a>(intake: &'a Intake, members: &Members) -> Option<&'a ConsentRules> {
    let scope = Scope::parse(members.peek("scope")?).ok()?;
    intake.brands.activation(&scope)?.1.consent.as_ref()
}

/// Reads the consent. What cannot be read is added to `errors`, and what does not suffice to take part to `refusals`.
pub(crate) fn read(
    body: &mut Members,
    rules: Option<&ConsentRules>,
    asked: Respondent,
    now: Timestamp,
    (errors, refusals): (&mut Vec<FieldError>, &mut Vec<FieldError>),
) -> SaidConsent {
    let before = errors.len();
    let (form, answers) = match body.value("consent") {
        Some(Value::Object(members)) => (Form::Long, long(members, errors)),
        Some(Value::Bool(given)) => (Form::Short, short(Some(given), asked.way)),
        None | Some(Value::Null) => (Form::Short, short(None, asked.way)),
        Some(Value::String(_) | Value::Number(_) | Value::Array(_)) => {
            errors.push(FieldError::wrong_type(
                "consent",
                "must be true, false or an object",
                "boolean or object",
            ));
            (Form::Short, Answers::default())
        }
    };
    let named = body.text("consent_text_id", errors);
    if named.is_some() && form == Form::Long {
        errors.push(FieldError::new("consent_text_id", "belongs into consent, as text_id", "misplaced"));
    }
    let answers = Answers { text_id: answers.text_id.or(named), ..answers };
    if answers.text_id.as_ref().is_some_and(|id| id.chars().count() > LONGEST_TEXT_ID) {
        let error = FieldError::new(form.field("text_id"), "may have at most 255 characters", "too_long");
        errors.push(error.with("longest", LONGEST_TEXT_ID));
    }
    let declines_email = answers.declines_email();
    if errors.len() > before {
        return SaidConsent { consent: None, declines_email };
    }
    let consent = answers.consent(rules, asked, now).unwrap_or_else(|refused| {
        refusals.extend(refused.into_iter().map(|refusal| form.error(refusal)));
        None
    });
    SaidConsent { consent, declines_email }
}

fn short(given: Option<bool>, way: Channel) -> Answers {
    match way {
        Channel::Sms => Answers { sms: given, ..Answers::default() },
        Channel::Email | Channel::Event => Answers { email: given, ..Answers::default() },
    }
}

fn long(members: Map<String, Value>, errors: &mut Vec<FieldError>) -> Answers {
    let mut answers = Answers::default();
    for (name, value) in members {
        let field = format!("consent.{}", shown(&name));
        match (name.as_str(), value) {
            ("email" | "sms" | "text_id" | "page", Value::Null) => {}
            ("email", Value::Bool(given)) => answers.email = Some(given),
            ("sms", Value::Bool(given)) => answers.sms = Some(given),
            ("text_id", Value::String(id)) => answers.text_id = Some(id),
            ("page", Value::String(page)) if page.len() > LONGEST_ADDRESS => {
                errors.push(FieldError::new(field, "is too long", "too_long").with("longest", LONGEST_PAGE));
            }
            ("page", Value::String(page)) => match Page::parse(&page) {
                Ok(page) => answers.page = Some(page),
                Err(why) => errors.push(refused_page(field, why)),
            },
            ("email" | "sms", _) => {
                errors.push(FieldError::wrong_type(field, "must be true or false", "boolean"))
            }
            ("text_id" | "page", _) => {
                errors.push(FieldError::wrong_type(field, "must be a string", "string"))
            }
            (_, _) => errors.push(FieldError::unknown(field)),
        }
    }
    answers
}

fn refused_page(field: String, why: PageError) -> FieldError {
    match why {
        PageError::NotAPage => FieldError::new(field, why.to_string(), "page-invalid"),
        PageError::TooLong => {
            FieldError::new(field, why.to_string(), "too_long").with("longest", LONGEST_PAGE)
        }
    }
}

impl Form {
    fn error(self, refusal: InsufficientConsent) -> FieldError {
        FieldError::new(self.field(refusal.part), refusal.why.to_string(), refusal.why.code())
    }

    /// The field of a part of the answer.
    fn field(self, part: &str) -> String {
        match (self, part) {
            (Self::Long, part) => format!("consent.{part}"),
            (Self::Short, "text_id") => "consent_text_id".to_owned(),
            (Self::Short, _) => "consent".to_owned(),
        }
    }
}
