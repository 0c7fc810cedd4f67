#![doc = include_str!("../README.md")]

mod braze_answer;
mod intake_body;

use domain::Timestamp;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use intake::signature::{SIGNATURE_HEADER, verify};
use sha2::Sha256;

pub use braze_answer::braze_answer;
pub use intake_body::{intake_body, webhook_body};

/// A function of bytes, with the name of its corpus. It panics when a promise is broken.
pub type FuzzTarget = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [FuzzTarget; 5] = [
    ("brand_file", brand_file),
    ("braze_answer", braze_answer),
    ("intake_body", intake_body),
    ("signature", signature),
    ("webhook_body", webhook_body),
];

/// The time in every target. The signatures in the corpus are made for it.
#[expect(clippy::expect_used, reason = "a constant moment")]
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a moment")
}

/// A brand file is accepted, or each error names a place in it.
pub fn brand_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lines = text.split('\n').count();
    let read = read_all(&[BrandFile { name: "brand.toml".into(), text }], &AssumePresent);
    if let Err(faults) = read {
        assert!(!faults.is_empty(), "it is refused without a reason");
        for fault in faults {
            let said = fault.to_string();
            let line = said
                .strip_prefix("brand.toml:")
                .and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
            let placed = line.is_some_and(|line| (1..=lines).contains(&line));
            assert!(placed || said.contains("nested too deeply"), "a fault without a place: {said}");
        }
    }
}

/// The secret, which the sender of the bytes does not know.
const SECRET: &str = "whsec_not-to-be-guessed";

/// The first line is the header, and the rest is the body. The signature counts only if the body was signed at that time.
pub fn signature(bytes: &[u8]) {
    let (header, body) = split_line(bytes);
    let Ok(value) = HeaderValue::from_bytes(header) else { return };
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static(SIGNATURE_HEADER), value)]);
    let counts = verify(&headers, body, SECRET, now()).is_ok();
    let text = String::from_utf8_lossy(header);
    let right = |time: &str| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()) else { return false };
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        text.to_ascii_lowercase().contains(&hex::encode(mac.finalize().into_bytes()))
    };
    let times = text.split(',').filter_map(|part| part.trim().strip_prefix("t="));
    assert!(!counts || times.into_iter().any(right), "a forged signature counts");
}

/// The first line, and the rest.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or((bytes, &[]), |end| (&bytes[..end], &bytes[end + 1..]))
}
