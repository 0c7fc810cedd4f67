//! Who may send requests for a brand.

use super::*;
use crate::brand::Repeats;

const BRAND: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/k\" }\n";

/// The findings in a brand file, and its brand if the file is usable.
fn found(more: &str, strictness: Strictness) -> (Loaded, Vec<String>) {
    let text = format!("{BRAND}{more}");
    let loaded =
        read_each(&[Ok(BrandFile { name: "acme.toml".into(), text })], &SomeMissing, strictness, None);
    let findings = loaded.files.iter().flat_map(|file| &file.findings).map(ToString::to_string).collect();
    (loaded, findings)
}

fn repeats(intake: &str) -> (Repeats, Vec<String>) {
    let (loaded, findings) = found(intake, Strictness::Strict);
    (loaded.brands.iter().next().unwrap().intake.repeats, findings)
}

#[test]
fn repeats_show_no_id_unless_the_file_says_so_and_then_there_is_a_warning() {
    for quiet in ["", "[intake]\n", "[intake]\nrepeats = \"quiet\"\n"] {
        assert_eq!(repeats(quiet), (Repeats::Quiet, vec![]), "{quiet}");
    }
    let (told, findings) = repeats("[intake]\nrepeats = \"tell\"\n");
    assert_eq!((told, findings.len()), (Repeats::Tell, 1));
    assert!(findings[0].contains("acme.toml:6: warning: intake.repeats: "), "{findings:?}");
    let (_, findings) = found("[intake]\nrepeats = \"maybe\"\n", Strictness::Lenient);
    assert!(findings[0].contains("must be \"quiet\" or \"tell\""), "{findings:?}");
}

fn activation(way: &str, incentive: &str) -> String {
    format!(
        "[[activation]]\nscope = \"spring\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n\
         {way}\nincentive = \"i\"\n[[activation.incentive]]\nid = \"i\"\n{incentive}\n"
    )
}

const BY_EMAIL: &str = "[activation.email]";
const BY_SMS: &str = "[activation.sms]\nsubscription_group_id = \"g\"\ndefault_region = \"US\"\nregions = [\"US\"]\nopt_in = \"single\"";
const BY_EVENT: &str = "[activation.events.signed_in]";

const LIMITED: [&str; 7] = [
    "kind = \"first\"\nquantity = 2\nreward = \"A\"",
    "kind = \"first\"\nquantity = 2\ncodes = \"c.txt\"",
    "kind = \"tiers\"\ntiers = [{ up_to = 2, reward = \"A\" }]",
    "kind = \"speed\"\nsteps = [{ within = \"1m\", reward = 3 }]\nquantity = 2",
    "kind = \"decay\"\nfrom = 50\nto = 10\nover = \"2h\"\nquantity = 2",
    "kind = \"draw\"\nodds = \"1/20\"\nquantity = 2\nreward = \"A\"",
    "kind = \"raffle\"\nquantity = 2\nreward = \"A\"",
];

const UNLIMITED: [&str; 2] = [
    "kind = \"speed\"\nsteps = [{ within = \"1m\", reward = 3 }]",
    "kind = \"decay\"\nfrom = 50\nto = 10\nover = \"2h\"",
];

#[test]
fn what_is_limited_is_not_given_to_anybody_unless_the_file_says_so() {
    for (way, incentive) in
        [BY_EMAIL, BY_SMS].iter().flat_map(|way| LIMITED.map(|incentive| (way, incentive)))
    {
        for intake in ["", "[intake]\n", "[intake]\nopen_to_anybody = false\n"] {
            let more = format!("{intake}{}", activation(way, incentive));
            let (refused, findings) = found(&more, Strictness::Strict);
            assert_eq!((refused.brands.iter().count(), findings.len()), (0, 1), "{more}: {findings:?}");
            let field = format!("activation[0]{}.incentive: ", &way[11..way.find(']').unwrap()]);
            assert!(findings[0].contains(&field), "{findings:?}");
            assert!(
                findings[0].contains("open_to_anybody = true"),
                "the key that keeps it as it was: {findings:?}"
            );
            assert!(findings[0].contains("signing_secret"), "{findings:?}");
            let (pushed_before, _) = found(&more, Strictness::Lenient);
            assert_eq!(pushed_before.brands.iter().count(), 1, "{more}");
        }
    }
}

#[test]
fn signed_open_and_unlimited_activations_are_accepted() {
    let good = |more: String| {
        let (loaded, findings) = found(&more, Strictness::Strict);
        assert_eq!((loaded.brands.iter().count(), &findings[..]), (1, &[][..]), "{more}");
    };
    for incentive in LIMITED {
        good(activation(BY_EVENT, incentive));
        for intake in ["open_to_anybody = true", "signing_secret = { ssm = \"/s\" }"] {
            good(format!("[intake]\n{intake}\n{}", activation(BY_EMAIL, incentive)));
            good(format!("[intake]\n{intake}\n{}", activation(BY_SMS, incentive)));
        }
    }
    for incentive in UNLIMITED {
        good(activation(BY_EMAIL, incentive));
        good(activation(BY_SMS, incentive));
    }
}

#[test]
fn a_missing_secret_is_the_only_fault_of_its_section() {
    let more =
        format!("[intake]\nsigning_secret = {{ env = \"MISSING\" }}\n{}", activation(BY_EMAIL, LIMITED[0]));
    let (_, findings) = found(&more, Strictness::Strict);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("MISSING"), "{findings:?}");
}
