//! Starting, failing to start, and stopping.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testkit::brand_text::BrandText;

use crate::process::{Process, run, write};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const GOOD: &str =
    "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/key\" }\n";

fn brands(directory: &Path, text: &str) -> String {
    write(&directory.join("brands/acme.toml"), text);
    directory.join("brands").display().to_string()
}

/// Checks that it ends with code 1 and one line that contains `reason`.
fn refuses_to_start(arguments: &[&str], reason: &str) {
    let (code, said) = run(arguments);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(reason), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "one line, no backtrace:\n{said}");
}

fn demo(directory: &Path, data: &str) -> Process {
    let arguments = ["serve", "--demo", "--listen", "127.0.0.1:0", "--data", data];
    Process::start(&arguments, &[], &directory.join("said"))
}

#[tokio::test]
async fn the_demo_has_a_page_with_the_element_the_texts_and_the_calls_to_braze() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("demo/data.sqlite").display().to_string();
    let mut process = demo(directory.path(), &data);
    let url = process.address("participations   ").await;
    let client = reqwest::Client::new();
    let page = client.get(format!("{url}/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.unwrap();
    for part in ["<quikly-activation", "/widget/v1.js", "/demo/script.js", "/demo/style.css"] {
        assert!(page.contains(part), "{part}");
    }
    let json = async |request: reqwest::RequestBuilder| -> Value {
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    };
    let body = serde_json::json!({ "scope": "demo-shop", "phone": "(313) 555-0101", "consent": true });
    let post = client.post(format!("{url}/participations")).header("content-type", "application/json");
    let accepted = json(post.body(body.to_string())).await;
    assert_eq!(accepted["position"], 1, "{accepted}");
    testkit::eventually_async("the telephone has a text", Duration::from_secs(60), async || {
        let texts = json(client.get(format!("{url}/demo/texts"))).await;
        (texts["prompted"][0]["phone"] == "+13135550101").then_some(())
    })
    .await;
    let calls = json(client.get(format!("{url}/demo/calls"))).await;
    assert!(calls[0]["path"].is_string() && !calls.to_string().contains("3135550101"), "{calls}");
    for (trouble, status) in [("down", 200), ("works", 200), ("elsewhere", 404)] {
        let made = client.post(format!("{url}/demo/braze/{trouble}")).send().await.unwrap();
        assert_eq!(made.status(), status, "{trouble}");
    }
    let reply = client.post(format!("{url}/demo/replies")).body(r#"{"phone":"+13135550101","text":"Y"}"#);
    assert_eq!(json(reply).await["confirmed"], true);
}

#[tokio::test]
async fn the_demo_prints_requests_to_try_and_they_work() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("demo/data.sqlite").display().to_string();
    let mut process = demo(directory.path(), &data);
    let url = process.address("participations   ").await;
    let sim = process.address("Braze workspace  ").await;
    assert!(process.said().contains(&data), "it names where its data is");

    let client = reqwest::Client::new();
    let call = async |request: reqwest::RequestBuilder| -> Value {
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    };
    // Every curl line that posts, exactly as printed.
    let said = process.said();
    let posts: Vec<(String, String)> = said
        .lines()
        .filter_map(|line| {
            let (url, rest) = line.trim().strip_prefix("curl -X POST ")?.split_once(' ')?;
            Some((url.to_owned(), rest.split('\'').rfind(|part| part.starts_with('{'))?.to_owned()))
        })
        .collect();
    assert_eq!(posts.len(), 5);
    let post = async |(url, body): &(String, String)| {
        let request = client.post(url).header("content-type", "application/json");
        call(request.header("authorization", "Bearer demo-token").body(body.clone())).await
    };
    let reaches = async |accepted: &Value, state: &str| {
        let path = format!("{url}/participations/{}", accepted["id"].as_str().unwrap());
        testkit::eventually_async(state, Duration::from_secs(60), async || {
            let shown = call(client.get(&path)).await;
            (shown["state"] == state).then_some(shown)
        })
        .await
    };
    let (by_email, single, double) = (post(&posts[0]).await, post(&posts[1]).await, post(&posts[2]).await);
    assert_eq!(reaches(&by_email, "enrolled").await["credited"], true);
    assert_eq!(reaches(&double, "awaiting_opt_in").await["credited"], false);
    testkit::eventually_async("there is a question to answer", Duration::from_secs(60), async || {
        (post(&posts[3]).await["confirmed"] == true).then_some(())
    })
    .await;
    assert_eq!(reaches(&double, "credited").await["credited"], true);
    assert_eq!(reaches(&single, "credited").await["credited"], true);
    let signed_in = post(&posts[4]).await;
    assert_eq!(reaches(&signed_in, "credited").await["reward"], "SPRING20");
    let profiles = call(client.get(format!("{sim}/_sim/profiles?email=ada@example.com"))).await;
    assert_eq!(profiles["profiles"].as_array().unwrap().len(), 1);
    let said = process.said();
    assert!(
        said.contains("POST /users/export/ids  201") && said.contains("POST /users/track  201"),
        "{said}"
    );
    assert!(process.terminate().await.success());
}

#[test]
fn a_token_is_printed_with_the_hash_that_a_brand_file_takes() {
    let word_after = |said: &str, name: &str| {
        said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    let tokens = [run(&["token"]), run(&["token"])].map(|(code, said)| {
        assert_eq!(code, Some(0));
        let (token, hash) = (word_after(&said, "token "), word_after(&said, "sha256 "));
        assert_eq!(domain::token::TokenHash::of(&token).to_string(), hash);
        token
    });
    assert_ne!(tokens[0], tokens[1]);
}

fn limited() -> String {
    let spring = BrandText::default().activation("spring").email("incentive = \"first\"");
    spring.first("first", 2, "reward = \"A\"").to_string()
}

#[test]
fn check_and_serve_refuse_limited_prizes_for_anybody_and_name_the_key_that_allows_them() {
    let directory = tempfile::tempdir().unwrap();
    let brands = brands(directory.path(), &format!("{GOOD}{}", limited()));
    let data = directory.path().join("data.sqlite").display().to_string();
    let check = run(&["check", "--brands", &brands]);
    let serve = run(&["serve", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"]);
    for (code, said) in [check, serve] {
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("activation[0].email.incentive: ") && said.contains("open_to_anybody = true"),
            "{said}"
        );
    }
    self::brands(directory.path(), &format!("{GOOD}[intake]\nopen_to_anybody = true\n{}", limited()));
    let (code, said) = run(&["check", "--brands", &brands]);
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
async fn sigterm_ends_it_in_order() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", Duration::from_secs(60)).await;
    assert!(server.terminate().await.success());
}

#[test]
fn check_prints_every_error_with_file_line_and_field() {
    let directory = tempfile::tempdir().unwrap();
    let text = "id = \"acme\"\n[braze]\nendpoint = \"https://example.com\"\napi_key = { env = \"NO_SUCH_VARIABLE_7\" }\ncolour = 1\n";
    let (code, said) = run(&["check", "--brands", &brands(directory.path(), text)]);
    assert_eq!(code, Some(1));
    for fault in [
        "acme.toml:3: braze.endpoint: ",
        "acme.toml:4: braze.api_key: environment variable NO_SUCH_VARIABLE_7 is not set",
        "acme.toml:5: braze.colour: is not a known key",
    ] {
        assert!(said.contains(fault), "{fault}\n{said}");
    }
    assert!(said.contains("3 errors"), "{said}");
}

#[test]
fn check_says_that_good_files_are_good() {
    let directory = tempfile::tempdir().unwrap();
    let good = GOOD.replace("http://127.0.0.1:1", "https://rest.iad-03.braze.com");
    let (code, said) = run(&["check", "--brands", &brands(directory.path(), &good)]);
    assert_eq!((code, said.trim()), (Some(0), "acme: 0 activation(s), ok"));
}

#[test]
fn it_says_in_one_line_why_it_cannot_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let good = brands(directory.path(), GOOD);
    let data = path("data.sqlite");
    let serve = |brands: &str, data: &str, listen: &str, reason: &str| {
        refuses_to_start(&["serve", "--brands", brands, "--data", data, "--listen", listen], reason);
    };
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let held_address = held.local_addr().unwrap().to_string();
    serve(&good, &data, &held_address, "cannot listen on");
    serve(&path("nowhere"), &data, "127.0.0.1:0", "cannot read the brand directory");
    std::fs::create_dir(path("empty")).unwrap();
    serve(&path("empty"), &data, "127.0.0.1:0", "there is no brand file");
    write(Path::new(&path("a-file")), "x");
    serve(&good, &path("a-file/data.sqlite"), "127.0.0.1:0", "cannot create the data directory");
    write(Path::new(&path("other.sqlite")), &"not a database, whatever its name says. ".repeat(50));
    serve(&good, &path("other.sqlite"), "127.0.0.1:0", "is not a data file of quikly-braze");
    refuses_to_start(&["sim", "--listen", &held_address], "cannot listen on");
    refuses_to_start(&["sim", "--listen", "127.0.0.1:0", "--seed", &path("a-file")], "line 1");
}

#[tokio::test]
async fn two_processes_do_not_share_a_data_file() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data.sqlite").display().to_string();
    let mut process = demo(directory.path(), &data);
    process.address("participations   ").await;
    let good = brands(directory.path(), GOOD);
    let second = ["serve", "--brands", &good, "--data", &data, "--listen", "127.0.0.1:0"];
    let (code, said) = run(&second);
    assert_eq!(code, Some(1));
    assert!(said.contains("is in use by another process"), "{said}");
}
