//! The body of a participation as the OpenAPI document describes it.

use serde::Serialize;
use utoipa::ToSchema;

/// The body of `POST /participations`. Intake reads it member by member, so that it can name every mistake at once.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParticipationAsked {
    /// The activation.
    scope: String,
    /// The address; with a `phone` it may be left out.
    #[schema(required = false)]
    email: Option<String>,
    /// The mobile number, with or without its country code.
    #[schema(required = false)]
    phone: Option<String>,
    /// The consumer's answers, by the names that the activation lists.
    #[schema(required = false)]
    attributes: Option<serde_json::Map<String, serde_json::Value>>,
    /// What the consumer agrees to.
    #[schema(required = false)]
    consent: Option<ConsentAsked>,
    /// With the short form of `consent`: the id of the text that the consumer was shown.
    #[schema(required = false)]
    consent_text_id: Option<String>,
    /// Only asks whether the request would be accepted. Nothing is stored.
    #[schema(required = false)]
    dry_run: Option<bool>,
}

/// The form of a page without a script. It also has a field `attributes.NAME` for each answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct FormAsked {
    /// The activation.
    scope: String,
    /// The address; with a `phone` it may be left out.
    #[schema(required = false)]
    email: Option<String>,
    /// The mobile number, with or without its country code.
    #[schema(required = false)]
    phone: Option<String>,
    /// A ticked box for the way of taking part: `on` or `true`.
    #[schema(required = false)]
    consent: Option<String>,
    /// A ticked box for e-mail.
    #[serde(rename = "consent.email")]
    #[schema(required = false)]
    by_email: Option<String>,
    /// A ticked box for text messages.
    #[serde(rename = "consent.sms")]
    #[schema(required = false)]
    by_sms: Option<String>,
    /// The id of the text that the consumer was shown.
    #[serde(rename = "consent.text_id")]
    #[schema(required = false)]
    text_id: Option<String>,
    /// The page on which the consumer agreed.
    #[serde(rename = "consent.page")]
    #[schema(required = false)]
    page: Option<String>,
    /// With the short form of `consent`: the id of the text that the consumer was shown.
    #[schema(required = false)]
    consent_text_id: Option<String>,
    /// The page of the brand that the browser is led to once the participation is accepted.
    #[schema(required = false)]
    return_to: Option<String>,
    /// The language of the answer: `en` or `fr`.
    #[schema(required = false)]
    lang: Option<String>,
}

/// What the consumer agrees to: `true` or `false` for the way of taking part, or each by its name.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the JSON")]
enum ConsentAsked {
    /// For the way of taking part.
    Short(bool),
    /// Each by its name.
    Long(ConsentAnswers),
}

/// What the consumer agrees to, by name.
#[derive(Serialize, ToSchema)]
struct ConsentAnswers {
    /// To get e-mails; `false` withdraws an earlier consent.
    #[schema(required = false)]
    email: Option<bool>,
    /// To get messages to the number; required with a `phone`.
    #[schema(required = false)]
    sms: Option<bool>,
    /// The id of the text that the consumer was shown.
    #[schema(required = false)]
    text_id: Option<String>,
    /// The page on which the consumer agreed.
    #[schema(required = false)]
    page: Option<String>,
}
