//! The search for contacts and secrets in everything that the processes of these tests have written.

use crate::secrets::{KEY, OTHER_TOKEN, SECRET, TOKEN};

/// The shortest run of digits after a `+` that may be a number.
const BEHIND_PLUS: usize = 8;

/// Fails the test if the text contains something that must not be logged. If the test is failing already, it only prints that.
#[expect(clippy::print_stderr, reason = "a second panic would hide the first")]
pub(crate) fn look_through(said: &str) {
    let Some(found) = found_in(said) else { return };
    let line = plain(said).lines().find(|line| line.contains(&found)).unwrap_or_default().to_owned();
    if std::thread::panicking() {
        eprintln!("besides, a contact or secret was logged: {found}: {line}");
    } else {
        panic!("a contact or secret was logged: {found}: {line}");
    }
}

/// Something that must not be in a log: a secret of these tests, or text in the form of an address or a number.
pub(crate) fn found_in(said: &str) -> Option<String> {
    let said = plain(said);
    let secret = [KEY, SECRET, TOKEN, OTHER_TOKEN].into_iter().find(|secret| said.contains(secret));
    let mut words = said.split(|c: char| c.is_whitespace() || "\"'<>()[]{},;=&?".contains(c));
    secret.or_else(|| words.find(|word| is_address(word))).map(str::to_owned).or_else(|| number(&said))
}

fn is_address(word: &str) -> bool {
    let plain = |text: &str| text.ends_with(|c: char| c.is_ascii_alphanumeric());
    word.split_once('@').is_some_and(|(local, host)| plain(local) && host.contains('.'))
}

/// The text without percent-encoding, even if it was encoded twice.
fn plain(said: &str) -> String {
    let once = |said: &[u8]| {
        let digit = |at: usize| said.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (mut decoded, mut at) = (Vec::with_capacity(said.len()), 0);
        while let Some(&byte) = said.get(at) {
            match (byte, digit(at + 1), digit(at + 2)) {
                (b'%', Some(high), Some(low)) => {
                    decoded.push(u8::try_from(high * 16 + low).unwrap());
                    at += 3;
                }
                _ => {
                    decoded.push(byte);
                    at += 1;
                }
            }
        }
        decoded
    };
    String::from_utf8_lossy(&once(&once(said.as_bytes()))).into_owned()
}

/// The first run of digits that may be a number.
fn number(said: &str) -> Option<String> {
    let bytes = said.as_bytes();
    let mut from = 0;
    while let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) {
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if is_number(bytes, start, length) {
            return Some(said[start..start + length].to_owned());
        }
        if let Some(length) = as_printed(&bytes[start..]).filter(|_| stands_alone(bytes, start, 12)) {
            return Some(said[start..start + length].to_owned());
        }
        from = start + length;
    }
    None
}

/// A run of digits after a `+` is a number if it is long enough. Without a `+`, a number has ten to fifteen digits and stands alone: it
/// is not part of a hexadecimal id, a UUID, a fraction, or a duration with its unit. A number that begins with 1 has eleven digits, as in
/// all of zone 1, since times in seconds and milliseconds have ten and thirteen. Only zeros are not a number but an emulated AWS account.
fn is_number(said: &[u8], start: usize, length: usize) -> bool {
    let run = &said[start..start + length];
    if start > 0 && said[start - 1] == b'+' {
        return length >= BEHIND_PLUS;
    }
    let moment = run[0] == b'1' && length != 11;
    (10..=15).contains(&length)
        && stands_alone(said, start, length)
        && !moment
        && run.iter().any(|byte| *byte != b'0')
}

fn stands_alone(said: &[u8], start: usize, length: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| said.get(at));
    let after = |on: usize| said.get(start + length + on);
    let in_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let in_id = |mark: Option<&u8>, beyond: Option<&u8>| mark == Some(&b'-') && in_word(beyond);
    let in_fraction = |mark: Option<&u8>, beyond: Option<&u8>| {
        mark == Some(&b'.') && beyond.is_some_and(u8::is_ascii_digit)
    };
    !in_word(before(1))
        && !in_word(after(0))
        && !in_id(before(1), before(2))
        && !in_id(after(0), after(1))
        && !in_fraction(before(1), before(2))
        && !in_fraction(after(0), after(1))
}

/// The length of a number in the form `313-555-0100`, with any separators that people use.
fn as_printed(said: &[u8]) -> Option<usize> {
    let shape = b"ddd ddd dddd";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        _ => matches!(byte, b'-' | b'.' | b' ' | b')'),
    };
    let long_enough = said.len() >= shape.len();
    (long_enough && said.iter().zip(shape).all(fits)).then_some(shape.len())
}

#[test]
fn an_address_a_number_or_a_secret_is_found_wherever_it_stands() {
    for leak in [
        "WARN told email=ada@example.com",
        "{\"to\":\"ada.l+spring@mail.example.com\"}",
        "GET /_sim/profiles?email=ada%40example.com",
        "GET /elsewhere?then=%2Fprofiles%3Femail%3Dada%2540example.com",
        "DEBUG GET /subscription/status/get?phone[]=+13135550100",
        "DEBUG GET /subscription/status/get?subscription_group_id=g&phone=%2B13135550100",
        "DEBUG GET /subscription/status/get?phone%5B%5D=%2B491701234567&phone%5B%5D=%2B442079460000",
        "phone=13135550100",
        "{\"phone\":\"3135550100\"}",
        "called 00491701234567.",
        "called 313-555-0100 at noon",
        "called 313.555.0100",
        "+3312345678",
        "ERROR refused: Invalid API key: sim-0f9e8d7c6b5a",
    ] {
        assert!(found_in(leak).is_some(), "{leak}");
    }
}

#[test]
fn ids_moments_and_durations_are_no_numbers() {
    for harmless in [
        "INFO participation=618ae669 Email(9f86d081) at 2026-11-24T02:12:54+00:00 2+2",
        "2026-11-24T02:12:54.123456789Z DEBUG done",
        "participation=01234567890123456789012345678901",
        "participation=a1234567890b23456789012345678901",
        "id=0123456789ab and id=ab0123456789",
        "group=d0e5c0de-0000-4000-8000-123456789012 message=12345678-2345-3456-4567-567890123456",
        "elapsed=2345678901ns waited=23456789012us busy=0.2345678901 load=2345678901.5",
        "{\"timestamp\":1795502000123,\"expires\":1795502000,\"nanos\":1795502000123456789}",
        "arn:aws:sqs:us-east-1:000000000000:local-email-enrollments",
        "%zz 100% %",
        "127.0.0.1:45678 0.10.1234",
    ] {
        assert_eq!(found_in(harmless), None, "{harmless}");
    }
}
