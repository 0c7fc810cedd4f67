//! `import`, `export`, `person`, `consents` and `audit`, next to the process that serves.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{binary, run};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(120);
const WORDING: &str = "I agree to get e-mails.";

const SMS: &str = "subscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"";

/// An activation that requires consent, and lists attributes.
const ASKS: &str = "[activation.attributes]\nname = { type = \"text\" }\nsize = { type = \"number\", max = 60 }\nvip = { type = \"boolean\" }\n\
    [activation.consent]\ntexts = { v1 = \"I agree to get e-mails.\" }\nemail = { email = \"required\" }\n";

const HEADER: &str =
    "email,consent_email,consent_text_id,consent_page,consent_at,attributes.name,attributes.size";

async fn serving(workspace: &SimProcess) -> ServeProcess {
    ServeProcess::start(&BrandFixture { sms: SMS, more: ASKS, ..BrandFixture::at(workspace) }).await
}

/// A row of somebody who consented.
fn row(number: usize) -> String {
    format!(
        "i{number}@example.com,yes,v1,https://acme.example/join?a=1,2025-03-04T10:00:00Z,\"Ada, {number}\",{}",
        number % 60
    )
}

fn csv(rows: impl IntoIterator<Item = String>) -> String {
    rows.into_iter().fold(format!("{HEADER}\n"), |mut text, row| {
        writeln!(text, "{row}").unwrap();
        text
    })
}

/// A directory for files that are imported.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }
}

/// The arguments of an import into `spring`.
fn import_of(server: &ServeProcess, file: &str, more: &[&str]) -> Vec<String> {
    let (data, brands) = (server.data().display().to_string(), server.brands().display().to_string());
    let all = ["import", "--scope", "spring", "--data", &data, "--brands", &brands, file];
    all.iter().chain(more).map(|one| (*one).to_owned()).collect()
}

