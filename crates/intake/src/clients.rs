//! Rate limits of clients. Reads and posts have separate limits, so that a page that shows a counter to many
//! people behind one address does not keep any of them from taking part. A caller that signs is limited as
//! its brand, not by its address.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::Request;
use domain::ids::BrandId;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, Method};

use crate::problem::Problem;
use crate::signature::SIGNATURE_HEADER;

/// A client may send ten seconds' worth of requests at once: a page that loads, or a household behind one
/// address.
const BURST_S: u32 = 10;

/// After this many requests, clients that have long been quiet are forgotten, so that memory does not grow
/// with every client that ever came.
const REQUESTS_BETWEEN_SWEEPS: u32 = 10_000;

/// The path whose requests may be signed.
const SIGNED_PATHS: &str = "/participations";

/// The IPv6 networks that are limited, from the inner to the outer one, each with its prefix length in bits
/// and its multiple of a single client's share. A provider gives a household a /64 or a /56, and a site a
/// /48, which contains 65,536 networks of 64 bits.
const NETWORKS: [(u32, u32); 3] = [(64, 1), (56, 4), (48, 16)];

/// The address that a request comes from, as an extension of the request. The server that uses the routes
/// adds it; a request without it is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

/// A range of addresses that counts as one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first address of the range.
    pub address: IpAddr,
    /// How many bits all its addresses share.
    pub bits: u32,
    /// The network's multiple of a single client's share.
    pub shares: u32,
}

impl Caller {
    /// The networks that the caller belongs to, from the inner to the outer one: an IPv4 address alone, or
    /// the nested networks of an IPv6 address.
    pub fn networks(self) -> impl Iterator<Item = Network> {
        let (single, nested) = match self.0.to_canonical() {
            address @ IpAddr::V4(_) => (Some(Network { address, bits: 32, shares: 1 }), None),
            IpAddr::V6(address) => (None, Some(address)),
        };
        let network = |address: Ipv6Addr, (bits, shares): (u32, u32)| {
            let first = Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> bits));
            Network { address: IpAddr::V6(first), bits, shares }
        };
        let nested = nested.into_iter().flat_map(move |address| NETWORKS.map(|of| network(address, of)));
        single.into_iter().chain(nested)
    }
}

/// Limits each of many keys to a number of requests a second, with ten seconds' worth at once.
struct Limiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    since_sweep: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn a_second(requests: NonZeroU32) -> Self {
        let burst = requests.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_S - 1));
        let limiter = RateLimiter::hashmap(Quota::per_second(requests).allow_burst(burst));
        Self { limiter, since_sweep: AtomicU32::new(0) }
    }

    /// # Errors
    /// How long to wait, if the key has used up its share.
    fn check(&self, key: &K) -> Result<(), Duration> {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) == REQUESTS_BETWEEN_SWEEPS {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let checked = self.limiter.check_key(key);
        checked.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// One limit for each client's address, and wider limits for the networks around it.
struct ByNetwork(Vec<(u32, Limiter<IpAddr>)>);

impl ByNetwork {
    fn a_second(requests: NonZeroU32) -> Self {
        let shares = |shares| requests.saturating_mul(NonZeroU32::new(shares).unwrap_or(NonZeroU32::MIN));
        let limiters = [(32, 1)].into_iter().chain(NETWORKS);
        Self(limiters.map(|(bits, of)| (bits, Limiter::a_second(shares(of)))).collect())
    }

    /// The inner networks are checked first, so that a request they refuse does not count against their
    /// neighbours.
    fn check(&self, caller: Caller) -> Result<(), Duration> {
        for network in caller.networks() {
            for (_, limiter) in self.0.iter().filter(|(bits, _)| *bits == network.bits) {
                limiter.check(&network.address)?;
            }
        }
        Ok(())
    }
}

/// The limits in requests a second; `None` means no limit. Ten times as many may come at once.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Posts from one client's address.
    pub posts: Option<NonZeroU32>,
    /// Reads from one client's address.
    pub reads: Option<NonZeroU32>,
    /// Requests signed with one brand's secret, from any address.
    pub signed: Option<NonZeroU32>,
}

impl Rates {
    /// The default limits: twenty posts and a hundred reads a second for one client, and two thousand signed
    /// requests a second for one brand.
    pub const USUAL: Self =
        Self { posts: NonZeroU32::new(20), reads: NonZeroU32::new(100), signed: NonZeroU32::new(2_000) };
    /// No limits.
    pub const NONE: Self = Self { posts: None, reads: None, signed: None };
}

/// Counts requests of clients and brands against their limits.
pub struct RequestLimits {
    posts: Option<ByNetwork>,
    reads: Option<ByNetwork>,
    signed: Option<Limiter<BrandId>>,
}

