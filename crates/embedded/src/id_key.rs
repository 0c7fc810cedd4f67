//! The key that participation ids are made with, and its fingerprint. With another key, a known consumer would count as a new one.

use domain::id_key::IdKey;
use ports::error::in_full;
use ports::{Chance, Error, Result};
use rusqlite::Connection;

use crate::DataFile;
use crate::rows::one;

const ID_KEY: &str = "id_key";
const FINGERPRINT: &str = "id_key_fingerprint";

/// Why a key cannot be used with a data file. Nothing was changed in the file.
#[derive(Debug, thiserror::Error)]
pub enum IdKeyError {
    /// The key is not the one that the file's ids were made with.
    #[error(
        "participations here were made with another id key, and with this one everybody could take part again; \
         set QUIKLY_BRAZE_ID_KEY to the key that was in use, or remove it if there was none"
    )]
    Another,
    /// The file's ids were made with a key from the environment, and the environment has no key now.
    #[error("participations here were made with a key from QUIKLY_BRAZE_ID_KEY; set it to that key")]
    Absent,
    /// The file cannot be read or written.
    #[error("{}", in_full(.0))]
    Unavailable(Error),
}

impl From<Error> for IdKeyError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

/// What a file stores about its key.
#[derive(Debug, Clone)]
pub(crate) struct KeptFingerprint {
    key: Option<String>,
    fingerprint: Option<String>,
    is_used: bool,
}

impl KeptFingerprint {
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let setting = |name: &str| {
            one(connection, "SELECT value FROM settings WHERE name = ?", [name], |row| row.get(0))
        };
        let is_used = "SELECT EXISTS (SELECT 1 FROM participations)";
        Ok(Self {
            key: setting(ID_KEY)?,
            fingerprint: setting(FINGERPRINT)?,
            is_used: connection.query_row(is_used, [], |row| row.get(0))?,
        })
    }

    /// The key to use: the environment's, or else the file's own. `None` when a key has to be generated.
    pub(crate) fn key(
        &self,
        of_environment: Option<&IdKey>,
    ) -> std::result::Result<Option<IdKey>, IdKeyError> {
        let own = self.key.as_deref().map(IdKey::parse).transpose();
        let own = own.map_err(|error| Error::corrupt("id key", error))?;
        match (of_environment.cloned().or(own), &self.fingerprint) {
            (Some(key), Some(kept)) if key.fingerprint().to_string() != *kept => Err(IdKeyError::Another),
            (Some(key), _) => Ok(Some(key)),
            // A file of an earlier version has no fingerprint.
            (None, None) if !self.is_used => Ok(None),
            (None, _) => Err(IdKeyError::Absent),
        }
    }
}

impl DataFile {
    /// The key that participation ids are made with: the environment's, or else one that `chance` generates for a new file. The file keeps
    /// the key's fingerprint, so that the key cannot change later.
    ///
    /// # Errors
    /// When the file's participations were made with another key, or when the key cannot be stored.
    pub async fn id_key(
        &self,
        of_environment: Option<IdKey>,
        chance: &dyn Chance,
    ) -> std::result::Result<IdKey, IdKeyError> {
        let kept = self.reader.read("reading the id key", KeptFingerprint::read).await?;
        let (key, made) = match kept.key(of_environment.as_ref())? {
            Some(key) => (key, None),
            None => {
                let fresh: String = (0..4).map(|_| hex::encode(chance.bits().to_be_bytes())).collect();
                let key = IdKey::parse(&fresh).map_err(|error| Error::corrupt("id key", error))?;
                (key, Some(fresh))
            }
        };
        if kept.fingerprint.is_none() {
            self.keep(made, key.fingerprint().to_string()).await?;
        }
        Ok(key)
    }

    /// Stores the key. The file is locked for this process, so no other process can store another key at the same time.
    async fn keep(&self, made: Option<String>, fingerprint: String) -> Result<()> {
        self.writer
            .write("keeping the id key", move |transaction| {
                let mut keep = transaction.prepare("INSERT INTO settings (name, value) VALUES (?1, ?2)")?;
                if let Some(made) = &made {
                    keep.execute([ID_KEY, made])?;
                }
                keep.execute([FINGERPRINT, &fingerprint])?;
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests;
