//! What operators and other services ask by HTTP: the REST API, on threads of its own.
//!
//! A request goes through the checks of `dispatch`, in the predecessor's order, and then to the
//! handler that `table` names for its path and method. Handlers run on threads that may wait for
//! the disk; no core of the data path ever waits for them.

mod answer;
mod call;
mod configs;
mod devices;
mod dhcp;
mod dispatch;
pub mod find;
mod guard;
mod json;
mod keeper;
mod links;
mod listen;
mod openapi;
mod operations;
mod packages;
mod parameters;
mod plugins;
mod probes;
mod schema;
mod synchronize;
mod table;
mod trace;

pub use guard::{Acl, Caller, Guard, Holder, Pass, Sum, Tenants};
pub use keeper::Keeping;
pub use operations::{Operation, Operations, Progress, State};

use axum::Router;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bus;
use crate::content::Content;
use crate::device::Text;
use crate::limits;
use crate::notify::{Pace, Queue, Way};
use crate::plugin::{LoadErrors, Plugins};
use crate::watch::Watch;
use crate::world::{Core, World};
use keeper::Keeper;
use listen::Bounded;
use parameters::Parameters;
use trace::Followers;

/// What the API stands on.
pub struct Base {
    /// Devices, configurations, plugins.
    pub world: Arc<World>,
    /// What phones are given.
    pub content: Arc<Content>,
    /// What is seen of the server.
    pub watch: Arc<Watch>,
    /// Where the plugins are.
    pub plugins_dir: PathBuf,
    /// Where operators' files are.
    pub files_dir: PathBuf,
    /// The way by which phones are told to fetch their files anew, and how fast.
    pub notify: Option<(Arc<dyn Way>, Pace)>,
}

/// What handlers share.
struct Api {
    base: Base,
    guard: Guard,
    /// Told apart from that of the last start: revisions are counted anew at each.
    epoch: Text,
    /// Decides what a DHCP server reports.
    core: Mutex<Core>,
    parameters: Parameters,
    operations: Operations,
    followers: Followers,
    /// Devices that are to be synchronized, where there is a way.
    queue: Option<Queue>,
    bus: bus::Standing,
}

/// The API while it runs.
pub struct Handle {
    runtime: Runtime,
    /// Ends when this is dropped.
    keeper: Option<Keeper>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    address: SocketAddr,
}

/// Starts the API; its address is taken when this returns.
///
/// # Errors
/// An address that cannot be had, or threads.
pub fn start(address: SocketAddr, guard: Guard, base: Base) -> io::Result<Handle> {
    let (stop, stopped) = watch::channel(false);
    let api = Arc::new(Api::new(guard, base, Followers::new(stopped))?);
    let mut handle = serve(address, "control", dispatch::router(Arc::clone(&api)), stop)?;
    handle.keeper = Keeper::start(&handle.runtime, &api, handle.stop.subscribe());
    Ok(handle)
}

/// Serves figures and health alone, at an address of their own.
///
/// # Errors
/// As [`start`].
pub fn start_probes(address: SocketAddr, view: Arc<Watch>) -> io::Result<Handle> {
    serve(address, "probes", probes::router(view), watch::channel(false).0)
}

fn serve(
    address: SocketAddr,
    name: &str,
    router: Router,
    stop: watch::Sender<bool>,
) -> io::Result<Handle> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(limits::REST_THREADS)
        // Two more for what is kept up beside requests, and for what the bus says.
        .max_blocking_threads(limits::REST_JOBS_MAX + 2)
        .thread_name(name)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind(address))?;
    let address = listener.local_addr()?;
    let mut stopped = stop.subscribe();
    let serving = runtime.spawn(async move {
        let serve = axum::serve(Bounded::new(listener), router);
        // A handle that is dropped ends it too.
        serve
            .with_graceful_shutdown(async move { drop(stopped.wait_for(|stop| *stop).await) })
            .await
    });
    Ok(Handle { runtime, keeper: None, stop, serving, address })
}

/// Makes the server be as the parameters say that operators set; the first thing at a start. Says
/// how many tenants' keys are in use.
pub fn restore_parameters(world: &World) -> usize {
    Parameters::read(world).apply(world)
}

/// Makes new devices belong to the master tenant that wazo-auth told at the last start, until it
/// tells it again; where it is asked who callers are, before devices are read.
pub fn restore_master(world: &World) {
    keeper::restore(world);
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and finishes those that it has, where they do not take too long.
    pub fn stop(self) {
        drop(self.keeper);
        self.stop.send_replace(true);
        let serving = self.serving;
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(limits::REST_STOP_TIME_MAX, serving).await });
        match ended {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!(%error, "the REST API"),
            Ok(Err(error)) => tracing::error!(%error, "the REST API"),
            Err(_) => tracing::warn!("the REST API is stopped while it still does something"),
        }
        self.runtime.shutdown_timeout(limits::REST_STOP_TIME_MAX);
    }
}

impl Api {
    fn new(guard: Guard, base: Base, followers: Followers) -> io::Result<Api> {
        let core = Mutex::new(base.world.core());
        let epoch = Text::from(&base.world.new_name()[..8]);
        let parameters = Parameters::read(&base.world);
        let queue = base.notify.as_ref().map(|(way, pace)| {
            let (world, way) = (Arc::clone(&base.world), Arc::clone(way));
            Queue::start(*pace, move |id| synchronize::tell(&world, &*way, id))
        });
        let (operations, queue) = (Operations::default(), queue.transpose()?);
        let bus = bus::Standing::default();
        Ok(Api { base, guard, epoch, core, parameters, operations, followers, queue, bus })
    }

    fn world(&self) -> &World {
        &self.base.world
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the plugins of the folder in use; with a mistake in them, those in use stay.
    fn load_plugins(&self) -> Result<(), LoadErrors> {
        self.base.content.set_folders(&self.base.files_dir);
        self.world().set_plugins(Plugins::load(&self.base.plugins_dir)?);
        Ok(())
    }
}
