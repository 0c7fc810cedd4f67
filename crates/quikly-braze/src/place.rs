//! Where the participations are kept that a command is about: a data file, or an environment on AWS.

use std::sync::Arc;

use anyhow::Context;
use aws::operations::Environment;
use aws::ssm::Parameters;
use domain::brand::SecretRef;
use domain::identity::IdKey;
use embedded::Beside;
use ports::clock::SystemClock;
use ports::{Operations, Secrets};
use secrecy::ExposeSecret;

use crate::arguments::Place;
use crate::id_key;

/// An opened place.
pub(crate) enum Opened {
    File(Beside),
    OnAws { environment: Environment, secrets: Parameters, id_key: String },
}

impl Opened {
    pub(crate) async fn open(place: Place) -> anyhow::Result<Self> {
        if let Some(file) = place.data {
            let shown = file.display();
            return Beside::open(&file).map(Self::File).with_context(|| format!("the data file {shown}"));
        }
        let name = place.environment.context("--data or --environment is missing")?;
        let config = aws::environment().await;
        Ok(Self::OnAws {
            environment: Environment::new(&config, &name),
            secrets: Parameters::new(&config, Arc::new(SystemClock)),
            id_key: format!("/quikly-braze/{name}/intake/id-key"),
        })
    }

    pub(crate) fn operations(&self) -> &dyn Operations {
        match self {
            Self::File(file) => file,
            Self::OnAws { environment, .. } => environment,
        }
    }

    /// The key that participation ids are made with here.
    pub(crate) async fn id_key(&self) -> anyhow::Result<IdKey> {
        if let Some(key) = id_key::in_environment()? {
            return Ok(key);
        }
        match self {
            Self::File(file) => {
                file.id_key()?.context("the data file has no id key, and neither has the environment")
            }
            Self::OnAws { secrets, id_key, .. } => {
                let key = secrets
                    .get(&SecretRef::Ssm(id_key.clone()))
                    .await
                    .context("the id key cannot be read")?;
                Ok(IdKey::parse(key.expose_secret())?)
            }
        }
    }
}
