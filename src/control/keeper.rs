//! What is kept up beside requests where wazo-auth is asked: our own token, the master tenant, and
//! that devices of tenants that are gone are gone, also when the bus says that one is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::Api;
use super::guard::Guard;
use crate::bus::{self, Ear, longer};
use crate::device::Text;
use crate::limits;
use crate::time::{self, Duration, Instant};
use crate::wazo::Session;
use crate::world::World;

/// The name of the master tenant in the store: what wazo-auth told last.
const NOTE: &str = "master_tenant";

/// What is kept up, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keeping {
    /// The tenant of new devices until wazo-auth tells the master; they become the master's then.
    pub stand_in: Option<Text>,
    /// A tenant whose devices stay, whatever wazo-auth says of it.
    pub spared: Text,
    /// Time between the start and the first look for tenants that are gone.
    pub sweep_start: Duration,
    /// Time between two such looks; zero: none.
    pub sweep_interval: Duration,
    /// Where it is said at once that a tenant is gone.
    pub bus: Option<bus::Settings>,
}

/// Keeps it up until it is dropped.
pub struct Keeper {
    _orders: Sender<Order>,
}

/// What the thread is told.
enum Order {
    /// Look for tenants that are gone.
    Look,
}

/// What the thread knows.
struct State {
    api: Arc<Api>,
    session: Arc<Session>,
    keeping: Keeping,
    renewed: Instant,
    renew_at: Instant,
    /// Behind a failure: the pause before the next try; zero without one.
    pause: Duration,
    /// The master tenant that all devices have been told apart by.
    settled: Option<Text>,
    sweep_at: Option<Instant>,
}

/// Takes over what was noted.
pub fn restore(world: &World) {
    let noted = world.note(NOTE).unwrap_or_else(|error| {
        tracing::error!(%error, "the master tenant");
        None
    });
    let Some(master) = noted.and_then(|text| String::from_utf8(text).ok()) else { return };
    world.change_settings(|settings| settings.master_tenant = Text::from(&*master));
}

impl Keeper {
    /// Starts it, where the guard is one that needs it; what listens to the bus is stopped first.
    pub fn start(
        runtime: &Runtime,
        api: &Arc<Api>,
        stopped: watch::Receiver<bool>,
    ) -> Option<Keeper> {
        let Guard::WazoAuth { session, keeping } = &api.guard else { return None };
        let (orders, told) = channel();
        let now = time::now();
        let has_sweep = !keeping.sweep_interval.is_zero();
        let state = State {
            api: Arc::clone(api),
            session: Arc::clone(session),
            keeping: keeping.clone(),
            renewed: now,
            renew_at: now,
            pause: Duration::ZERO,
            settled: None,
            sweep_at: has_sweep.then(|| now + keeping.sweep_start),
        };
        runtime.spawn_blocking(move || state.run(&told));
        if let Some(settings) = keeping.bus.clone() {
            let (api, session, spared) =
                (Arc::clone(api), Arc::clone(session), keeping.spared.clone());
            let name = api.world().new_name()[..6].to_owned();
            let standing = api.bus.clone();
            let ear = Arc::new(Listener { api, session, spared, orders: orders.clone() });
            runtime.spawn(bus::listen(settings, name, ear, standing, stopped));
        }
        Some(Keeper { _orders: orders })
    }
}

