use super::*;
use crate::attributes::Attributes;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn group(name: &str) -> SubscriptionGroup {
    SubscriptionGroup::parse(name).unwrap()
}

fn rules(by_email: Option<Demand>, by_phone: Option<Option<Demand>>) -> ConsentRules {
    ConsentRules {
        texts: [("v1".to_owned(), TextHash::of("I agree."))].into(),
        by_email,
        by_phone: by_phone.map(|email| ByPhone { email }),
        email_subscribe: EmailState::OptedIn,
        email_groups: vec![group("news")],
        sms_groups: vec![group("rcs")],
        source: Attributes::default(),
    }
}

const BY_EMAIL: Respondent = Respondent { way: Channel::Email, has_email: true };
const BY_PHONE: Respondent = Respondent { way: Channel::Sms, has_email: true };
const BY_PHONE_ALONE: Respondent = Respondent { way: Channel::Sms, has_email: false };

fn answers(email: Option<bool>, sms: Option<bool>, text_id: Option<&str>) -> Answers {
    Answers { email, sms, text_id: text_id.map(str::to_owned), page: None }
}

/// The codes of what does not suffice, with the part of the answer that each is about.
fn refused(
    rules: Option<&ConsentRules>,
    asked: Respondent,
    answers: Answers,
) -> Vec<(&'static str, &'static str)> {
    let refused = answers.consent(rules, asked, at(0)).err().unwrap_or_default();
    refused.iter().map(|refusal| (refusal.part, refusal.why.code())).collect()
}

#[test]
fn each_answer_that_does_not_suffice_is_refused_by_a_code() {
    let required = rules(Some(Demand::Required), Some(Some(Demand::Required)));
    let optional = rules(Some(Demand::Optional), Some(None));
    let (yes, no) = (Some(true), Some(false));
    let text = Some("v1");
    for (rules, asked, said, expected) in [
        (&required, BY_EMAIL, answers(yes, None, text), vec![]),
        (&required, BY_EMAIL, answers(None, None, None), vec![("email", "consent_missing")]),
        (&required, BY_EMAIL, answers(no, None, text), vec![("email", "consent_missing")]),
        (&required, BY_EMAIL, answers(yes, None, None), vec![("text_id", "consent_text_missing")]),
        (&required, BY_EMAIL, answers(yes, None, Some("v9")), vec![("text_id", "consent_text_unknown")]),
        (&required, BY_EMAIL, answers(yes, yes, text), vec![("sms", "consent_not_asked")]),
        (&required, BY_PHONE, answers(yes, yes, text), vec![]),
        (&required, BY_PHONE, answers(yes, None, text), vec![("sms", "consent_missing")]),
        (&required, BY_PHONE, answers(None, yes, text), vec![("email", "consent_missing")]),
        (&required, BY_PHONE_ALONE, answers(yes, yes, text), vec![("email", "consent_without_email")]),
        (&optional, BY_EMAIL, answers(None, None, None), vec![]),
        (&optional, BY_EMAIL, answers(no, None, text), vec![]),
        (&optional, BY_EMAIL, answers(no, None, Some("v9")), vec![("text_id", "consent_text_unknown")]),
        (&optional, BY_PHONE, answers(None, yes, text), vec![]),
        (&optional, BY_PHONE, answers(yes, yes, text), vec![("email", "consent_not_asked")]),
        (&optional, BY_PHONE_ALONE, answers(None, yes, None), vec![("text_id", "consent_text_missing")]),
    ] {
        assert_eq!(refused(Some(rules), asked, said.clone()), expected, "{asked:?} {said:?}");
    }
}

#[test]
fn without_rules_only_the_consent_to_be_texted_is_required_and_any_text_is_taken() {
    for (asked, said, expected) in [
        (BY_EMAIL, answers(None, None, None), vec![]),
        (BY_EMAIL, answers(Some(true), None, Some("any")), vec![]),
        (BY_PHONE, answers(None, Some(true), Some("any")), vec![]),
        (BY_PHONE, answers(None, None, None), vec![("sms", "consent_missing")]),
        (BY_PHONE, answers(None, Some(false), None), vec![("sms", "consent_missing")]),
    ] {
        assert_eq!(refused(None, asked, said.clone()), expected, "{asked:?} {said:?}");
    }
    let only_by_email = rules(Some(Demand::Required), None);
    assert_eq!(refused(Some(&only_by_email), BY_PHONE, answers(None, Some(true), Some("any"))), []);
}

