//! How many files and sockets this process may have open. Each connection takes one, and enough must remain for the data file and Braze.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are reserved for the data file and for connections to Braze and to receivers of callbacks.
const RESERVE: u64 = 256;

/// Raises the limit as far as the process may on its own, and returns how many connections there is room for.
pub(crate) fn room_for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let allowed = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    beside_the_reserve(allowed.unwrap_or(u64::MAX))
}

/// How many descriptors connections may use. If the limit is close to the reserve, they get half.
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
