use std::num::NonZeroU32;

use super::*;
use crate::Timestamp;
use crate::brand::{CreditMoment, Identity, Phase};
use crate::ids::{BrandId, Scope};

#[path = "incentive_tests.rs"]
mod incentives;

#[path = "access_tests.rs"]
mod access;

#[path = "answers_tests.rs"]
mod answers;
#[path = "doubt_tests.rs"]
mod doubts;

#[path = "load_tests.rs"]
mod loading;

#[path = "refused_tests.rs"]
mod refused;

const GOOD: &str = r#"
id = "acme"
[braze]
endpoint = "https://rest.iad-03.braze.com"
api_key  = { env = "ACME_BRAZE_API_KEY" }
limits   = { export_ids_per_minute = 2500, track_objects = 5, track_per_array = true, track_per_3s = 60, track_per_hour = 20000 }
settle   = "1m30s"
identity = "email"

[[activation]]
scope  = "acme-spring"
opens  = 2026-11-01T00:00:00Z
closes = 2026-12-01T00:00:00+01:00
[activation.email]
attributes = { quikly_participant = true, tier = "bronze", score = 3, share = 0.5 }
event = "quikly_participated"
credit = "on_enrollment"
"#;

/// A resolver without the variable MISSING, with three codes in every file but one, and with two names for one file.
struct SomeMissing;

impl Resolver for SomeMissing {
    fn secret(&self, secret: &SecretRef, _purpose: SecretPurpose) -> Result<(), Doubt> {
        let message = "environment variable MISSING is not set".to_owned();
        match secret {
            SecretRef::Env(name) if name == "MISSING" => Err(Doubt { severity: Severity::Error, message }),
            SecretRef::Env(_) | SecretRef::Ssm(_) => Ok(()),
        }
    }

    fn codes(&self, pool: &Pool) -> Result<PoolFile, Doubt> {
        let message = "cannot be read".to_owned();
        match pool.file() {
            "missing.txt" => Err(Doubt { severity: Severity::Error, message }),
            "link.txt" | "codes.txt" => {
                Ok(PoolFile { count: 3, identity: Some((1, 1)), ..PoolFile::default() })
            }
            _ => Ok(PoolFile { count: 3, ..PoolFile::default() }),
        }
    }
}

fn read(text: &str) -> Result<Brands, Vec<String>> {
    read_files(&[("acme.toml", text)])
}

