//! Saves as a store makes them that does not check versions: a mutation that the promises must catch.

use domain::award::Award;
use domain::participation::Participation;
use domain::rollup::Rollup;
use ports::Result;
use ports::store::Saved;

use super::Mortal;

impl Mortal {
    /// Saves participations, each whatever its version is.
    pub(super) async fn save_all_anyway(
        &self,
        participations: &[Participation],
        (rollups, lines): (&[Rollup], &[Award]),
    ) -> Result<Vec<Saved>> {
        let mut saved = Vec::new();
        for (index, participation) in participations.iter().enumerate() {
            let rollups = rollups.get(index).map(std::slice::from_ref).unwrap_or_default();
            let line = lines.iter().find(|line| line.id == participation.id()).map(std::slice::from_ref);
            let with = (rollups, line.unwrap_or_default());
            saved.push(self.life.effect(self.save_anyway(participation, with)).await?);
        }
        Ok(saved)
    }

    async fn save_anyway(
        &self,
        participation: &Participation,
        (rollups, line): (&[Rollup], &[Award]),
    ) -> Result<Saved> {
        let mut forced = participation.clone();
        if let Some(stored) = self.ports.store.get(&[participation.id()]).await?.found.first() {
            forced = crate::changed(participation, |forced| forced.version = stored.version());
        }
        self.ports.store.save_with_lines(&[forced], rollups, line).await?;
        Ok(Saved::Saved)
    }
}
