//! Tasks in virtual time. Tasks that wait continue in the order of their times, and nothing else takes time.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type TimedTask = Pin<Box<dyn Future<Output = ()>>>;

/// The time, and who waits until when.
#[derive(Default)]
pub(super) struct VirtualTime {
    now: Cell<Duration>,
    /// The task that runs.
    running: Cell<usize>,
    /// The time, a rank among those who wait until then, and the task.
    waiting: RefCell<BinaryHeap<Reverse<(Duration, u64, usize)>>>,
    last_rank: Cell<u64>,
}

impl VirtualTime {
    /// The time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.now.get()
    }

    /// Returns at this time.
    pub(super) async fn until(&self, moment: Duration) {
        let mut waits = false;
        poll_fn(|_| {
            if self.now.get() >= moment {
                return Poll::Ready(());
            }
            if !waits {
                self.wakes(self.running.get(), moment);
                waits = true;
            }
            Poll::Pending
        })
        .await;
    }

    /// The result of some work, unless it takes longer than this.
    pub(super) async fn within<T>(&self, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut end) = (pin!(work), pin!(self.until(self.now() + time)));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => end.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    fn wakes(&self, task: usize, at: Duration) {
        self.last_rank.set(self.last_rank.get() + 1);
        self.waiting.borrow_mut().push(Reverse((at, self.last_rank.get(), task)));
    }

    /// Runs tasks, each from its own time on, until all have ended.
    pub(super) fn run(self: Rc<Self>, tasks: impl Iterator<Item = (Duration, TimedTask)>) {
        let mut running: Vec<Option<TimedTask>> = Vec::new();
        for (at, task) in tasks {
            self.wakes(running.len(), at);
            running.push(Some(task));
        }
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let Some(Reverse((at, _, task))) = self.waiting.borrow_mut().pop() else { return };
            self.now.set(self.now.get().max(at));
            self.running.set(task);
            let Some(slot) = running.get_mut(task) else { continue };
            // A task may be woken after it has ended, by a wait that it gave up.
            if slot.as_mut().is_some_and(|work| work.as_mut().poll(&mut context).is_ready()) {
                *slot = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_continue_in_the_order_of_their_times() {
        let time = Rc::new(VirtualTime::default());
        let told = Rc::new(RefCell::new(Vec::new()));
        let task = |name: &'static str, waits: u64| {
            let (time, told) = (time.clone(), told.clone());
            let work = async move {
                time.until(Duration::from_secs(waits)).await;
                told.borrow_mut().push((name, time.now().as_secs()));
            };
            (Duration::ZERO, Box::pin(work) as TimedTask)
        };
        time.clone().run([task("later", 9), task("soon", 2)].into_iter());
        assert_eq!(*told.borrow(), [("soon", 2), ("later", 9)]);
    }

    #[test]
    fn work_that_takes_too_long_is_given_up() {
        let time = Rc::new(VirtualTime::default());
        let given_up = Rc::new(Cell::new(None));
        let (clock, told) = (time.clone(), given_up.clone());
        let work = async move {
            let done = clock.within(Duration::from_secs(3), clock.until(Duration::from_secs(5))).await;
            told.set(Some((done, clock.now().as_secs())));
        };
        time.run(std::iter::once((Duration::ZERO, Box::pin(work) as TimedTask)));
        assert_eq!(given_up.get(), Some((None, 3)));
    }
}
