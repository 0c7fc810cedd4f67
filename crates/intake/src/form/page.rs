//! The page that answers a form. It is made from the answer that JSON would have got, and repeats nothing of what was sent.

use std::fmt::Write;

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::words::{FormWords, PageLanguage};
use crate::LARGEST_BODY;

/// The page loads nothing and runs nothing. The hash is that of [`STYLE`].
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'sha256-WGCRctn0Sw6vj9LxObZ7aqmp8xFA6s6G19MNuT99guo='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const STYLE: &str = "body{max-width:32rem;margin:0 auto;padding:2rem 1rem;font:1rem/1.5 system-ui,sans-serif}h1{font-size:1.75rem;line-height:1.3}";

/// How long a page waits before it asks again if the answer does not say, in milliseconds.
const WAITS: u64 = 5_000;

/// Turns an answer in JSON into a page, or leads to the page of the brand if the consumer takes part.
pub(super) async fn of(response: Response, return_to: Option<&str>, language: PageLanguage) -> Response {
    let (mut parts, body) = response.into_parts();
    let takes_part = parts.status == StatusCode::ACCEPTED;
    if takes_part && let Some(page) = return_to.and_then(|page| HeaderValue::from_str(page).ok()) {
        let headers =
            [(header::LOCATION, page), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (StatusCode::SEE_OTHER, headers).into_response();
    }
    let answer: Value = match to_bytes(body, LARGEST_BODY).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let words = language.words();
    let (heading, text) = match takes_part {
        true => taking_part(&answer, words),
        false => refused(&answer, words),
    };
    let headers = &mut parts.headers;
    headers.remove(header::LOCATION);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let page = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{heading}</title><style>{STYLE}</style><main><h1>{heading}</h1>{text}</main></html>\n",
        language.code()
    );
    Response::from_parts(parts, Body::from(page))
}

/// The heading, and the rest of the page.
fn taking_part(answer: &Value, words: &FormWords) -> (&'static str, String) {
    let heading = if answer["repeat"] == true { words.already } else { words.accepted };
    let standing = [("position", words.place), ("waiting", words.line), ("waiting_at_least", words.ahead)];
    let standing = standing.iter().find_map(|(name, words)| Some(filled(words, answer[*name].as_u64()?)));
    let kept = (answer["repeat"] != true).then(|| paragraph(words.kept));
    (heading, [standing.map(|text| paragraph(&text)), kept].into_iter().flatten().collect())
}

fn refused(answer: &Value, words: &FormWords) -> (&'static str, String) {
    let moment = |name: &str| answer[name].as_str().map(escaped);
    let kind = answer["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default();
    match (kind, answer["status"].as_u64()) {
        ("activation-closed", _) => (
            words.over,
            moment("closed_at").map(|at| paragraph(&filled(words.closed, at))).unwrap_or_default(),
        ),
        ("activation-not-open", _) => (
            words.early,
            moment("opens_at").map(|at| paragraph(&filled(words.opens, at))).unwrap_or_default(),
        ),
        ("activation-full", _) => (words.full, String::new()),
        ("unlisted-origin" | "unsigned" | "unknown-scope", _) => (words.failed, paragraph(words.elsewhere)),
        (_, Some(422)) => (words.failed, format!("{}{}", faults(answer, words), paragraph(words.correct))),
        (_, Some(408 | 429 | 500..)) | ("", _) => {
            let wait = answer["retry_after_ms"].as_u64().unwrap_or(WAITS).div_ceil(1_000);
            (words.busy, paragraph(&filled(words.again, wait)))
        }
        (_, _) => (words.failed, paragraph(words.elsewhere)),
    }
}

/// A list of the fields at fault, each with a sentence.
fn faults(answer: &Value, words: &FormWords) -> String {
    let mut list = "<ul>".to_owned();
    for fault in answer["errors"].as_array().into_iter().flatten() {
        let field = label(fault["field"].as_str().unwrap_or_default(), words);
        let _always = write!(list, "<li><b>{field}</b>: {}</li>", escaped(&sentence(fault, words)));
    }
    list + "</ul>"
}

/// A field's label. The names of attributes are those of the brand file.
fn label(field: &str, words: &FormWords) -> String {
    match field {
        "email" => words.email.to_owned(),
        "phone" => words.phone.to_owned(),
        _ if field.starts_with("consent") => words.consent.to_owned(),
        _ => escaped(&field.trim_start_matches("attributes.").replace('_', " ")),
    }
}

/// The sentence for a field's code. Codes that have none get a general one.
fn sentence(fault: &Value, words: &FormWords) -> String {
    let code = fault["code"].as_str().unwrap_or_default();
    let longest = fault["params"]["longest"].as_u64().filter(|_| code != "attribute_range");
    match (code, longest) {
        (_, Some(longest)) => filled(words.longest, longest),
        ("phone-other-country", _) => words.country.to_owned(),
        ("phone-invalid" | "phone-empty", _) => words.wrong.to_owned(),
        _ if code.contains("missing") || code.contains("empty") => words.needed.to_owned(),
        _ if code.starts_with("phone-") => words.not_phone.to_owned(),
        _ => words.wrong.to_owned(),
    }
}

fn paragraph(text: &str) -> String {
    format!("<p>{text}</p>")
}

fn filled(words: &str, value: impl std::fmt::Display) -> String {
    words.replace("{0}", &value.to_string())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_style_by_its_hash() {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        assert!(POLICY.to_str().unwrap().contains(&format!("'sha256-{hash}'")), "{hash}");
    }

    #[test]
    fn each_kind_of_answer_has_a_page_of_its_own() {
        let words = PageLanguage::English.words();
        let said = |answer: Value| {
            let (heading, text) = refused(&answer, words);
            format!("{heading} {text}")
        };
        let problem =
            |kind: &str, status: u16| json!({ "type": format!("urn:quikly-braze:{kind}"), "status": status });
        let mut closed = problem("activation-closed", 422);
        closed["closed_at"] = "2026-11-24T23:00:00Z".into();
        assert_eq!(said(closed), "This one is over <p>It closed at 2026-11-24T23:00:00Z.</p>");
        let mut busy = problem("too-many-requests", 429);
        busy["retry_after_ms"] = 1_500.into();
        assert!(said(busy).contains("in 2 s"), "it waits for as long as it is told");
        assert!(said(Value::Null).contains("in 5 s"), "an answer that nobody can read is tried again");
        assert!(said(problem("unsigned", 401)).contains("from this page"));
        let mut wrong = problem("invalid-field", 422);
        wrong["errors"] = json!([{ "field": "attributes.shoe_<b>", "code": "attribute_missing" }]);
        assert!(said(wrong).contains("<b>shoe &lt;b&gt;</b>: This is needed."));
    }
}
