//! Who may come in from a brand's side.

use super::*;
use crate::brand::Repeats;

const BRAND: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/k\" }\n";

/// What is found in a brand file, and its brand where it is usable.
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
fn repeats_are_not_told_unless_the_file_says_so_and_then_there_is_a_warning() {
    for quiet in ["", "[intake]\n", "[intake]\nrepeats = \"quiet\"\n"] {
        assert_eq!(repeats(quiet), (Repeats::Quiet, vec![]), "{quiet}");
    }
    let (told, findings) = repeats("[intake]\nrepeats = \"tell\"\n");
    assert_eq!((told, findings.len()), (Repeats::Tell, 1));
    assert!(findings[0].contains("acme.toml:6: warning: intake.repeats: "), "{findings:?}");
    let (_, findings) = found("[intake]\nrepeats = \"maybe\"\n", Strictness::Lenient);
    assert!(findings[0].contains("must be \"quiet\" or \"tell\""), "{findings:?}");
}
