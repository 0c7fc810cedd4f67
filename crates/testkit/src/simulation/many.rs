//! Plays the runs of many seeds on all cores.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use crate::simulation::{Broken, Plan, Played, play};

/// Plays the runs of these seeds. Returns what they came to together, and the seeds whose run breaks a promise.
///
/// # Panics
/// When a run panics.
#[must_use]
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
pub fn play_all(seeds: Range<u64>, plan_of: fn(u64) -> Plan) -> (Played, Vec<(u64, Broken)>) {
    let next = AtomicU64::new(seeds.start);
    let play_some = || {
        let (mut all, mut broken) = (Played::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, SeqCst);
            if seed >= seeds.end {
                return (all, broken);
            }
            match play(&plan_of(seed), None) {
                Ok(played) => all.add(played),
                Err(found) => broken.push((seed, found)),
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(play_some)).collect();
        let (mut all, mut broken) = (Played::default(), Vec::new());
        for thread in threads {
            let (played, found) = thread.join().expect("a run panicked");
            all.add(played);
            broken.extend(found);
        }
        broken.sort_by_key(|(seed, _)| *seed);
        (all, broken)
    })
}

impl Played {
    fn add(&mut self, played: Self) {
        let counts = [
            (&mut self.ended, played.ended),
            (&mut self.faults, played.faults),
            (&mut self.people, played.people),
        ];
        for (counts, more) in counts {
            for (name, count) in more {
                *counts.entry(name).or_default() += count;
            }
        }
    }
}
