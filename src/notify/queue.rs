//! Phones wait in one queue and leave it at a pace: a mass check-sync is a storm of one's own. A
//! phone that is asked for again while it waits is told once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::NotifyError;
use crate::device::Text;
use crate::limits;
use crate::time::{self, Duration, Instant};

/// Is told how it went, for each phone.
pub type Watcher = Arc<dyn Fn(&str, &Result<(), NotifyError>) + Send + Sync>;

/// Tells one phone.
type Tell = Box<dyn Fn(&str) -> Result<(), NotifyError> + Send + Sync>;

/// How fast phones are told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    /// Phones in a second.
    pub rate: f64,
    /// How much the time between two of them varies, from 0 to 1.
    pub jitter: f64,
}

/// So many wait that no more can.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than {} devices wait to be synchronized", limits::NOTIFY_WAITING_MAX)]
pub struct Full;

/// The queue. Its threads end when it is dropped; who waits then is told so.
pub struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pace: Pace,
    tell: Tell,
}

#[derive(Default)]
struct State {
    order: VecDeque<Text>,
    watchers: HashMap<Text, Vec<Watcher>>,
    /// Watchers of all phones.
    count: usize,
    /// Nobody is told before this.
    next: Instant,
    /// Makes the pace uneven.
    chance: u64,
    is_over: bool,
}

impl Queue {
    /// A queue and its threads.
    ///
    /// # Errors
    /// A thread that cannot be had.
    pub fn start(
        pace: Pace,
        tell: impl Fn(&str) -> Result<(), NotifyError> + Send + Sync + 'static,
    ) -> io::Result<Queue> {
        let chance = RandomState::new().hash_one(0) | 1;
        let state = Mutex::new(State { chance, ..State::default() });
        let shared = Shared { state, changed: Condvar::new(), pace, tell: Box::new(tell) };
        let queue = Queue(Arc::new(shared));
        for number in 0..limits::NOTIFY_SENDERS {
            let shared = Arc::clone(&queue.0);
            let name = format!("notify-{number}");
            thread::Builder::new().name(name).spawn(move || shared.run())?;
        }
        Ok(queue)
    }

    /// Lets phones wait for their turn, all or none of them.
    ///
    /// # Errors
    /// [`Full`].
    pub fn add(&self, phones: &[Text], watcher: &Watcher) -> Result<(), Full> {
        let mut state = self.0.lock();
        if phones.len() > limits::NOTIFY_WAITING_MAX - state.count {
            return Err(Full);
        }
        state.count += phones.len();
        for phone in phones {
            match state.watchers.entry(phone.clone()) {
                Entry::Occupied(mut waiting) => waiting.get_mut().push(Arc::clone(watcher)),
                Entry::Vacant(new) => {
                    new.insert(vec![Arc::clone(watcher)]);
                    state.order.push_back(phone.clone());
                }
            }
        }
        drop(state);
        self.0.changed.notify_all();
        Ok(())
    }

    /// Phones that wait.
    pub fn waiting(&self) -> usize {
        self.0.lock().order.len()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some((phone, watchers)) = self.take() {
            let told = (self.tell)(&phone);
            watchers.iter().for_each(|watcher| watcher(&phone, &told));
        }
        let mut state = self.lock();
        state.order.clear();
        let left = std::mem::take(&mut state.watchers);
        drop(state);
        for (phone, watchers) in left {
            watchers.iter().for_each(|watcher| watcher(&phone, &Err(NotifyError::Stopped)));
        }
    }

    /// Waits for the next phone whose turn it is; none at the end.
    fn take(&self) -> Option<(Text, Vec<Watcher>)> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            let now = time::now();
            if state.order.is_empty() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if now < state.next {
                let pause = state.next.since(now);
                let wait = self.changed.wait_timeout(state, pause);
                state = wait.unwrap_or_else(PoisonError::into_inner).0;
            } else {
                let phone = state.order.pop_front()?;
                let watchers = state.watchers.remove(&phone).unwrap_or_default();
                state.count -= watchers.len();
                state.next = now + self.pace.gap(draw(&mut state.chance));
                return Some((phone, watchers));
            }
        }
    }
}

impl Pace {
    /// Time from one phone to the next; `chance` is from 0 to 1.
    fn gap(&self, chance: f64) -> Duration {
        let mean = 1.0 / self.rate;
        Duration::from_secs_f64(mean * (1.0 + self.jitter * (2.0 * chance - 1.0)))
    }
}

