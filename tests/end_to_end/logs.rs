//! What every process of these tests has said, looked through for contacts and secrets when the test ends.

use crate::server::{OTHER_TOKEN, SECRET, TOKEN};
use crate::workspace::KEY;

/// Shortest run of digits behind a `+` that may be a number.
const DIGITS: usize = 8;

/// What nobody may find in a log: a secret of these tests, anything of the form of an address, anything of the form of a number.
pub(crate) fn found_in(said: &str) -> Option<&str> {
    let secret = [KEY, SECRET, TOKEN, OTHER_TOKEN].into_iter().find(|secret| said.contains(secret));
    let words = || said.split(|c: char| c.is_whitespace() || "\"'<>()[]{},;=".contains(c));
    secret.or_else(|| words().find(|word| is_address(word) || is_number(word)))
}

fn is_address(word: &str) -> bool {
    let plain = |text: &str| text.ends_with(|c: char| c.is_ascii_alphanumeric());
    word.split_once('@').is_some_and(|(local, host)| plain(local) && host.contains('.'))
}

fn is_number(word: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    word.match_indices('+').any(|(at, _)| digits(&word[at + 1..]) >= DIGITS)
}

#[test]
fn an_address_a_number_or_a_secret_is_found_wherever_it_stands() {
    for leak in [
        "WARN told email=ada@example.com",
        "{\"to\":\"ada.l+spring@mail.example.com\"}",
        "DEBUG GET /subscription/status/get?phone[]=+13135550100",
        "ERROR refused: Invalid API key: sim-0f9e8d7c6b5a",
    ] {
        assert!(found_in(leak).is_some(), "{leak}");
    }
    assert_eq!(
        found_in("INFO participation=618ae669 Email(9f86d081) at 2026-11-24T02:12:54+00:00 2+2"),
        None
    );
}