impl RequestLimits {
    /// Makes limits with these rates.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self {
            posts: rates.posts.map(ByNetwork::a_second),
            reads: rates.reads.map(ByNetwork::a_second),
            signed: rates.signed.map(Limiter::a_second),
        }
    }

    /// Counts a request against its client.
    ///
    /// # Errors
    /// If the client has used up its share.
    pub(crate) fn client(&self, asks: Asks, caller: Option<Caller>) -> Result<(), Problem> {
        let limiter = match asks {
            Asks::Read => &self.reads,
            Asks::Post => &self.posts,
        };
        limiter
            .as_ref()
            .zip(caller)
            .map_or(Ok(()), |(limiter, caller)| limiter.check(caller))
            .map_err(Problem::too_many)
    }

    /// Counts a request against the brand that signed it.
    ///
    /// # Errors
    /// If the brand has used up its share.
    pub(crate) fn brand(&self, brand: &BrandId) -> Result<(), Problem> {
        self.signed.as_ref().map_or(Ok(()), |limiter| limiter.check(brand)).map_err(Problem::too_many)
    }
}

/// The kind of a request that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The request changes nothing.
    Read,
    /// The request may store something.
    Post,
}

impl Asks {
    pub(crate) fn by(method: &Method) -> Self {
        if method == Method::POST { Self::Post } else { Self::Read }
    }
}

/// The address that a request comes from.
pub(crate) fn caller(request: &Request) -> Option<Caller> {
    request.extensions().get().copied()
}

/// Whether a request claims to be signed. The handlers of participations verify the claim and count the
/// request: against the brand if the claim is true, or else against the client.
pub(crate) fn claims_to_be_signed(headers: &HeaderMap) -> bool {
    headers.contains_key(SIGNATURE_HEADER)
}

/// Lets a request pass if it is within its client's limit, or if it claims to be signed on a path that
/// verifies the claim.
///
/// # Errors
/// If the client has used up its share.
pub(crate) fn within(limits: &RequestLimits, request: &Request) -> Result<(), Problem> {
    if claims_to_be_signed(request.headers()) && request.uri().path().starts_with(SIGNED_PATHS) {
        return Ok(());
    }
    limits.client(Asks::by(request.method()), caller(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(posts: u32, reads: u32) -> RequestLimits {
        RequestLimits::new(Rates {
            posts: NonZeroU32::new(posts),
            reads: NonZeroU32::new(reads),
            signed: NonZeroU32::new(3),
        })
    }

    fn caller(text: &str) -> Option<Caller> {
        Some(Caller(text.parse().unwrap()))
    }

    /// How many of these posts pass, each from the address that `of` makes from its number.
    fn passed(limits: &RequestLimits, posts: u32, of: impl Fn(u32) -> String) -> usize {
        (0..posts).filter(|number| limits.client(Asks::Post, caller(&of(*number))).is_ok()).count()
    }

    #[test]
    fn ten_seconds_worth_of_requests_pass_at_once_and_other_clients_are_not_affected() {
        let limits = limits(1, 1);
        assert_eq!(passed(&limits, 20, |_| "192.0.2.1".to_owned()), 10);
        assert!(limits.client(Asks::Post, caller("192.0.2.2")).is_ok());
    }

    #[test]
    fn reads_use_up_no_posts() {
        let limits = limits(1, 1);
        for _ in 0..20 {
            let _passed_or_not = limits.client(Asks::Read, caller("192.0.2.1"));
        }
        assert!(limits.client(Asks::Read, caller("192.0.2.1")).is_err());
        assert!(limits.client(Asks::Post, caller("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_brand_that_signs_has_a_limit_of_its_own() {
        let limits = limits(1, 1);
        let brand = |name| BrandId::parse(name).unwrap();
        assert_eq!((0..60).filter(|_| limits.brand(&brand("acme")).is_ok()).count(), 30);
        assert!(limits.brand(&brand("other")).is_ok());
    }

    #[test]
    fn the_same_address_is_one_client_however_it_is_written() {
        let one: Vec<_> = caller("::ffff:192.0.2.1").unwrap().networks().collect();
        assert!(one == caller("192.0.2.1").unwrap().networks().collect::<Vec<_>>() && one.len() == 1);
    }

    #[test]
    fn a_network_of_64_bits_is_one_client() {
        assert_eq!(passed(&limits(1, 1), 100, |number| format!("2001:db8:0:1::{number:x}")), 10);
    }

    #[test]
    fn networks_of_56_and_48_bits_are_limited_too() {
        // All addresses have different /64s. In the first case they share one /56, in the second one /48, and
        // in the third nothing.
        assert_eq!(passed(&limits(1, 1), 250, |number| format!("2001:db8:0:{number:x}::1")), 40);
        assert_eq!(passed(&limits(1, 1), 250, |number| format!("2001:db8:0:{number:x}00::1")), 160);
        assert_eq!(passed(&limits(1, 1), 250, |number| format!("2001:db8:{number:x}::1")), 250);
    }

    #[test]
    fn a_refused_network_does_not_count_against_its_neighbours() {
        let limits = limits(1, 1);
        assert_eq!(passed(&limits, 1_000, |_| "2001:db8:0:1::1".to_owned()), 10);
        assert_eq!(passed(&limits, 10, |_| "2001:db8:0:2::1".to_owned()), 10);
    }

    #[test]
    fn a_client_that_has_long_been_quiet_is_forgotten() {
        let limiter = Limiter::a_second(NonZeroU32::new(1_000_000).unwrap());
        for number in 0..=REQUESTS_BETWEEN_SWEEPS {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
            assert!(limiter.check(&address).is_ok());
        }
        assert!(limiter.limiter.len() < 5_000, "{} are remembered", limiter.limiter.len());
    }
}
