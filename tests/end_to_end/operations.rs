//! The operator's commands, next to the process that serves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::callback::{LastAnswer, ReceiverAnswer};
use domain::token::TokenHash;
use ports::clock::SystemClock;
use ports::ledger::DeliveryOutcome;
use ports::{Callbacks, Clock};
use serde_json::{Value, json};

use crate::process::{run, run_with, write};
use crate::quikly::QuiklyEnd;
use crate::secrets::{KEY, SECRET, TOKEN};
use crate::server::{BrandFixture, KEY_VARIABLE, OTHER_KEY_VARIABLE, SECRET_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);
const CREDITED_BY_EVENT: &str = "[activation.events.signed_in]";

/// The JSON output of a command on the server's data file.
fn asked(server: &ServeProcess, command: &[&str]) -> Value {
    let data = server.data().display().to_string();
    let (code, said) = run(&[command, &["--data", &data, "--json"]].concat());
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

#[tokio::test]
async fn status_shows_the_state_of_a_running_server() {
    let workspace = SimProcess::start("0s").await;
    workspace.fault(json!({ "path": "/users/export/ids", "kind": "status", "status": 503, "when": "before", "count": 1_000_000 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for number in 0..3 {
        server.take_part("spring", &format!("c{number}@example.com")).await;
    }
    let status = testkit::eventually("a slot was booked", LATER, || {
        let status = asked(&server, &["status"]);
        status["limits"].as_object().is_some_and(|limits| !limits.is_empty()).then_some(status)
    })
    .await;
    assert_eq!(
        status["participations"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>(),
        3
    );
    assert!(status["oldest_open"].is_string() && status["lag_seconds"].is_u64(), "{status}");
    assert_eq!(status["dead"]["callback"], 0);
    let (lane, limit) = status["limits"].as_object().unwrap().iter().next().unwrap();
    assert!(lane.contains("acme") && limit["requests"].is_u64(), "{status}");

    let storage = |name: &str| status["storage"][name].as_u64().unwrap();
    assert!(storage("file_bytes") > 0 && storage("disk_megabytes") >= storage("free_megabytes"), "{status}");

    let (code, text) = run(&["status", "--data", &server.data().display().to_string()]);
    assert_eq!(code, Some(0));
    assert!(text.contains("left on the disk"), "{text}");
    assert!(text.contains("participations") && text.contains("lag"), "{text}");
}

#[tokio::test]
async fn a_parked_callback_is_listed_and_delivered_once_after_a_retry() {
    let (workspace, quikly) = (SimProcess::start("0s").await, QuiklyEnd::start().await);
    workspace.add_profiles(vec![json!({ "external_id": "crm-1", "email": "ada@example.com" })]).await;
    quikly.is_out_of_order(true);
    let access = format!("[webhook]\ntokens_sha256 = [\"{}\"]\n{}", TokenHash::of(TOKEN), quikly.section());
    let brand = BrandFixture { access: &access, more: CREDITED_BY_EVENT, ..BrandFixture::at(&workspace) };
    let mut server = ServeProcess::start(&brand).await;
    let body = json!({ "q_scope": "spring", "event": "signed_in", "external_id": "crm-1", "email": "ada@example.com" });
    let (status, _, accepted) =
        server.webhook(Some(&format!("Bearer {TOKEN}")), body.to_string().into_bytes()).await;
    assert_eq!(status, 202, "{accepted}");
    server.reaches(accepted["id"].as_str().unwrap(), "credited", LATER).await;
    server.end_in_order().await;
    assert_eq!(asked(&server, &["dead", "list"]), json!([]));
    park_everything(&server).await;

    let dead = asked(&server, &["dead", "list"]);
    assert_eq!((dead[0]["kind"].as_str(), dead[0]["brand"].as_str()), (Some("callback"), Some("acme")));
    assert_eq!(dead[0]["participations"][0], accepted["id"]);
    let data = server.data().display().to_string();
    let (_, text) = run(&["dead", "list", "--data", &data]);
    assert!(text.contains("The receiver") && text.contains("Have the receiver repaired"), "{text}");
    assert_eq!(asked(&server, &["status"])["dead"]["callback"], 1);
    assert_eq!(asked(&server, &["dead", "retry", "--brand", "other"]), json!([]));
    let data = server.data().display().to_string();
    let (code, said) = run(&["dead", "retry", "--data", &data, "no-such-id"]);
    assert!(code == Some(1) && said.contains("no-such-id"), "{said}");
    let (code, said) = run(&["dead", "retry", "--data", &data]);
    assert!(code == Some(2) && said.contains("--all"), "everything only when it is said: {said}");

    quikly.is_out_of_order(false);
    assert_eq!(asked(&server, &["dead", "retry", dead[0]["id"].as_str().unwrap()]), dead);
    server.start_again().await;
    let told = testkit::eventually("it is delivered", LATER, || quikly.told().pop()).await;
    assert_eq!(told.body["data"]["id"], accepted["id"], "{}", told.body);
    assert_eq!(asked(&server, &["dead", "retry", "--all"]), json!([]));
    assert_eq!(quikly.told().len(), 1);
    server.said_nothing_of(&["ada@example.com".to_owned()]);
}

/// Parks all callbacks, as if no receiver had accepted any for a day.
async fn park_everything(server: &ServeProcess) {
    let file = embedded::DataFile::open(&server.data(), Arc::new(SystemClock)).unwrap();
    let in_a_day = SystemClock.now() + Duration::from_secs(86_400);
    let taken = file.take_callbacks(in_a_day, 100).await.unwrap().callbacks;
    let answer = LastAnswer { kind: ReceiverAnswer::NoAnswer, at: SystemClock.now() };
    let parked: Vec<_> =
        taken.iter().map(|outbound| (outbound.callback.id, DeliveryOutcome::Parked(answer))).collect();
    assert_eq!(parked.len(), 1);
    file.delivered(&parked).await.unwrap();
}

/// A process with one enrolled participation.
async fn with_one_enrolled() -> (SimProcess, ServeProcess, String) {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada.l@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    (workspace, server, id)
}

/// Whether a text is anywhere in the data file or its log.
fn kept(server: &ServeProcess, text: &str) -> bool {
    ["", "-wal"].into_iter().any(|ending| {
        let path = server.data().with_extension(format!("sqlite{ending}"));
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_forgotten_person_leaves_file_and_log_at_once_while_others_take_part() {
    let (_workspace, server, _) = with_one_enrolled().await;
    assert!(kept(&server, "ada.l@example.com"));
    let (data, over) = (server.data().display().to_string(), AtomicBool::new(false));
    let others = async {
        for number in 0.. {
            server.take_part("spring", &format!("c{number}@example.com")).await;
            if over.load(Ordering::Relaxed) {
                return number;
            }
        }
        0
    };
    let forget = async {
        let command = move || run(&["forget", "--data", &data, "--email", "ada.l@example.com"]);
        let (code, said) = tokio::task::spawn_blocking(command).await.unwrap();
        over.store(true, Ordering::Relaxed);
        assert_eq!(code, Some(0), "{said}");
    };
    let (number, ()) = tokio::join!(others, forget);
    assert!(!kept(&server, "ada.l@example.com"));
    assert!(kept(&server, &format!("c{number}@example.com")), "the others are stored");
}

#[tokio::test]
async fn a_forgotten_person_is_not_in_the_data_file_any_more() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let mut ids = Vec::new();
    for (scope, email) in
        [("spring", "ada.l@example.com"), ("summer", "ada.l@example.com"), ("spring", "eve@example.com")]
    {
        let id = server.take_part(scope, email).await;
        server.reaches(&id, "enrolled", LATER).await;
        ids.push(id);
    }
    let forgotten = asked(&server, &["forget", "--email", "Ada.L@Example.com"]);
    let told = json!({ "participations": 2, "profiles": 1, "unreadable": 0, "remains_in_log": false });
    assert_eq!(forgotten, told);
    assert_eq!(
        server.take_part("spring", "ada.l@example.com").await,
        ids[0],
        "the file still shows that somebody took part"
    );
    assert_eq!(server.show(&ids[2]).await["state"], "enrolled");
    server.end_in_order().await;

    assert!(kept(&server, "eve@example.com") && !kept(&server, "ada.l@example.com"));
    let (code, said) = run(&["forget", "--data", &server.data().display().to_string(), "--phone", "0313"]);
    assert!(code == Some(1) && said.contains("E.164") && !said.contains("0313"), "{said}");
}

#[tokio::test]
async fn a_live_check_names_what_a_key_lacks_and_changes_nothing() {
    let workspace = SimProcess::start("0s").await;
    let phone = "+13135550199".to_owned();
    let ada = json!({ "external_id": "crm-1", "email": "ada@example.com", "phone": phone });
    workspace.add_profiles(vec![ada]).await;
    workspace.subscribed("g-1", &[phone]).await;
    let before = (workspace.profiles().await, workspace.subscriptions().await);
    assert_eq!((before.0.len(), before.1["states"][0]["subscribed"].as_bool()), (1, Some(true)));
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let brands = server.brands().display().to_string();
    let check = |key: &str| {
        let variables = [(KEY_VARIABLE, key), (OTHER_KEY_VARIABLE, key), (SECRET_VARIABLE, SECRET)];
        run_with(&["check", "--live", "--brands", &brands], &variables)
    };

    let (code, said) = check(KEY);
    assert_eq!(code, Some(0), "{said}");
    for permission in
        ["users.track", "users.export.ids", "subscription.status.get", "subscription.status.set"]
    {
        assert!(said.contains(&format!("acme: {permission}: ok")), "{said}");
    }
    workspace.withhold(&["users.export.ids", "subscription.status.set"]).await;
    let (code, said) = check(KEY);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("acme: users.export.ids: MISSING") && said.contains("acme: users.track: ok"),
        "{said}"
    );
    assert!(said.contains("acme: subscription.status.set: MISSING"), "{said}");
    let arguments = ["check", "--live", "--json", "--brands", &brands];
    let (code, said) = run_with(&arguments, &[(KEY_VARIABLE, KEY), (SECRET_VARIABLE, SECRET)]);
    let told: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    let is = |permission: &str| told[0]["permissions"][permission]["is"].clone();
    assert_eq!((code, &told[0]["brand"], &told[0]["activations"]), (Some(1), &json!("acme"), &json!(4)));
    assert_eq!((is("users.track"), is("users.export.ids")), (json!("given"), json!("missing")), "{said}");
    let (code, said) = check("sim-somebody-elses");
    assert!(code == Some(1) && said.contains("the key is not known"), "{said}");
    assert!(!said.contains("sim-somebody-elses"), "Braze repeats the key, we do not: {said}");
    assert_eq!((workspace.profiles().await, workspace.subscriptions().await), before);
}

#[test]
fn a_missing_data_file_or_a_file_of_another_kind_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (code, said) = run(&["status", "--data", &path("nothing.sqlite")]);
    assert!(code == Some(1) && said.contains("nothing.sqlite"), "{said}");
    write(&directory.path().join("letter.txt"), "Dear Ada, this is not a database at all.");
    let (code, said) = run(&["status", "--data", &path("letter.txt")]);
    assert!(code == Some(1) && said.contains("letter.txt"), "{said}");
    assert_eq!(run(&["status"]).0, Some(2));
}

#[tokio::test]
async fn an_unknown_contact_has_an_exit_code_of_its_own_and_a_copied_file_is_complete() {
    let (_workspace, server, id) = with_one_enrolled().await;
    let data = server.data();
    let forget = |path: &std::path::Path, email: &str| {
        run(&["forget", "--data", &path.display().to_string(), "--email", email])
    };
    let (code, said) = forget(&data, "ada.k@example.com");
    assert!(code == Some(3) && said.contains("nobody found"), "{said}");
    assert!(!said.contains("ada.k"), "{said}");

    // The copy is made as the documentation says, while the file is served.
    let copy = data.with_file_name("copy.sqlite");
    fs::File::create(&copy).and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600))).unwrap();
    let connection = rusqlite::Connection::open(&data).unwrap();
    connection.execute("VACUUM INTO ?1", [copy.display().to_string()]).unwrap();
    assert_eq!(forget(&copy, "ada.l@example.com").0, Some(0), "the copy has her, too");
    assert_eq!(server.show(&id).await["state"], "enrolled");
    let copied = embedded::DataFile::open(&copy, Arc::new(SystemClock)).unwrap();
    drop(copied);
}

#[tokio::test]
async fn an_unreadable_participation_is_named_and_can_be_erased_while_everything_else_continues() {
    let (_workspace, server, damaged) = with_one_enrolled().await;
    let connection = rusqlite::Connection::open(server.data()).unwrap();
    connection.busy_timeout(LATER).unwrap();
    let sql = "UPDATE participations SET record = '{', due_at = 0 WHERE hex(id) = ?";
    assert_eq!(connection.execute(sql, [damaged.to_uppercase()]).unwrap(), 1);
    let id = server.take_part("spring", "eve.l@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let shows_it = async || {
        let health = server.send("GET", "/healthz", None, Vec::new()).await.2;
        let shown = health["degraded"].as_array()?.iter().any(|entry| entry["kind"] == "unreadable_records");
        shown.then_some(())
    };
    testkit::eventually_async("the health shows it", 2 * LATER, shows_it).await;
    let forgotten = run(&["forget", "--data", &server.data().display().to_string(), "--id", &damaged]);
    assert_eq!(forgotten.0, Some(0), "{}", forgotten.1);
    assert_eq!(server.show(&damaged).await["state"], "rejected");
}

#[tokio::test]
async fn a_paused_activation_refuses_newcomers_until_it_is_resumed_also_after_a_restart() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let ada = server.take_part("spring", "ada@example.com").await;
    let paused = asked(&server, &["pause", "spring"]);
    assert!(paused["paused_since"].is_string(), "{paused}");
    // Each attempt is by another consumer, because a consumer who came before the pause was noticed takes part already.
    let newcomers = std::sync::atomic::AtomicUsize::new(0);
    let status = async |server: &ServeProcess| {
        let email = format!("newcomer-{}@example.com", newcomers.fetch_add(1, Ordering::Relaxed));
        let body = json!({ "scope": "spring", "email": email }).to_string().into_bytes();
        server.send("POST", "/participations", Some("application/json"), body).await.0
    };
    testkit::eventually_async("newcomers are refused", LATER, async || {
        (status(&server).await == 503).then_some(())
    })
    .await;
    server.reaches(&ada, "enrolled", LATER).await;
    assert!(asked(&server, &["status"])["paused"]["spring"].is_string());
    assert!(asked(&server, &["report", "spring"])["paused_since"].is_string());
    server.kill_and_restart().await;
    assert_eq!(status(&server).await, 503);
    asked(&server, &["resume", "spring"]);
    testkit::eventually_async("newcomers take part", LATER, async || {
        (status(&server).await == 202).then_some(())
    })
    .await;
    let data = server.data().display().to_string();
    let (_, audit) = run(&["audit", "--data", &data]);
    assert!(audit.contains("  pause  spring") && audit.contains("  resume  spring"), "{audit}");
    let (code, said) = run(&["resume", "spring", "--data", &data]);
    assert!(code == Some(1) && said.contains("spring is not paused"), "{said}");
}

#[tokio::test]
async fn a_pause_shows_in_the_report_in_its_page_and_with_a_participation() {
    let (_workspace, server, id) = with_one_enrolled().await;
    let data = server.data().display().to_string();
    let told = |command: &[&str]| run(&[command, &["--data", &data]].concat()).1;
    let shows = || {
        [
            told(&["report", "spring"]).contains("Paused since "),
            told(&["report", "spring", "--lang", "fr"]).contains("En pause depuis "),
            told(&["report", "spring", "--html", "-"]).contains("<p class=\"wait\">Paused since "),
            told(&["show", &id]).contains("activation paused"),
            told(&["show", &id, "--lang", "fr"]).contains("activation en pause"),
            asked(&server, &["report", "spring"])["paused_since"].is_string(),
            asked(&server, &["show", &id])["paused_since"].is_string(),
        ]
    };
    assert_eq!(shows(), [false; 7]);
    asked(&server, &["pause", "spring"]);
    assert_eq!(shows(), [true; 7]);
}

#[tokio::test]
async fn status_says_of_each_brand_what_is_wrong_and_selects_a_brand_or_an_activation() {
    let workspace = SimProcess::start("0s").await;
    workspace.fault(json!({ "path": "/users/export/ids", "kind": "status", "status": 503, "when": "before", "count": 1_000_000 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    server.take_part("spring", "ada@example.com").await;
    let acme = testkit::eventually("an outage is noticed", LATER, || {
        let acme = asked(&server, &["status"])["brands"][0].clone();
        (acme["condition"] == "no_answer").then_some(acme)
    })
    .await;
    assert_eq!(
        (&acme["brand"], &acme["open"], &acme["waiting_for_requests"]),
        (&json!("acme"), &json!(1), &json!(1))
    );
    let data = server.data().display().to_string();
    let (_, text) = run(&["status", "--brand", "acme", "--lang", "fr", "--data", &data]);
    assert!(text.starts_with("acme: Braze ne répond pas depuis "), "{text}");
    let (code, said) = run(&["status", "--brand", "nobody", "--data", &data]);
    assert!(code == Some(1) && said.contains("nothing of a brand `nobody`"), "{said}");
    let spring = asked(&server, &["status", "--scope", "spring"]);
    let [under_way, credited] = ["under_way", "credited"].map(|name| spring[name].as_u64().unwrap());
    assert_eq!((&spring["accepted"], under_way + credited), (&json!(1), 1));
    let (_, text) = run(&["status", "--scope", "spring", "--data", &data]);
    assert!(
        text.starts_with("spring: took part 1, under way ") && text.ends_with(", rewarded 0\n"),
        "{text}"
    );
}