impl State {
    fn run(mut self, told: &Receiver<Order>) {
        loop {
            self.turn(time::now());
            let wait = self.renew_at.since(time::now()).min(limits::WAZO_TURN);
            match told.recv_timeout(wait) {
                // Where nobody looks at all, nobody does now.
                Ok(Order::Look) => self.sweep_at = self.sweep_at.map(|_| time::now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn turn(&mut self, now: Instant) {
        let is_refused = self.session.is_refused();
        let is_old = now.since(self.renewed) >= limits::WAZO_RENEW_PAUSE;
        if now >= self.renew_at || (is_refused && is_old && self.pause.is_zero()) {
            self.renew(now);
        }
        self.settle();
        if self.settled.is_some() && self.sweep_at.is_some_and(|at| now >= at) {
            let pause = if self.sweep() {
                self.keeping.sweep_interval
            } else {
                self.keeping.sweep_start.max(limits::WAZO_TURN)
            };
            self.sweep_at = Some(now + pause);
        }
    }

    fn renew(&mut self, now: Instant) {
        self.renewed = now;
        match self.session.renew() {
            Ok(time) => {
                self.pause = Duration::ZERO;
                self.renew_at = now + time;
            }
            Err(failure) => {
                self.pause = longer(self.pause);
                tracing::warn!(%failure, pause = ?self.pause, "no token of wazo-auth's");
                self.renew_at = now + self.pause;
            }
        }
    }

    /// Tells devices apart by the master tenant, as soon as all of them are there.
    fn settle(&mut self) {
        let Some(own) = self.session.own() else { return };
        let world = self.api.world();
        if self.settled.as_ref() == Some(&own.tenant) || !world.is_loaded() {
            return;
        }
        let master = &own.tenant;
        let stand_in = self.keeping.stand_in.as_deref();
        if stand_in.is_none() && *master != self.keeping.spared {
            let set = &self.keeping.spared;
            tracing::warn!(%master, %set, "wazo-auth's master tenant is another than that set");
        }
        let settled = world.set_master(master, stand_in).map_err(|error| error.to_string());
        let noted = settled.and_then(|count| {
            let noted = world.set_note(NOTE, master.as_bytes());
            noted.map(|()| count).map_err(|error| error.to_string())
        });
        match noted {
            Ok(devices) => {
                tracing::info!(%master, devices, "the master tenant is known");
                self.settled = Some(master.clone());
            }
            Err(error) => tracing::warn!(error, "the master tenant"),
        }
    }

    /// Removes what belongs to tenants that are gone (spec section 7.5). False: it is not known
    /// which ones those are.
    fn sweep(&self) -> bool {
        let world = self.api.world();
        // First: a tenant that is made meanwhile is on the list that comes after.
        let mut used: Vec<Text> = world.tenants();
        used.extend(self.api.parameters.tenants().into_iter().map(Text::from));
        used.sort_unstable();
        used.dedup();
        let tenants = match self.session.tenants() {
            Ok(tenants) => tenants,
            Err(failure) => {
                tracing::warn!(%failure, "no devices are removed: the tenants are not known");
                return false;
            }
        };
        let stays = |tenant: &Text| *tenant == self.keeping.spared || tenants.contains(tenant);
        let gone = used.iter().filter(|tenant| !stays(tenant));
        gone.filter(|tenant| !self.api.forget_tenant(tenant)).count() == 0
    }
}

/// What is done at what the bus says.
struct Listener {
    api: Arc<Api>,
    session: Arc<Session>,
    /// A tenant whose devices stay, whatever is said of it.
    spared: Text,
    orders: Sender<Order>,
}

impl Ear for Listener {
    /// Removes what a tenant had if wazo-auth has it no more: it may tell the bus before its own
    /// list is another, and whoever may speak on the bus is not yet who may remove devices.
    fn deleted(&self, tenant: &str, told: u32) -> bool {
        if *tenant == *self.spared || *tenant == *self.api.world().settings().master_tenant {
            tracing::error!(tenant, "the bus says that the master tenant is gone: it stays");
            return true;
        }
        let tenants = match self.session.tenants() {
            Ok(tenants) => tenants,
            Err(failure) => {
                tracing::warn!(tenant, %failure, "is it gone, as the bus says? It is asked again");
                return false;
            }
        };
        let is_there = tenants.iter().any(|there| **there == *tenant);
        let is_given_up = told + 1 >= limits::BUS_LOOKS_MAX;
        match is_there {
            true if is_given_up => {
                tracing::warn!(tenant, "the bus says that it is gone, wazo-auth has it: it stays");
                true
            }
            true => false,
            false => self.api.forget_tenant(tenant),
        }
    }

    fn missed(&self) {
        // Without the thread the server ends.
        let _ = self.orders.send(Order::Look);
    }
}

impl Api {
    /// Removes what belongs to a tenant that is gone. False: not all of it could be removed now.
    pub(super) fn forget_tenant(&self, tenant: &str) -> bool {
        // First: who still has its key can make no device of its any more.
        let forgotten = self.parameters.forget(self.world(), tenant);
        let done = forgotten
            .map_err(|error| error.to_string())
            .and_then(|()| self.world().remove_tenant(tenant).map_err(|error| error.to_string()));
        match &done {
            Ok(devices) => tracing::warn!(tenant, devices, "a tenant is gone: so are its devices"),
            Err(error) => tracing::error!(tenant, error, "what a tenant left cannot be removed"),
        }
        done.is_ok()
    }
}
