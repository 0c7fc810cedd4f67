use super::*;
use crate::brand::{Activation, Brand};
use crate::incentive::{Decay, Kind, Prize, Reward, Since};

fn file(more: &str) -> String {
    format!(
        "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"KEY\" }}\n[[activation]]\nscope = \"spring\"\n\
         opens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n{more}\n"
    )
}

fn brand(text: &str) -> Brand {
    read(text).unwrap().iter().next().unwrap().clone()
}

fn activation(more: &str) -> Activation {
    brand(&file(more)).activations.values().next().unwrap().clone()
}

/// The faults, without file and line.
fn faults(more: &str) -> Vec<String> {
    let faults = read(&file(more)).unwrap_err();
    faults.into_iter().map(|fault| fault.split_once(": ").unwrap().1.to_owned()).collect()
}

const EVERY_KIND: &str = include_str!("every_kind.toml");

#[test]
fn every_kind_of_incentive_can_be_written_down() {
    let activation = activation(EVERY_KIND);
    let of = |id: &str| activation.incentives.values().find(|incentive| incentive.id.as_str() == id).unwrap();
    assert!(matches!(&of("first").kind, Kind::First(Prize::Codes(pool)) if pool.file() == "codes.txt"));
    assert_eq!((of("tiers").quantity.limit(), of("speed").quantity.limit()), (Some(500), None));
    assert_eq!(of("tiers").consolation, Some(Reward::Code("THANKS".into())));
    assert!(
        matches!(&of("speed").kind, Kind::Speed { since: Since::SentAt, speed_tiers } if speed_tiers.len() == 2)
    );
    let Kind::Decay { decay: Decay { from, to, over, step, multiple, .. }, .. } = &of("decay").kind else {
        panic!("not a decay")
    };
    assert_eq!(
        (from.to_string(), to.to_string(), multiple.to_string()),
        ("50".into(), "10.5".into(), "0.5".into())
    );
    assert_eq!((over.as_secs(), step.unwrap().as_secs()), (7_200, 600));
    assert_eq!(of("decay").closes.to_string(), "2026-11-20T00:00:00Z");
    assert_eq!((of("first").opens, of("first").closes), (activation.opens, activation.closes));
    let event = &activation.events["signed_in"];
    assert!(event.repeatable && event.incentive.is_some() && event.extras[0].name == "store");
    assert_eq!(activation.rewards.event.as_deref(), Some("q_rewarded"));
}

