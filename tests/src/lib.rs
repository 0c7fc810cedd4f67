#![doc = include_str!("../README.md")]

pub mod bodies;
pub mod campaign;
pub mod distant;
pub mod drain;
pub mod emulator;
pub mod fuzzed;
pub mod recorder;
pub mod simulated;
pub mod simulation;
pub mod template;

use std::time::Duration;

use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::contact::{Contact, Email};
use domain::id_key::IdKey;
use domain::ids::{BrandId, Scope};
use domain::participation::{Participation, Shown, State};
use domain::unknown::UnknownFields;

/// The moment at which test clocks start.
///
/// # Panics
/// Never: it is a moment.
#[must_use]
#[expect(clippy::expect_used, reason = "a constant moment")]
pub fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a moment")
}

/// A participation in `scope` of the brand, just accepted at [`start`].
///
/// # Panics
/// When a name is not one, which ends the test.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
pub fn participation(brand: &str, scope: &str, email: &str) -> Participation {
    let brand = BrandId::parse(brand).expect("a brand id");
    let scope = Scope::parse(scope).expect("a scope");
    let contact = Contact::Email(Email::parse(email).expect("an address"));
    let mut attributes = Attributes::default();
    for (name, value) in [
        ("first_name", AttributeValue::Text("Ada".into())),
        ("visits", AttributeValue::Integer(3)),
        ("share", AttributeValue::Float(0.5)),
        ("member", AttributeValue::Boolean(true)),
    ] {
        attributes.set(name, value).expect("an attribute");
    }
    Participation {
        id: IdKey::new([9; 32]).participation(&scope, &contact),
        brand,
        scope,
        contact,
        event: None,
        consent: None,
        attributes,
        accepted_at: start(),
        updated_at: start(),
        state: State::Received,
        credited_at: Some(start()),
        has_award: false,
        keep_until: start() + Duration::from_secs(90 * 86_400),
        shown: Shown::default(),
        due_at: Some(start() + Duration::from_secs(60)),
        failures: 0,
        slot: None,
        no_such_alias: false,
        unanswered: None,
        repeat_key: None,
        proof: Vec::new(),
        without_terms_since: None,
        version: 0,
        unknown: UnknownFields::default(),
    }
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none within `deadline`: the test fails, saying `what` it waited for.
pub async fn eventually<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    eventually_async(what, deadline, async || ask()).await
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none within `deadline`: the test fails, saying `what` it waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tests wait: for a condition, with a deadline"
)]
pub async fn eventually_async<T>(
    what: &str,
    deadline: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(deadline, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("not within {deadline:?}: {what}"),
    }
}
