//! `Idempotency-Key`: a caller that does not sign proves with it that it repeats its own request.

use http::HeaderMap;

use crate::problem::Problem;

/// The name of the header.
pub(crate) const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";

const SHORTEST: usize = 16;
const LONGEST: usize = 64;

/// The key of a request, if it has one.
///
/// # Errors
/// If there are several keys, or one in another form.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY_HEADER).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| second.is_none() && is_key(text));
    text.map(Some).ok_or_else(Problem::malformed_idempotency_key)
}

fn is_key(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
    (SHORTEST..=LONGEST).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY_HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        key(&headers).map(|key| key.map(str::to_owned)).map_err(|_| ())
    }

    #[test]
    fn a_key_has_16_to_64_plain_characters() {
        for text in ["0123456789abcdef", "8e03978e-40d5-43dd-bc93-6894a57f9324", &"Z_".repeat(32)] {
            assert_eq!(read(&[text.as_bytes()]), Ok(Some(text.to_owned())));
        }
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn a_key_in_another_form_is_refused() {
        let long = "x".repeat(65);
        for text in
            ["", "0123456789abcde", &long, "0123456789 abcdef", "\"0123456789abcdef\"", "0123456789abcdef,"]
        {
            assert_eq!(read(&[text.as_bytes()]), Err(()), "{text}");
        }
        assert_eq!(read(&["0123456789abcd\u{e9}".as_bytes()]), Err(()));
        let one: &[u8] = b"0123456789abcdef";
        assert_eq!(read(&[one, one]), Err(()), "two keys");
    }
}
