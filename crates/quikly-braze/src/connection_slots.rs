//! Slots for connections: a total, and a share of it for each client. When nearly all slots are taken, the connection that has been idle
//! for the longest time gives its slot up. The last slots are reserved for Braze's webhooks and for health checks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use intake::{Caller, Network};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Slots are scarce when less than one in this many is free.
const SCARCE: usize = 8;

/// One slot in this many is reserved for webhooks and health checks.
const RESERVED: usize = 16;

/// The connections that may be open at a time, in total and for each client.
#[derive(Clone)]
pub(crate) struct ConnectionSlots {
    most: usize,
    free: Arc<Semaphore>,
    each: Option<NonZeroU32>,
    held: Shared<HashMap<(IpAddr, u32), u32>>,
    idle: Shared<IdleConnections>,
}

type Shared<T> = Arc<Mutex<T>>;

/// The idle connections, in the order in which they became idle.
#[derive(Default)]
struct IdleConnections {
    next: u64,
    by_age: BTreeMap<u64, Arc<Notify>>,
    /// Those that were asked to close and have not closed yet.
    closing: BTreeSet<u64>,
}

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock()
}

impl ConnectionSlots {
    /// Allows `most` connections in total, and `each` for each client; `None` when all clients share one address.
    pub(crate) fn new(most: usize, each: Option<NonZeroU32>) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(most));
        Self { most, free, each, held: Shared::default(), idle: Shared::default() }
    }

    /// Waits for a free slot. The semaphore is never closed, so a permit always arrives.
    pub(crate) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_owned().await.ok()
    }

    /// Whether nearly all slots are taken.
    pub(crate) fn are_scarce(&self) -> bool {
        self.free.available_permits() < self.most.div_ceil(SCARCE)
    }

    /// Whether only the reserved slots are left. The slot of a connection that was asked to close counts as free: on a busy machine closing
    /// takes a while, and no client should be refused because of that.
    pub(crate) fn only_reserve_left(&self) -> bool {
        let closing = lock(&self.idle).closing.len();
        self.free.available_permits() + closing < self.most.div_ceil(RESERVED)
    }

    /// If nearly all slots are taken, asks the connection that has been idle for the longest time to close.
    pub(crate) fn make_room(&self) {
        if !self.are_scarce() {
            return;
        }
        let mut idle = lock(&self.idle);
        if let Some((number, close)) = idle.by_age.pop_first() {
            idle.closing.insert(number);
            close.notify_one();
        }
    }

    /// A slot for a client; `None` when the client, or a network around it, has its share already.
    pub(crate) fn share_of(&self, client: IpAddr) -> Option<Share> {
        let Some(each) = self.each else {
            return Some(Share { networks: Vec::new(), held: self.held.clone() });
        };
        let networks: Vec<Network> = Caller(client).networks().collect();
        let mut held = lock(&self.held);
        let has_room = |network: &Network| {
            held.get(&(network.address, network.bits))
                .is_none_or(|count| *count < each.get().saturating_mul(network.shares))
        };
        if !networks.iter().all(has_room) {
            return None;
        }
        let networks: Vec<(IpAddr, u32)> =
            networks.iter().map(|network| (network.address, network.bits)).collect();
        for network in &networks {
            *held.entry(*network).or_default() += 1;
        }
        Some(Share { networks, held: self.held.clone() })
    }

    /// The idleness of a new connection: it is idle until its first request.
    pub(crate) fn idleness(&self) -> Idleness {
        let idleness = Idleness { idle: self.idle.clone(), number: Mutex::default(), close: Arc::default() };
        idleness.begin();
        idleness
    }
}

/// A slot that a client holds. Dropping it frees the slot.
pub(crate) struct Share {
    networks: Vec<(IpAddr, u32)>,
    held: Shared<HashMap<(IpAddr, u32), u32>>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        for network in &self.networks {
            match held.get_mut(network) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    held.remove(network);
                }
            }
        }
    }
}

