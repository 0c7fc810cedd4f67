//! Errors as `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::field_error::FieldError;
use crate::freshness::NOT_STORED;
use crate::signature::Unsigned;

/// The answer to the caller. It contains nothing from the request except the names of known fields.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Problem {
    /// A stable name for programs.
    #[serde(rename = "type")]
    kind: &'static str,
    /// A sentence for a developer.
    title: &'static str,
    /// The status of the answer.
    #[serde(serialize_with = "as_number")]
    #[cfg_attr(test, schema(value_type = u16))]
    status: StatusCode,
    /// More for a developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    detail: Option<Box<str>>,
    /// The fault of each field.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[cfg_attr(test, schema(required = false, value_type = Vec<FieldError>))]
    errors: Box<[FieldError]>,
    /// How long to wait before the request is sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    retry_after_ms: Option<u32>,
    /// When the activation opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    opens_at: Option<Box<str>>,
    /// When the activation closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    closed_at: Option<Box<str>>,
    /// The problem is an error type, so it is kept small.
    #[serde(skip)]
    challenge: Option<&'static &'static str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self {
            kind,
            title,
            status,
            detail: None,
            errors: Box::default(),
            retry_after_ms: None,
            opens_at: None,
            closed_at: None,
            challenge: None,
        }
    }

    /// The fault of each field.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors.into_vec()
    }

    /// The last part of the type, under which the problem is counted.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind.rsplit(':').next().unwrap_or(self.kind)
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into_boxed_str());
        self
    }

    /// The body is not JSON.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:quikly-braze:malformed-body", "The body cannot be read")
            .detail(detail)
    }

    /// Fields are missing, unknown or unacceptable.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let title = "The participation is not acceptable";
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "urn:quikly-braze:invalid-field", title);
        Self { errors: errors.into_boxed_slice(), ..problem }
    }

    /// No activation has this scope.
    pub(crate) fn unknown_scope(field: &str) -> Self {
        let title = "There is no such activation";
        Self::about(field, "urn:quikly-braze:unknown-scope", title, "is not known")
    }

    /// The activation has no such event.
    pub(crate) fn unknown_event() -> Self {
        let title = "The activation has no such event";
        Self::about("event", "urn:quikly-braze:unknown-event", title, "is not known")
    }

    /// The webhook has an empty address.
    pub(crate) fn empty_email() -> Self {
        let title = "The e-mail address is empty";
        Self::about("email", "urn:quikly-braze:empty-email", title, "is empty")
            .detail("Does the consumer have an address, and does the template say {{${email_address}}}?")
    }

    /// The webhook has template syntax, or a word such as `null`, instead of an address.
    pub(crate) fn unrendered(field: &str) -> Self {
        let title = "The template was not rendered";
        Self::about(
            field,
            "urn:quikly-braze:unrendered-liquid",
            title,
            "is a piece of a template, or a word such as null",
        )
        .detail("Does the template say {{${email_address}}}, and does Braze render it?")
    }

    /// The token is missing, or belongs to no brand.
    pub(crate) fn no_token() -> Self {
        let title = "The bearer token is missing or not known";
        let problem = Self::new(StatusCode::UNAUTHORIZED, "urn:quikly-braze:unknown-token", title);
        Self { challenge: Some(&"Bearer"), ..problem }
    }

    /// The token belongs to one brand, and the scope to another.
    pub(crate) fn another_brands_scope() -> Self {
        let title = "The activation is another brand's";
        Self::new(StatusCode::FORBIDDEN, "urn:quikly-braze:foreign-scope", title)
    }

    /// A form comes from a page of an origin that the brand does not list, or does not say where it comes from.
    pub(crate) fn unlisted_origin() -> Self {
        let title = "The form is not on a page of the brand";
        Self::new(StatusCode::FORBIDDEN, "urn:quikly-braze:unlisted-origin", title)
            .detail("The brand file's [intake] origins list the pages that may post a form.")
    }

    /// The brand signs its participations, and this one is not signed.
    pub(crate) fn unsigned(why: Unsigned) -> Self {
        let title = "The request is not signed";
        let problem = Self::new(StatusCode::UNAUTHORIZED, "urn:quikly-braze:unsigned", title);
        Self { challenge: Some(&"Quikly-Signature"), ..problem }.detail(match why {
            Unsigned::Missing => "Send X-Quikly-Signature: t=SECONDS,v1=HMAC.",
            Unsigned::Stale => "The signature's time is more than five minutes away.",
            Unsigned::Wrong => "The signature does not fit the time and the body, or the path of a GET.",
        })
    }

    /// The header `Idempotency-Key` is present and has another form.
    pub(crate) fn malformed_idempotency_key() -> Self {
        let title = "The Idempotency-Key cannot be used";
        Self::new(StatusCode::BAD_REQUEST, "urn:quikly-braze:malformed-idempotency-key", title)
            .detail("Send one Idempotency-Key of 16 to 64 characters of A-Z, a-z, 0-9, '_' or '-', or none.")
    }

    /// No activation has this scope, which the path names.
    pub(crate) fn no_such_activation() -> Self {
        let title = "There is no such activation";
        Self::new(StatusCode::NOT_FOUND, "urn:quikly-braze:no-such-activation", title)
    }

    /// No incentive has this scope and id.
    pub(crate) fn no_such_incentive() -> Self {
        let title = "There is no such incentive";
        Self::new(StatusCode::NOT_FOUND, "urn:quikly-braze:no-such-incentive", title)
    }

    /// A parameter of the URL is not a number that fits.
    pub(crate) fn bad_parameters(errors: Vec<FieldError>) -> Self {
        let title = "A parameter does not fit";
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "urn:quikly-braze:invalid-page", title);
        Self { errors: errors.into_boxed_slice(), ..problem }
    }

    /// The activation has not opened yet.
    pub(crate) fn not_open_yet(field: &str, opens: Timestamp) -> Self {
        let title = "The activation is not open yet";
        let problem = Self::about(field, "urn:quikly-braze:activation-not-open", title, "is not open yet");
        let problem = problem.at("opens_at", opens).detail(format!("It opens at {opens}."));
        Self { opens_at: Some(opens.to_string().into_boxed_str()), ..problem }
    }

    /// The activation has closed.
    pub(crate) fn closed(field: &str, closed: Timestamp) -> Self {
        let title = "The activation is closed";
        let problem = Self::about(field, "urn:quikly-braze:activation-closed", title, "is closed");
        let problem = problem.at("closed_at", closed).detail(format!("It closed at {closed}."));
        Self { closed_at: Some(closed.to_string().into_boxed_str()), ..problem }
    }

    /// The activation has as many participations as it allows.
    pub(crate) fn full(field: &str) -> Self {
        let title = "The activation is full";
        Self::about(field, "urn:quikly-braze:activation-full", title, "is full")
            .detail("It has as many participations as it allows.")
    }

    /// An operator has paused the activation.
    pub(crate) fn paused() -> Self {
        let title = "The activation is paused";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:quikly-braze:activation-paused", title);
        Self { retry_after_ms: Some(30_000), ..problem }
            .detail("Nothing was stored. Send the request again later.")
    }

    /// A problem with one field, whose code is the last part of the type.
    fn about(field: &str, kind: &'static str, title: &'static str, message: &str) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, title);
        let error = FieldError::new(field, message, problem.kind());
        Self { errors: Box::new([error]), ..problem }
    }

    /// Adds a moment to the only error.
    fn at(mut self, name: &'static str, moment: Timestamp) -> Self {
        let errors = self.errors.into_iter();
        self.errors = errors.map(|error| error.with(name, moment.to_string())).collect();
        self
    }

    /// No participation has this id.
    pub(crate) fn no_such_participation() -> Self {
        let title = "There is no such participation";
        Self::new(StatusCode::NOT_FOUND, "urn:quikly-braze:no-such-participation", title)
    }

    /// The request failed because of a bug of ours.
    pub(crate) fn internal() -> Self {
        let title = "The request could not be handled";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:quikly-braze:internal-error", title)
            .detail("This is our fault, and the log says where it happened. The request may or may not have been stored; it is safe to send it again.")
    }

    /// No route has this path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:quikly-braze:no-such-path", "There is no such path")
    }

    /// The path does not allow this method.
    pub(crate) fn method_not_allowed() -> Self {
        let title = "This method is not offered here";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "urn:quikly-braze:method-not-allowed", title)
    }

    /// The body is over the limit.
    pub(crate) fn too_large() -> Self {
        let title = "The body is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:quikly-braze:body-too-large", title)
            .detail("A body may have at most 64 KiB.")
    }

    /// The body is declared neither as JSON nor as a form.
    pub(crate) fn not_json() -> Self {
        let title = "The body must be JSON or a form";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "urn:quikly-braze:not-json", title)
            .detail("Send Content-Type: application/json.")
    }

    /// The client has used up its share of requests.
    pub(crate) fn too_many(after: Duration) -> Self {
        let title = "Too many requests from one client";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:quikly-braze:too-many-requests", title);
        let wait = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
        Self { retry_after_ms: Some(wait.max(1)), ..problem }
    }

    /// The body takes too long.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "urn:quikly-braze:body-too-slow",
            "The body did not arrive in time",
        )
    }

    /// The request's head breaks a rule of HTTP.
    pub(crate) fn bad_head(detail: &'static str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:quikly-braze:bad-head",
            "The request's head cannot be accepted",
        )
        .detail(detail)
    }

    /// The body has a transfer encoding that we do not decode.
    pub(crate) fn unknown_encoding() -> Self {
        let title = "The transfer encoding is not supported";
        Self::new(StatusCode::NOT_IMPLEMENTED, "urn:quikly-braze:unknown-transfer-encoding", title)
            .detail("Send a Content-Length, or Transfer-Encoding: chunked alone.")
    }

    /// Nearly all connections are in use; the caller may try again.
    pub(crate) fn busy() -> Self {
        let title = "Too many connections are open";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:quikly-braze:busy", title);
        Self { retry_after_ms: Some(5_000), ..problem }
    }

    /// The brand's file cannot be used until it is repaired; the caller may try again.
    pub(crate) fn brand_unavailable() -> Self {
        let title = "The brand is not available right now";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:quikly-braze:brand-unavailable", title);
        Self { retry_after_ms: Some(60_000), ..problem }
    }

    /// The participation was accepted once, and can no longer be read; trying again does not help.
    pub(crate) fn unreadable() -> Self {
        let title = "The participation is stored, but cannot be read";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:quikly-braze:unreadable-participation", title)
            .detail("The operator has been informed. Sending it again does not help.")
    }

    /// The participation could not be stored; the caller may try again.
    pub(crate) fn unavailable() -> Self {
        let title = "Participations cannot be stored right now";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:quikly-braze:unavailable", title);
        Self { retry_after_ms: Some(5_000), ..problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, challenge) = (self.status, self.challenge);
        let retry_after_s = self.retry_after_ms.map(|wait| wait.div_ceil(1_000));
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, NOT_STORED);
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
