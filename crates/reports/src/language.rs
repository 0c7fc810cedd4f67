//! The languages of the answers, and how numbers, durations and moments are written in each.

use std::time::Duration;

use domain::Timestamp;
use domain::incentive::Amount;

/// A language of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// French.
    French,
}

/// A space that keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// The space between thousands in French.
const NARROW: char = '\u{202f}';

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const FRENCH_MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::French];

    /// The language with this code: `en` or `fr`.
    #[must_use]
    pub fn named(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language's code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// A number with its thousands set apart: `1,240`.
    #[must_use]
    pub fn number(self, number: u64) -> String {
        let apart = match self {
            Self::English => ',',
            Self::French => NARROW,
        };
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                text.push(apart);
            }
            text.push(digit);
        }
        text
    }

    /// An ordinal number: `2nd`. In French, it is that of a feminine noun such as `place`.
    #[must_use]
    pub fn ordinal(self, number: u64) -> String {
        let ending = match (self, number % 100, number % 10) {
            (Self::French, _, _) if number == 1 => "re",
            (Self::French, _, _) => "e",
            (Self::English, 11..=13, _) => "th",
            (Self::English, _, 1) => "st",
            (Self::English, _, 2) => "nd",
            (Self::English, _, 3) => "rd",
            (Self::English, _, _) => "th",
        };
        format!("{}{ending}", self.number(number))
    }

    /// A duration in its two largest units: `214 ms`, `1 min 6 s`, `2 d 2 h`. It is cut, and never rounded up.
    #[must_use]
    pub fn duration(self, duration: Duration) -> String {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let seconds = duration.as_secs();
        let day = match self {
            Self::English => "d",
            Self::French => "j",
        };
        let (first, second) = match seconds {
            0 => ((milliseconds, "ms"), None),
            1..60 => ((seconds, "s"), None),
            60..3_600 => ((seconds / 60, "min"), Some((seconds % 60, "s"))),
            3_600..86_400 => ((seconds / 3_600, "h"), Some((seconds % 3_600 / 60, "min"))),
            _ => ((seconds / 86_400, day), Some((seconds % 86_400 / 3_600, "h"))),
        };
        let with_unit = |(number, unit): (u64, &str)| format!("{}{NO_BREAK}{unit}", self.number(number));
        let rest = second.filter(|(number, _)| *number > 0);
        rest.map_or_else(
            || with_unit(first),
            |rest| format!("{}{NO_BREAK}{}", with_unit(first), with_unit(rest)),
        )
    }

    /// A length that a brand file sets, in its largest whole unit and in full: `48 hours`.
    #[must_use]
    pub fn length(self, duration: Duration) -> String {
        let seconds = duration.as_secs();
        let (number, unit) = match seconds {
            _ if seconds == 0 || duration.subsec_nanos() > 0 => return self.duration(duration),
            _ if seconds > 172_800 && seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
            _ if seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
            _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
            _ => (seconds, "second"),
        };
        let word = match (self, unit) {
            (Self::French, "day") => "jour",
            (Self::French, "hour") => "heure",
            (Self::French, "second") => "seconde",
            (Self::English | Self::French, unit) => unit,
        };
        let ending = if number == 1 { "" } else { "s" };
        format!("{}{NO_BREAK}{word}{ending}", self.number(number))
    }

    /// A moment as people say it: the time of a day near `now`, with the date if it is another day.
    #[must_use]
    pub fn moment(self, moment: Timestamp, now: Timestamp) -> String {
        let in_utc = |moment: Timestamp| moment.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let (then, today) = (in_utc(moment), in_utc(now));
        let time = format!("{:02}:{:02}:{:02}{NO_BREAK}UTC", then.hour(), then.minute(), then.second());
        if then.date() == today.date() {
            return time;
        }
        let month = usize::try_from(then.month()).unwrap_or(1).saturating_sub(1);
        let named = |months: [&'static str; 12]| months.get(month).copied().unwrap_or_default();
        let (day, year) = (then.day(), then.year());
        match self {
            Self::English => format!("{time} on {day} {} {year}", named(ENGLISH_MONTHS)),
            Self::French => {
                let day = if day == 1 { "1er".to_owned() } else { day.to_string() };
                format!("{time} le {day} {} {year}", named(FRENCH_MONTHS))
            }
        }
    }

    /// That an activation is paused, in a sentence.
    #[must_use]
    pub fn paused(self, since: Timestamp, now: Timestamp) -> String {
        let since = self.moment(since, now);
        match self {
            Self::English => format!("Paused since {since}: nobody new can take part until it is resumed."),
            Self::French => {
                format!("En pause depuis {since} : personne d’autre ne peut participer avant la reprise.")
            }
        }
    }

    /// The value of a reward: `12.5`.
    #[must_use]
    pub fn amount(self, amount: Amount) -> String {
        let text = amount.to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let whole = whole.parse().map_or_else(|_| whole.to_owned(), |whole| self.number(whole));
        let point = match self {
            Self::English => '.',
            Self::French => ',',
        };
        if decimals.is_empty() { whole } else { format!("{whole}{point}{decimals}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: impl Fn(Language) -> String) -> [String; 2] {
        // The spaces are compared by sight.
        Language::ALL.map(|language| text(language).replace([NO_BREAK, NARROW], " "))
    }

    #[test]
    fn a_language_is_known_by_its_code() {
        assert_eq!(Language::named("fr"), Some(Language::French));
        assert_eq!(Language::named("en"), Some(Language::English));
        assert_eq!(Language::named("de"), None);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(both(|language| language.number(7)), ["7", "7"]);
        assert_eq!(both(|language| language.number(1_240)), ["1,240", "1 240"]);
        assert_eq!(both(|language| language.number(1_234_567)), ["1,234,567", "1 234 567"]);
    }

    #[test]
    fn an_ordinal_number_has_its_ending() {
        let english = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 1_001].map(|n| Language::English.ordinal(n));
        let expected =
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th", "1,001st"];
        assert_eq!(english, expected);
        assert_eq!([1, 2, 100].map(|n| Language::French.ordinal(n)), ["1re", "2e", "100e"]);
    }

    #[test]
    fn a_duration_has_at_most_two_units_and_is_never_rounded_up() {
        let of = |milliseconds| both(|language| language.duration(Duration::from_millis(milliseconds)));
        assert_eq!(of(0), ["0 ms", "0 ms"]);
        assert_eq!(of(214), ["214 ms", "214 ms"]);
        assert_eq!(of(1_999), ["1 s", "1 s"]);
        assert_eq!(of(66_000), ["1 min 6 s", "1 min 6 s"]);
        assert_eq!(of(900_000), ["15 min", "15 min"]);
        assert_eq!(of(7_260_000), ["2 h 1 min", "2 h 1 min"]);
        assert_eq!(of(172_800_000), ["2 d", "2 j"]);
        assert_eq!(of(180_000_000), ["2 d 2 h", "2 j 2 h"]);
    }

    #[test]
    fn a_length_is_in_its_largest_whole_unit() {
        let of = |seconds| both(|language| language.length(Duration::from_secs(seconds)));
        assert_eq!(of(172_800), ["48 hours", "48 heures"]);
        assert_eq!(of(604_800), ["7 days", "7 jours"]);
        assert_eq!(of(60), ["1 minute", "1 minute"]);
        assert_eq!(of(90), ["90 seconds", "90 secondes"]);
        assert_eq!(both(|language| language.length(Duration::from_millis(1_500))), ["1 s", "1 s"]);
    }

    #[test]
    fn a_moment_of_another_day_has_its_date() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-24T20:04:12Z");
        let said = both(|language| language.moment(at("2026-11-24T19:35:12.9Z"), now));
        assert_eq!(said, ["19:35:12 UTC", "19:35:12 UTC"]);
        let said = both(|language| language.moment(at("2026-08-01T07:05:00Z"), now));
        assert_eq!(said, ["07:05:00 UTC on 1 August 2026", "07:05:00 UTC le 1er août 2026"]);
    }

    #[test]
    fn a_value_has_the_decimals_of_its_language() {
        let of = |text: &str| both(|language| language.amount(text.parse().unwrap()));
        assert_eq!(of("20"), ["20", "20"]);
        assert_eq!(of("1250.5"), ["1,250.5", "1 250,5"]);
    }
}
