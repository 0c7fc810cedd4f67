//! Starting, failing to start, and stopping.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

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
    let good = brands(directory.path(), GOOD);
    let first = ["serve", "--brands", &good, "--data", &data, "--listen", "127.0.0.1:0"];
    let mut process = Process::start(&first, &[], &directory.path().join("said"));
    process.address("Taking participations at ").await;
    let second = ["serve", "--brands", &good, "--data", &data, "--listen", "127.0.0.1:0"];
    let (code, said) = run(&second);
    assert_eq!(code, Some(1));
    assert!(said.contains("is in use by another process"), "{said}");
}
