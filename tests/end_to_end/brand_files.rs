//! Brand files that cannot be used, and files and codes that change while the process serves.

use std::fs;
use std::path::Path;
use std::time::Duration;

use domain::token::TokenHash;
use serde_json::{Value, json};
use testkit::eventually_async;

use crate::process::{run_with, write};
use crate::secrets::{KEY, OTHER_TOKEN, SECRET, TOKEN};
use crate::server::{BrandFixture, KEY_VARIABLE, OTHER_KEY_VARIABLE, SECRET_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const SOON: Duration = Duration::from_secs(60);
const SIGNED_IN: &str = "[activation.events.signed_in]\n";
pub(crate) const CODES: &str = "[activation.events.signed_in]\nincentive = \"first\"\n[[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 1\ncodes = \"codes.txt\"\n";

pub(crate) fn access() -> String {
    format!("[webhook]\ntokens_sha256 = [\"{}\"]\n", TokenHash::of(TOKEN))
}

pub(crate) fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replace(from, to)).unwrap();
}

fn told(scope: &str, email: &str) -> Value {
    json!({ "q_scope": scope, "event": "signed_in", "email": email })
}

pub(crate) async fn webhook(server: &ServeProcess, token: &str, scope: &str, email: &str) -> (u16, Value) {
    let body = told(scope, email).to_string().into_bytes();
    let (status, _, body) = server.webhook(Some(&format!("Bearer {token}")), body).await;
    (status, body)
}

