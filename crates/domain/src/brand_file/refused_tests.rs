//! Forms that a brand file refuses, and what is still known of a file that cannot be used.

use super::*;
use crate::brand::{Brand, BrokenBrand};

const START: &str = "id = \"acme\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = { env = \"ACME_KEY\" }\n";
const ACTIVATION: &str =
    "[[activation]]\nscope = \"spring\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n";

/// The findings in a file, without its name.
fn findings(text: &str) -> Vec<String> {
    let file = Ok(BrandFile { name: "acme.toml".into(), text: text.into() });
    let findings = read_each(&[file], &SomeMissing, Strictness::Strict, None).into_findings();
    let shown = findings.iter().map(ToString::to_string);
    shown.map(|finding| finding.split_once(": ").unwrap().1.to_owned()).collect()
}

fn usable(text: &str) -> Brand {
    let brands = read(text).unwrap_or_else(|faults| panic!("{faults:#?}"));
    brands.iter().next().unwrap().clone()
}

#[test]
fn a_secret_is_in_one_place_that_has_a_name() {
    let with = |secret: &str| findings(&START.replace("{ env = \"ACME_KEY\" }", secret));
    for secret in ["{ env = \"\" }", "{ ssm = \"\" }", "{ env = \"ACME_KEY\", ssm = \"/k\" }", "{}"] {
        let expected = "braze.api_key: must name one place: { env = \"NAME\" } or { ssm = \"/name\" }";
        assert_eq!(with(secret), [expected], "{secret}");
    }
    assert_eq!(with("{ evn = \"ACME_KEY\" }"), ["braze.api_key.evn: is not a known key"]);
    assert_eq!(with("{ ssm = \"/k\" }"), [""; 0]);
}

#[test]
fn a_variable_of_somebody_else_is_refused_whether_anybody_reviews_the_file_or_not() {
    let found = findings(&START.replace("ACME_KEY", "AWS_SECRET_ACCESS_KEY"));
    assert!(found.len() == 1 && found[0].contains("names a variable of AWS's tools"), "{found:?}");
}

#[test]
fn the_name_of_an_event_is_1_to_255_characters_without_space_around_it() {
    let with = |name: &str| findings(&format!("{START}{ACTIVATION}[activation.email]\nevent = \"{name}\"\n"));
    for name in ["e", &"é".repeat(255)] {
        assert_eq!(with(name), [""; 0], "{name}");
    }
    for name in ["", " e", "e ", &"é".repeat(256)] {
        let expected = "activation[0].email.event: must be 1 to 255 characters without surrounding space";
        assert_eq!(with(name), [expected], "{name:?}");
    }
}

#[test]
fn callbacks_go_to_a_host_by_https_or_in_a_closed_network_by_http() {
    let with = |url: &str, more: &str| {
        format!("{START}[callback]\nurl = \"{url}\"\nsecret = {{ env = \"ACME_SECRET\" }}\n{more}")
    };
    let open = "allow_private = true\n";
    let target = usable(&with("http://10.0.0.7/news", open)).callback.unwrap();
    assert_eq!((target.url.as_str(), target.allow_private), ("http://10.0.0.7/news", true));
    assert!(!usable(&with("https://quikly.example/news", "")).callback.unwrap().allow_private);
    assert_eq!(findings(&with("http://quikly.example/news", "")), ["callback.url: must be https"]);
    assert_eq!(findings(&with("ftp://quikly.example/news", open)), ["callback.url: must be https"]);
    for url in ["https://ada@quikly.example", "https://:pw@quikly.example", "mailto:ada@quikly.example"] {
        let expected = "callback.url: must be a URL with a host and without user name";
        assert_eq!(findings(&with(url, "")), [expected], "{url}");
    }
}

#[test]
fn countries_that_share_a_code_are_named_where_a_file_leaves_them_out() {
    let with = |region: &str, more: &str| {
        findings(&format!(
            "{START}{ACTIVATION}[activation.sms]\nsubscription_group_id = \"g\"\ndefault_region = \"{region}\"\n\
             {more}opt_in = \"single\"\n"
        ))
    };
    let found = with("US", "");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("warning: activation[0].sms.regions: is missing"), "{found:?}");
    assert!(found[0].contains("only numbers of US are taken, and none of CA, PR,"), "{found:?}");
    assert_eq!((with("DE", ""), with("US", "regions = \"any\"\n")), (vec![], vec![]));
}

#[test]
fn brands_that_are_made_up_have_a_code_for_everyone() {
    let incentive =
        "[[activation.incentive]]\nid = \"i\"\nkind = \"first\"\nquantity = 4000000\ncodes = \"c.txt\"\n";
    let text = format!("{START}{ACTIVATION}{incentive}");
    assert!(read_all(&[BrandFile { name: "acme.toml".into(), text }], &AssumePresent).is_ok());
}

fn remains(text: &str) -> BrokenBrand {
    let file = Err(UnreadableFile { name: "x".into(), why: "?".into(), remains: Some(text.into()) });
    read_each(&[file], &SomeMissing, Strictness::Strict, None).brands.broken()[0].clone()
}

#[test]
fn the_id_of_a_file_that_is_no_toml_stands_before_its_first_table() {
    assert_eq!(remains("id = \"acme\"\n[[incentive]]\nid = \"early\"\n").id, BrandId::parse("acme").ok());
    assert_eq!(remains("id = \"acme\"\nid = \"zest\"\n").id, BrandId::parse("acme").ok(), "the first counts");
    assert_eq!(remains("[[activation.incentive]]\nid = \"early\"\n").id, None);
}

#[test]
fn the_scopes_of_a_file_that_is_no_toml_are_found_in_its_lines() {
    let found =
        remains("[[activation]]\nscope = \"spring\"\nkind = \"first\"\n[[activation\nscope='autumn'\n");
    assert_eq!(found.scopes, ["autumn", "spring"].map(|scope| Scope::parse(scope).unwrap()).into());
}