fn said_by(arguments: &[String]) -> (Option<i32>, String) {
    run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn imported(server: &ServeProcess, file: &str, more: &[&str]) -> Value {
    let (code, said) = said_by(&import_of(server, file, &[more, &["--json"]].concat()));
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

/// The standard output of a command that may print contacts.
fn output(server: &ServeProcess, arguments: &[&str]) -> String {
    let data = server.data().display().to_string();
    let mut command = Command::new(binary());
    let output = command.args(arguments).args(["--data", &data]).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The figures of a report.
fn figures(report: &Value) -> [u64; 4] {
    ["rows", "stored", "there_already", "refused"].map(|name| report[name].as_u64().unwrap())
}

#[tokio::test]
async fn rows_are_imported_beside_a_running_server_and_enrolled_with_their_consent() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let file = files.with("list.csv", csv((0..30).map(row)));
    assert_eq!(figures(&imported(&server, &file, &["--dry-run"])), [30, 30, 0, 0]);
    assert_eq!(figures(&imported(&server, &file, &[])), [30, 30, 0, 0]);
    assert_eq!(figures(&imported(&server, &file, &[])), [30, 0, 30, 0], "a repeat stores nothing");
    let rows = output(&server, &["export", "participations", "--scope", "spring", "--format", "ndjson"]);
    let first: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert_eq!(
        (first["imported"].as_bool(), first["consent_at"].as_str()),
        (Some(true), Some("2025-03-04T10:00:00Z"))
    );
    server.reaches(first["id"].as_str().unwrap(), "enrolled", LATER).await;
}

/// The look-ups of one consumer each that Braze allows in a minute, and how many rows are imported. They take more than three minutes.
const LOOK_UPS: u64 = 60;
const ROWS: u64 = 200;

#[tokio::test]
async fn whoever_takes_part_beside_an_import_is_looked_up_before_the_rows_that_were_there_already() {
    let workspace = SimProcess::start("0s").await;
    workspace.set_limits(json!({ "export_ids_per_minute": LOOK_UPS })).await;
    let braze = format!("limits = {{ export_ids_per_minute = {LOOK_UPS} }}");
    let server = ServeProcess::start(&BrandFixture { braze: &braze, ..BrandFixture::at(&workspace) }).await;
    let files = Files::new();
    let rows: String = (0..ROWS).map(|number| format!("i{number}@example.com\n")).collect();
    let file = files.with("list.csv", format!("email\n{rows}"));
    assert_eq!(figures(&imported(&server, &file, &[])), [ROWS, ROWS, 0, 0]);
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let asked = workspace.requests("/users/export/ids").await;
    assert!(asked < ROWS - LOOK_UPS, "{asked} look-ups, of which Ada's was one");
}

#[tokio::test]
async fn an_import_that_is_killed_twice_and_repeated_has_the_same_result() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let file = files.with("list.csv", csv((0..6_000).map(row)));
    let stored = || output(&server, &["export", "participations", "--scope", "spring"]).lines().count() - 1;
    for at_least in [500, 2_500] {
        let mut command = Command::new(binary());
        command
            .args(import_of(&server, &file, &["--per-minute", "1"]))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        testkit::eventually("rows were stored", LATER, || (stored() >= at_least).then_some(())).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let before = stored();
    assert!((2_500..6_000).contains(&before), "{before}");
    let report = imported(&server, &file, &["--per-minute", "1"]);
    assert_eq!((report["rows"].as_u64(), report["refused"].as_u64()), (Some(6_000), Some(0)), "{report}");
    assert_eq!(stored(), 6_000);
    let audit = output(&server, &["audit"]);
    assert_eq!(audit.matches("begins").count(), 3, "{audit}");
}

/// Rows with every kind of fault, among a thousand.
fn faulty() -> (Vec<u8>, Vec<(&'static str, u64)>) {
    let good = (0..900).map(row).collect::<Vec<_>>();
    let mut text = csv(good).into_bytes();
    let mut reasons = Vec::new();
    let mut add = |reason: &'static str, count: u64, row: &dyn Fn(u64) -> Vec<u8>| {
        for number in 0..count {
            text.extend(row(number));
            text.push(b'\n');
        }
        reasons.push((reason, count));
    };
    let rest = ",yes,v1,,2025-03-04T10:00:00Z,,";
    add("email ", 10, &|number| format!("nobody{number}{rest}").into_bytes());
    add("email is missing", 10, &|_| rest.to_owned().into_bytes());
    add("consent.email", 10, &|n| format!("n{n}@example.com,no,v1,,2025-03-04T10:00:00Z,,").into_bytes());
    add("consent.email must be true or false", 10, &|n| {
        format!("p{n}@example.com,perhaps,v1,,2025-03-04T10:00:00Z,,").into_bytes()
    });
    add("consent.text_id is not a text", 10, &|n| {
        format!("t{n}@example.com,yes,v9,,2025-03-04T10:00:00Z,,").into_bytes()
    });
    add("consent_at is missing", 10, &|n| format!("m{n}@example.com,yes,v1,,,,").into_bytes());
    add("consent_at is in the future", 5, &|n| {
        format!("f{n}@example.com,yes,v1,,2099-03-04T10:00:00Z,,").into_bytes()
    });
    add("consent_at must be a moment", 5, &|n| format!("w{n}@example.com,yes,v1,,yesterday,,").into_bytes());
    add("attributes.size", 10, &|n| {
        format!("s{n}@example.com,yes,v1,,2025-03-04T10:00:00Z,,{}", 61 + n).into_bytes()
    });
    add("row has too few columns", 5, &|n| format!("c{n}@example.com,yes").into_bytes());
    add("row has too many columns", 5, &|n| format!("d{n}@example.com{rest},,").into_bytes());
    add("row has a NUL character", 3, &|n| format!("z{n}\0@example.com{rest}").into_bytes());
    add("row has text behind a closing quote", 3, &|n| format!("\"q{n}@example.com\"x{rest}").into_bytes());
    add("row is longer than 64 KiB", 3, &|n| {
        format!("l{n}@example.com,yes,v1,,2025-03-04T10:00:00Z,{},", "x".repeat(10_000_000)).into_bytes()
    });
    add("row opens a quote", 1, &|_| format!("\"open@example.com{rest}").into_bytes());
    (text, reasons)
}

#[tokio::test]
async fn a_file_with_every_kind_of_fault_is_imported_except_for_the_faulty_rows() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let (text, reasons) = faulty();
    let file = files.with("list.csv", text);
    let rejects = files.path("rejects.csv").display().to_string();
    let refused: u64 = reasons.iter().map(|(_, count)| count).sum();
    let dry = imported(&server, &file, &["--dry-run"]);
    assert_eq!(figures(&dry), [1_000, 900, 0, refused], "{dry:#}");
    let report = imported(&server, &file, &["--rejects", &rejects]);
    assert_eq!(figures(&report), [1_000, 900, 0, refused], "{report:#}");
    let told = report["reasons"].as_array().unwrap();
    for (reason, count) in reasons {
        let with = |one: &&Value| one["reason"].as_str().unwrap().starts_with(reason) && one["rows"] == count;
        assert!(told.iter().any(|one| with(&one)), "{reason} {count}: {report:#}");
    }
    let kept = fs::read_to_string(&rejects).unwrap();
    assert_eq!(fs::metadata(&rejects).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(kept.lines().count() >= usize::try_from(refused).unwrap() && kept.contains("nobody0"));
    let (code, said) = said_by(&import_of(&server, &file, &["--rejects", &rejects]));
    assert!(code == Some(1) && said.contains("--rejects"), "it is not overwritten: {said}");
}

#[tokio::test]
async fn what_is_wrong_with_a_whole_file_is_said_before_anything_is_stored() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let (mut latin, utf16) = (csv([row(1)]).into_bytes(), csv([row(1)]));
    latin.extend(b"i2@example.com,yes,v1,,2025-03-04T10:00:00Z,Ren\xe9,1\n");
    let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, &[u8], &str); 9] = [
        ("latin.csv", &latin, "line 3 is not UTF-8 text. It looks like Latin-1"),
        ("utf16.csv", &utf16, "UTF-16"),
        ("marked.csv", &[b"\xff\xfe".as_slice(), &utf16].concat(), "UTF-16"),
        ("empty.csv", b"", "is empty"),
        ("header.csv", HEADER.as_bytes(), "has no rows"),
        ("twice.csv", b"email,Email\na@example.com,b@example.com\n", "twice"),
        ("unknown.csv", b"email,first name\na@example.com,Ada\n", "`first name`, is not known"),
        (
            "consent.csv",
            b"email\na@example.com\n",
            "no column `consent_email`, `consent_at`, `consent_text_id`",
        ),
        ("headless.csv", b"a@example.com,yes\n", "(a name that is not shown)"),
    ];
    for (name, content, expected) in cases {
        let (code, said) = said_by(&import_of(&server, &files.with(name, content), &[]));
        assert!(code == Some(1) && said.contains(expected), "{name}: {said}");
    }
    let rows = output(&server, &["export", "participations", "--scope", "spring"]);
    assert_eq!(rows.lines().count(), 1, "only the header");
}

