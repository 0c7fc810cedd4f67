//! Doubts about brand files; and one mistake makes one finding.

use super::*;

/// A reviewer who looks at files in the middle of November 2026.
struct Reviewed(Option<Severity>);

impl Resolver for Reviewed {
    fn secret(&self, _secret: &SecretRef, _purpose: SecretPurpose) -> Result<(), Doubt> {
        Ok(())
    }

    fn codes(&self, pool: &Pool) -> Result<PoolFile, Doubt> {
        let doubts = if pool.file() == "odd.txt" { vec!["line 1 looks odd".to_owned()] } else { Vec::new() };
        Ok(PoolFile { doubts, ..PoolFile::ample() })
    }

    fn private_addresses(&self) -> Option<Severity> {
        self.0
    }

    fn reviewed_at(&self) -> Option<Timestamp> {
        Some("2026-11-15T00:00:00Z".parse().unwrap())
    }
}

fn found(files: &[(&str, &str)], resolver: &dyn Resolver) -> Vec<Finding> {
    let file = |(name, text): &(&str, &str)| Ok(BrandFile { name: (*name).into(), text: (*text).into() });
    let files: Vec<Given> = files.iter().map(file).collect();
    read_each(&files, resolver, Strictness::Strict, None).into_findings()
}

fn doubts(text: &str) -> Vec<String> {
    let found = found(&[("acme.toml", text)], &Reviewed(None));
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning), "{found:#?}");
    found.iter().map(ToString::to_string).collect()
}

/// A file with every key, which raises no doubt.
const EVERYTHING: &str = include_str!("everything.toml");

#[test]
fn a_good_file_raises_no_doubt() {
    assert_eq!(doubts(EVERYTHING), Vec::<String>::new());
}

#[test]
fn one_mistake_is_one_finding_on_its_line() {
    let lines: Vec<&str> = EVERYTHING.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('[')) else { continue };
        for wrong in [
            "2026-13-01T00:00:00Z",
            "\"\\u0001 no such thing\"",
            "[[]]",
            "-7",
            "{ nothing = 1 }",
            "maybe",
            "1979-05-27",
            "\"",
        ] {
            let mut text: Vec<String> = lines.iter().map(ToString::to_string).collect();
            text[number] = format!("{key} = {wrong}");
            let text = text.join("\n");
            let found = found(&[("acme.toml", &text)], &Reviewed(None));
            let found: Vec<&Finding> =
                found.iter().filter(|finding| finding.severity > Severity::Warning).collect();
            // A wrong value can be right if the key takes any text, number or attribute.
            let here = |finding: &&Finding| finding.line == Some(number + 1);
            assert!(found.len() <= 1 && found.iter().all(here), "{key} = {wrong}: {found:#?}");
        }
    }
}

#[test]
fn a_missing_line_is_one_finding() {
    let lines: Vec<&str> = EVERYTHING.lines().collect();
    for number in (0..lines.len()).filter(|number| !lines[*number].starts_with('[')) {
        let text: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != number).map(|(_, line)| *line).collect();
        let found = found(&[("acme.toml", &text.join("\n"))], &Reviewed(None));
        let faults = found.iter().filter(|finding| finding.severity > Severity::Warning).count();
        assert!(faults <= 1, "{}: {found:#?}", lines[number]);
    }
}

