//! How many files and sockets this process may have open: connections take one each, and must leave some for the data file and Braze.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for the data file, and for the ways to Braze and to those who take callbacks.
const RESERVE: u64 = 256;

/// Raises the limit as far as it may be without asking anybody, and says how many connections there is room for.
pub(crate) fn room_for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let allowed = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    beside_the_reserve(allowed.unwrap_or(u64::MAX))
}

/// Where there is hardly more than the reserve, connections get half.
fn beside_the_reserve(allowed: u64) -> usize {
    let room = allowed.saturating_sub(RESERVE).max(allowed / 2);
    usize::try_from(room).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        assert_eq!(beside_the_reserve(1_048_576), 1_048_320);
        assert_eq!(beside_the_reserve(1_024), 768);
        assert_eq!(beside_the_reserve(300), 150);
    }
}
