//! Which requests to take part were refused, and why.

mod french;

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::rollup::{REFUSED, Rollup, minute, minute_begins};

use crate::language::Language;
use crate::plain::shown;

/// Why a request was refused, in words that may stand on a terminal. A code that this version does not know stands for itself.
#[must_use]
pub fn reason(code: &str, language: Language) -> String {
    let known = match language {
        Language::English => None,
        Language::French => french::reason(code),
    };
    known.map_or_else(|| shown(&code.replace(['-', '_'], " ")), ToOwned::to_owned)
}

/// The refused requests of an activation since some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefusedRequests {
    /// How many, by the code of the reason, the most first.
    pub by_code: Vec<(String, u64)>,
    /// How many in each minute in which there were some, in order.
    pub by_minute: Vec<(Timestamp, u64)>,
}

impl RefusedRequests {
    /// Those that the figures of an activation count since then, from the beginning of its minute on.
    #[must_use]
    pub fn since(rollup: &Rollup, since: Timestamp) -> Self {
        let (mut by_code, mut by_minute) = (BTreeMap::<&str, u64>::new(), BTreeMap::<Timestamp, u64>::new());
        for (key, count) in rollup.iter() {
            let code = key.name.strip_prefix(REFUSED).and_then(|rest| rest.strip_prefix(' '));
            let recent = key.minute.filter(|of| *of >= minute(since)).and_then(minute_begins);
            let (Some(code), Some(from)) = (code, recent) else { continue };
            for figure in [by_code.entry(code).or_default(), by_minute.entry(from).or_default()] {
                *figure = figure.saturating_add(count);
            }
        }
        let mut by_code: Vec<(String, u64)> =
            by_code.into_iter().map(|(code, count)| (code.to_owned(), count)).collect();
        by_code.sort_by(|(one, of_one), (other, of_other)| of_other.cmp(of_one).then(one.cmp(other)));
        Self { by_code, by_minute: by_minute.into_iter().collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_code.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{Channel, Scope};
    use domain::rollup::CountedEvent;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn an_unknown_reason_stands_for_itself_and_is_harmless_on_a_terminal() {
        assert_eq!(reason("phone-fixed-line", Language::English), "phone fixed line");
        assert_eq!(reason("phone-fixed-line", Language::French), "numéro fixe");
        assert_eq!(reason("new_code\u{1b}[2J", Language::French), "new code\\u{1b}[2J");
    }

    #[test]
    fn refusals_are_counted_from_the_minute_on_that_is_asked_for() {
        let (scope, mut rollup) = (Scope::parse("spring").unwrap(), Rollup::default());
        for (code, times, second) in [("early", 9, -60), ("rare", 1, 0), ("often", 2, 59), ("often", 3, 60)] {
            let event = CountedEvent::Refused(code);
            event
                .figures((&scope, Channel::Sms), times, at(second))
                .for_each(|(key, count)| rollup.add(key, count));
        }
        let refused = RefusedRequests::since(&rollup, at(30));
        assert_eq!(refused.by_code, [("often".to_owned(), 5), ("rare".to_owned(), 1)]);
        assert_eq!(refused.by_minute, [(at(0), 3), (at(60), 3)]);
        assert_eq!(refused.total(), 6);
        assert_eq!(RefusedRequests::since(&rollup, at(120)), RefusedRequests::default());
    }
}
