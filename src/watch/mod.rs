//! What operators and their monitoring may see of a running server: figures, and whether it is
//! ready. All is summed or copied when it is asked for; phones pay nothing for it.

mod figures;
mod page;
mod process;
mod traces;

pub use crate::worker::{Traced, Who};
pub use page::Form;
pub use traces::{boots, document};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::content::Content;
use crate::ring::Waker;
use crate::time::{self, Civil};
use crate::worker::{Stats, Totals};
use crate::world::World;

/// A view of the server.
pub struct Watch {
    world: Arc<World>,
    content: Arc<Content>,
    cores: Mutex<Vec<Core>>,
    /// Whether all listeners are open.
    is_open: AtomicBool,
    started: Civil,
}

/// One core, as others see it.
#[derive(Clone)]
struct Core {
    stats: Arc<Stats>,
    /// Rings it; none where nothing waits.
    waker: Option<Waker>,
}

impl Watch {
    /// A view of a server that has no cores yet.
    pub fn new(world: Arc<World>, content: Arc<Content>) -> Watch {
        Watch {
            world,
            content,
            cores: Mutex::default(),
            is_open: AtomicBool::new(false),
            started: time::civil_now(),
        }
    }

    /// Adds a core that has begun to serve; it is rung where it is asked for something.
    pub fn add_core(&self, stats: Arc<Stats>, waker: Option<Waker>) {
        self.cores().push(Core { stats, waker });
    }

    /// Notes that all listeners are open.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// Whether the server does all it is for.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn readiness(&self) -> Result<(), &'static str> {
        if !self.is_open.load(Ordering::Acquire) {
            return Err("the listeners are not open yet");
        }
        if !self.world.is_loaded() {
            return Err("the store is being loaded");
        }
        Ok(())
    }

    /// All figures, as a page for Prometheus.
    pub fn figures(&self, form: Form) -> String {
        figures::write(self, form)
    }

    /// What the cores counted.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.cores().iter().for_each(|core| core.stats.add_to(&mut totals));
        totals
    }

    fn cores(&self) -> MutexGuard<'_, Vec<Core>> {
        self.cores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
