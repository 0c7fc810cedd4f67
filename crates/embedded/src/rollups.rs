//! The roll-ups as a port.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use domain::rollup::Rollup;
use ports::{Result, Rollups};

use crate::data_file::DataFile;
use crate::group::Group;
use crate::rollup_rows::of_activation;

#[async_trait]
impl Rollups for DataFile {
    async fn add_rollup(&self, rollup: &Rollup, _now: Timestamp) -> Result<()> {
        let rollup = rollup.clone();
        let add = move |group: &Group<'_>| {
            group.roll_up(&rollup);
            Ok(())
        };
        self.writer.write_along("counting in roll-ups", add).await
    }

    async fn rollup(&self, scope: &Scope) -> Result<Rollup> {
        let scope = scope.clone();
        self.reader.read("reading roll-ups", move |connection| of_activation(connection, &scope)).await
    }
}
