//! The storage that a command works on: a data file, or an environment on AWS.

use std::sync::Arc;

use anyhow::Context;
use aws::dynamo::{AnotherKey, Marks};
use aws::operations::Environment;
use aws::ssm::Parameters;
use domain::brand::SecretRef;
use domain::id_key::IdKey;
use embedded::AdminConnection;
use ports::clock::SystemClock;
use ports::{CallReading, Inspection, Operations, Pauses, Reports, Search, Secrets};
use secrecy::ExposeSecret;

use crate::arguments::StorageArguments;
use crate::id_key;

/// An opened storage.
pub(crate) enum Opened {
    File { admin: AdminConnection, shown: String, id_key: Option<IdKey> },
    OnAws { environment: Environment, secrets: Parameters, parameter: String, id_key: Option<IdKey> },
}

impl Opened {
    /// Opens a storage. If the environment provides an id key, it must be the one that the storage was used with.
    pub(crate) async fn open(storage: StorageArguments) -> anyhow::Result<Self> {
        let of_environment = id_key::in_environment()?;
        if let Some(file) = storage.data {
            let shown = format!("the data file {}", file.display());
            let admin = AdminConnection::open(&file).with_context(|| shown.clone())?;
            let id_key = match of_environment {
                Some(key) => admin.id_key(Some(&key)).with_context(|| shown.clone())?,
                None => None,
            };
            return Ok(Self::File { admin, shown, id_key });
        }
        let name = storage.environment.context("--data or --environment is missing")?;
        let config = aws::environment().await;
        let environment = Environment::new(&config, &name);
        let marks = environment.dynamo().marks().await?;
        if let Some(key) = &of_environment {
            same(&marks, key)?;
        }
        Ok(Self::OnAws {
            environment,
            secrets: Parameters::new(&config, Arc::new(SystemClock)),
            parameter: format!("/quikly-braze/{name}/intake/id-key"),
            id_key: of_environment,
        })
    }

    pub(crate) fn operations(&self) -> &dyn Operations {
        match self {
            Self::File { admin, .. } => admin,
            Self::OnAws { environment, .. } => environment,
        }
    }

    pub(crate) fn reports(&self) -> &dyn Reports {
        match self {
            Self::File { admin, .. } => admin,
            Self::OnAws { environment, .. } => environment.dynamo(),
        }
    }

    pub(crate) fn calls(&self) -> &dyn CallReading {
        match self {
            Self::File { admin, .. } => admin,
            Self::OnAws { environment, .. } => environment.dynamo(),
        }
    }

    pub(crate) fn inspection(&self) -> &dyn Inspection {
        match self {
            Self::File { admin, .. } => admin,
            Self::OnAws { environment, .. } => environment.dynamo(),
        }
    }

    pub(crate) fn pauses(&self) -> &dyn Pauses {
        match self {
            Self::File { admin, .. } => admin,
            Self::OnAws { environment, .. } => environment.dynamo(),
        }
    }

    pub(crate) fn search(&self) -> &dyn Search {
        match self {
            Self::File { admin, .. } => admin,
            Self::OnAws { environment, .. } => environment.dynamo(),
        }
    }

    /// The key that the participation ids in this storage are made with.
    pub(crate) async fn id_key(&self) -> anyhow::Result<IdKey> {
        match self {
            Self::File { id_key: Some(key), .. } | Self::OnAws { id_key: Some(key), .. } => Ok(key.clone()),
            Self::File { admin, shown, .. } => {
                let key = admin.id_key(None).with_context(|| shown.clone())?;
                key.context("neither the data file nor the environment has an id key")
            }
            Self::OnAws { environment, secrets, parameter, .. } => {
                let key = secrets.get(&SecretRef::Ssm(parameter.clone())).await;
                let key = IdKey::parse(key.context("the id key cannot be read")?.expose_secret())?;
                same(&environment.dynamo().marks().await?, &key)?;
                Ok(key)
            }
        }
    }
}

/// Refuses a key other than the environment's. Tables without a fingerprint were not used by a current version yet.
fn same(marks: &Marks, key: &IdKey) -> anyhow::Result<()> {
    match &marks.fingerprint {
        Some(kept) if *kept != key.fingerprint().to_string() => Err(AnotherKey.into()),
        _ => Ok(()),
    }
}