#[tokio::test]
async fn a_mark_of_utf_8_and_json_lines_and_standard_input_are_read() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let marked = files.with("marked.csv", format!("\u{feff}{}", csv([row(1)])).replace('\n', "\r\n"));
    assert_eq!(figures(&imported(&server, &marked, &[])), [1, 1, 0, 0]);
    let consent = json!({ "email": true, "text_id": "v1" });
    let line =
        |email: &str| json!({ "email": email, "consent": consent, "consent_at": "2025-03-04T10:00:00Z" });
    let by_number = json!({ "phone": "+13135550142", "consent": true, "consent_at": "2025-03-04T10:00:00Z" });
    let lines = [line("j1@example.com").to_string(), by_number.to_string(), "{".to_owned(), "[]".to_owned()];
    let json_lines = files.with("list.ndjson", lines.join("\n"));
    assert_eq!(figures(&imported(&server, &json_lines, &[])), [4, 2, 0, 2]);
    let arguments = import_of(&server, "-", &["--json"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, said) = crate::process::run_told(&arguments, &csv([row(7)]));
    assert_eq!(code, Some(0), "{said}");
}

/// Whether a text is anywhere in these files.
fn is_in(files: &[PathBuf], text: &str) -> bool {
    files.iter().any(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn all_files_in(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}

#[tokio::test]
async fn of_a_person_who_is_forgotten_only_the_keyed_proof_of_consent_is_left() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let hostile = "\"=cmd|'/C calc'!A0\"";
    let ada = format!("ada.lovelace@example.com,yes,v1,,2025-03-04T10:00:00Z,{hostile},7");
    let file = files.with("list.csv", csv([ada, row(1)]));
    assert_eq!(figures(&imported(&server, &file, &["--as", "officer"])), [2, 2, 0, 0]);
    fs::remove_file(&file).unwrap();
    let email = ["--email", "ada.lovelace@example.com"];
    let page = files.path("ada.html").display().to_string();
    let told = output(&server, &[&["person", "export", "--html", &page], email.as_slice()].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["participations"][0]["email"], "ada.lovelace@example.com");
    assert_eq!(told["participations"][0]["consent"]["at"], "2025-03-04T10:00:00Z");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("ada.lovelace@example.com") && !html.contains("<script"));
    let preview = output(&server, &[&["person", "preview", "--json"], email.as_slice()].concat());
    let preview: Value = serde_json::from_str(&preview).unwrap();
    assert_eq!(preview["erased"]["participations"], 1);
    assert!(preview["participations"][0]["kept_until"].is_string(), "{preview}");
    fs::remove_file(&page).unwrap();

    let receipt = files.path("receipt.json").display().to_string();
    let forget =
        [&["person", "forget", "--json", "--receipt", &receipt, "--as", "officer"], email.as_slice()]
            .concat();
    let said = output(&server, &forget);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (said["erased"]["participations"].as_u64(), said["remains_in_log"].as_bool()),
        (Some(1), Some(false))
    );
    assert!(said["by"] == "officer" && said["out_of_reach"].is_string(), "{said}");

    fs::write(
        files.path("export.csv"),
        output(&server, &["export", "participations", "--scope", "spring", "--reveal"]),
    )
    .unwrap();
    let consents = output(&server, &["consents", "--brand", "acme", "--format", "ndjson", "--reveal"]);
    fs::write(files.path("consents.ndjson"), &consents).unwrap();
    let audit = output(&server, &["audit", "--json"]);
    fs::write(files.path("audit.ndjson"), &audit).unwrap();
    fs::write(files.path("log"), server.said()).unwrap();
    let everywhere = [all_files_in(server.data().parent().unwrap()), all_files_in(files.0.path())].concat();
    assert!(is_in(&everywhere, "i1@example.com"), "the other row is found by this search");
    for text in ["ada.lovelace", "lovelace", "calc'!A0"] {
        assert!(!is_in(&everywhere, text), "{text}");
    }
    let erased: Vec<Value> = consents.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let proof = erased.iter().find(|one| one["erased"] == true).unwrap();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(WORDING.as_bytes());
    assert_eq!((proof["at"].as_str(), proof["text_id"].as_str()), (Some("2025-03-04T10:00:00Z"), Some("v1")));
    assert_eq!(proof["text_sha256"], hex::encode(hash));
    assert!(!proof["proof"].as_str().unwrap().is_empty() && proof["email"].is_null());
    for action in
        ["import", "person export", "person forget", "export participations --reveal", "consents --reveal"]
    {
        assert!(audit.contains(&format!("\"action\":\"{action}\"")), "{action}: {audit}");
    }
}

#[tokio::test]
async fn exports_mask_contacts_and_hold_no_formula() {
    let workspace = SimProcess::start("0s").await;
    let server = serving(&workspace).await;
    let files = Files::new();
    let hostile = "=1+1@example.com,yes,v1,,2025-03-04T10:00:00Z,\"@SUM(A1)\",7".to_owned();
    imported(&server, &files.with("list.csv", csv([hostile])), &[]);
    let masked = output(&server, &["export", "participations", "--scope", "spring"]);
    assert!(masked.contains(",'=***@e***.com,") && !masked.contains("SUM"), "{masked}");
    let revealed = output(&server, &["export", "participations", "--scope", "spring", "--reveal"]);
    assert!(revealed.contains(",'=1+1@example.com,") && revealed.contains("SUM"), "{revealed}");
    assert_eq!(output(&server, &["export", "winners", "--scope", "spring"]).lines().count(), 1);
}
