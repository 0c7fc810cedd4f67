//! Participations.

use domain::contact::Contact;
use domain::ids::{Channel, ContactKey, RepeatKey};
use domain::participation::{BrazeEvent, Consent, EventProgress, Participation, Shown, State, Unanswered};
use domain::profile::ProfileRef;
use domain::reservation::Slot;
use stored::participation::{decode, encode};

use crate::every;
use crate::fixture::Fixtures;
use crate::values::{
    at, attributes, email, id, participation, phone, profiles, progress, standings, states, target,
};

/// A participation for whatever a participation can be, each by the name of its fixture.
pub(crate) fn all() -> Vec<(String, Participation)> {
    let mut all: Vec<(String, Participation)> = Vec::new();
    let mut add = |name: String, one: Participation| all.push((name, one));
    for (name, state) in states() {
        let due_at = (!state.is_end()).then(|| at(4));
        add(format!("state_{name}"), Participation { state, due_at, ..participation() });
    }
    for (name, profile) in profiles() {
        let mut target = target();
        target.profile = profile;
        let state = State::Settling { target, until: at(10) };
        add(format!("profile_{name}"), Participation { state, ..participation() });
    }
    for (name, event) in progress() {
        let state = State::Subscribing { target: target(), event };
        add(format!("subscribing_{name}"), Participation { state, ..participation() });
        let shown = Shown { attributes: true, event };
        add(format!("shown_{name}"), Participation { shown, ..participation() });
    }
    let event = EventProgress::Attempted { at: at(22), time: at(21) };
    let state = State::Enrolling { target: target(), event };
    add("enrolling_attempted_again".into(), Participation { state, ..participation() });
    let ways = every!(Channel:
        Channel::Email => "email" participation(),
        Channel::Sms => "sms" Participation {
            contact: Contact::Phone { phone: phone(), email: None },
            consent: Some(Consent { given: true, at: at(5), text_id: Some("v3".into()) }),
            ..participation()
        },
        Channel::Event => "event" Participation {
            event: Some(BrazeEvent {
                name: "signed_in".into(),
                profile: Some(ProfileRef::ExternalId("u-1".into())),
                sent_at: Some(at(0)),
            }),
            credited_at: Some(at(1)),
            has_award: true,
            ..participation()
        },
    );
    for (name, one) in ways {
        add(format!("way_{name}"), one);
    }
    for (name, one) in others() {
        add(name.to_owned(), one);
    }
    all
}

/// Whatever may be there or not.
fn others() -> Vec<(&'static str, Participation)> {
    let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at: None };
    let wait = Unanswered { since: at(6), double: true, standing: None, ended_at: None };
    let ended =
        Unanswered { ended_at: Some(at(8)), standing: Some(standings()[0].1.clone()), ..wait.clone() };
    vec![
        (
            "both_contacts",
            Participation {
                contact: Contact::Phone { phone: phone(), email: Some(email()) },
                consent: Some(Consent { given: true, at: at(5), text_id: None }),
                ..participation()
            },
        ),
        ("nobody", Participation { contact: Contact::nobody(), ..participation() }),
        ("event_without_profile", Participation { event: Some(event), ..participation() }),
        ("attributes", Participation { attributes: attributes(), ..participation() }),
        (
            "under_way",
            Participation {
                due_at: Some(at(4)),
                failures: 3,
                slot: Some(Slot { from: at(30), until: at(31) }),
                no_such_alias: true,
                ..participation()
            },
        ),
        (
            "repeat_key",
            Participation { repeat_key: RepeatKey::parse(&"0f".repeat(16)).ok(), ..participation() },
        ),
        (
            "consent_refused",
            Participation {
                consent: Some(Consent { given: false, at: at(5), text_id: None }),
                ..participation()
            },
        ),
        ("unanswered", Participation { unanswered: Some(wait), ..participation() }),
        ("unanswered_ended", Participation { unanswered: Some(ended), ..participation() }),
        (
            "proof",
            Participation {
                proof: vec![ContactKey::from_bytes([1; 16]), ContactKey::from_bytes([2; 16])],
                ..participation()
            },
        ),
        ("without_terms", Participation { without_terms_since: Some(at(9)), ..participation() }),
    ]
}

#[test]
fn every_form_that_a_participation_ever_had_is_read_and_the_newest_is_written() {
    let all = all();
    let named: Vec<(&str, Participation)> =
        all.iter().map(|(name, one)| (name.as_str(), one.clone())).collect();
    Fixtures::of("participation").pin(
        &named,
        |one| encode(one).unwrap(),
        |text| decode(id(), 5, text).unwrap(),
    );
}

#[test]
fn what_has_no_time_of_its_own_is_kept_for_ninety_days_after_its_last_change() {
    let text = encode(&participation()).unwrap().replace(",\"keep_until\":1790000000003", "");
    let read = decode(id(), 5, &text).unwrap();
    assert_eq!(read.keep_until, at(2 + 90 * 86_400_000));
}
