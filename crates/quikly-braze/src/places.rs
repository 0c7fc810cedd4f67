//! Places for connections: so many in all, and no client has more than its share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use intake::Caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at a time, of everybody and of each client.
#[derive(Clone)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    each: Option<NonZeroU32>,
    held: Held,
}

type Held = Arc<Mutex<HashMap<IpAddr, u32>>>;

fn lock(held: &Held) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Places {
    /// So many in all, and so many for each client; `None` where all come from one.
    pub(crate) fn new(all: usize, each: Option<NonZeroU32>) -> Self {
        let all = Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS)));
        Self { all, each, held: Held::default() }
    }

    /// Waits until somebody may be let in. Nobody closes the semaphore, so there is always a permit at last.
    pub(crate) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.all.clone().acquire_owned().await.ok()
    }

    /// A place for a client; `None` when it has its share already.
    pub(crate) fn share_of(&self, client: IpAddr) -> Option<Share> {
        let Some(each) = self.each else { return Some(Share { of: None }) };
        let client = Caller(client).client();
        let mut held = lock(&self.held);
        let count = held.entry(client).or_default();
        (*count < each.get()).then(|| {
            *count += 1;
            Share { of: Some((client, self.held.clone())) }
        })
    }
}

/// A place that a client has; given back when it is dropped.
pub(crate) struct Share {
    of: Option<(IpAddr, Held)>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((client, held)) = &self.of else { return };
        let mut held = lock(held);
        match held.get_mut(client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                held.remove(client);
            }
        }
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
        let places = Places::new(8, NonZeroU32::new(2));
        let held = [(); 2].map(|()| places.share_of(address("192.0.2.1")).unwrap());
        assert!(places.share_of(address("192.0.2.1")).is_none());
        assert!(places.share_of(address("::ffff:192.0.2.1")).is_none(), "the same one");
        assert!(places.share_of(address("192.0.2.2")).is_some());
        drop(held);
        assert!(places.share_of(address("192.0.2.1")).is_some());
        assert!(lock(&places.held).is_empty(), "who has left is forgotten");
    }

    #[test]
    fn where_all_come_from_one_address_it_has_all() {
        let places = Places::new(8, None);
        let held: Vec<_> = (0..8).map(|_| places.share_of(address("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
