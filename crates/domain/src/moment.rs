//! Reads moments in the forms that Braze's templates and customers' systems write.

use jiff::fmt::rfc2822;
use jiff::fmt::strtime;

use crate::Timestamp;

/// Epoch times above this are in milliseconds: in seconds, it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Forms with an offset that jiff's own parser does not accept.
const WITH_OFFSET: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.f %z",
];

/// Reads a moment in RFC 3339, also with a space for the `T`, with `+0000` or `UTC` at the end, or with a
/// fraction; in RFC 2822; or as seconds or milliseconds since 1970. A time without an offset is not a moment.
#[must_use]
pub fn read(text: &str) -> Option<Timestamp> {
    let text = crate::invisible::trim(text);
    if let Ok(number) = text.parse::<i64>() {
        return since_1970(number);
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && fraction.bytes().all(|digit| digit.is_ascii_digit())
        && let Ok(whole) = whole.parse::<i64>()
    {
        return since_1970(whole);
    }
    let zone = ["UTC", "GMT", "utc"].iter().find_map(|zone| text.strip_suffix(zone));
    let with_offset = zone.map(|text| format!("{}+00:00", text.trim_end()));
    let plain = with_offset.as_deref().unwrap_or(text);
    let known = || WITH_OFFSET.iter().find_map(|form| strtime::parse(form, plain).ok()?.to_timestamp().ok());
    plain.parse().ok().or_else(known).or_else(|| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()))
}

fn since_1970(number: i64) -> Option<Timestamp> {
    if number >= MILLISECONDS_FROM {
        Timestamp::from_millisecond(number).ok()
    } else {
        Timestamp::from_second(number).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_forms_of_a_moment_are_read() {
        for text in [
            "2026-11-23T16:57:00Z",
            "2026-11-23T16:57:00+00:00",
            "2026-11-23 16:57:00Z",
            "2026-11-23 16:57:00 +0000",
            "2026-11-23 16:57:00 UTC",
            "2026-11-23 16:57:00.000 UTC",
            "2026-11-23T16:57:00.000Z",
            "2026-11-23T16:57:00+0000",
            "2026-11-23 17:57:00 +0100",
            "2026-11-23 17:57:00+01:00",
            "2026-11-23T11:57:00.000-0500",
            "Mon, 23 Nov 2026 16:57:00 +0000",
            "Mon, 23 Nov 2026 16:57:00 GMT",
            "1795453020",
            "1795453020000",
            "1795453020.25",
            " 2026-11-23T16:57:00Z\u{200b}\n",
        ] {
            let moment = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(moment.as_second(), 1_795_453_020, "{text}");
        }
        for text in [
            "",
            "now",
            "{{now}}",
            "2026-11-23",
            "2026-11-23 16:57:00",
            "yesterday",
            "1e9",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", like in "[-0-9T: .+ZUTCGM]{0,40}") {
            let _ = (read(&text), read(&like));
        }
    }
}
