use crate::brand::{CreditMoment, Identity};
use crate::decide::Step;
use crate::decide::tests::{activation, at, brand, closed_to_all, participation};
use crate::participation::Outcome;

#[test]
fn a_participation_is_kept_until_the_retention_after_the_close() {
    let (brand, activation) = (brand(Identity::Alias), closed_to_all());
    assert_eq!(participation(&brand, &activation).keep_until(), at(1_000_000 + 86_400));
}

#[test]
fn credit_is_given_on_receipt_or_on_enrollment_and_never_for_a_failure() {
    let (brand, mut activation) = (brand(Identity::Alias), activation(true, false));
    assert_eq!(participation(&brand, &activation).earned_at(), Some(at(0)));

    activation.email.as_mut().unwrap().credit = CreditMoment::OnEnrollment;
    let mut waiting = participation(&brand, &activation);
    assert_eq!(waiting.earned_at(), None);
    let mut failed = waiting.clone();
    failed.apply(&Step::Done(Outcome::Failed { reason: "x".into() }), at(5));
    assert_eq!(failed.earned_at(), None);
    waiting.apply(&Step::Done(Outcome::Enrolled), at(5));
    assert_eq!(waiting.earned_at(), Some(at(5)));
}
