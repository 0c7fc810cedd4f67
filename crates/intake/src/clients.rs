//! How much one client may ask for.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::problem::Problem;

/// So many seconds' worth of requests may come at once: a page that loads, or a household behind one address.
const BURST_S: u32 = 10;

/// Clients that have long been quiet are forgotten after so many requests, so memory does not grow with everybody who ever came.
const REQUESTS_BETWEEN_SWEEPS: u32 = 10_000;

/// Whom a request comes from, as an extension of it. Whoever serves the routes puts it there; a request without it is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

impl Caller {
    /// What it counts as: a network has whole ranges of IPv6 addresses for one client.
    #[must_use]
    pub fn client(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

/// What each client may ask for.
pub struct ClientLimit {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    since_sweep: AtomicU32,
}

impl ClientLimit {
    /// So many requests a second, and ten seconds' worth of them at once.
    #[must_use]
    pub fn a_second(requests: NonZeroU32) -> Self {
        let burst = requests.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_S - 1));
        let limiter = RateLimiter::hashmap(Quota::per_second(requests).allow_burst(burst));
        Self { limiter, since_sweep: AtomicU32::new(0) }
    }

    /// # Errors
    /// When it is too much: how long to wait.
    fn check(&self, caller: Caller) -> Result<(), Duration> {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) == REQUESTS_BETWEEN_SWEEPS {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let checked = self.limiter.check_key(&caller.client());
        checked.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// # Errors
/// When the request's client asks for too much.
pub(crate) fn check(limit: Option<&ClientLimit>, request: &Request) -> Result<(), Problem> {
    let caller = request.extensions().get::<Caller>().copied();
    limit.zip(caller).map_or(Ok(()), |(limit, caller)| limit.check(caller)).map_err(Problem::too_many)
}

/// Lets pass what is within the limit.
pub(crate) async fn within(
    State(limit): State<Option<Arc<ClientLimit>>>,
    request: Request,
    next: Next,
) -> Response {
    match check(limit.as_deref(), &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(requests: u32) -> ClientLimit {
        ClientLimit::a_second(NonZeroU32::new(requests).unwrap())
    }

    fn caller(text: &str) -> Caller {
        Caller(text.parse().unwrap())
    }

    #[test]
    fn ten_seconds_worth_pass_at_once_and_others_are_not_affected() {
        let limit = limit(1);
        let passed = (0..20).filter(|_| limit.check(caller("192.0.2.1")).is_ok()).count();
        assert_eq!(passed, 10);
        let wait = limit.check(caller("192.0.2.1")).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(limit.check(caller("192.0.2.2")).is_ok());
    }

    #[test]
    fn one_networks_addresses_are_one_client() {
        assert_eq!(caller("2001:db8:0:1::1").client(), caller("2001:db8:0:1:ffff::2").client());
        assert_ne!(caller("2001:db8:0:1::1").client(), caller("2001:db8:0:2::1").client());
        assert_eq!(caller("::ffff:192.0.2.1").client(), caller("192.0.2.1").client());
    }

    #[test]
    fn who_has_long_been_quiet_is_forgotten() {
        let limit = limit(1_000_000);
        for number in 0..=REQUESTS_BETWEEN_SWEEPS {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
            assert!(limit.check(Caller(address)).is_ok());
        }
        assert!(limit.limiter.len() < 5_000, "{} are remembered", limit.limiter.len());
    }
}
