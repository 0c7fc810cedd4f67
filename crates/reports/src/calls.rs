//! What was said to Braze: the calls of some brands, in the order in which they were kept.

mod about;

use std::collections::VecDeque;

use domain::Timestamp;
use domain::call::{BrazeCall, CallBatch};
use domain::ids::BrandId;
use ports::pages::PageCursor;
use ports::{CallReading, Result};

use crate::language::Language;
use crate::plain::shown;
use crate::timeline::why;

pub use about::{CallsAbout, MOST_SHOWN};

/// The calls of some brands. They are read page by page, so memory does not grow with their number.
pub struct CallStream<'a> {
    reading: &'a dyn CallReading,
    since: Timestamp,
    brands: Vec<BrandCalls>,
    unreadable: u64,
}

/// The calls of one brand that were read and not returned yet.
struct BrandCalls {
    brand: BrandId,
    read: VecDeque<(PageCursor, CallBatch)>,
    next: NextPage,
}

enum NextPage {
    First,
    Behind(PageCursor),
    None,
}

impl<'a> CallStream<'a> {
    /// The calls of these brands that were kept at this time or later.
    #[must_use]
    pub fn new(reading: &'a dyn CallReading, brands: &[BrandId], since: Timestamp) -> Self {
        let unread = |brand: &BrandId| BrandCalls {
            brand: brand.clone(),
            read: VecDeque::new(),
            next: NextPage::First,
        };
        Self { reading, since, brands: brands.iter().map(unread).collect(), unreadable: 0 }
    }

    /// The next batch, with its cursor, which is unique within its brand; `None` at the end.
    ///
    /// # Errors
    /// If calls cannot be read.
    pub async fn next(&mut self) -> Result<Option<(PageCursor, CallBatch)>> {
        for brand in &mut self.brands {
            self.unreadable = self.unreadable.saturating_add(brand.read_on(self.reading, self.since).await?);
        }
        let first = self.brands.iter_mut().filter(|brand| !brand.read.is_empty());
        let first = first.min_by_key(|brand| brand.read.front().map(|(_, batch)| batch.kept_at));
        Ok(first.and_then(|brand| brand.read.pop_front()))
    }

    /// How many batches could not be read so far.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

impl BrandCalls {
    /// Reads pages until there is a batch, or until the end. Returns how many batches cannot be read.
    async fn read_on(&mut self, reading: &dyn CallReading, since: Timestamp) -> Result<u64> {
        let mut unreadable = 0_u64;
        while self.read.is_empty() {
            let after = match &self.next {
                NextPage::First => None,
                NextPage::Behind(cursor) => Some(cursor),
                NextPage::None => break,
            };
            let page = reading.calls(&self.brand, since, after).await?;
            unreadable = unreadable.saturating_add(page.unreadable);
            self.read.extend(page.batches);
            self.next = page.next.map_or(NextPage::None, NextPage::Behind);
        }
        Ok(unreadable)
    }
}

/// A call in one line.
#[must_use]
pub fn line(brand: &BrandId, call: &BrazeCall, language: Language) -> String {
    format!("{:.3}  {brand}  {}", call.at, words(call, language))
}

/// A call and what came of it, without its time and its brand.
#[must_use]
pub fn words(call: &BrazeCall, language: Language) -> String {
    let status = call.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let mut line = format!(
        "{status:>3}  {}  {} × {}",
        language.duration(call.took),
        call.endpoint.path(),
        language.number(call.objects.into()),
    );
    let left = call.left.map(|left| match language {
        Language::English => format!("{} left", language.number(left)),
        Language::French => format!("encore {}", language.number(left)),
    });
    let refused = (call.refused > 0).then(|| match language {
        Language::English => format!("{} refused", language.number(call.refused.into())),
        Language::French => format!("{} refusés", language.number(call.refused.into())),
    });
    let cause = call.cause.map(|cause| why(cause, language).to_owned());
    let said = call.message.as_deref().map(|said| format!("“{}”", shown(said)));
    for part in [left, refused, cause, said].into_iter().flatten() {
        line.push_str("  ");
        line.push_str(&part);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::call::Endpoint;
    use domain::participation::Cause;

    use super::*;

    fn call() -> BrazeCall {
        BrazeCall {
            at: Timestamp::from_millisecond(1_800_000_000_123).unwrap(),
            endpoint: Endpoint::Track,
            objects: 75,
            refused: 0,
            status: Some(201),
            cause: None,
            took: Duration::from_millis(143),
            left: Some(49_990),
            message: None,
            participations: Vec::new(),
        }
    }

    fn told(call: &BrazeCall, language: Language) -> String {
        line(&BrandId::parse("acme").unwrap(), call, language)
    }

    #[test]
    fn a_call_is_a_line_with_its_answer() {
        let line = "2027-01-15T08:00:00.123Z  acme  201  143\u{a0}ms  /users/track × 75  49,990 left";
        assert_eq!(told(&call(), Language::English), line);
    }

    #[test]
    fn a_failure_is_told_with_its_cause_and_what_braze_said() {
        let failed = BrazeCall {
            status: None,
            refused: 2,
            cause: Some(Cause::Throttled),
            message: Some("EMAIL_BAD_FORMAT\u{1b}[2J".to_owned()),
            ..call()
        };
        let (english, french) = (told(&failed, Language::English), told(&failed, Language::French));
        assert!(english.contains("acme    -  143\u{a0}ms"), "{english}");
        let cause = why(Cause::Throttled, Language::English);
        assert!(
            english.ends_with(&format!("2 refused  {cause}  “EMAIL_BAD_FORMAT\\u{{1b}}[2J”")),
            "{english}"
        );
        assert!(
            french.contains("2 refusés") && french.contains(why(Cause::Throttled, Language::French)),
            "{french}"
        );
    }
}
