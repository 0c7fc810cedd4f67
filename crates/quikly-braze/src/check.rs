//! `check`: validates brand files, and asks Braze what their keys may do.

use std::sync::Arc;

use braze::{ApiKey, Client, Grant, HttpTransport, Permission, Timeouts};
use domain::brand::{Brand, Brands, SecretRef};
use embedded::EnvSecrets;
use ports::Secrets;
use ports::clock::SystemClock;
use secrecy::ExposeSecret;

use crate::arguments::Check;
use crate::{brand_directory, console};

/// Validates a directory; the error lists every fault.
pub(crate) async fn run(arguments: Check) -> anyhow::Result<()> {
    let brands = brand_directory::read(&arguments.brands)?
        .map_err(|faults| anyhow::anyhow!(brand_directory::all_of(&faults)))?;
    for brand in brands.iter() {
        console::say(&format!("{}: {} activation(s), ok", brand.id, brand.activations.len()));
    }
    if arguments.live { live(&brands).await } else { Ok(()) }
}

/// Asks about every brand, so that all that is missing is known at once.
async fn live(brands: &Brands) -> anyhow::Result<()> {
    let transport = Arc::new(HttpTransport::new(Timeouts::default())?);
    let mut missing = 0;
    for brand in brands.iter() {
        let key = match secret(&brand.braze.api_key).await {
            Ok(key) => key,
            Err(error) => {
                console::say(&format!("{}: braze.api_key: {error:#}", brand.id));
                missing += 1;
                continue;
            }
        };
        let client = Client::new(brand.braze.endpoint.url().clone(), key, transport.clone());
        for permission in Permission::ALL {
            let grant = client.ask_for(permission).await;
            missing += usize::from(!matches!(grant, Grant::Given));
            console::say(&told(brand, permission, &grant));
        }
    }
    anyhow::ensure!(missing == 0, "{missing} permission(s) that Braze did not confirm");
    Ok(())
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
