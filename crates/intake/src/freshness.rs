//! How long an answer may be kept, and conditional reads (RFC 9110, 13.1.2).
//!
//! Tags are weak. Two answers with one tag say the same, although the time in them, or the pace that they ask for, may differ.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The `Cache-Control` of what is about a person, and of errors.
pub(crate) const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store");

/// The `Cache-Control` of what is the same for everybody and changes by the second.
pub(crate) const A_SECOND: HeaderValue = HeaderValue::from_static("public, max-age=1");

/// The `Cache-Control` of what does not change any more.
pub(crate) const A_MINUTE: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// The members that do not count for the tag: the present, and the pace.
const UNTAGGED: [&str; 2] = ["now", "next_ms"];

/// An answer with its tag.
pub(crate) struct Tagged {
    body: Vec<u8>,
    tag: String,
}

impl Tagged {
    /// `others` are members that do not count for the tag, besides the usual ones.
    pub(crate) fn of(answer: &impl Serialize, others: &[&str]) -> Self {
        #[expect(clippy::expect_used, reason = "our own types have only texts as keys")]
        let mut value = serde_json::to_value(answer).expect("an answer is JSON");
        let body = value.to_string().into_bytes();
        if let Value::Object(members) = &mut value {
            members.retain(|name, _| !UNTAGGED.contains(&name.as_str()) && !others.contains(&name.as_str()));
        }
        let hash = Sha256::digest(value.to_string().as_bytes());
        let tag = format!("W/\"{}\"", hex::encode(hash.get(..12).unwrap_or_default()));
        Self { body, tag }
    }

    /// Whether both say the same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.tag == other.tag
    }

    /// Whether the caller has this answer already.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let opaque = self.tag.trim_start_matches("W/");
        let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = named.flat_map(|list| list.split(','));
        tags.any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == opaque)
    }

    /// The answer, or 304 if the caller has it already.
    pub(crate) fn answer(self, headers: &HeaderMap, kept: HeaderValue) -> Response {
        let known = self.is_known(headers);
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, "application/json")], self.body).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, kept);
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asks(tag: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(tag).unwrap())])
    }

    #[test]
    fn the_time_and_the_pace_do_not_change_the_tag_and_everything_else_does() {
        let tagged = |value| Tagged::of(&value, &["remaining"]);
        let one = tagged(json!({ "now": 1, "next_ms": 1, "remaining": 1, "state": "open" }));
        assert!(one.says_the_same(&tagged(json!({ "now": 2, "remaining": 2, "state": "open" }))));
        assert!(!one.says_the_same(&tagged(json!({ "now": 1, "state": "closed" }))));
    }

    #[test]
    fn a_tag_is_recognized_in_a_list_and_in_its_strong_form() {
        let one = Tagged::of(&json!({ "state": "open" }), &[]);
        let tag = one.tag.clone();
        for header in [&tag, tag.trim_start_matches("W/"), &format!("\"other\", {tag}"), "*"] {
            assert!(one.is_known(&asks(header)), "{header}");
        }
        assert!(!one.is_known(&asks("\"other\"")) && !one.is_known(&HeaderMap::new()));
        assert_eq!(one.answer(&asks(&tag), A_SECOND).status(), StatusCode::NOT_MODIFIED);
    }
}