/// Whether one connection is idle, and whether it has to make room for another one.
pub(crate) struct Idleness {
    idle: Shared<IdleConnections>,
    number: Mutex<Option<u64>>,
    close: Arc<Notify>,
}

impl Idleness {
    /// Records that the connection has no request in progress.
    pub(crate) fn begin(&self) {
        let mut idle = lock(&self.idle);
        let number = idle.next;
        idle.next += 1;
        idle.by_age.insert(number, self.close.clone());
        *self.number.lock() = Some(number);
    }

    /// Records that a request is in progress.
    pub(crate) fn end(&self) {
        let Some(number) = self.number.lock().take() else { return };
        let mut idle = lock(&self.idle);
        idle.by_age.remove(&number);
        idle.closing.remove(&number);
    }

    /// Whether no request is in progress.
    pub(crate) fn is_idle(&self) -> bool {
        self.number.lock().is_some()
    }

    /// Waits until the connection is asked to close, because it was the one that had been idle for the longest time.
    pub(crate) async fn makes_room(&self) {
        self.close.notified().await;
    }
}

impl Drop for Idleness {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_has_no_more_than_its_share_and_others_have_theirs() {
        let slots = ConnectionSlots::new(8, NonZeroU32::new(2));
        let held = [(); 2].map(|()| slots.share_of(address("192.0.2.1")).unwrap());
        assert!(slots.share_of(address("192.0.2.1")).is_none());
        assert!(slots.share_of(address("::ffff:192.0.2.1")).is_none(), "it is the same client");
        assert!(slots.share_of(address("192.0.2.2")).is_some());
        drop(held);
        assert!(slots.share_of(address("192.0.2.1")).is_some());
        assert!(lock(&slots.held).is_empty(), "a client without connections is not kept");
    }

    #[test]
    fn a_network_of_48_bits_has_the_share_of_sixteen_clients() {
        let slots = ConnectionSlots::new(1_000, NonZeroU32::new(2));
        let connect = |number: u32| slots.share_of(address(&format!("2001:db8:0:{number:x}00::1")));
        let held: Vec<Share> = (0..100).filter_map(connect).collect();
        assert_eq!(held.len(), 32);
        assert!(slots.share_of(address("2001:db8:1::1")).is_some(), "the next network has its own");
    }

    #[test]
    fn without_a_share_one_address_may_have_all_slots() {
        let slots = ConnectionSlots::new(8, None);
        let held: Vec<_> = (0..8).map(|_| slots.share_of(address("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn when_slots_are_scarce_the_longest_idle_connection_makes_room() {
        let slots = ConnectionSlots::new(16, None);
        let connections = [(); 3].map(|()| slots.idleness());
        let mut permits = Vec::new();
        for _ in 0..14 {
            permits.push(slots.free().await);
        }
        slots.make_room();
        assert_eq!(lock(&slots.idle).by_age.len(), 3, "two of sixteen are free");
        permits.push(slots.free().await);
        connections[0].end();
        slots.make_room();
        connections[1].makes_room().await;
        assert_eq!(
            lock(&slots.idle).by_age.len(),
            1,
            "the first one has a request in progress, the third one is left"
        );
    }

    #[tokio::test]
    async fn the_slot_of_a_connection_that_is_closing_counts_as_free() {
        let slots = ConnectionSlots::new(16, None);
        let connection = slots.idleness();
        let mut permits = Vec::new();
        for _ in 0..15 {
            permits.push(slots.free().await);
        }
        assert!(!slots.only_reserve_left());
        permits.push(slots.free().await);
        assert!(slots.only_reserve_left());
        slots.make_room();
        assert!(!slots.only_reserve_left());
        permits.pop();
        drop(connection);
        assert!(!slots.only_reserve_left());
        permits.push(slots.free().await);
        assert!(slots.only_reserve_left());
    }
}
