#![doc = include_str!("../README.md")]

pub mod answers;
pub mod bodies;
pub mod brand_text;
pub mod campaign;
pub mod distant;
pub mod drain;
pub mod emulator;
pub mod fault_proxy;
pub mod simulated;
pub mod simulation;
pub mod template;

use std::time::Duration;

use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{BrandId, Scope};
use domain::participation::{Consent, Participation, Snapshot, Way};

/// The time at which test clocks start.
///
/// # Panics
/// Never, because the time is valid.
#[must_use]
#[expect(clippy::expect_used, reason = "a constant moment")]
pub fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a moment")
}

/// A participation in `scope` of the brand, just accepted at [`start`].
///
/// # Panics
/// When a name is invalid, which ends the test.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
pub fn participation(brand: &str, scope: &str, email: &str) -> Participation {
    let brand = BrandId::parse(brand).expect("a brand id");
    let scope = Scope::parse(scope).expect("a scope");
    let email = Email::parse(email).expect("an address");
    let mut attributes = Attributes::default();
    for (name, value) in [
        ("first_name", AttributeValue::Text("Ada".into())),
        ("visits", AttributeValue::Integer(3)),
        ("share", AttributeValue::Float(0.5)),
        ("member", AttributeValue::Boolean(true)),
        ("likes", AttributeValue::List(vec!["running".into(), "hiking".into()])),
    ] {
        attributes.set(name, value).expect("an attribute");
    }
    let id = IdKey::new([9; 32]).participation(&scope, &Contact::Email(email.clone()));
    let keep_until = start() + Duration::from_secs(90 * 86_400);
    let way = Way::Email { email, consent: None };
    let accepted = Snapshot::accepted(id, (brand, scope), way, (start(), keep_until), false);
    Participation::restore(Snapshot { attributes, earned_at: Some(start()), ..accepted })
        .expect("a participation")
}

/// A participation by mobile number, optionally with an address, with consent to the text `v3`.
///
/// # Panics
/// When a name is invalid, which ends the test.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
pub fn by_number(phone: &str, email: Option<&str>) -> Participation {
    let by_email = participation("acme", "spring", email.unwrap_or("nobody@example.com"));
    let phone = Phone::from_e164(phone).expect("a number");
    let contact =
        Contact::Phone { phone: phone.clone(), email: by_email.email().filter(|_| email.is_some()).cloned() };
    let consent = Consent::answered(true, start(), Some("v3".into()));
    let kept = by_email.snapshot();
    let way = Way::Sms { phone, email: contact.email().cloned(), consent };
    let moments = (start(), kept.keep_until);
    let id = IdKey::new([9; 32]).participation(&kept.scope, &contact);
    let accepted = Snapshot::accepted(id, (kept.brand.clone(), kept.scope.clone()), way, moments, false);
    Participation::restore(Snapshot { attributes: kept.attributes.clone(), ..accepted })
        .expect("a participation")
}

/// The participation with some of its values changed.
///
/// # Panics
/// When the values do not go together, which ends the test.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
pub fn changed(participation: &Participation, change: impl FnOnce(&mut Snapshot)) -> Participation {
    let mut snapshot = participation.snapshot().clone();
    change(&mut snapshot);
    Participation::restore(snapshot).expect("values that go together")
}

/// Calls `ask` repeatedly until there is an answer.
///
/// # Panics
/// When there is none within `deadline`: the test fails, saying `what` it waited for.
pub async fn eventually<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    eventually_async(what, deadline, async || ask()).await
}

/// Calls `ask` repeatedly until there is an answer.
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
