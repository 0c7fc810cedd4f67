//! Where those who took part went. The rows add up: a participant at one stage has reached the next one, has left for a reason, or is under way.

use super::Totals;
use crate::language::Language;

/// The stages from the acceptance to the profile, and who left in between.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Funnel {
    /// How many were accepted.
    pub accepted: u64,
    /// Those who left before they were credited.
    pub not_credited: Vec<Leak>,
    /// How many were credited.
    pub credited: u64,
    /// Those who were credited and win nothing.
    pub without_reward: Vec<Leak>,
    /// How many have a reward.
    pub rewarded: u64,
    /// How many of the credited have everything on their profile.
    pub on_profile: u64,
}

/// How many left for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The reason.
    pub reason: LeakReason,
    /// How many.
    pub count: u64,
}

/// Why somebody left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeakReason {
    /// The flow ended without a credit, in the state with this name.
    Ended(String),
    /// The participation wins nothing, for the reason with this name.
    WithoutPrize(String),
}

impl LeakReason {
    /// The reason's name in JSON.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Ended(name) | Self::WithoutPrize(name) => name,
        }
    }

    /// The reason in words, behind the number of those who left.
    #[must_use]
    pub fn words(&self, language: Language) -> &str {
        let (english, french) = match self.name() {
            "expired" => ("did not confirm in time", "sans confirmation dans le délai"),
            "unverified" => {
                ("subscribed, but Braze never confirmed it", "inscription jamais confirmée par Braze")
            }
            "rejected" => ("were refused by Braze", "refusées par Braze"),
            "failed" => ("were given up", "abandonnées"),
            "forgotten" => ("were erased on their request", "effacées à la demande de la personne"),
            "not_open" => ("came before the opening", "avant l’ouverture"),
            "closed" => ("came after the close", "après la fermeture"),
            "too_slow" => ("were too slow", "trop lentes"),
            "not_drawn" => ("were not drawn", "non tirées au sort"),
            "already_rewarded" => ("had a reward already", "déjà récompensées"),
            other => (other, other),
        };
        match language {
            Language::English => english,
            Language::French => french,
        }
    }
}

impl Funnel {
    /// The funnel from totals. A store that counts acceptances at once knows of more than were processed.
    pub(super) fn of(totals: &Totals, accepted: Option<u64>) -> Self {
        let mut not_credited: Vec<Leak> = totals
            .beginning("uncredited")
            .map(|(state, count)| Leak { reason: LeakReason::Ended(state.to_owned()), count })
            .collect();
        let mut without_reward: Vec<Leak> = totals
            .beginning("without")
            .map(|(why, count)| Leak { reason: LeakReason::WithoutPrize(why.to_owned()), count })
            .collect();
        for leaks in [&mut not_credited, &mut without_reward] {
            leaks.sort_by(|one, other| {
                other.count.cmp(&one.count).then(one.reason.name().cmp(other.reason.name()))
            });
        }
        Self {
            accepted: totals.of_name("accepted").max(accepted.unwrap_or(0)),
            not_credited,
            credited: totals.of_name("credited"),
            without_reward,
            rewarded: totals.of_name("rewarded"),
            on_profile: totals.of_name("on_profile"),
        }
    }

    /// How many are neither credited nor gone.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.accepted.saturating_sub(self.credited).saturating_sub(sum(&self.not_credited))
    }

    /// How many are credited and may still win: they wait for a place, for a code or for a draw. Where there is no incentive, it is
    /// everybody.
    #[must_use]
    pub fn may_still_win(&self) -> u64 {
        self.credited.saturating_sub(self.rewarded).saturating_sub(sum(&self.without_reward))
    }

    /// How many are credited, and something about them is not on the profile yet.
    #[must_use]
    pub fn not_on_profile(&self) -> u64 {
        self.credited.saturating_sub(self.on_profile)
    }
}

fn sum(leaks: &[Leak]) -> u64 {
    leaks.iter().fold(0, |sum, leak| sum.saturating_add(leak.count))
}
