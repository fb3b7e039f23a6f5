//! Whose call is next: a child works on so many calls at a time, and those that wait are taken client by client in turn,
//! so that a client with a thousand calls waiting costs another one place, not a thousand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

/// Calls of one client that may wait. A guess: nobody reads a thousand answers, and each waiting call holds a connection.
const WAITING_MAX: usize = 1000;

/// Hands out places. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Mutex<State>>, watch::Sender<usize>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The clients that wait, in the order of their turns.
    order: VecDeque<Arc<str>>,
    waiting: HashMap<Arc<str>, VecDeque<oneshot::Sender<Turn>>>,
    is_closed: bool,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Turns>);

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// Too many calls of this client wait already.
    TooMany,
    /// The child is gone.
    Closed,
}

impl Turns {
    /// `places` calls at a time.
    pub(super) fn new(places: usize) -> Self {
        let state = State { free: places, order: VecDeque::new(), waiting: HashMap::new(), is_closed: false };
        Self(Arc::new(Mutex::new(state)), watch::Sender::new(0))
    }

    /// A place for a call of `client`, first come, first served among its own. Cancel safe.
    ///
    /// # Errors
    /// See [`NoTurn`].
    pub(super) async fn take(&self, client: &Arc<str>) -> Result<Turn, NoTurn> {
        let waiting = {
            let mut state = self.lock();
            if state.is_closed {
                return Err(NoTurn::Closed);
            }
            // Nobody waits while a place is free: a place that comes free goes to who waits.
            if state.free > 0 {
                state.free -= 1;
                self.1.send_modify(|busy| *busy += 1);
                return Ok(Turn(Some(self.clone())));
            }
            let is_new = !state.waiting.contains_key(client);
            let own = state.waiting.entry(Arc::clone(client)).or_default();
            if own.len() >= WAITING_MAX {
                // Calls that went away while they waited do not count.
                own.retain(|waiting| !waiting.is_closed());
                if own.len() >= WAITING_MAX {
                    return Err(NoTurn::TooMany);
                }
            }
            let (turn, waiting) = oneshot::channel();
            own.push_back(turn);
            if is_new {
                state.order.push_back(Arc::clone(client));
            }
            waiting
        };
        waiting.await.map_err(|_| NoTurn::Closed)
    }

    /// Nobody gets a place any more, and who waits is told.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.order.clear();
        state.waiting.clear();
    }

    /// Resolves when no place is taken. Cancel safe.
    pub(super) async fn idle(&self) {
        let mut busy = self.1.subscribe();
        // The sender lives in `self`, so this ends only by the condition.
        let _idle = busy.wait_for(|busy| *busy == 0).await;
    }

    /// Gives one place to the client whose turn it is, or keeps it free.
    fn give_back(&self) {
        loop {
            let next = {
                let mut state = self.lock();
                let Some(client) = state.order.pop_front() else {
                    state.free += 1;
                    self.1.send_modify(|busy| *busy -= 1);
                    return;
                };
                let mut own = state.waiting.remove(&client).unwrap_or_default();
                let next = own.pop_front();
                if !own.is_empty() {
                    state.waiting.insert(Arc::clone(&client), own);
                    state.order.push_back(client);
                }
                next
            };
            let Some(waiting) = next else { continue };
            match waiting.send(Turn(Some(self.clone()))) {
                Ok(()) => return,
                // That call went away while it waited. Its turn is still ours to give.
                Err(mut unused) => unused.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{NoTurn, Turns, WAITING_MAX};

    fn client(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    #[tokio::test]
    async fn clients_take_turns_however_much_one_of_them_wants() {
        let turns = Turns::new(1);
        let first = turns.take(&client("greedy")).await.unwrap();
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for name in ["greedy", "greedy", "greedy", "modest", "third", "modest"] {
            let (turns, served, name) = (turns.clone(), Arc::clone(&served), client(name));
            waiting.push(tokio::spawn(async move {
                let _turn = turns.take(&name).await.unwrap();
                served.lock().unwrap().push(name.to_string());
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for call in waiting {
            call.await.unwrap();
        }
        assert_eq!(*served.lock().unwrap(), ["greedy", "modest", "third", "greedy", "modest", "greedy"]);
        turns.idle().await;
    }

    #[tokio::test]
    async fn a_call_that_leaves_the_queue_loses_no_place() {
        let turns = Turns::new(1);
        let held = turns.take(&client("a")).await.unwrap();
        let gone = tokio::spawn({
            let turns = turns.clone();
            async move { drop(turns.take(&client("b")).await) }
        });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        drop(held);
        drop(turns.take(&client("c")).await.unwrap());
        turns.idle().await;
    }

    #[tokio::test]
    async fn a_queue_has_an_end_and_a_closed_one_lets_nobody_in() {
        let turns = Turns::new(1);
        let held = turns.take(&client("a")).await.unwrap();
        let wait = || {
            let turns = turns.clone();
            Box::pin(async move { turns.take(&client("a")).await.map(drop) })
        };
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| wait()).collect();
        for call in &mut waiting {
            assert!(futures_util::poll!(call).is_pending());
        }
        assert_eq!(turns.take(&client("a")).await.map(drop), Err(NoTurn::TooMany));
        drop(waiting.pop());
        let mut next = wait();
        assert!(futures_util::poll!(&mut next).is_pending(), "one has left, so one may come");
        waiting.push(next);
        turns.close();
        for call in waiting {
            assert_eq!(call.await, Err(NoTurn::Closed));
        }
        assert_eq!(turns.take(&client("b")).await.map(drop), Err(NoTurn::Closed));
        drop(held);
        turns.idle().await;
    }
}
