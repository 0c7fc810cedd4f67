//! Example requests, to paste into a terminal.

use std::net::SocketAddr;

use super::TOKEN;

/// Where the demo's parts listen.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoAddresses {
    pub(super) connector: SocketAddr,
    pub(super) sim: SocketAddr,
}

/// The requests, as a text.
pub(super) fn to_try(DemoAddresses { connector, sim }: DemoAddresses) -> String {
    format!(
        r#"The connector   http://{connector}
Braze           http://{sim}  (simulated; help: curl http://{sim}/)

Try, by e-mail:
  curl -X POST http://{connector}/participations -H 'Content-Type: application/json' -H 'Idempotency-Key: the-page-of-ada-1' -d '{{"scope":"demo-spring","email":"ada@example.com"}}'
  curl http://{connector}/participations/ID            with the id from the first answer
  curl 'http://{sim}/_sim/profiles?email=ada@example.com'

By mobile number, single opt-in:
  curl -X POST http://{connector}/participations -H 'Content-Type: application/json' -d '{{"scope":"demo-spring","phone":"(313) 555-0100","consent":true}}'

Double opt-in, and the consumer's answer once the state is awaiting_opt_in:
  curl -X POST http://{connector}/participations -H 'Content-Type: application/json' -d '{{"scope":"demo-double","phone":"(313) 555-0101","consent":true}}'
  curl -X POST http://{sim}/_sim/replies -H 'Content-Type: application/json' -d '{{"phone":"+13135550101","text":"Y"}}'

By signing in to the app, which Braze reports; the first three are rewarded:
  curl -X POST http://{connector}/webhook/braze -H 'Authorization: Bearer {TOKEN}' -H 'Content-Type: application/json' -d '{{"q_scope":"demo-spring","event":"signed_in","email":"grace@example.com"}}'
  curl http://{connector}/incentives/demo-spring/first-3
"#
    )
}
