//! Where secrets may be stored, what is wrong with a secret, and which addresses a brand file may name.

use serde_json::Value;

use crate::process::{run_with, write};

fn file(id: &str, variable: &str, more: &str) -> String {
    format!(
        "id = \"{id}\"\n[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = {{ env = \"{variable}\" }}\n{more}"
    )
}

/// The output of `check --json` for a directory with this file, with these variables.
fn checked(text: &str, options: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, Value) {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("acme.toml"), text);
    let brands = directory.path().display().to_string();
    let arguments = [&["check", "--json", "--brands", &brands], options].concat();
    let (code, said) = run_with(&arguments, environment);
    (code, serde_json::from_str(said.lines().next().unwrap()).unwrap())
}

#[test]
fn secrets_of_others_and_secrets_that_can_be_guessed_are_refused() {
    let intake = "[intake]\nsigning_secret = { env = \"ACME_SECRET\" }\n";
    let callback = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"ACME_SECRET\" }\n";
    let of = |variable: &str, more: &str, secret: &str| {
        let variables = [(variable, "a-key"), ("ACME_SECRET", secret)];
        let (code, told) = checked(&file("acme", variable, more), &[], &variables);
        let severities =
            told[0]["findings"].as_array().unwrap().iter().map(|found| found["severity"].clone());
        (code, severities.collect::<Vec<_>>())
    };
    assert_eq!(of("ACME_KEY", "", "-"), (Some(0), vec![]));
    assert_eq!(of("AWS_SECRET_ACCESS_KEY", "", "-"), (Some(1), vec!["rule".into()]));
    assert_eq!(of("QUIKLY_THING", "", "-"), (Some(1), vec!["rule".into()]));
    assert_eq!(of("SOME_KEY", "", "-"), (Some(0), vec!["warning".into()]));
    for (more, secret) in [(intake, "x"), (intake, " "), (callback, "whsec_!!!!"), (callback, "short")] {
        assert_eq!(of("ACME_KEY", more, secret), (Some(1), vec!["rule".into()]), "{secret:?}");
    }
    assert_eq!(of("ACME_KEY", intake, "sixteen letters!\n"), (Some(0), vec![]));
    assert_eq!(of("ACME_KEY", callback, "sixteen letters!"), (Some(0), vec!["warning".into()]));
}

#[test]
fn offline_the_secrets_need_not_be_there() {
    let text = file("acme", "ACME_NO_SUCH_VARIABLE", "");
    assert_eq!(checked(&text, &[], &[]).0, Some(1));
    let (code, told) = checked(&text, &["--offline"], &[]);
    assert_eq!((code, told[0]["usable"].as_bool()), (Some(0), Some(true)), "{told}");
}
