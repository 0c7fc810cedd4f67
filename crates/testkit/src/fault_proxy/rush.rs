//! A rush in virtual time: many requests within a short time, each of which takes what the proxy has counted for one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::fault_proxy::counts::LimitCounts;
use crate::fault_proxy::quotas::Buckets;

/// The attempts that the SDK makes of a call, and the longest wait before the second one. It doubles before the third.
const ATTEMPTS: u32 = 3;
const LONGEST_FIRST_WAIT: u64 = 1_000;

/// Requests that come evenly within a time.
#[derive(Debug, Clone, Copy)]
pub struct Rush {
    /// How many come.
    pub requests: u32,
    /// The time within which they come.
    pub within: Duration,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rushed {
    /// Requests all of whose calls were done (202).
    pub accepted: u32,
    /// Requests one of whose calls was throttled at every attempt (503).
    pub unavailable: u32,
    /// What was used up first, and when.
    pub first_used_up: Option<(String, Duration)>,
    /// The longest wait for throttled calls of a request that was accepted.
    pub longest_wait: Duration,
}

/// A call of a request that is due at a moment: writes first, then the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DueCall {
    at: u64,
    request: u32,
    call: usize,
    attempt: u32,
    came_at: u64,
}

/// What one call takes of each limit: the key, the limit by the second, and its share.
type Takes = Vec<(String, u32, f64)>;

impl Rush {
    /// Plays the rush against the limits of AWS, if `of` requests took what was counted. Keys that only one request uses limit nothing.
    #[must_use]
    pub fn against(self, counts: &LimitCounts, of: u32, seed: u64) -> Rushed {
        let shared = |used: &BTreeMap<String, f64>, limit: u32| -> Takes {
            let each = |(key, used): (&String, &f64)| (key.clone(), limit, used / f64::from(of));
            used.iter().filter(|(_, used)| **used > 2.0).map(each).collect()
        };
        let calls = [
            shared(&counts.read_units, 3_000),
            shared(&counts.write_units, 1_000),
            shared(&counts.sends, 300),
        ];
        let mut dice = fastrand::Rng::with_seed(seed);
        let (mut buckets, start) = (Buckets::default(), crate::start());
        let mut rushed =
            Rushed { accepted: 0, unavailable: 0, first_used_up: None, longest_wait: Duration::ZERO };
        let span = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        let arrival = |request: u32| {
            let at = u64::from(request) * span / u64::from(self.requests.max(1));
            Reverse(DueCall { at, request, call: 0, attempt: 1, came_at: at })
        };
        let mut due: BinaryHeap<_> = (0..self.requests).map(arrival).collect();
        while let Some(Reverse(next)) = due.pop() {
            let now = start + Duration::from_millis(next.at);
            let Some(takes) = calls.get(next.call) else {
                rushed.accepted += 1;
                let wait = Duration::from_millis(next.at - next.came_at);
                rushed.longest_wait = rushed.longest_wait.max(wait);
                continue;
            };
            let closed = takes.iter().find(|(key, limit, _)| !buckets.is_open(key, *limit, now));
            match closed {
                None => {
                    for (key, limit, share) in takes {
                        buckets.charge(key, *limit, *share, now);
                    }
                    due.push(Reverse(DueCall { call: next.call + 1, attempt: 1, ..next }));
                }
                Some((key, ..)) => {
                    let used_up = (key.clone(), Duration::from_millis(next.at));
                    rushed.first_used_up.get_or_insert(used_up);
                    if next.attempt == ATTEMPTS {
                        rushed.unavailable += 1;
                        continue;
                    }
                    let longest = LONGEST_FIRST_WAIT << (next.attempt - 1);
                    let at = next.at + dice.u64(0..=longest);
                    due.push(Reverse(DueCall { at, attempt: next.attempt + 1, ..next }));
                }
            }
        }
        rushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sends: f64) -> LimitCounts {
        LimitCounts { sends: BTreeMap::from([("awards.fifo".to_owned(), sends)]), ..LimitCounts::default() }
    }

    #[test]
    fn below_the_limits_everybody_is_accepted_at_once() {
        let rush = Rush { requests: 1_000, within: Duration::from_secs(10) };
        let rushed = rush.against(&counts(100.0), 100, 1);
        assert_eq!((rushed.accepted, rushed.unavailable, rushed.longest_wait), (1_000, 0, Duration::ZERO));
        assert_eq!(rushed.first_used_up, None);
    }

    #[test]
    fn beyond_a_limit_as_many_are_accepted_as_it_allows() {
        let rush = Rush { requests: 10_000, within: Duration::from_secs(10) };
        let rushed = rush.against(&counts(100.0), 100, 1);
        // Three hundred a second for ten seconds, those saved up, and those that waited until the end.
        assert!((3_000..=4_300).contains(&rushed.accepted), "{rushed:?}");
        assert_eq!(rushed.accepted + rushed.unavailable, 10_000);
        assert_eq!(rushed.first_used_up.unwrap().0, "awards.fifo");
    }
}