/// The next number from 0 to 1, by xorshift: nothing depends on how well it is drawn.
fn draw(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    f64::from(u32::try_from(*state >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// What was told, in order, and when.
    type Told = Receiver<(String, Instant)>;

    fn start(rate: f64, jitter: f64) -> (Queue, Told, Sender<()>) {
        let (tell, told) = channel();
        let (go, wait) = channel::<()>();
        let (tell, wait) = (Mutex::new(tell), Mutex::new(wait));
        let queue = Queue::start(Pace { rate, jitter }, move |phone| {
            if phone == "slow" {
                let _ = wait.lock().expect("one").recv();
            }
            let _ = tell.lock().expect("one").send((phone.to_owned(), time::now()));
            if phone == "bad" { Err(NotifyError::NoPeer) } else { Ok(()) }
        });
        (queue.expect("threads"), told, go)
    }

    /// Gives what watchers are told.
    fn watcher() -> (Watcher, Receiver<(String, bool)>) {
        let (tell, told) = channel();
        let tell = Mutex::new(tell);
        let watcher: Watcher = Arc::new(move |phone, result| {
            let _ = tell.lock().expect("one").send((phone.to_owned(), result.is_ok()));
        });
        (watcher, told)
    }

    #[test]
    fn phones_leave_at_the_pace_and_in_order() {
        let (queue, told, _go) = start(50.0, 0.0);
        let phones: Vec<Text> = ["a", "b", "c", "d", "e"].map(Text::from).to_vec();
        queue.add(&phones, &watcher().0).expect("room");
        let told: Vec<_> = told.iter().take(5).collect();
        let mut names: Vec<_> = told.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
        let (first, last) = (told[0].1, told[4].1);
        assert!(last.since(first) >= Duration::from_millis(75), "{:?}", last.since(first));
    }

    #[test]
    fn a_phone_that_waits_is_told_once() {
        let (queue, told, _go) = start(10.0, 0.0);
        let ((one, ones), (two, twos)) = (watcher(), watcher());
        queue.add(&["x".into(), "a".into()], &one).expect("room");
        queue.add(&["a".into(), "bad".into()], &two).expect("room");
        assert_eq!((ones.recv(), twos.recv()).1.expect("told"), ("a".to_owned(), true));
        assert_eq!(twos.recv().expect("told"), ("bad".to_owned(), false));
        let names: Vec<_> = told.try_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["x", "a", "bad"]);
        assert_eq!(queue.waiting(), 0);
        // It has left: it may be asked for again.
        queue.add(&["a".into()], &one).expect("room");
        assert_eq!(told.recv().expect("told").0, "a");
    }

    #[test]
    fn a_phone_that_is_slow_holds_up_no_other() {
        let (queue, told, go) = start(1000.0, 1.0);
        queue.add(&["slow".into(), "b".into()], &watcher().0).expect("room");
        assert_eq!(told.recv().expect("told").0, "b");
        go.send(()).expect("it waits");
        assert_eq!(told.recv().expect("told").0, "slow");
    }

    #[test]
    fn what_waits_has_a_bound_and_an_end() {
        let (queue, _told, _go) = start(0.001, 0.0);
        let (watcher, watched) = watcher();
        let many: Vec<Text> =
            (0..limits::NOTIFY_WAITING_MAX).map(|number| number.to_string().into()).collect();
        queue.add(&many, &watcher).expect("room");
        assert_eq!(watched.recv().expect("told"), ("0".to_owned(), true));
        assert_eq!(queue.add(&["a".into(), "b".into()], &watcher), Err(Full));
        assert_eq!(queue.add(&["a".into()], &watcher), Ok(()));
        drop((queue, watcher));
        let ended = watched.iter().filter(|(_, is_told)| !is_told).count();
        assert_eq!(ended, limits::NOTIFY_WAITING_MAX);
    }

    #[test]
    fn the_pace_varies_around_its_mean() {
        let pace = Pace { rate: 10.0, jitter: 0.5 };
        let gaps = [0.0, 0.5, 1.0].map(|chance| pace.gap(chance).as_millis());
        assert_eq!(gaps, [50, 100, 150]);
        let mut state = 1;
        let mean = (0..1000).map(|_| draw(&mut state)).sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
