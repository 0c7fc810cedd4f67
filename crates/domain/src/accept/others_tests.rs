//! Where other lines of the same consumer are looked for.

use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::brand::Brands;
use crate::brand_file::{AssumePresent, BrandFile, read_all};
use crate::contact::{Email, Phone};
use crate::ids::Scope;
use crate::participation::BrazeEvent;

const BY_EMAIL: &str = "[activation.email]\nincentive = \"first\"\n";
const BY_PHONE: &str = "[activation.sms]\nsubscription_group_id = \"g\"\ndefault_region = \"US\"\nopt_in = \"single\"\nincentive = \"first\"\n";
const BY_EVENT: &str = "[activation.events.signed_in]\nincentive = \"first\"\n";
const AGAIN: &str = "repeatable = true\n";

fn brands(ways: &[&str]) -> Brands {
    let text = format!(
        "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"KEY\" }}\n[[activation]]\n\
         scope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n{}\
         [[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 5\nreward = \"A\"\n",
        ways.concat()
    );
    read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap()
}

fn key() -> IdKey {
    IdKey::new([1; 32])
}

fn scope() -> Scope {
    Scope::parse("spring").unwrap()
}

fn ada() -> Email {
    Email::parse("ada@example.com").unwrap()
}

fn by_email() -> ParticipationId {
    key().participation(&scope(), &Contact::Email(ada()))
}

fn by_event() -> ParticipationId {
    key().event(&scope(), "signed_in", &Contact::Email(ada()), None)
}

fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn others_by_email(ways: &[&str]) -> SiblingLines {
    let brands = brands(ways);
    let terms = brands.activation(&scope()).unwrap();
    let participation = Acceptance::new(by_email(), terms, at()).by_email(ada(), None, Attributes::default());
    entry(&participation, terms, &key()).unwrap().award.others
}

fn others_by_phone(ways: &[&str], email: Option<Email>) -> SiblingLines {
    let brands = brands(ways);
    let terms = brands.activation(&scope()).unwrap();
    let phone = Phone::from_e164("+14155550101").unwrap();
    let id = key().participation(&scope(), &Contact::Phone { phone: phone.clone(), email: email.clone() });
    let participation =
        Acceptance::new(id, terms, at()).by_phone((phone, email), None, Attributes::default());
    entry(&participation, terms, &key()).unwrap().award.others
}

#[test]
fn with_one_way_in_there_are_no_other_lines() {
    assert_eq!(others_by_email(&[BY_EMAIL]), SiblingLines::None);
    assert_eq!(others_by_phone(&[BY_PHONE], None), SiblingLines::None);
}

#[test]
fn a_participant_with_only_a_number_has_no_other_line() {
    assert_eq!(others_by_phone(&[BY_EMAIL, BY_PHONE, BY_EVENT], None), SiblingLines::None);
}

#[test]
fn other_ways_of_the_same_address_are_named() {
    assert_eq!(others_by_email(&[BY_EMAIL, BY_EVENT]), SiblingLines::Perhaps(vec![by_event()]));
    let with_address = others_by_phone(&[BY_EMAIL, BY_PHONE, BY_EVENT], Some(ada()));
    assert_eq!(with_address, SiblingLines::Perhaps(vec![by_event(), by_email()]));
}

#[test]
fn ways_whose_ids_cannot_be_computed_are_looked_for_by_the_participant() {
    assert_eq!(others_by_email(&[BY_EMAIL, BY_PHONE]), SiblingLines::Perhaps(Vec::new()));
    assert_eq!(others_by_phone(&[BY_PHONE], Some(ada())), SiblingLines::Perhaps(Vec::new()));
    let brands = brands(&[BY_EVENT, AGAIN]);
    let terms = brands.activation(&scope()).unwrap();
    let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at: None };
    let participation =
        Acceptance::new(by_event(), terms, at()).by_event(event, ada(), Attributes::default());
    assert_eq!(entry(&participation, terms, &key()).unwrap().award.others, SiblingLines::Perhaps(Vec::new()));
}

#[test]
fn a_profile_is_of_use_only_where_the_consumer_can_come_again() {
    let again = |ways: &[&str], contact: &Contact| {
        brands(ways).activation(&scope()).unwrap().0.may_see_again(contact, at())
    };
    let by_address = Contact::Email(ada());
    assert!(!again(&[BY_EMAIL], &by_address));
    assert!(again(&[BY_EMAIL, BY_EVENT], &by_address));
    assert!(again(&[BY_EMAIL, BY_PHONE], &by_address));
    assert!(again(&[BY_EVENT, AGAIN], &by_address));
    let by_number = Contact::Phone { phone: Phone::from_e164("+14155550101").unwrap(), email: None };
    assert!(!again(&[BY_EMAIL, BY_PHONE], &by_number));
}