#[test]
fn a_consent_is_stored_with_the_hash_of_its_text_and_is_to_be_written() {
    let rules = rules(Some(Demand::Optional), Some(Some(Demand::Optional)));
    let consent = |asked, said: Answers| said.consent(Some(&rules), asked, at(7)).unwrap().unwrap();
    let by_email = consent(BY_EMAIL, answers(Some(true), None, Some("v1")));
    assert_eq!((by_email.given, by_email.at, by_email.text), (true, at(7), Some(TextHash::of("I agree."))));
    let pending = Some(ChannelConsent { given: true, progress: ConsentProgress::Pending });
    let declined = Some(ChannelConsent { given: false, progress: ConsentProgress::Stored });
    assert_eq!((by_email.email, by_email.sms), (pending, None));
    let by_phone = consent(BY_PHONE, answers(Some(false), Some(true), Some("v1")));
    assert_eq!((by_phone.given, by_phone.email, by_phone.sms), (true, declined, pending));
    let declining = consent(BY_EMAIL, answers(Some(false), None, None));
    assert_eq!((declining.given, declining.email, declining.word()), (false, declined, None));
}

#[test]
fn a_text_hash_is_the_sha_256_of_the_wording() {
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(TextHash::of("abc").to_string(), known);
    assert_eq!(TextHash::parse(known), Some(TextHash::of("abc")));
    assert_eq!(TextHash::parse(&known[1..]), None);
}

#[test]
fn a_consent_to_e_mail_is_withdrawn_once_and_only_if_it_was_given() {
    let with = |given, progress| Consent {
        email: Some(ChannelConsent { given, progress }),
        ..Consent::answered(true, at(0), None)
    };
    let after =
        |mut consent: Consent, way| (consent.withdraw(way, at(9)), consent.email.map(|one| one.progress));
    let withdrawing = Some(ConsentProgress::Withdrawing { at: at(9) });
    for progress in [
        ConsentProgress::Pending,
        ConsentProgress::Attempted { at: at(1), again: false },
        ConsentProgress::Written { at: at(1) },
        ConsentProgress::NotWritten,
    ] {
        assert_eq!(after(with(true, progress), Channel::Email), (true, withdrawing), "{progress:?}");
    }
    for progress in [ConsentProgress::Withdrawing { at: at(1) }, ConsentProgress::Withdrawn { at: at(1) }] {
        assert_eq!(after(with(true, progress), Channel::Email), (false, Some(progress)));
    }
    let stored = ConsentProgress::Stored;
    assert_eq!(after(with(false, stored), Channel::Email), (false, Some(stored)), "it was never given");
    let withdrawn = Some(ConsentProgress::Withdrawn { at: at(9) });
    let short = |given| Consent::answered(given, at(0), None);
    assert_eq!(
        after(short(true), Channel::Email),
        (true, withdrawn),
        "nothing was written, so Braze is not told"
    );
    assert_eq!(after(short(false), Channel::Email), (false, None));
    assert_eq!(after(short(true), Channel::Sms), (false, None), "that consent is to text messages");
}

#[test]
fn the_word_for_a_consent_says_what_became_of_it() {
    let with = |email, sms| {
        let channel = |progress| ChannelConsent { given: true, progress };
        Consent {
            email: Some(channel(email)),
            sms: Some(channel(sms)),
            ..Consent::answered(true, at(0), None)
        }
        .word()
    };
    let (stored, pending, not_written) =
        (ConsentProgress::Stored, ConsentProgress::Pending, ConsentProgress::NotWritten);
    let (written, withdrawn) =
        (ConsentProgress::Written { at: at(1) }, ConsentProgress::Withdrawn { at: at(1) });
    assert_eq!(with(stored, stored), None);
    assert_eq!(with(written, stored), Some("written"));
    assert_eq!(with(written, not_written), Some("not_written"));
    assert_eq!(with(pending, not_written), Some("pending"));
    assert_eq!(with(withdrawn, pending), Some("withdrawn"));
}
