//! Written behind: what changed is in the store at most `FLUSH_INTERVAL` later; what an operator
//! says, before he is answered. A failed write loses nothing that memory still has.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::{Documents, Pauses, Store, StoreError, Write};
use crate::directory::{Dirty, Key, Taken};
use crate::limits;
use crate::time::{self, Duration, Instant};

/// The thread that writes, and the door for what must be written now.
pub struct WriteBehind {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How the writing goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Changed documents that wait.
    pub pending: usize,
    /// Time since something or nothing waited and was written without a failure.
    pub last_flush_age: Duration,
    /// Batches that could not be written.
    pub failures: u64,
    /// Batches that were written.
    pub batches: u64,
    /// Documents that were written.
    pub documents: u64,
    /// Batches that took longer than `FLUSH_SLOW`.
    pub slow: u64,
    /// Time of the longest batch.
    pub longest: Duration,
    /// Time since the batch that is being written now began.
    pub writing_for: Option<Duration>,
    /// What the store itself says of its pauses.
    pub pauses: Pauses,
    /// Why the last batch could not be written, while that is so.
    pub error: Option<StoreError>,
}

struct Shared {
    store: Arc<dyn Store>,
    documents: Documents,
    dirty: Arc<Dirty>,
    /// Held from reading values to their commit, so that no older value goes over a newer one.
    turn: Mutex<()>,
    error: Mutex<Option<StoreError>>,
    last_flush: AtomicU64,
    failures: AtomicU64,
    batches: AtomicU64,
    written: AtomicU64,
    slow: AtomicU64,
    longest: AtomicU64,
    /// When the batch that is being written began; 0: none is.
    began: AtomicU64,
    is_logged: AtomicBool,
    is_pause_logged: AtomicBool,
}

impl WriteBehind {
    /// Starts the thread that writes what `dirty` names.
    pub fn start(store: Arc<dyn Store>, documents: Documents, dirty: Arc<Dirty>) -> WriteBehind {
        let shared = Arc::new(Shared {
            store,
            documents,
            dirty,
            turn: Mutex::default(),
            error: Mutex::default(),
            last_flush: AtomicU64::new(time::now().as_nanos()),
            failures: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            written: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            longest: AtomicU64::new(0),
            began: AtomicU64::new(0),
            is_logged: AtomicBool::new(false),
            is_pause_logged: AtomicBool::new(false),
        });
        let writer = Arc::clone(&shared);
        let run = move || writer.run();
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(run);
        let thread = thread.expect("invariant: a thread can be started while the server starts");
        WriteBehind { shared, thread: Mutex::new(Some(thread)) }
    }

    /// Whether an operator's write would be taken: the disk works, and not too much waits.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), StoreError> {
        if let Some(error) = self.shared.error().clone() {
            return Err(error);
        }
        if self.shared.dirty.is_full() { Err(StoreError::Busy) } else { Ok(()) }
    }

    /// Writes these documents as they are in memory; they are durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; they stay marked as changed.
    pub fn write_now(&self, keys: Vec<Key>) -> Result<(), StoreError> {
        self.shared.commit(keys)
    }

    /// What was noted under this name.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.store.note(name)
    }

    /// Notes something that is no document; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then what was noted before stays.
    pub fn set_note(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.shared.store.set_note(name, value)
    }

    /// How the writing goes.
    pub fn stats(&self, now: Instant) -> Stats {
        let shared = &self.shared;
        let last = Instant::from_nanos(shared.last_flush.load(Ordering::Relaxed));
        Stats {
            pending: shared.dirty.len(),
            last_flush_age: now.since(last),
            failures: shared.failures.load(Ordering::Relaxed),
            batches: shared.batches.load(Ordering::Relaxed),
            documents: shared.written.load(Ordering::Relaxed),
            slow: shared.slow.load(Ordering::Relaxed),
            longest: Duration::from_nanos(shared.longest.load(Ordering::Relaxed)),
            writing_for: shared.writing_for(now),
            pauses: shared.store.pauses(),
            error: shared.error().clone(),
        }
    }

    /// Says once in each pause of the store that it pauses; to be called now and then.
    pub fn watch(&self, now: Instant) {
        let shared = &self.shared;
        let Some(time) = shared.writing_for(now).filter(|time| *time >= limits::FLUSH_SLOW) else {
            return;
        };
        if !shared.is_pause_logged.swap(true, Ordering::Relaxed) {
            let (seconds, pending) = (time.as_secs_f64(), shared.dirty.len());
            tracing::warn!(seconds, pending, "the store pauses: changes wait in memory");
        }
    }

    /// Writes all that waits and ends the thread.
    ///
    /// # Errors
    /// Why something could not be written.
    pub fn stop(&self) -> Result<(), StoreError> {
        self.shared.dirty.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            return Err(StoreError::Failed("the writing thread ended early".to_owned()));
        }
        self.shared.error().clone().map_or(Ok(()), Err)
    }
}