fn read_files(files: &[(&str, &str)]) -> Result<Brands, Vec<String>> {
    let files: Vec<BrandFile> =
        files.iter().map(|(name, text)| BrandFile { name: (*name).into(), text: (*text).into() }).collect();
    read_all(&files, &SomeMissing).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn a_good_file_is_read_completely() {
    let brands = read(GOOD).unwrap();
    let brand = brands.brand(&BrandId::parse("acme").unwrap()).unwrap();
    assert_eq!((brand.braze.settle.as_secs(), brand.braze.identity), (90, Identity::Email));
    let limits = brand.braze.limits;
    assert_eq!(limits.export_ids_per_minute.get(), 2_500);
    assert_eq!((limits.track_objects.get(), limits.track_per_array), (5, true));
    assert_eq!((limits.track_per_3s.get(), limits.track_per_hour), (60, NonZeroU32::new(20_000)));
    let (_, activation) = brands.activation(&Scope::parse("acme-spring").unwrap()).unwrap();
    let email = activation.email.as_ref().unwrap();
    assert_eq!(email.attributes.iter().count(), 4);
    assert_eq!(email.credit, CreditMoment::OnEnrollment);
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    assert_eq!(activation.phase(moment("2026-10-31T23:59:59Z")), Phase::Upcoming);
    assert_eq!(activation.phase(moment("2026-11-01T00:00:00Z")), Phase::Open);
    assert_eq!(activation.phase(moment("2026-11-30T23:00:00Z")), Phase::Closed, "offsets count");
}

#[test]
fn an_activation_accepts_any_number_of_participations_unless_the_file_sets_a_limit() {
    let scope = Scope::parse("acme-spring").unwrap();
    let most = |text: &str| {
        read(text).map(|brands| brands.activation(&scope).unwrap().1.most_participations.map(NonZeroU32::get))
    };
    let saying = |value: &str| {
        GOOD.replace("[activation.email]", &format!("most_participations = {value}\n[activation.email]"))
    };
    assert_eq!(most(GOOD), Ok(None));
    assert_eq!(most(&saying("1")), Ok(Some(1)));
    assert_eq!(most(&saying("2_000_000")), Ok(Some(2_000_000)));
    for (value, message) in [
        ("0", "must be from 1 to 4294967295"),
        ("-1", "must be from 1 to 4294967295"),
        ("4294967296", "must be from 1 to 4294967295"),
        ("1.5", "must be a whole number"),
        ("\"many\"", "must be a whole number"),
    ] {
        let faults = most(&saying(value)).unwrap_err();
        assert_eq!(faults, [format!("acme.toml:14: activation[0].most_participations: {message}")]);
    }
}

#[test]
fn missing_keys_have_the_documented_defaults() {
    let brands =
        read("id = \"a\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/k\" }\n").unwrap();
    let brand = brands.iter().next().unwrap();
    assert_eq!((brand.braze.settle.as_secs(), brand.braze.identity), (120, Identity::Alias));
    let skip = crate::brand::PhoneMismatch::Skip;
    assert_eq!(brand.braze.on_phone_mismatch, skip, "a number is overwritten only if the brand says so");
    let limits = brand.braze.limits;
    assert_eq!((limits.export_ids_per_minute.get(), limits.track_objects.get()), (250, 75));
    assert_eq!((limits.track_per_3s.get(), limits.track_per_hour), (3_000, None));
}

#[test]
fn every_fault_is_reported_at_once_with_line_and_field() {
    let faults = read(
        r#"id = "acme brand"
colour = "red"
[braze]
endpoint = "https://braze.example.com"
api_key  = "abc-123"
settle   = "soon"
identity = "phone"
limits   = { track_objects = 76, extra = 1 }
[[activation]]
scope  = "spring"
opens  = 2026-11-01T00:00:00
closes = "December"
[activation.email]
attributes = { email = "x", list = [1] }
evnt = "typo"
"#,
    )
    .unwrap_err();
    let expected = [
        "acme.toml:1: id: must be 1 to 64 characters",
        "acme.toml:2: colour: is not a known key",
        "acme.toml:4: braze.endpoint: is not a Braze REST host",
        "acme.toml:5: braze.api_key: must be { env",
        "acme.toml:6: braze.settle: must be a duration",
        "acme.toml:7: braze.identity: must be \"alias\" or \"email\"",
        "acme.toml:8: braze.limits.track_objects: must be from 1 to 75",
        "acme.toml:8: braze.limits.extra: is not a known key",
        "acme.toml:11: activation[0].opens: must be a date and time with offset",
        "acme.toml:12: activation[0].closes: must be a date and time with offset",
        "acme.toml:14: activation[0].email.attributes.email: this name is reserved",
        "acme.toml:14: activation[0].email.attributes.list: must be a string, number",
        "acme.toml:15: activation[0].email.evnt: is not a known key",
    ];
    for start in expected {
        assert!(faults.iter().any(|fault| fault.starts_with(start)), "no fault {start}\nin {faults:#?}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    assert!(!faults.join("\n").contains("abc-123"), "a secret in the wrong place is not repeated");
}

#[test]
fn participations_are_kept_for_ninety_days_unless_the_brand_says_otherwise() {
    let least = "id = \"acme\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = { ssm = \"/key\" }\n";
    let retention = |line: &str| {
        let brands = read(&format!("{line}{least}"))?;
        Ok::<_, Vec<String>>(brands.iter().map(|brand| brand.retention.as_secs() / 86_400).sum::<u64>())
    };
    assert_eq!(retention(""), Ok(90));
    assert_eq!(retention("retention = \"30d\"\n"), Ok(30));
    let faults = retention("retention = \"1h\"\n").unwrap_err();
    assert_eq!(faults, ["acme.toml:1: retention: must be from 1d to 3653d (10 years)"]);
}

#[test]
fn missing_keys_are_named() {
    let faults = read("[braze]\n[[activation]]\n").unwrap_err();
    for field in ["id", "braze.endpoint", "braze.api_key", "activation[0].scope", "activation[0].opens"] {
        assert!(
            faults.iter().any(|fault| fault.ends_with(&format!("{field}: is missing"))),
            "{field}: {faults:#?}"
        );
    }
}

#[test]
fn a_missing_secret_is_a_fault() {
    let faults = read(&GOOD.replace("ACME_BRAZE_API_KEY", "MISSING")).unwrap_err();
    assert_eq!(faults, ["acme.toml:5: braze.api_key: environment variable MISSING is not set"]);
}

#[test]
fn a_scope_belongs_to_one_activation_over_all_files() {
    let twice = format!(
        "{GOOD}\n[[activation]]\nscope = \"acme-spring\"\nopens = 2026-01-01T00:00:00Z\ncloses = 2027-01-01T00:00:00Z\n"
    );
    assert!(
        read(&twice).unwrap_err()[0]
            .contains("activation[1].scope: \"acme-spring\" is already taken in acme.toml")
    );

    let faults = read_files(&[("a.toml", GOOD), ("b.toml", GOOD)]).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].starts_with("b.toml:2: id: \"acme\" is already taken in a.toml"), "{faults:#?}");
    assert!(faults[1].starts_with("b.toml:11: activation[0].scope:"), "{faults:#?}");
}

#[test]
fn an_activation_closes_after_it_opens() {
    let faults = read(&GOOD.replace("2026-12-01", "2026-10-01")).unwrap_err();
    assert!(faults[0].contains("activation[0].closes: must be after opens"), "{faults:#?}");
}

#[test]
fn text_that_is_not_toml_is_a_fault_with_its_line() {
    let faults = read("id = \"acme\"\n[braze\nendpoint = 1\n").unwrap_err();
    assert!(faults.iter().any(|fault| fault.starts_with("acme.toml:2: ")), "{faults:#?}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _either = read(&text);
    }
}

const SMS: &str = "id = \"a\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/k\" }\non_phone_mismatch = \"skip\"\nsettle_by = \"queue\"\n[[activation]]\nscope = \"s\"\nopens = 2026-01-01T00:00:00Z\ncloses = 2027-01-01T00:00:00Z\n[activation.sms]\nsubscription_group_id = \"8f1c\"\ndefault_region = \"US\"\n";

fn sms(lines: &str) -> Result<crate::brand::SmsActivation, Vec<String>> {
    let brands = read(&format!("{SMS}{lines}"))?;
    Ok(brands.activation(&Scope::parse("s").unwrap()).unwrap().1.sms.clone().unwrap())
}

#[test]
fn every_form_of_opt_in_is_read() {
    use crate::brand::{DoubleOptInStart, OptIn, Subscribe};
    let single = |lines| sms(lines).unwrap().opt_in;
    assert_eq!(single("opt_in = \"single\""), OptIn::Single { subscribe: Subscribe::AfterProfile });
    let with_profile = single("opt_in = \"single\"\nsubscribe = \"with_profile\"");
    assert_eq!(with_profile, OptIn::Single { subscribe: Subscribe::WithProfile });
    let start = |lines: &str| match sms(&format!("opt_in = \"double\"\n{lines}")).unwrap().opt_in {
        OptIn::Double { start, window, poll } => (start, window.as_secs() / 3_600, poll.len()),
        OptIn::Single { .. } => panic!("single"),
    };
    let event = DoubleOptInStart::Event("e".into());
    assert_eq!(start("double_opt_in_event = \"e\""), (event.clone(), 48, 5));
    let poll = "poll = [{ every = \"1m\", for = \"10m\" }, { every = \"30m\" }]";
    assert_eq!(
        start(&format!("double_opt_in = {{ event = \"e\" }}\nwindow = \"720h\"\n{poll}")),
        (event, 720, 2)
    );
    assert_eq!(start("double_opt_in = { braze_logic = true }"), (DoubleOptInStart::BrazeLogic, 48, 5));
}

#[test]
fn profiles_are_looked_up_by_contact_unless_the_brand_says_otherwise() {
    use crate::brand::LookUp;
    let look_up = |line: &str| {
        let text = SMS.replace("settle_by", &format!("{line}\nsettle_by"));
        let brands = read(&format!("{text}opt_in = \"single\""))?;
        Ok::<_, Vec<String>>(brands.activation(&Scope::parse("s").unwrap()).unwrap().0.braze.look_up)
    };
    assert_eq!(look_up(""), Ok(LookUp::ByContact));
    assert_eq!(look_up("look_up = \"alias_first\""), Ok(LookUp::ByAliasFirst));
    assert!(look_up("look_up = \"never\"").is_err());
}

#[test]
fn opt_ins_that_make_no_sense_are_faults() {
    for (lines, fault) in [
        ("", "sms.opt_in: is missing"),
        ("opt_in = \"triple\"", "sms.opt_in: must be \"single\" or \"double\""),
        ("opt_in = \"double\"", "sms.double_opt_in_event: is missing"),
        ("opt_in = \"double\"\ndouble_opt_in = { braze_logic = false }", "sms.double_opt_in: must be"),
        (
            "opt_in = \"double\"\ndouble_opt_in_event = \"e\"\ndouble_opt_in = { event = \"e\" }",
            "give one of them",
        ),
        ("opt_in = \"double\"\ndouble_opt_in_event = \"e\"\nwindow = \"721h\"", "sms.window: must be"),
        ("opt_in = \"double\"\ndouble_opt_in_event = \"e\"\npoll = []", "sms.poll: must have"),
        (
            "opt_in = \"double\"\ndouble_opt_in_event = \"e\"\npoll = [{ every = \"1m\" }, { every = \"2m\" }]",
            "sms.poll[0].for: is missing",
        ),
        (
            "opt_in = \"double\"\ndouble_opt_in_event = \"e\"\npoll = [{ every = \"1ms\" }]",
            "every: must be from 1s to 366d",
        ),
        ("opt_in = \"single\"\nwindow = \"1h\"", "sms.window: is not a known key"),
        ("opt_in = \"single\"\nsubscribe = \"later\"", "sms.subscribe: must be"),
    ] {
        let faults = sms(lines).unwrap_err();
        assert!(faults.iter().any(|found| found.contains(fault)), "{lines}: {faults:#?}");
    }
}

/// A file in which one kind of duration has this length, and everything else is valid.
fn with_durations(changed: &str, length: &str) -> String {
    let mut text = r#"id = "acme"
retention = "RETENTION"
[braze]
endpoint = "http://127.0.0.1:1"
api_key = { ssm = "/k" }
settle = "SETTLE"
[[activation]]
scope = "spring"
opens = 2026-11-01T00:00:00Z
closes = 2026-12-01T00:00:00Z
[activation.sms]
subscription_group_id = "8f1c6f0e-0000-4000-8000-000000000001"
default_region = "US"
opt_in = "double"
double_opt_in_event = "e"
window = "WINDOW"
poll = [{ every = "EVERY", for = "FOR" }, { every = "1m" }]
[[activation.incentive]]
id = "decay"
quantity = 5
kind = "decay"
from = 2
to = 1
over = "OVER"
step = "STEP"
[[activation.incentive]]
id = "speed"
quantity = 5
kind = "speed"
steps = [{ within = "WITHIN", reward = "A" }]
"#
    .to_owned();
    for (name, good) in [
        ("RETENTION", "90d"),
        ("SETTLE", "2m"),
        ("WINDOW", "48h"),
        ("EVERY", "1m"),
        ("FOR", "1h"),
        ("OVER", "1h"),
        ("STEP", "1m"),
        ("WITHIN", "1h"),
    ] {
        text = text.replace(name, if name == changed { length } else { good });
    }
    text
}

#[test]
fn every_duration_has_bounds_and_zero_is_refused() {
    for (name, least, most, below, above) in [
        ("SETTLE", "1s", "1h", "999ms", "61m"),
        ("WINDOW", "1m", "30d", "59s", "721h"),
        ("RETENTION", "1d", "3653d", "23h", "3654d"),
        ("EVERY", "1s", "366d", "999ms", "367d"),
        ("FOR", "1s", "366d", "999ms", "367d"),
        ("OVER", "1s", "366d", "999ms", "367d"),
        ("STEP", "1s", "366d", "999ms", "367d"),
        ("WITHIN", "1s", "366d", "999ms", "367d"),
    ] {
        let strictly = |length: &str| {
            let file = BrandFile { name: "acme.toml".into(), text: with_durations(name, length) };
            let loaded = read_each(&[Ok(file)], &SomeMissing, Strictness::Strict, None);
            let used = loaded.files[0].standing == FileStanding::Used;
            let found = loaded.into_findings().iter().map(ToString::to_string).collect::<Vec<_>>();
            (used, found)
        };
        for length in [least, most] {
            assert!(strictly(length).0, "{name} = {length}: {:?}", strictly(length).1);
        }
        let nines = "99999999d".repeat(40);
        for length in ["0s", "0d0h", below, above, "4000000d", "4294967295d4294967295d", &nines] {
            let (used, found) = strictly(length);
            let said = found.iter().any(|found| found.contains("must be from"));
            assert!(!used && said, "{name} = {length}: {found:?}");
        }
    }
}

#[test]
fn a_file_that_was_pushed_with_a_duration_out_of_bounds_still_works() {
    for name in ["SETTLE", "RETENTION", "FOR", "OVER", "STEP", "WITHIN", "EVERY"] {
        assert!(read(&with_durations(name, "4000000d")).is_ok(), "{name}");
    }
    for name in ["SETTLE", "WITHIN", "FOR"] {
        assert!(read(&with_durations(name, "0s")).is_ok(), "{name}");
    }
}
