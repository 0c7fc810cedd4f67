//! Ranks: a Fenwick tree over the numbers of arrival. A change and a query each cost the logarithm of how many numbers there are.

/// A set of numbers, counted from 1, that can say how many of its members are smaller than a given number.
#[derive(Debug, Default)]
pub(crate) struct RankTree {
    /// At index `i` (from 1), how many of the last `i & -i` numbers up to `i` are in the set. The last index is a power of two.
    sums: Vec<u32>,
}

impl RankTree {
    /// Adds a number that is not in the set, or removes one that is.
    pub(crate) fn set(&mut self, number: u64, there: bool) {
        let number = index(number);
        self.grow(number);
        let mut at = number;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum = if there { sum.saturating_add(1) } else { sum.saturating_sub(1) };
            at += at & at.wrapping_neg();
        }
    }

    /// How many members are smaller than `number`.
    pub(crate) fn before(&self, number: u64) -> u32 {
        let mut at = index(number).saturating_sub(1).min(self.sums.len().saturating_sub(1));
        let mut count: u32 = 0;
        while at > 0 {
            count = count.saturating_add(self.sums.get(at).copied().unwrap_or(0));
            at -= at & at.wrapping_neg();
        }
        count
    }

    /// Doubles the tree until `number` fits. Each doubling adds one sum over all numbers so far, at the new last index.
    fn grow(&mut self, number: usize) {
        while self.sums.len() <= number {
            let last = self.sums.len().max(2) - 1;
            let all = self.sums.last().copied().unwrap_or(0);
            self.sums.resize(last * 2 + 1, 0);
            if let Some(sum) = self.sums.get_mut(last * 2) {
                *sum = all;
            }
        }
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_counts_smaller_numbers_after_any_additions_and_removals() {
        let mut chance = fastrand::Rng::with_seed(7);
        let (mut ranks, mut plain) = (RankTree::default(), BTreeSet::new());
        for round in 0..5_000_u64 {
            let number = chance.u64(1..=round + 1);
            let there = plain.insert(number);
            if !there {
                plain.remove(&number);
            }
            ranks.set(number, there);
            let asked = chance.u64(0..=round * 2 + 2);
            let expected = plain.range(..asked).count();
            assert_eq!(usize::try_from(ranks.before(asked)).unwrap(), expected, "{asked} in round {round}");
        }
    }
}
