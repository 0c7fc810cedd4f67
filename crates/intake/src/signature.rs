//! Signed requests: `X-Quikly-Signature: t=SECONDS,v1=HEX`, an HMAC-SHA256 over `SECONDS.BODY`, or over
//! `SECONDS.PATH` if there is no body.
//!
//! One header may contain several `v1`, so that a secret can be rotated without interruption.

use domain::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

/// The name of the header.
pub const SIGNATURE_HEADER: &str = "x-quikly-signature";

/// How far the signature's time may be from ours, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// The most signatures of one header that are checked.
const MOST_SIGNATURES: usize = 8;

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// There is no signature, or it has another form.
    Missing,
    /// The signature is too old, or from the future.
    Stale,
    /// The signature is over something else, or made with another secret.
    Wrong,
}

/// A secret with fewer bytes than this can be guessed.
const SHORTEST_SECRET: usize = 16;

/// What is wrong with a secret that may already be in use.
#[must_use]
pub fn flaw(secret: &str) -> Option<&'static str> {
    (secret.trim().len() < SHORTEST_SECRET)
        .then_some("is too short: a signing secret needs at least 16 bytes")
}

/// Checks the signature of a body or a path, in a time that does not depend on where it differs. Space around
/// the secret is not part of it; a signature made with that space is also accepted, since earlier versions
/// required it.
///
/// # Errors
/// Why the signature does not count.
pub fn verify(headers: &HeaderMap, signed: &[u8], secret: &str, now: Timestamp) -> Result<(), Unsigned> {
    let header = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let (time, signatures) = header.and_then(read).ok_or(Unsigned::Missing)?;
    let seconds: i64 = time.parse().map_err(|_| Unsigned::Missing)?;
    if now.as_second().abs_diff(seconds) > TOLERANCE_S.unsigned_abs() {
        return Err(Unsigned::Stale);
    }
    let fits = |secret: &str| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(signed);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    let trimmed = secret.trim();
    let counts = fits(trimmed) || (trimmed != secret && fits(secret));
    if counts { Ok(()) } else { Err(Unsigned::Wrong) }
}

/// Reads the time as it was signed, and the signatures.
fn read(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let (_, time) = parts().find(|(name, _)| *name == "t")?;
    let signatures = parts().filter(|(name, _)| *name == "v1");
    let signatures = signatures.filter_map(|(_, text)| hex::decode(text).ok()).take(MOST_SIGNATURES);
    Some((time, signatures.collect()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const BODY: &[u8] = br#"{"scope":"spring"}"#;

    fn signature(secret: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

    fn check(header: Option<String>) -> Result<(), Unsigned> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(&header).unwrap());
        }
        verify(&headers, BODY, "secret", Timestamp::from_second(NOW).unwrap())
    }

    fn signed_at(seconds: i64) -> Option<String> {
        Some(format!("t={seconds},v1={}", signature("secret", seconds, BODY)))
    }

    #[test]
    fn the_right_secret_body_and_time_count() {
        assert_eq!(check(signed_at(NOW)), Ok(()));
    }

    #[test]
    fn five_minutes_either_way_are_tolerated() {
        assert_eq!((check(signed_at(NOW - 300)), check(signed_at(NOW + 300))), (Ok(()), Ok(())));
        assert_eq!(check(signed_at(NOW - 301)), Err(Unsigned::Stale));
        assert_eq!(check(signed_at(NOW + 301)), Err(Unsigned::Stale));
        assert_eq!(check(Some(format!("t={},v1=00", i64::MIN))), Err(Unsigned::Stale));
    }

    #[test]
    fn another_body_secret_or_time_is_wrong() {
        let header = |signature: String| check(Some(format!("t={NOW},v1={signature}")));
        assert_eq!(header(signature("secret", NOW, b"{}")), Err(Unsigned::Wrong));
        assert_eq!(header(signature("other", NOW, BODY)), Err(Unsigned::Wrong));
        assert_eq!(header(signature("secret", NOW - 1, BODY)), Err(Unsigned::Wrong));
        assert_eq!(header(signature("secret", NOW, BODY)[..32].to_owned()), Err(Unsigned::Wrong));
    }

    #[test]
    fn one_of_several_signatures_has_to_match() {
        let (old, new) = (signature("old", NOW, BODY), signature("secret", NOW, BODY));
        assert_eq!(check(Some(format!("t={NOW}, v1={old}, v1={new}"))), Ok(()));
    }

    #[test]
    fn space_around_the_secret_is_not_part_of_it_unless_the_caller_signs_with_it() {
        let mut headers = HeaderMap::new();
        let now = Timestamp::from_second(NOW).unwrap();
        for signed_with in ["secret", "secret\n"] {
            let header = format!("t={NOW},v1={}", signature(signed_with, NOW, BODY));
            headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(&header).unwrap());
            assert_eq!(verify(&headers, BODY, "secret\n", now), Ok(()), "{signed_with:?}");
        }
        assert_eq!(verify(&headers, BODY, "secret", now), Err(Unsigned::Wrong));
    }

    #[test]
    fn a_secret_that_can_be_guessed_has_a_flaw() {
        for secret in ["", "x", " ", "fifteen letters", "fifteen letters  \n"] {
            assert!(flaw(secret).is_some(), "{secret:?}");
        }
        assert_eq!(flaw("sixteen letters!\n"), None);
    }

    #[test]
    fn a_malformed_signature_counts_as_missing() {
        for header in ["", "v1=00", "t=,v1=00", "t=soon,v1=00", "t=1e9"] {
            assert_eq!(check(Some(header.to_owned())), Err(Unsigned::Missing), "{header}");
        }
        assert_eq!(check(None), Err(Unsigned::Missing));
        assert_eq!(check(Some(format!("t={NOW}"))), Err(Unsigned::Wrong));
    }
}
