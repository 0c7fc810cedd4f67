//! How consumers confirm by e-mail: what a brand file may say.

use super::*;
use crate::brand::{Brands, EmailActivation};
use crate::brand_file::{AssumePresent, BrandFile, read_all};
use crate::ids::Scope;

const START: &str = "id = \"acme\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = { env = \"ACME_KEY\" }\n";
const ACTIVATION: &str = "[[activation]]\nscope = \"spring\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n[activation.email]\n";
const SMS: &str =
    "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"DE\"\nopt_in = \"single\"\n";

fn read(text: &str) -> Result<Brands, Vec<String>> {
    let file = BrandFile { name: "acme.toml".into(), text: text.into() };
    read_all(&[file], &AssumePresent).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn faults(braze: &str, keys: &str) -> Vec<String> {
    let found = read(&format!("{START}{braze}{ACTIVATION}{keys}")).err().unwrap_or_default();
    found.iter().map(|fault| fault.split_once(": ").unwrap().1.to_owned()).collect()
}

fn offered(keys: &str) -> EmailActivation {
    let brands = read(&format!("{START}{ACTIVATION}{keys}")).unwrap();
    brands.activation(&Scope::parse("spring").unwrap()).unwrap().1.email.clone().unwrap()
}

#[test]
fn a_confirmation_has_the_window_and_the_plan_of_a_number_and_is_what_credits() {
    let email = offered("event = \"ask\"\nopt_in = \"double\"\n");
    let opt_in = email.opt_in.unwrap();
    assert_eq!((opt_in.group, opt_in.window), (None, Duration::from_secs(48 * 3_600)));
    assert_eq!((opt_in.poll.len(), email.credit), (5, CreditMoment::OnEnrollment));
    let keys = "event = \"ask\"\nopt_in = \"double\"\nsubscription_group_id = \"news\"\nwindow = \"1h\"\npoll = [{ every = \"1m\" }]\n";
    let opt_in = offered(keys).opt_in.unwrap();
    assert_eq!(opt_in.group.unwrap().as_str(), "news");
    assert_eq!((opt_in.window, opt_in.poll.len()), (Duration::from_secs(3_600), 1));
    for single in ["event = \"ask\"\n", "event = \"ask\"\nopt_in = \"single\"\n"] {
        let email = offered(single);
        assert_eq!((email.opt_in, email.credit), (None, CreditMoment::OnReceipt));
    }
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    let double = "event = \"ask\"\nopt_in = \"double\"\n";
    let in_group = format!("{double}subscription_group_id = \"g-1\"\n");
    let by_address = "identity = \"email\"\n";
    for (braze, keys, expected) in [
        ("", "opt_in = \"double\"\n", "activation[0].email.opt_in: needs an event"),
        (
            "",
            &*format!("{double}credit = \"on_receipt\"\n"),
            "activation[0].email.credit: must be \"on_enrollment\"",
        ),
        ("", &*format!("{double}window = \"soon\"\n"), "activation[0].email.window: "),
        ("", "opt_in = \"triple\"\n", "activation[0].email.opt_in: "),
        (
            "",
            &*format!("{in_group}{SMS}"),
            "activation[0].email: has the subscription_group_id of [activation.sms]",
        ),
        (by_address, double, "braze: identity = \"email\" does not go with opt_in = \"double\""),
    ] {
        let found = faults(braze, keys);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{keys}: {found:?}");
    }
    assert_eq!(faults(by_address, &in_group), [""; 0], "a group can be asked by address");
}

#[test]
fn keys_of_a_confirmation_are_refused_where_nobody_confirms() {
    for key in ["window = \"1h\"", "poll = [{ every = \"1m\" }]", "subscription_group_id = \"news\""] {
        let found = faults("", &format!("event = \"ask\"\n{key}\n"));
        assert_eq!(found.len(), 1, "{key}: {found:?}");
    }
}