#[test]
fn unusable_settings_raise_a_doubt() {
    let without = |lines: &[&str]| {
        let kept: Vec<&str> = EVERYTHING.lines().filter(|line| !lines.contains(line)).collect();
        kept.join("\n")
    };
    let one = |text: &str, expected: &str| {
        let doubts = doubts(text);
        assert!(doubts.len() == 1 && doubts[0].contains(expected), "{expected}: {doubts:#?}");
    };
    let tokens = EVERYTHING.lines().find(|line| line.starts_with("tokens_sha256")).unwrap();
    one(&without(&["[webhook]", tokens]), "activation[0].events: cannot come in");
    one(&without(&["incentive = \"first\""]), "activation[0].incentive[0].id: is not used by any way");
    one(&EVERYTHING.replace("closes = 2026-11-30", "closes = 2026-11-10"), "is over before its activation");
    one(&EVERYTHING.replace("https://promo", "http://promo"), "intake.origins[0]: is not https");
    let by_address = EVERYTHING.replace("identity = \"alias\"", "identity = \"email\"");
    one(&by_address, "braze: identity = \"email\" means that rewards and events are not read back");
    one(&EVERYTHING.replace("for = \"10m\"", "for = \"48h\""), "activation[0].sms.poll: reaches beyond");
    one(&EVERYTHING.replace("ACME_SECRET", "SIGNING_SECRET"), "a later release refuses other names");
    let closed = EVERYTHING.replace("2026-12-01", "2026-11-14").replace("2026-11-30", "2026-11-13");
    one(&closed, "activation[0].closes: is over");

    let attributes =
        EVERYTHING.find("[activation.attributes]").unwrap()..EVERYTHING.find("[activation.rewards").unwrap();
    let mut unlisted = EVERYTHING.to_owned();
    unlisted.replace_range(attributes, "");
    one(&unlisted, "activation[0].attributes: is missing: signed callers can write any attribute");
    let twice = EVERYTHING.replace("attributes = { quikly_participant", "attributes = { colour");
    one(&twice, "activation[0].attributes.colour: is also among the attributes of [activation.email]");

    let bare = "id = \"acme\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = { env = \"ACME_KEY\" }\n\
                [[activation]]\nscope = \"spring\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n";
    one(bare, "activation[0].scope: has no way in");
    let rewards = format!("{bare}[activation.email]\n[activation.rewards_to_braze]\nreward = \"r\"\n");
    one(&rewards, "activation[0].rewards_to_braze: has nothing to write");
    one(&format!("{bare}[activation.email]\n").replace("[[act", "[webhook]\ntokens_sha256 = [\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"]\n[[act"), "webhook: is of no use");
}

#[test]
fn a_secret_of_another_brand_breaks_a_rule_of_that_file_only() {
    let brand = |id: &str, variable: &str| {
        format!(
            "id = \"{id}\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = {{ env = \"{variable}\" }}\n"
        )
    };
    let files = [("acme.toml", brand("acme", "ACME_UK_KEY")), ("uk.toml", brand("acme-uk", "ACME_UK_KEY"))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let found = found(&files, &Reviewed(None));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (found[0].severity, found[0].line, found[0].file.as_str()),
        (Severity::Rule, Some(4), "acme.toml")
    );
    assert!(found[0].message.contains("brand acme-uk") && found[0].message.contains("ACME_"), "{found:#?}");
}

#[test]
fn loopback_and_private_addresses_are_taken_as_the_surroundings_say() {
    let loopback = EVERYTHING.replace("https://rest.iad-03.braze.com", "http://127.0.0.1:9000");
    let private = EVERYTHING.replace("[callback]", "[callback]\nallow_private = true");
    for (text, field) in [(loopback, "braze.endpoint"), (private, "callback.allow_private")] {
        for severity in [Severity::Rule, Severity::Warning] {
            let found = found(&[("acme.toml", &text)], &Reviewed(Some(severity)));
            assert_eq!((found.len(), found[0].severity), (1, severity), "{found:#?}");
            assert!(found[0].field == field && found[0].message.contains("--allow-private"), "{found:#?}");
        }
        assert!(found(&[("acme.toml", &text)], &Reviewed(None)).is_empty());
    }
}

#[test]
fn doubts_about_codes_are_reported_and_refuse_nothing() {
    let odd = EVERYTHING.replace("spring.txt", "odd.txt");
    assert_eq!(doubts(&odd), ["acme.toml: warning: codes \"odd.txt\": line 1 looks odd"]);
    let hidden = EVERYTHING.replace("\"GOLD\"", "\"\\ufeffGOLD\"");
    assert!(doubts(&hidden)[0].contains("an invisible character (U+FEFF)"), "{:?}", doubts(&hidden));
    let space = EVERYTHING.replace("\"THANKS\"", "\"THANKS \"");
    assert!(doubts(&space)[0].contains("consolation: has space at its ends"), "{:?}", doubts(&space));
}

#[test]
fn each_name_of_a_reward_has_something_to_write_only_if_there_is_an_incentive() {
    let bare = &EVERYTHING[..EVERYTHING.find("most_participations").unwrap()];
    for (key, is_doubted) in [("reward", true), ("position", true), ("incentive", true), ("event", false)] {
        let text = format!("{bare}[activation.email]\n[activation.rewards_to_braze]\n{key} = \"r\"\n");
        let doubts = doubts(&text).join("\n");
        assert_eq!(doubts.contains("rewards_to_braze: has nothing to write"), is_doubted, "{key}: {doubts}");
    }
}

#[test]
fn one_doubt_does_not_hide_another() {
    let bare = &EVERYTHING[..EVERYTHING.find("most_participations").unwrap()];
    let text = format!("{bare}[activation.email]\n").replace("[callback]", "repeats = \"tell\"\n[callback]");
    let doubts = doubts(&text).join("\n");
    assert!(doubts.contains("intake.repeats") && doubts.contains("webhook: is of no use"), "{doubts}");
}

#[test]
fn a_page_of_this_machine_needs_no_https() {
    for origin in ["http://localhost:3000", "http://127.0.0.1:3000"] {
        assert_eq!(doubts(&EVERYTHING.replace("https://promo.acme.example", origin)), [""; 0], "{origin}");
    }
}
