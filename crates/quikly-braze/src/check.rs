//! `check`: validates brand files, and asks Braze for the permissions of their keys.

use std::sync::Arc;

use braze::{ApiKey, Client, Grant, HttpTransport, Permission, Timeouts};
use domain::brand::{Brand, SecretRef};
use domain::brand_file::{FileStanding, Finding, LoadedFile};
use domain::codes::Shape;
use domain::incentive::Pool;
use embedded::EnvSecrets;
use ports::Secrets;
use ports::clock::SystemClock;
use ports::error::in_full;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::arguments::Check;
use crate::brand_directory::{BrandDirectory, Reviewing};
use crate::code_files::{CodeFiles, Summary};
use crate::{brand_directory, console};

/// The grants of a brand's key by permission, or why the key cannot be read.
type Grants = Result<Vec<(Permission, Grant)>, String>;

/// Validates a directory; the error lists every fault. It asks Braze about every usable brand, so that everything missing is known at once.
pub(crate) async fn run(arguments: Check) -> anyhow::Result<()> {
    let reviewing = Reviewing::for_any_place(arguments.offline);
    let directory = BrandDirectory::new(arguments.brands, reviewing);
    let (loaded, codes) = directory.load(&directory.files()?, None);
    let transport =
        if arguments.live { Some(Arc::new(HttpTransport::new(Timeouts::default())?)) } else { None };
    let (mut missing, mut told) = (0, Vec::new());
    for file in &loaded.files {
        let usable = file.standing == FileStanding::Used;
        let brand = file.brand.as_ref().and_then(|id| loaded.brands.brand(id)).filter(|_| usable);
        let grants = match (&transport, brand) {
            (Some(transport), Some(brand)) => Some(ask(brand, transport).await),
            _ => None,
        };
        missing += grants.as_ref().map_or(0, missing_of);
        let pools = brand.map(|brand| pools(brand, &codes)).unwrap_or_default();
        if arguments.json {
            told.push(as_json(file, brand, &pools, grants.as_ref()));
        } else if let Some(brand) = brand {
            say(file, brand, &pools, grants.as_ref());
        }
    }
    if arguments.json {
        console::say(&Value::from(told).to_string());
    }
    brand_directory::all_usable(loaded)?;
    anyhow::ensure!(missing == 0, "{missing} permission(s) that Braze did not confirm");
    Ok(())
}

async fn ask(brand: &Brand, transport: &Arc<HttpTransport>) -> Grants {
    let key = secret(&brand.braze.api_key).await.map_err(|error| in_full(&*error))?;
    let client = Client::new(brand.braze.endpoint.url().clone(), key, transport.clone());
    let mut grants = Vec::new();
    for permission in Permission::ALL {
        grants.push((permission, client.ask_for(permission).await));
    }
    Ok(grants)
}

/// How many permissions are not confirmed. A key that cannot be read counts as one.
fn missing_of(grants: &Grants) -> usize {
    grants
        .as_ref()
        .map_or(1, |grants| grants.iter().filter(|(_, grant)| !matches!(grant, Grant::Given)).count())
}

/// A brand's pools, with a summary of their files.
fn pools<'a>(brand: &'a Brand, codes: &CodeFiles) -> Vec<(&'a Pool, Summary)> {
    brand.pools().into_iter().filter_map(|pool| Some((pool, codes.summary(pool)?))).collect()
}

fn say(file: &LoadedFile, brand: &Brand, pools: &[(&Pool, Summary)], grants: Option<&Grants>) {
    console::say(&format!("{}: {} activation(s), ok", brand.id, brand.activations.len()));
    for (pool, summary) in pools {
        console::say(&format!("  {}: {}", pool.file(), shape(summary)));
    }
    for finding in &file.findings {
        console::say(&format!("  {finding}"));
    }
    match grants {
        None => {}
        Some(Ok(grants)) => {
            for (permission, grant) in grants {
                console::say(&told(brand, *permission, grant));
            }
        }
        Some(Err(error)) => console::say(&format!("{}: braze.api_key: {error}", brand.id)),
    }
}

/// How many codes there are, and the shape of the first one.
fn shape(summary: &Summary) -> String {
    match (summary.codes, &summary.first) {
        (1, Some(first)) => format!("1 code, like {first}"),
        (count, Some(first)) => format!("{count} codes, the first like {first}"),
        (count, None) => format!("{count} codes"),
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
                "{brand}: {permission}: the key is not known at braze.endpoint; does it belong to this workspace? {error}"
            )
        }
        Grant::Unclear(error) => format!("{brand}: {permission}: unclear: {error}"),
    }
}

/// A file with its findings, and its brand if it is usable.
fn as_json(
    file: &LoadedFile,
    brand: Option<&Brand>,
    pools: &[(&Pool, Summary)],
    grants: Option<&Grants>,
) -> Value {
    let findings: Vec<Value> = file.findings.iter().map(finding).collect();
    let mut told = json!({
        "file": file.name,
        "usable": brand.is_some(),
        "brand": file.brand.as_ref().map(|id| id.as_str()),
        "findings": findings,
    });
    if let Some(brand) = brand {
        told["activations"] = brand.activations.len().into();
        let pool = |(pool, summary): &(&Pool, Summary)| {
            let first = summary.first.as_ref().map(Shape::as_str);
            json!({ "file": pool.file(), "count": summary.codes, "first_like": first })
        };
        told["codes"] = pools.iter().map(pool).collect();
    }
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

fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(),
        "file": finding.file,
        "line": finding.line,
        "field": finding.field,
        "message": finding.message,
    })
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

/// Reads a key from the source that the brand file names.
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
