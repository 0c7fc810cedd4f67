//! The demo: a simulated workspace, a demo brand, a page, and example requests.

mod page;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use ports::Secrets;
use secrecy::SecretString;

use crate::arguments::Serve;
use crate::server::Server;
use crate::{brand_directory, console, listen};

/// The demo brand, and the endpoint that it names.
const BRAND: &str = include_str!("demo.toml");
const ENDPOINT: &str = "http://127.0.0.1:8081";

/// The demo's data directory, unless `--data` is given.
const DIRECTORY: &str = "quikly-braze-demo";

/// The API key of the simulated workspace. It is valid nowhere else.
const KEY: &str = "demo-key";

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
    let data = arguments.data.unwrap_or_else(|| PathBuf::from(DIRECTORY).join("data.sqlite"));
    let listener = listen::on(arguments.listen).await?;
    let address = listener.local_addr()?;
    let sim_listener = listen::on(beside(arguments.listen)).await?;
    let sim_address = sim_listener.local_addr()?;
    let calls = Arc::new(page::LastCalls::default());
    let seen = calls.clone();
    let workspace = braze_sim::Workspace::new(braze_sim::Settings {
        api_keys: vec![KEY.to_owned()],
        settle: SETTLE,
        subscription_groups: vec![GROUP.to_owned()],
        double_opt_in: Some(braze_sim::DoubleOptIn {
            event: OPT_IN_EVENT.to_owned(),
            subscription_group_id: GROUP.to_owned(),
        }),
        on_request: Some(Arc::new(move |call: &braze_sim::ObservedRequest| {
            seen.note(call);
            console::say(&format!(
                "  braze  {} {}  {}  {}",
                call.method, call.path, call.status, call.summary
            ));
        })),
        ..braze_sim::Settings::default()
    });
    workspace.seed(SEED)?;
    let brand = BrandFile { name: "demo brand".to_owned(), text: brand_file(sim_address) };
    let brands = read_all(&[brand], &AssumePresent)
        .map_err(|faults| anyhow::anyhow!(brand_directory::all_of(&faults)))?;
    let mut server = Server::open(brands, Arc::new(DemoKey), &data, listener, &arguments.clients).await?;
    server.also_serve(page::routes(workspace.clone(), calls));
    if let Some(address) = arguments.metrics {
        server.show_metrics_at(address).await?;
    }
    let stop = listen::stop_signal()?;
    let simulated = tokio::spawn(braze_sim::serve(workspace, sim_listener, listen::stopped(stop.clone())));
    console::say(&what_to_try(address, sim_address, &data.display().to_string()));
    let served = server.run(stop).await;
    // All requests to the workspace have been answered, or are not waited for any more.
    simulated.abort();
    served
}

/// The address with the next port; port 0, which means any port, stays 0.
fn beside(address: SocketAddr) -> SocketAddr {
    let port = if address.port() == 0 { 0 } else { address.port().wrapping_add(1) };
    SocketAddr::new(address.ip(), port)
}

/// The demo brand, at the simulated workspace.
fn brand_file(sim: SocketAddr) -> String {
    BRAND.replace(ENDPOINT, &format!("http://{sim}"))
}

fn what_to_try(address: SocketAddr, sim: SocketAddr, data: &str) -> String {
    format!(
        r#"quikly-braze demo: open http://{address}/
  participations   http://{address}
  Braze workspace  http://{sim}  (simulated; help: curl http://{sim}/)
  data             {data}  (delete it to start over)

Try, by e-mail:
  curl -X POST http://{address}/participations -H 'Content-Type: application/json' -H 'Idempotency-Key: the-page-of-ada-1' -d '{{"scope":"demo-spring","email":"ada@example.com"}}'
  curl http://{address}/participations/ID            with the id from the first answer
  curl 'http://{sim}/_sim/profiles?email=ada@example.com'

By mobile number, single opt-in:
  curl -X POST http://{address}/participations -H 'Content-Type: application/json' -d '{{"scope":"demo-spring","phone":"(313) 555-0100","consent":true}}'

Double opt-in, and the consumer's answer once the state is awaiting_opt_in:
  curl -X POST http://{address}/participations -H 'Content-Type: application/json' -d '{{"scope":"demo-double","phone":"(313) 555-0101","consent":true}}'
  curl -X POST http://{sim}/_sim/replies -H 'Content-Type: application/json' -d '{{"phone":"+13135550101","text":"Y"}}'

By signing in to the app, which Braze reports; the first three are rewarded:
  curl -X POST http://{address}/webhook/braze -H 'Authorization: Bearer {TOKEN}' -H 'Content-Type: application/json' -d '{{"q_scope":"demo-spring","event":"signed_in","email":"grace@example.com"}}'
  curl http://{address}/incentives/demo-spring/first-3

Calls to Braze are shown here. Ctrl-C ends it.
"#
    )
}

/// The only secret of the demo.
struct DemoKey;

#[async_trait]
impl Secrets for DemoKey {
    async fn get(&self, _reference: &SecretRef) -> ports::Result<SecretString> {
        Ok(SecretString::from(KEY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_brand_names_what_the_demo_simulates() {
        let sim: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        let text = brand_file(sim);
        assert!(text.contains("endpoint = \"http://127.0.0.1:4000\"") && !text.contains(ENDPOINT), "{text}");
        let token = domain::token::TokenHash::of(TOKEN).to_string();
        for named in [token.as_str(), GROUP, OPT_IN_EVENT] {
            assert!(text.contains(&format!("\"{named}\"")), "{named} is not in demo.toml");
        }
    }
}
