//! Storms: each thread has its own ring and its own phones, and they share nothing but counters.

mod room;
mod socket;
mod task;

pub use room::{Room, RoomError};

use crate::cpu;
use crate::fleet::Member;
use crate::limits::{
    COMPLETION_ENTRIES, RING_ATTEMPTS, RING_PAUSE, START_LEAD, STARTS_PER_TURN, STOP_TICK,
    SUBMISSION_ENTRIES,
};
use crate::phone::{Phone, Setup};
use crate::profile::Profile;
use crate::report::Report;
use ringboot::time::{self, Duration, Instant};
use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use tokio::sync::Semaphore;

/// What is to boot, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The phones, in the order of their starts.
    pub phones: Vec<Planned>,
    /// What is the same for all of them.
    pub setup: Setup,
    /// Threads, each with a ring.
    pub threads: usize,
    /// Phones that may boot at once, over all threads.
    pub at_once: usize,
    /// Time after the start at which what still boots is left unfinished.
    pub limit: Duration,
}

/// A phone and when it starts.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Time after the storm's start.
    pub after: Duration,
    /// How it boots.
    pub profile: Arc<Profile>,
    /// Who it is.
    pub member: Arc<Member>,
}

/// A storm that is under way.
#[derive(Debug)]
pub struct Storm {
    threads: Vec<JoinHandle<io::Result<Part>>>,
    counters: Vec<Arc<Counters>>,
    stop: Arc<AtomicBool>,
}

/// How far a storm is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// Phones that ended, however they did.
    pub ended: u64,
    /// Phones that got something wrong.
    pub wrong: u64,
    /// Phones that gave up.
    pub lost: u64,
    /// Answers.
    pub requests: u64,
}

/// One thread's counts, for those who watch.
#[derive(Debug, Default)]
struct Counters {
    ended: AtomicU64,
    wrong: AtomicU64,
    lost: AtomicU64,
    requests: AtomicU64,
}

/// What a thread brings home: its report, and the time from the start to its last phone's end.
type Part = (Report, Duration);

/// When a thread leaves what still boots.
struct End {
    at: Instant,
    stop: Arc<AtomicBool>,
}

/// What the phones of one thread share.
struct Shared {
    start: Instant,
    room: Semaphore,
    report: RefCell<Report>,
    last_end: RefCell<Duration>,
    counters: Arc<Counters>,
}

impl Storm {
    /// Starts it: phones are dealt to the threads in turn, and the first is due a moment later.
    ///
    /// # Errors
    /// When a thread cannot be made.
    ///
    /// # Panics
    /// When the plan has no thread or no room.
    pub fn start(plan: Plan) -> io::Result<Self> {
        assert!(plan.threads > 0);
        assert!(plan.at_once > 0);
        let start = time::now() + START_LEAD;
        let mut parts: Vec<Vec<Planned>> = vec![Vec::new(); plan.threads];
        for (index, planned) in plan.phones.into_iter().enumerate() {
            parts[index % plan.threads].push(planned);
        }
        let at_once = plan.at_once.div_ceil(plan.threads);
        let stop = Arc::new(AtomicBool::new(false));
        let mut storm = Self { threads: Vec::new(), counters: Vec::new(), stop };
        for (index, part) in parts.into_iter().enumerate() {
            let counters = Arc::new(Counters::default());
            storm.counters.push(Arc::clone(&counters));
            let end = End { at: start + plan.limit, stop: Arc::clone(&storm.stop) };
            let body = move || run(part, plan.setup, at_once, start, &end, counters);
            let builder = thread::Builder::new().name(format!("phones-{index}"));
            storm.threads.push(builder.spawn(body)?);
        }
        Ok(storm)
    }

    /// How far it is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let sum = |pick: fn(&Counters) -> &AtomicU64| {
            self.counters.iter().map(|counters| pick(counters).load(Ordering::Relaxed)).sum()
        };
        Snapshot {
            ended: sum(|counters| &counters.ended),
            wrong: sum(|counters| &counters.wrong),
            lost: sum(|counters| &counters.lost),
            requests: sum(|counters| &counters.requests),
        }
    }

    /// Ends it a moment later: what still boots is left unfinished, and the report is whole.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether all threads are done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the end. The time is that from the start to the last phone's end.
    ///
    /// # Errors
    /// When a thread has no ring: the kernel or a sandbox refuses `io_uring`.
    ///
    /// # Panics
    /// When a thread did.
    pub fn join(self) -> io::Result<(Report, Duration)> {
        let (mut report, mut elapsed) = (Report::default(), Duration::ZERO);
        for thread in self.threads {
            let (part, last_end) = thread.join().expect("invariant: phones do not panic")?;
            report.merge(part);
            elapsed = elapsed.max(last_end);
        }
        Ok((report, elapsed))
    }
}

impl Counters {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl End {
    fn is_there(&self) -> bool {
        time::now() >= self.at || self.stop.load(Ordering::Relaxed)
    }
}

/// A thread: makes its ring and boots its phones.
fn run(
    part: Vec<Planned>,
    setup: Setup,
    at_once: usize,
    start: Instant,
    end: &End,
    counters: Arc<Counters>,
) -> io::Result<Part> {
    let runtime = ring()?;
    let report = Report::of(part.len() as u64);
    let shared = Rc::new(Shared {
        start,
        room: Semaphore::new(at_once),
        report: RefCell::new(report),
        last_end: RefCell::new(Duration::ZERO),
        counters,
    });
    runtime.block_on(async {
        let mut pacing = pin!(pace(part, setup, &shared));
        // Out of time, or stopped: what still boots is dropped with the runtime.
        while !end.is_there() {
            if tokio::time::timeout(STOP_TICK, pacing.as_mut()).await.is_ok() {
                break;
            }
        }
    });
    let mut report = shared.report.take();
    report.record_cpu(cpu::now());
    let last_end = shared.last_end.take();
    Ok((report, last_end))
}

/// A ring. The kernel wants its pages at once, and has none for a moment when all that is free
/// is filled with files: it is asked again.
fn ring() -> io::Result<tokio_uring::Runtime> {
    let mut rings = tokio_uring::uring_builder();
    rings.setup_cqsize(COMPLETION_ENTRIES);
    let mut builder = tokio_uring::builder();
    builder.entries(SUBMISSION_ENTRIES).uring_builder(&rings);
    let mut left = RING_ATTEMPTS - 1;
    loop {
        match tokio_uring::Runtime::new(&builder) {
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory && left > 0 => {
                left -= 1;
                thread::sleep(RING_PAUSE);
            }
            made => return made,
        }
    }
}

/// Starts each phone when it is due, whatever the others do, and waits for all.
async fn pace(part: Vec<Planned>, setup: Setup, shared: &Rc<Shared>) {
    let mut tasks = Vec::with_capacity(part.len());
    for (index, Planned { after, profile, member }) in part.into_iter().enumerate() {
        let due = shared.start + after;
        let wait = due.since(time::now());
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        } else if index % STARTS_PER_TURN == 0 {
            tokio::task::yield_now().await;
        }
        let phone = Phone::new(due, profile, member, setup);
        tasks.push(tokio_uring::spawn(task::boot(phone, Rc::clone(shared))));
    }
    for task in tasks {
        task.await.expect("invariant: phones do not panic");
    }
}
