use crate::brand::Brands;
use crate::brand_file::{AssumePresent, BrandFile, read_all};
use crate::consent::{ByPhone, ConsentRules, Demand, EmailState, TextHash};
use crate::ids::Scope;

const START: &str = "id = \"acme\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\n\
    api_key = { env = \"K\" }\n[[activation]]\nscope = \"spring\"\nopens = 2026-11-01T00:00:00Z\n\
    closes = 2026-12-01T00:00:00Z\n[activation.email]\n[activation.sms]\nsubscription_group_id = \"sms\"\n\
    default_region = \"GB\"\nopt_in = \"single\"\n";

fn read(consent: &str) -> Result<Brands, Vec<String>> {
    let file = BrandFile { name: "acme".into(), text: format!("{START}{consent}") };
    let read = read_all(&[file], &AssumePresent);
    read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn rules(consent: &str) -> ConsentRules {
    let brands = read(consent).unwrap();
    let (_, activation) = brands.activation(&Scope::parse("spring").unwrap()).unwrap();
    activation.consent.clone().unwrap()
}

#[test]
fn the_consent_of_an_activation_is_read_completely() {
    let rules = rules(
        "[activation.consent]\nemail_subscribe = \"opted_in\"\nemail_groups = [\"news\", \"offers\"]\n\
         sms_groups = [\"rcs\"]\nsource = { signup_source = \"quikly\" }\n\
         [activation.consent.texts]\n\"2026-05-en\" = \"I agree.\"\n\
         [activation.consent.email]\nemail = \"required\"\n\
         [activation.consent.sms]\nsms = \"required\"\nemail = \"optional\"\n",
    );
    assert_eq!(rules.texts, [("2026-05-en".to_owned(), TextHash::of("I agree."))].into());
    assert_eq!(rules.by_email, Some(Demand::Required));
    assert_eq!(rules.by_phone, Some(ByPhone { email: Some(Demand::Optional) }));
    assert_eq!(rules.email_subscribe, EmailState::OptedIn);
    let names =
        |groups: &[crate::ids::SubscriptionGroup]| groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (names(&rules.email_groups), names(&rules.sms_groups)),
        (vec!["news".into(), "offers".into()], vec!["rcs".into()])
    );
    assert_eq!(rules.source.len(), 1);
}

#[test]
fn a_consent_subscribes_to_no_group_and_opts_in_to_nothing_unless_the_file_says_so() {
    let rules =
        rules("[activation.consent]\ntexts = { a = \"I agree.\" }\nemail = { email = \"optional\" }\n");
    assert_eq!((rules.by_phone, rules.email_subscribe), (None, EmailState::Subscribed));
    assert!(rules.email_groups.is_empty() && rules.sms_groups.is_empty() && rules.source.is_empty());
}

#[test]
fn every_mistake_is_said_with_its_line_and_field() {
    let faults = read(
        "[activation.consent]\nemail_subscribe = \"unsubscribed\"\nemail_groups = [\"a\", \"a\", 7]\n\
         sms_groups = [\"sms\"]\nsource = { email = \"x\" }\nuntil = 3\n\
         [activation.consent.texts]\n\" x\" = \"I agree.\"\nb = \" \"\nc = 4\n\
         [activation.consent.email]\nsms = \"required\"\n\
         [activation.consent.sms]\nsms = \"optional\"\nemail = true\n",
    );
    let mut faults = faults.unwrap_err();
    faults.sort();
    let mut expected = [
        "acme:15: activation[0].consent.email_subscribe: must be \"subscribed\" or \"opted_in\"",
        "acme:16: activation[0].consent.email_groups[1]: is listed twice",
        "acme:16: activation[0].consent.email_groups[2]: must be a string",
        "acme:17: activation[0].consent.sms_groups[0]: is the group of [activation.sms], which consumers are subscribed to anyway",
        "acme:18: activation[0].consent.source.email: this name is reserved",
        "acme:19: activation[0].consent.until: is not a known key",
        "acme:21: activation[0].consent.texts. x: must have an id of 1 to 255 characters without surrounding space",
        "acme:22: activation[0].consent.texts.b: must be the wording that consumers are shown",
        "acme:23: activation[0].consent.texts.c: must be a string",
        "acme:24: activation[0].consent.email.email: is missing",
        "acme:25: activation[0].consent.email.sms: is not a known key",
        "acme:27: activation[0].consent.sms.sms: must be \"required\"",
        "acme:28: activation[0].consent.sms.email: must be a string",
    ];
    expected.sort_unstable();
    assert_eq!(faults, expected);
}

#[test]
fn texts_and_a_way_are_needed() {
    let faults = |consent: &str| read(consent).unwrap_err();
    assert_eq!(
        faults("[activation.consent]\n"),
        [
            "acme:14: activation[0].consent.texts: is missing",
            "acme:14: activation[0].consent.email: is missing, and so is sms: say which way in asks for consent",
        ]
    );
    let none = "[activation.consent]\ntexts = {}\nemail = { email = \"optional\" }\n";
    assert_eq!(faults(none), ["acme:15: activation[0].consent.texts: must have at least one text"]);
}