async fn health(server: &ServeProcess) -> (String, Vec<(String, String)>) {
    let health = server.health().await;
    let entries = health["degraded"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = entries.iter().map(|entry| (text(&entry["kind"]), text(&entry["brand"])));
    (text(&health["status"]), entries.collect())
}

async fn becomes(server: &ServeProcess, kind: &str, brand: &str) {
    let expected = ("degraded".to_owned(), vec![(kind.to_owned(), brand.to_owned())]);
    eventually_async("a degraded health", SOON, async || (health(server).await == expected).then_some(()))
        .await;
}

async fn is_ok(server: &ServeProcess) {
    eventually_async("a good health", SOON, async || (health(server).await.0 == "ok").then_some(())).await;
}

#[tokio::test]
async fn one_broken_file_harms_its_own_brand_only_and_its_requests_can_be_repeated() {
    let workspace = SimProcess::start("0s").await;
    let access = access();
    let brand = BrandFixture { access: &access, more: SIGNED_IN, ..BrandFixture::at(&workspace) };
    let breaks = |brands: &Path| {
        change(&brands.join("acme.toml"), "[braze]", "[braze]\ncolour = 1");
        fs::create_dir(brands.join("directory.toml")).unwrap();
        fs::write(brands.join("._acme.toml"), b"\0\x05\x16").unwrap();
    };
    let server = ServeProcess::start_changed(&brand, breaks, &["--requests-per-client", "0"]).await;
    assert_eq!(webhook(&server, OTHER_TOKEN, "other-spring", "ada@example.com").await.0, 202);
    let acme = [("authorization", format!("Bearer {TOKEN}"))];
    let later = (503, Some("60".to_owned()));
    let event = told("spring", "ada@example.com");
    assert_eq!(server.retry_after("/webhook/braze", &acme, &event).await, later);
    let takes_part = json!({ "scope": "spring", "email": "ada@example.com" });
    assert_eq!(server.retry_after("/participations", &[], &takes_part).await, later);
    let stranger = [("authorization", "Bearer qb_nobody".to_owned())];
    assert_eq!(server.retry_after("/webhook/braze", &stranger, &event).await.0, 401);
    let unknown = json!({ "scope": "winter", "email": "ada@example.com" });
    assert_eq!(server.retry_after("/participations", &[], &unknown).await.0, 422);
    let (status, mut wrong) = health(&server).await;
    wrong.sort();
    let broken = |brand: &str| ("brand_broken".to_owned(), brand.to_owned());
    assert_eq!((status.as_str(), wrong), ("degraded", vec![broken("acme"), broken("directory.toml")]));
    server.logs("is not a known key").await;

    let brands = server.brands();
    let path = |name: &str| brands.join(name).display().to_string();
    let variables = [(KEY_VARIABLE, KEY), (OTHER_KEY_VARIABLE, KEY), (SECRET_VARIABLE, SECRET)];
    let strict =
        ["serve", "--strict", "--brands", &path(""), "--data", &path("x.sqlite"), "--listen", "127.0.0.1:0"];
    let (code, said) = run_with(&strict, &variables);
    assert!(code == Some(1) && said.contains("colour: is not a known key"), "{said}");
    let (code, said) = run_with(&["check", "--json", "--brands", &path("")], &variables);
    let checked: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!((code, &checked[0]["usable"], &checked[2]["usable"]), (Some(1), &json!(false), &json!(true)));
    assert_eq!(checked[0]["findings"][0]["severity"], "error");

    change(&brands.join("acme.toml"), "[braze]\ncolour = 1", "[braze]");
    fs::remove_dir(brands.join("directory.toml")).unwrap();
    server.hang_up();
    is_ok(&server).await;
    assert_eq!(webhook(&server, TOKEN, "spring", "ada@example.com").await.0, 202);
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", SOON).await;
}

#[tokio::test]
async fn added_codes_reach_those_who_are_owed_one_and_added_places_those_who_wait() {
    let workspace = SimProcess::start("0s").await;
    let access = access();
    let brand = BrandFixture { access: &access, more: CODES, codes: 4, ..BrandFixture::at(&workspace) };
    let server =
        ServeProcess::start_changed(&brand, |_| {}, &["--requests-per-client", "0", "--watch"]).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let (_, body) = webhook(&server, TOKEN, "spring", &format!("c{number}@example.com")).await;
        ids.push(body["id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        server.reaches(id, "credited", SOON).await;
    }
    let rewarded = async || {
        let mut rewards = Vec::new();
        for id in &ids {
            rewards.extend(server.show(id).await["reward"].as_str().map(str::to_owned));
        }
        rewards
    };
    assert_eq!(rewarded().await.len(), 1);
    let file = server.brands().join("acme.toml");
    let more: String = (0..30).map(|number| format!("CODE-{number:04}\n")).collect();
    write(&server.brands().join("codes.txt"), &more);
    change(&file, "quantity = 1\n", "quantity = 5\n");
    eventually_async("five rewards", SOON, async || (rewarded().await.len() == 5).then_some(())).await;
    assert_eq!(server.show(&ids[5]).await["waiting"], 1);
    server.logs("Brand files read again").await;
    // SIGHUP makes it read them, too, without `--watch` having seen a change.
    change(&file, "quantity = 5\n", "quantity = 6\n");
    server.hang_up();
    eventually_async("six rewards", SOON, async || (rewarded().await.len() == 6).then_some(())).await;
    let mut rewards = rewarded().await;
    rewards.sort();
    rewards.dedup();
    assert_eq!(rewards.len(), 6, "everybody has a different one");
}

#[tokio::test]
async fn a_new_file_that_cannot_be_used_leaves_the_brand_as_it_was_and_a_new_brand_begins() {
    let workspace = SimProcess::start("0s").await;
    let access = access();
    let brand = BrandFixture { access: &access, more: SIGNED_IN, ..BrandFixture::at(&workspace) };
    let server = ServeProcess::start(&brand).await;
    let brands = server.brands();
    let good = fs::read_to_string(brands.join("acme.toml")).unwrap();
    let other = fs::read_to_string(brands.join("other.toml")).unwrap();
    for broken in [&good[..good.len() / 2], "\u{feff}id = 1", "", &good.replace("[braze]", "[braze")] {
        write(&brands.join("acme.toml"), broken);
        server.hang_up();
        becomes(&server, "brand_outdated", "acme").await;
        assert_eq!(webhook(&server, TOKEN, "spring", "ada@example.com").await.0, 202, "{broken}");
        write(&brands.join("acme.toml"), &good);
        server.hang_up();
        is_ok(&server).await;
    }
    let (token, hash) = ("qb_0123456789abcdef", TokenHash::of("qb_0123456789abcdef").to_string());
    let third = other.replace("other", "third").replace(&TokenHash::of(OTHER_TOKEN).to_string(), &hash);
    let third = third.replace("[webhook]", "[intake]\norigins = [\"https://third.example\"]\n[webhook]");
    write(&brands.join("third.toml"), &third);
    fs::remove_file(brands.join("other.toml")).unwrap();
    assert_eq!(webhook(&server, token, "third-spring", "bob@example.com").await.0, 401);
    server.hang_up();
    eventually_async("the third brand", SOON, async || {
        let (status, _) = webhook(&server, token, "third-spring", "bob@example.com").await;
        (status == 202).then_some(())
    })
    .await;
    assert_eq!(webhook(&server, OTHER_TOKEN, "other-spring", "bob@example.com").await.0, 401);
    // A directory that cannot be read changes nothing.
    let aside = brands.with_file_name("aside");
    fs::rename(&brands, &aside).unwrap();
    server.hang_up();
    becomes(&server, "brands_unread", "").await;
    assert_eq!(webhook(&server, token, "third-spring", "eve@example.com").await.0, 202);
    fs::rename(&aside, &brands).unwrap();
    server.hang_up();
    is_ok(&server).await;
}
