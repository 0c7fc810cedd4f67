//! The demo: a simulated workspace, a demo brand, a page, and a connector that is a process of its own.

mod connector_process;
mod newest;
mod page;
mod recorded;
mod requests;
mod words;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, BrandFile, read_all};

use crate::arguments::Serve;
use crate::connections::{self, Clients};
use crate::widget::with_widget;
use crate::{brand_directory, console, listen};
use connector_process::ConnectorProcess;
use requests::DemoAddresses;

/// The demo brand, the endpoint that it names, and the origin of its page.
const BRAND: &str = include_str!("demo.toml");
const ENDPOINT: &str = "http://127.0.0.1:8081";
const ORIGINS: &str = "\"http://127.0.0.1:8082\"";

/// The demo's data directory, unless `--data` is given.
const DIRECTORY: &str = "quikly-braze-demo";

/// The API key of the simulated workspace, and the variable that the demo brand names. The key is valid nowhere else.
const KEY: (&str, &str) = ("DEMO_KEY", "demo-key");

/// The token of the demo's webhooks.
const TOKEN: &str = "demo-token";

/// How long the simulated workspace takes to build a profile. Braze takes minutes; a demo should not.
const SETTLE: Duration = Duration::from_secs(2);

/// The subscription group of the simulated workspace, and the event that makes it ask a consumer to confirm.
const GROUP: &str = "d0e5c0de-0000-4000-8000-000000000001";
const OPT_IN_EVENT: &str = "quikly_sms_opt_in";

/// A consumer whose profile already exists in the workspace.
const SEED: &str =
    r#"{"profiles": [{"external_id": "grace-1906", "email": "grace@example.com", "first_name": "Grace"}]}"#;

/// Serves the demo until it is stopped.
pub(crate) async fn run(arguments: Serve) -> anyhow::Result<()> {
    let data = arguments.data.clone().unwrap_or_else(|| PathBuf::from(DIRECTORY).join("data.sqlite"));
    let sim_listener = listen::on(beside(arguments.listen, 1)).await?;
    let page_listener = listen::on(beside(arguments.listen, 2)).await?;
    let (sim_address, page_address) = (sim_listener.local_addr()?, page_listener.local_addr()?);
    let workspace = workspace()?;
    let text = brand_file(sim_address, page_address);
    let brands = demo_brands(text.clone())?;
    let directory = data.with_extension("brands");
    written(&directory, &text)?;
    let stop = listen::stop_signal()?;
    let simulated =
        tokio::spawn(braze_sim::serve(workspace.clone(), sim_listener, listen::stopped(stop.clone())));
    let connector = ConnectorProcess::new(&arguments, (&directory, &data));
    let address = connector.start().await?;
    let connector = Arc::new(connector);
    let addresses = DemoAddresses { connector: reachable(address), sim: reachable(sim_address) };
    let page = page::DemoPage::new(workspace, connector.clone(), (&data, brands), addresses)?;
    let routes = with_widget(page::routes(page));
    console::say(&what_to_open(reachable(page_address), &data));
    connections::serve(page_listener, routes, Clients::Connect(None), stop).await;
    connector.stop().await;
    // All requests to the workspace have been answered, or are not waited for any more.
    simulated.abort();
    Ok(())
}

fn workspace() -> anyhow::Result<braze_sim::Workspace> {
    let workspace = braze_sim::Workspace::new(braze_sim::Settings {
        api_keys: vec![KEY.1.to_owned()],
        settle: SETTLE,
        subscription_groups: vec![GROUP.to_owned()],
        double_opt_in: Some(braze_sim::DoubleOptIn {
            event: OPT_IN_EVENT.to_owned(),
            subscription_group_id: GROUP.to_owned(),
        }),
        on_request: Some(Arc::new(|call: &braze_sim::ObservedRequest| {
            console::say(&format!(
                "  braze  {} {}  {}  {}",
                call.method, call.path, call.status, call.summary
            ));
        })),
        ..braze_sim::Settings::default()
    });
    workspace.seed(SEED)?;
    Ok(workspace)
}

/// The address with a later port; port 0, which means any port, stays 0.
fn beside(address: SocketAddr, later: u16) -> SocketAddr {
    let port = if address.port() == 0 { 0 } else { address.port().wrapping_add(later) };
    SocketAddr::new(address.ip(), port)
}

/// An address at which this machine reaches a listener of all its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// The demo brand, at the simulated workspace, and for the demo's page.
fn brand_file(sim: SocketAddr, page: SocketAddr) -> String {
    let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let own = format!("\"http://{}\"", reachable(page));
    let origins = hosts.map(|host| format!("\"http://{host}:{}\"", page.port()));
    let origins: BTreeSet<String> = origins.into_iter().chain([own]).collect();
    let origins: Vec<String> = origins.into_iter().collect();
    BRAND.replace(ENDPOINT, &format!("http://{}", reachable(sim))).replace(ORIGINS, &origins.join(", "))
}

fn demo_brands(text: String) -> anyhow::Result<Brands> {
    let brand = BrandFile { name: "demo brand".to_owned(), text };
    read_all(&[brand], &AssumePresent).map_err(|faults| anyhow::anyhow!(brand_directory::all_of(&faults)))
}

/// Writes the brand file where the connector reads it.
fn written(directory: &Path, text: &str) -> anyhow::Result<()> {
    let doing = || format!("cannot write the demo's brand file in {}", directory.display());
    std::fs::create_dir_all(directory).with_context(doing)?;
    std::fs::write(directory.join("demo.toml"), text).with_context(doing)
}

fn what_to_open(page: SocketAddr, data: &Path) -> String {
    format!(
        "quikly-braze demo: open http://{page}/\nData is in {}; delete it to start over. Calls to Braze are shown here. Ctrl-C ends it.",
        data.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_brand_names_what_the_demo_simulates() {
        let [sim, page] = ["127.0.0.1:4000", "[::]:4001"].map(|address| address.parse().unwrap());
        let text = brand_file(sim, page);
        assert!(text.contains("endpoint = \"http://127.0.0.1:4000\"") && !text.contains(ENDPOINT), "{text}");
        assert!(text.contains("\"http://127.0.0.1:4001\"") && !text.contains(ORIGINS), "{text}");
        let token = domain::token::TokenHash::of(TOKEN).to_string();
        for named in [token.as_str(), GROUP, OPT_IN_EVENT] {
            assert!(text.contains(&format!("\"{named}\"")), "{named} is not in demo.toml");
        }
        assert!(text.contains(&format!("{{ env = \"{}\" }}", KEY.0)), "{text}");
        assert_eq!(demo_brands(text).unwrap().iter().count(), 1);
    }
}