#[test]
fn faults_in_an_incentive_are_reported() {
    let incentive = |keys: &str| format!("[[activation.incentive]]\nid = \"x\"\n{keys}\n");
    for (keys, expected) in [
        ("kind = \"first\"\nreward = \"A\"", "activation[0].incentive[0].quantity: is missing"),
        (
            "kind = \"first\"\nquantity = 0\nreward = \"A\"",
            "activation[0].incentive[0].quantity: must be from 1",
        ),
        ("kind = \"first\"\nquantity = 5", "activation[0].incentive[0].reward: is missing"),
        (
            "kind = \"first\"\nquantity = 5\nreward = \"A\"\ncodes = \"b\"",
            "activation[0].incentive[0].codes: is given together with reward",
        ),
        ("kind = \"best\"", "activation[0].incentive[0].kind: must be \"first\" or"),
        (
            "kind = \"first\"\nquantity = 5\nreward = \"A\"\nodds = \"1/2\"",
            "activation[0].incentive[0].odds: is not a known key",
        ),
        (
            "kind = \"draw\"\nquantity = 5\nreward = \"A\"\nodds = \"2/1\"",
            "activation[0].incentive[0].odds: must be a chance",
        ),
        (
            "kind = \"draw\"\nquantity = 5\nreward = \"A\"\nodds = \"half\"",
            "activation[0].incentive[0].odds: must be a chance",
        ),
        ("kind = \"tiers\"\ntiers = []", "activation[0].incentive[0].tiers: must have at least one entry"),
        (
            "kind = \"tiers\"\ntiers = [{ up_to = 5, reward = \"A\" }, { up_to = 5, reward = \"B\" }]",
            "activation[0].incentive[0].tiers: must have at least one entry, each reaching further",
        ),
        (
            "kind = \"decay\"\nfrom = 1\nto = 2\nover = \"1h\"",
            "activation[0].incentive[0].to: must not be more than from",
        ),
        (
            "kind = \"decay\"\nfrom = 2\nto = 1\nover = \"0s\"",
            "activation[0].incentive[0].over: must be from 1s to 366d",
        ),
        (
            "kind = \"decay\"\nfrom = -2\nto = 1\nover = \"1h\"",
            "activation[0].incentive[0].from: must be a number from 0",
        ),
        (
            "kind = \"raffle\"\nquantity = 1\nreward = \"A\"\nconsolation = \"B\"",
            "activation[0].incentive[0].consolation: is not offered",
        ),
        (
            "kind = \"first\"\nquantity = 1\nreward = \"A\"\ncloses = 2027-01-01T00:00:00Z",
            "activation[0].incentive[0].opens: and closes must lie within the activation",
        ),
        (
            "kind = \"first\"\nquantity = 4\ncodes = \"three.txt\"",
            "codes \"three.txt\": has 3 codes, and 4 may be given out",
        ),
        ("kind = \"first\"\nquantity = 4\ncodes = \"missing.txt\"", "codes \"missing.txt\": cannot be read"),
        (
            "kind = \"speed\"\nsteps = [{ within = \"1m\", codes = \"three.txt\" }]",
            "codes \"three.txt\": is given out without a quantity",
        ),
    ] {
        let faults = faults(&incentive(keys));
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{keys}\n{faults:#?}");
    }
}

#[test]
fn a_way_to_take_part_names_an_incentive_of_its_activation() {
    let unknown = faults("[activation.email]\nincentive = \"early\"");
    assert_eq!(unknown, ["activation[0].email.incentive: is not an incentive of this activation"]);
    let speed = "[[activation.incentive]]\nid = \"s\"\nkind = \"speed\"\nsince = \"sent_at\"\nsteps = [{ within = \"1m\", reward = \"A\" }]\n";
    let from_sending = faults(&format!("[activation.email]\nincentive = \"s\"\n{speed}"));
    assert_eq!(
        from_sending,
        ["activation[0].email.incentive: measures from sent_at, which only webhooks have"]
    );
    let twice = format!("{speed}{speed}");
    assert_eq!(faults(&twice), ["activation[0].incentive[1].id: is already taken in this activation"]);
}

#[test]
fn incentives_that_share_a_pool_share_its_codes() {
    let two = |id: &str| {
        format!(
            "[[activation.incentive]]\nid = \"{id}\"\nkind = \"first\"\nquantity = 2\ncodes = \"three.txt\"\n"
        )
    };
    assert_eq!(faults(&(two("a") + &two("b"))), ["codes \"three.txt\": has 3 codes, and 4 may be given out"]);
}

const ACCESS: &str = r#"id = "acme"
[braze]
endpoint = "http://127.0.0.1:1"
api_key = { env = "KEY" }
"#;

#[test]
fn access_is_read() {
    let hash = crate::token::TokenHash::of("qb_1").to_string();
    let text = format!(
        "{ACCESS}[webhook]\ntokens_sha256 = [\"{hash}\"]\n[intake]\norigins = [\"https://promo.acme.example\"]\n\
         signing_secret = {{ env = \"S\" }}\n[callback]\nurl = \"https://api.quikly.example/hook\"\nsecret = {{ env = \"S\" }}\n"
    );
    let brands = read(&text).unwrap();
    assert!(brands.of_token("qb_1").is_some() && brands.of_token("qb_2").is_none());
    let brand = brands.iter().next().unwrap();
    assert_eq!(brand.intake.origins, ["https://promo.acme.example"]);
    assert!(brand.intake.signing_secret.is_some() && !brand.callback.as_ref().unwrap().allow_private);
}

#[test]
fn faults_in_the_access_sections_are_reported() {
    let hash = crate::token::TokenHash::of("qb_1").to_string();
    for (text, expected) in [
        (
            "[webhook]\ntokens_sha256 = [\"qb_secret\"]".to_owned(),
            "webhook.tokens_sha256[0]: must be the SHA-256",
        ),
        (format!("[webhook]\ntokens_sha256 = [\"{hash}\", \"{hash}\"]"), "webhook.tokens_sha256[1]: "),
        ("[webhook]".to_owned(), "webhook.tokens_sha256: is missing"),
        (
            "[intake]\norigins = [\"https://promo.acme.example/\"]".to_owned(),
            "intake.origins[0]: must be an origin",
        ),
        ("[intake]\norigins = [\"*\"]".to_owned(), "intake.origins[0]: must be an origin"),
        (
            "[intake]\nsigning_secret = { env = \"MISSING\" }".to_owned(),
            "intake.signing_secret: environment variable MISSING",
        ),
        (
            "[callback]\nurl = \"http://quikly.example/\"\nsecret = { env = \"S\" }".to_owned(),
            "callback.url: must be https",
        ),
        (
            "[callback]\nurl = \"https://u:p@quikly.example/\"\nsecret = { env = \"S\" }".to_owned(),
            "callback.url: must be a URL with a host",
        ),
        ("[callback]\nurl = \"https://quikly.example/\"".to_owned(), "callback.secret: is missing"),
    ] {
        let faults = read(&format!("{ACCESS}{text}\n")).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{text}\n{faults:#?}");
        assert!(faults.iter().all(|fault| !fault.contains("qb_secret")), "a token is not repeated");
    }
}

/// The severities and texts of the findings in a brand with these incentives, which have one code each.
fn of_pools(names: &[&str], strictness: Strictness) -> (FileStanding, Vec<(Severity, String)>) {
    let incentive = |(number, name): (usize, &&str)| {
        format!(
            "[[activation.incentive]]\nid = \"i{number}\"\nkind = \"first\"\nquantity = 1\ncodes = '{name}'\n"
        )
    };
    let text = file(&names.iter().enumerate().map(incentive).collect::<String>());
    let given = Ok(BrandFile { name: "acme.toml".into(), text });
    let mut loaded = read_each(&[given], &SomeMissing, strictness, None);
    let file = loaded.files.remove(0);
    let shown = |finding: &Finding| (finding.severity, finding.to_string());
    (file.standing, file.findings.iter().map(shown).collect())
}

#[test]
fn codes_are_in_a_plain_file_beside_the_brand_file_and_what_was_pushed_before_goes_on() {
    for name in [
        "/etc/passwd",
        "../other/codes.txt",
        "more/codes.txt",
        "..\\codes.txt",
        ".env",
        "..",
        "acme.toml",
        "ACME.Toml",
        "codes.txt ",
        "\u{200b}codes.txt",
        // The file that this name leads to is not opened.
        "/missing.txt",
    ] {
        let (standing, found) = of_pools(&[name, name], Strictness::Strict);
        assert_eq!(
            (standing, found.len(), found[0].0),
            (FileStanding::Broken, 1, Severity::Rule),
            "{found:?}"
        );
        assert!(found[0].1.starts_with("acme.toml:13: activation[0].incentive[0].codes: "), "{found:?}");
        assert_eq!(of_pools(&[name], Strictness::Lenient).0, FileStanding::Used, "{name}");
    }
    assert_eq!(of_pools(&["codes.txt", "codes.txt"], Strictness::Strict), (FileStanding::Used, vec![]));
}

#[test]
fn a_file_of_codes_has_one_name_in_a_brand() {
    for names in [["codes.txt", "link.txt"], ["three.txt", "THREE.txt"]] {
        let (standing, found) = of_pools(&names, Strictness::Strict);
        assert_eq!(
            (standing, found.len(), found[0].0),
            (FileStanding::Broken, 1, Severity::Rule),
            "{found:?}"
        );
        let expected =
            format!("acme.toml:18: activation[0].incentive[1].codes: is the same file as \"{}\"", names[0]);
        assert!(found[0].1.starts_with(&expected), "{found:?}");
        assert_eq!(of_pools(&names, Strictness::Lenient).0, FileStanding::Used);
    }
}

#[test]
fn an_incentives_times_lie_within_those_of_its_activation_and_in_order() {
    let with = |times: &str| {
        file(&format!(
            "[[activation.incentive]]\nid = \"i\"\nkind = \"first\"\nquantity = 3\nreward = \"A\"\n{times}"
        ))
    };
    assert!(read(&with("opens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n")).is_ok());
    for times in [
        "opens = 2026-10-31T00:00:00Z\n",
        "closes = 2026-12-02T00:00:00Z\n",
        "opens = 2026-11-20T00:00:00Z\ncloses = 2026-11-10T00:00:00Z\n",
        "opens = 2026-11-20T00:00:00Z\ncloses = 2026-11-20T00:00:00Z\n",
    ] {
        let faults = read(&with(times)).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains("must lie within the activation"), "{faults:?}");
    }
}

#[test]
fn a_quantity_and_a_tier_reach_one_less_than_the_counters_hold() {
    let first = |quantity: u32| {
        format!(
            "[[activation.incentive]]\nid = \"i\"\nkind = \"first\"\nreward = \"A\"\nquantity = {quantity}\n"
        )
    };
    let tiers = |up_to: u32| {
        format!(
            "[[activation.incentive]]\nid = \"i\"\nkind = \"tiers\"\ntiers = [{{ up_to = {up_to}, reward = \"A\" }}]\n"
        )
    };
    for of in [first, tiers] {
        assert!(read(&file(&of(u32::MAX - 1))).is_ok());
        let found = faults(&of(u32::MAX));
        assert!(found.len() == 1 && found[0].ends_with("must be from 1 to 4294967294"), "{found:?}");
    }
}

#[test]
fn a_value_may_stay_as_it_is_and_not_rise() {
    let decay = |to: u32| {
        file(&format!(
            "[[activation.incentive]]\nid = \"i\"\nkind = \"decay\"\nfrom = 50\nto = {to}\nover = \"2h\"\n"
        ))
    };
    assert!(read(&decay(50)).is_ok());
    assert!(read(&decay(51)).unwrap_err()[0].contains("must not be more than from"));
}

#[test]
fn of_an_incentive_that_cannot_be_used_its_way_in_says_nothing_more() {
    let incentive = "[[activation.incentive]]\nid = \"i\"\nkind = \"first\"\nreward = \"A\"\n";
    let found = faults(&format!("[activation.email]\nincentive = \"i\"\n{incentive}"));
    assert_eq!(found, ["activation[0].incentive[0].quantity: is missing"]);
    let found = faults(&format!("[activation.email]\nincentive = \"j\"\n{incentive}quantity = 3\n"));
    assert_eq!(found, ["activation[0].email.incentive: is not an incentive of this activation"]);
}
