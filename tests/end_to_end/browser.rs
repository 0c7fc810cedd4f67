//! The element and the demo's page in Chromium, driven by the scripts in `tests/browser`, against the real server and a simulated workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::brand_text::BrandText;

use crate::demo::Demo;
use crate::process::write;
use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000001";
const EVENT: &str = "quikly_sms_opt_in";

/// The activations that the script uses. Nothing about the brand matters except what a page sees.
fn activations() -> String {
    let open = "opens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z";
    format!(
        r#"
[[activation]]
scope = "browser"
{open}
[activation.email]
incentive = "first-5"
[[activation.incentive]]
id = "first-5"
kind = "first"
quantity = 5
reward = "SPRING20"
[[activation]]
scope = "texts"
{open}
[activation.sms]
subscription_group_id = "{GROUP}"
default_region = "US"
opt_in = "double"
double_opt_in_event = "{EVENT}"
window = "1m"
poll = [{{ every = "1s" }}]
[[activation]]
scope = "asks"
{open}
[activation.email]
[activation.attributes]
first_name = {{ type = "text", max_length = 20, pattern = "[A-Za-z]+", required = true }}
[[activation]]
scope = "app"
{open}
[activation.events.signed_in]
incentive = "first-2"
[[activation.incentive]]
id = "first-2"
kind = "first"
quantity = 2
reward = "SPRING20"
[[activation]]
scope = "over"
opens = 2020-01-01T00:00:00Z
closes = 2021-01-01T00:00:00Z
[activation.email]
[[activation]]
scope = "later"
opens = 2099-01-01T00:00:00Z
closes = 2100-01-01T00:00:00Z
[activation.email]
"#
    )
}

/// Chromium, wherever it is installed.
pub(crate) fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let installed = std::env::split_paths(&path).flat_map(|directory| names.map(|name| directory.join(name)));
    named.into_iter().chain(installed).find(|program| program.exists())
}

/// Runs a script in Chromium, or says that nothing is tested. Fails if a test of the script fails.
pub(crate) async fn in_chromium(script: &str, variables: &[(&str, &str)]) {
    if std::env::var_os("NO_BROWSER").is_some() {
        println!("NO_BROWSER is set: nothing was tested in a browser.");
        return;
    }
    let chromium = chromium().expect("Chromium is missing: cargo xtask test installs it, or sets NO_BROWSER");
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    let missing = "playwright-core is missing: cargo xtask web installs it";
    assert!(web.join("node_modules/playwright-core").exists(), "{missing}");
    let mut command = Command::new("node");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script))
        .env("WEB", web)
        .env("CHROMIUM", chromium)
        .env("SCREENSHOTS", Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser"))
        .envs(variables.iter().copied());
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}");
    println!("{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_works_in_a_real_browser() {
    let workspace = SimProcess::start("0s").await;
    workspace.asks_by_event(EVENT, GROUP).await;
    // The page's address has to be known before it is served, because the brand lists it.
    let page = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let key = format!("{{ env = \"{}\" }}", crate::server::KEY_VARIABLE);
    let brand = BrandText::of("acme", &workspace.url, &key).webhook(TOKEN).to_string();
    let text = format!(
        "{brand}\n[intake]\nopen_to_anybody = true\norigins = [\"http://127.0.0.1:{page}\"]\n{}",
        activations()
    );
    let write_brand = |brands: &Path| write(&brands.join("acme.toml"), &text);
    let unlimited =
        &["--requests-per-client", "0", "--reads-per-client", "0", "--connections-per-client", "0"];
    let server = ServeProcess::start_changed(&BrandFixture::at(&workspace), write_brand, unlimited).await;
    let page = page.to_string();
    let variables =
        [("SERVER", server.url.as_str()), ("SIM", &workspace.url), ("ORIGIN_PORT", &page), ("TOKEN", TOKEN)];
    in_chromium("element.mjs", &variables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_page_works_in_a_real_browser() {
    let demo = Demo::start().await;
    in_chromium("demo.mjs", &[("DEMO", demo.page())]).await;
}
