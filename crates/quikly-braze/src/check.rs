//! `check`: validates brand files, and asks Braze what their keys may do.

use std::sync::Arc;

use braze::{ApiKey, Client, Grant, HttpTransport, Permission, Timeouts};
use domain::brand::{Brand, SecretRef};
use embedded::EnvSecrets;
use ports::Secrets;
use ports::clock::SystemClock;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::arguments::Check;
use crate::{brand_directory, console};

/// What a brand's key may do, by permission; or why it is not there.
type Grants = Result<Vec<(Permission, Grant)>, String>;

/// Validates a directory; the error lists every fault. Asks about every brand, so that all that is missing is known at once.
pub(crate) async fn run(arguments: Check) -> anyhow::Result<()> {
    let brands = brand_directory::read(&arguments.brands)?
        .map_err(|faults| anyhow::anyhow!(brand_directory::all_of(&faults)))?;
    if !arguments.json {
        for brand in brands.iter() {
            console::say(&format!("{}: {} activation(s), ok", brand.id, brand.activations.len()));
        }
    }
    let transport =
        if arguments.live { Some(Arc::new(HttpTransport::new(Timeouts::default())?)) } else { None };
    let (mut missing, mut told) = (0, Vec::new());
    for brand in brands.iter() {
        let grants = match &transport {
            Some(transport) => Some(ask(brand, transport).await),
            None => None,
        };
        missing += grants.as_ref().map_or(0, missing_of);
        match &grants {
            _ if arguments.json => told.push(as_json(brand, grants.as_ref())),
            Some(grants) => say(brand, grants),
            None => {}
        }
    }
    if arguments.json {
        console::say(&Value::from(told).to_string());
    }
    anyhow::ensure!(missing == 0, "{missing} permission(s) that Braze did not confirm");
    Ok(())
}

async fn ask(brand: &Brand, transport: &Arc<HttpTransport>) -> Grants {
    let key = secret(&brand.braze.api_key).await.map_err(|error| format!("{error:#}"))?;
    let client = Client::new(brand.braze.endpoint.url().clone(), key, transport.clone());
    let mut grants = Vec::new();
    for permission in Permission::ALL {
        grants.push((permission, client.ask_for(permission).await));
    }
    Ok(grants)
}

/// How many permissions are not confirmed; a key that is not there counts as one.
fn missing_of(grants: &Grants) -> usize {
    grants
        .as_ref()
        .map_or(1, |grants| grants.iter().filter(|(_, grant)| !matches!(grant, Grant::Given)).count())
}

fn say(brand: &Brand, grants: &Grants) {
    match grants {
        Ok(grants) => {
            for (permission, grant) in grants {
                console::say(&told(brand, *permission, grant));
            }
        }
        Err(error) => console::say(&format!("{}: braze.api_key: {error}", brand.id)),
    }
}

fn told(brand: &Brand, permission: Permission, grant: &Grant) -> String {
    let (brand, permission) = (&brand.id, permission.name());
    match grant {
        Grant::Given => format!("{brand}: {permission}: ok"),
        Grant::Missing(error) => {
            format!("{brand}: {permission}: MISSING; give it to the key, or make a new one: {error}")
        }
        Grant::UnknownKey(error) => {
            format!(
                "{brand}: {permission}: the key is not known at braze.endpoint; is it this workspace's? {error}"
            )
        }
        Grant::Unclear(error) => format!("{brand}: {permission}: cannot tell: {error}"),
    }
}

fn as_json(brand: &Brand, grants: Option<&Grants>) -> Value {
    let mut told = json!({ "brand": brand.id.as_str(), "activations": brand.activations.len() });
    match grants {
        None => {}
        Some(Ok(grants)) => {
            let grant =
                |(permission, grant): &(Permission, Grant)| (permission.name().to_owned(), shown(grant));
            told["permissions"] = Value::Object(grants.iter().map(grant).collect::<Map<_, _>>());
        }
        Some(Err(error)) => told["api_key"] = error.as_str().into(),
    }
    told
}

fn shown(grant: &Grant) -> Value {
    let (is, error) = match grant {
        Grant::Given => return json!({ "is": "given" }),
        Grant::Missing(error) => ("missing", error.to_string()),
        Grant::UnknownKey(error) => ("unknown_key", error.to_string()),
        Grant::Unclear(error) => ("unclear", error.to_string()),
    };
    json!({ "is": is, "error": error })
}

/// A key from wherever the brand file says.
async fn secret(reference: &SecretRef) -> anyhow::Result<ApiKey> {
    let key = match reference {
        SecretRef::Env(_) => EnvSecrets.get(reference).await?,
        SecretRef::Ssm(_) => {
            let config = aws::environment().await;
            aws::ssm::Parameters::new(&config, Arc::new(SystemClock)).get(reference).await?
        }
    };
    Ok(ApiKey::new(key.expose_secret()))
}
