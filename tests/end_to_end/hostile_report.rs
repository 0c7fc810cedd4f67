//! The page of a report in Chromium, over names that somebody wrote into the store to do harm.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use domain::ids::{Channel, IncentiveId, Scope};
use domain::rollup::{Rollup, RollupKey};
use embedded::DataFile;
use ports::clock::SystemClock;
use ports::{Clock, Rollups};

use crate::browser::chromium;
use crate::process::run;

/// Names of reasons that would run a script, load something, or add an element, if a page took them for markup.
fn hostile(port: u16) -> Vec<String> {
    let from = format!("http://127.0.0.1:{port}/");
    vec![
        "<script>document.title='owned'</script>".to_owned(),
        "<img src=x onerror=\"document.title='owned'\">".to_owned(),
        format!("<img src={from}img>"),
        format!("\"><link rel=stylesheet href={from}css>"),
        format!("</style><style>@import url({from}import);</style>"),
        format!("<iframe src={from}frame></iframe>"),
        "</title><script>document.title='owned'</script>".to_owned(),
        "<svg onload=\"document.title='owned'\"></svg>".to_owned(),
        "</td></tr></table><h1 id=injected>injected</h1>".to_owned(),
        "&lt;script&gt;document.title='owned'&lt;/script&gt;".to_owned(),
        "{{7*7}}${7*7}<!-- \u{202e} -->".to_owned(),
    ]
}

/// A data file whose figures have these names.
async fn written(data: &Path, names: &[String]) {
    let file = DataFile::open(data, Arc::new(SystemClock)).unwrap();
    let mut rollup = Rollup::default();
    let mut add = |name: String, incentive: Option<IncentiveId>| {
        let scope = Scope::parse("spring").unwrap();
        rollup.add(RollupKey { scope, minute: None, channel: Channel::Email, incentive, name }, 3);
    };
    add("accepted".to_owned(), None);
    for name in names {
        add(format!("uncredited {name}"), None);
        add(format!("without {name}"), IncentiveId::parse("first").ok());
    }
    file.add_rollup(&rollup, SystemClock.now()).await.unwrap();
}

/// The document as the browser has it after everything has run.
fn in_browser(chromium: &Path, page: &Path) -> String {
    let shown = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", page.with_extension("profile").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    String::from_utf8(shown.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_hostile_names_runs_nothing_loads_nothing_and_has_no_element_of_theirs() {
    if std::env::var_os("NO_BROWSER").is_some() {
        println!("NO_BROWSER is set: nothing was tested in a browser.");
        return;
    }
    let chromium = chromium().expect("Chromium is missing: cargo xtask test installs it, or sets NO_BROWSER");
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let names = hostile(elsewhere.local_addr().unwrap().port());
    let directory = tempfile::tempdir().unwrap();
    let (data, page) = (directory.path().join("data.sqlite"), directory.path().join("report.html"));
    written(&data, &names).await;
    let (code, said) = run(&[
        "report",
        "spring",
        "--data",
        &data.display().to_string(),
        "--html",
        &page.display().to_string(),
    ]);
    assert_eq!(code, Some(0), "{said}");
    let dom = tokio::task::spawn_blocking(move || in_browser(&chromium, &page)).await.unwrap();
    assert!(dom.contains("spring") && dom.contains("&lt;img src=x"), "the names are shown as text: {dom}");
    for injected in
        ["<script", "<img", "<iframe", "<svg onload", "<h1 id", "<link rel=\"stylesheet\"", "<title>owned"]
    {
        assert!(!dom.contains(injected), "{injected} in {dom}");
    }
    assert!(elsewhere.accept().is_err(), "something was loaded from elsewhere");
}