impl Drop for WriteBehind {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "changes could not be written");
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut pause = limits::FLUSH_INTERVAL;
        loop {
            let taken = self.dirty.wait(pause);
            let stopping = taken.stopping;
            let result = self.flush(taken);
            pause = match result {
                Ok(()) => limits::FLUSH_INTERVAL,
                // A full disk gets room, a lost one does not: the engine knows, it is asked again.
                Err(_) => (2 * pause).min(limits::FLUSH_PAUSE_MAX),
            };
            if stopping && (result.is_err() || self.dirty.is_empty()) {
                return;
            }
            if result.is_err() {
                self.sleep(pause);
            }
        }
    }

    /// Waits although names wait: they are those that could not be written.
    fn sleep(&self, pause: Duration) {
        let step = Duration::from_millis(50);
        let mut left = pause;
        while !left.is_zero() && !self.dirty.is_stopping() {
            std::thread::sleep(step.min(left));
            left = left.saturating_sub(step);
        }
    }

    fn flush(&self, taken: Taken) -> Result<(), StoreError> {
        if taken.everything {
            for chunk in self.documents.keys().chunks(limits::FLUSH_BATCH) {
                if let Err(error) = self.commit(chunk.to_vec()) {
                    self.dirty.put_back(taken);
                    return Err(error);
                }
            }
        }
        // Where everything was written, the names are still those of what is to be removed.
        self.commit(taken.keys.clone()).inspect_err(|_| self.dirty.put_back(taken))
    }

    fn commit(&self, keys: Vec<Key>) -> Result<(), StoreError> {
        let result = {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let batch: Vec<Write> = keys.into_iter().map(|key| self.documents.write(key)).collect();
            if batch.is_empty() && self.error().is_none() {
                self.note_time();
                return Ok(());
            }
            self.commit_timed(&batch).map(|()| batch.len())
        };
        match result {
            Ok(written) => {
                self.batches.fetch_add(1, Ordering::Relaxed);
                self.written.fetch_add(written as u64, Ordering::Relaxed);
                self.note_time();
                if self.error().take().is_some() {
                    self.is_logged.store(false, Ordering::Relaxed);
                    tracing::info!("the store takes writes again");
                }
                Ok(())
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if !self.is_logged.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "changes wait in memory, operators are refused");
                }
                *self.error() = Some(error.clone());
                Err(error)
            }
        }
    }

    fn commit_timed(&self, batch: &[Write]) -> Result<(), StoreError> {
        let began = time::now();
        self.began.store(began.as_nanos().max(1), Ordering::Relaxed);
        let result = self.store.commit(batch);
        self.began.store(0, Ordering::Relaxed);
        let took = time::now().since(began);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.longest.fetch_max(nanos, Ordering::Relaxed);
        if took >= limits::FLUSH_SLOW {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
        if self.is_pause_logged.swap(false, Ordering::Relaxed) {
            tracing::info!(seconds = took.as_secs_f64(), "the store goes on behind a pause");
        }
        result
    }

    fn writing_for(&self, now: Instant) -> Option<Duration> {
        let began = self.began.load(Ordering::Relaxed);
        (began > 0).then(|| now.since(Instant::from_nanos(began)))
    }

    fn note_time(&self) {
        self.last_flush.store(time::now().as_nanos(), Ordering::Relaxed);
    }

    fn error(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
