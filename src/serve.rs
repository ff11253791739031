//! Puts a server together and takes it apart: store, plugins, workers, signals, flush.

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::content::Content;
use crate::control::{self, Guard};
use crate::dhcp;
use crate::limits;
use crate::plugin::{Fault, LoadErrors, Plugins};
use crate::ring::epoll::Epoll;
use crate::ring::uring::Uring;
use crate::ring::{self, Io, Setup, Sizes, Waker};
use crate::settings::{Driver, RestAuth, Settings};
use crate::shadow::Shadow;
use crate::store::{Loaded, Rocks, StoreError};
use crate::time::{self, Duration, Instant};
use crate::watch::Watch;
use crate::worker::{Orders, Proxies, Shared, Stats, Worker};
use crate::world::World;

/// Time between two looks at signals.
const SIGNAL_PAUSE: Duration = Duration::from_millis(50);
/// Time between two removals of devices that were provisional for too long.
const EXPIRE_PAUSE: Duration = Duration::from_secs(30);

/// Runs the server until SIGTERM or SIGINT, then finishes what is being sent and flushes. `shadow`
/// is told what is answered.
///
/// # Errors
/// What kept it from starting, or a core that failed.
pub fn run(settings: &Settings, shadow: Option<Arc<Shadow>>) -> Result<()> {
    settings.check()?;
    let driver = choose(settings.driver)?;
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1]).context("signals")?;
    let server = Server::start(settings, driver, shadow)?;
    let result = server.watch(settings, signals);
    server.stop().and(result)
}

/// io_uring where it is there; epoll where that was asked for or nothing else is left.
fn choose(wanted: Driver) -> Result<Driver> {
    match (wanted, ring::probe()) {
        (Driver::Epoll, _) => Ok(Driver::Epoll),
        (_, Ok(probe)) => {
            tracing::info!(kernel = %probe.kernel, "io_uring drives the sockets");
            Ok(Driver::IoUring)
        }
        (Driver::Auto, Err(unavailable)) => {
            tracing::warn!("{unavailable}");
            tracing::warn!("epoll drives the sockets");
            Ok(Driver::Epoll)
        }
        (Driver::IoUring, Err(unavailable)) => Err(unavailable.into()),
    }
}

struct Server {
    shared: Shared,
    cores: Vec<Running>,
    watch: Arc<Watch>,
    /// The REST API, and figures where they have an address of their own.
    control: Vec<control::Handle>,
    leases: Option<dhcp::Listener>,
    /// Reads the store; phones that it has read are served meanwhile.
    loader: JoinHandle<()>,
    failures: Receiver<String>,
}

struct Running {
    thread: JoinHandle<()>,
    waker: Waker,
}

/// What a core says when its sockets are open, or could not be opened.
type Started = Result<(Waker, Vec<String>), String>;

impl Server {
    fn start(settings: &Settings, driver: Driver, shadow: Option<Arc<Shadow>>) -> Result<Server> {
        let began = time::now();
        for (name, listen, kind) in [
            ("http", settings.http, socket2::Type::STREAM),
            ("tftp", settings.tftp, socket2::Type::DGRAM),
        ] {
            if let Some(address) = listen.0 {
                claim(address, kind).with_context(|| format!("{name} {address}"))?;
            }
        }
        let plugins = load_plugins(settings)?;
        tracing::info!(releases = plugins.releases().len(), "plugins are loaded");
        let store = Rocks::open(&settings.store_dir())?;
        let base = settings.base_raw_config();
        let world = World::begin(Arc::new(store), plugins, settings.identification(), base);
        match control::restore_parameters(&world) {
            _ if !world.asks_keys() => {}
            0 => tracing::warn!("no tenant has a provisioning key: HTTP gives nobody anything"),
            tenants => tracing::info!(tenants, "phones' URLs begin with their tenant's key"),
        }
        if settings.rest_auth == Some(RestAuth::WazoAuth) {
            control::restore_master(&world);
        }
        let content = Content::default();
        content.set_folders(&settings.files_dir());
        let shared = Shared {
            world: Arc::new(world),
            content: Arc::new(content),
            proxies: Arc::new(Proxies {
                count: settings.proxy.count,
                trusted: settings.proxy.trusted.clone(),
            }),
            shadow,
            orders: Arc::new(Orders::default()),
        };
        let (tell, failures) = channel();
        let loader = load(Arc::clone(&shared.world), began, tell.clone())?;
        let watch = Watch::new(Arc::clone(&shared.world), Arc::clone(&shared.content));
        let watch = Arc::new(watch);
        let (cores, control, leases) = (Vec::new(), Vec::new(), None);
        let mut server = Server { shared, cores, watch, control, leases, loader, failures };
        let setup = Setup {
            http: settings.http.0,
            tftp: settings.tftp.0,
            transfer_ports: limits::TRANSFER_PORTS,
            linger: limits::LINGER_TIME_MAX,
        };
        let (rings, sizes) = rings(settings, driver)?;
        for core in 0..rings {
            match server.start_core(core, driver, (setup.clone(), sizes), tell.clone()) {
                Ok(running) => server.cores.push(running),
                Err(error) => {
                    server.stop()?;
                    return Err(error);
                }
            }
        }
        if let Err(error) = server.open(settings) {
            server.stop()?;
            return Err(error);
        }
        tracing::info!(
            http = settings.http.0.map(tracing::field::display),
            tftp = settings.tftp.0.map(tracing::field::display),
            cores = server.cores.len(),
            "phones can boot"
        );
        Ok(server)
    }

    /// Starts a core's thread and waits until its sockets are open.
    fn start_core(
        &self,
        core: usize,
        driver: Driver,
        (setup, sizes): (Setup, Sizes),
        failed: Sender<String>,
    ) -> Result<Running> {
        let stats = Arc::new(Stats::default());
        let (tell, told) = channel();
        let (shared, kept) = (self.shared.clone(), stats.clone());
        let name = format!("core-{core}");
        let thread = thread::Builder::new().name(name).spawn(move || {
            if let Err(error) = ring::pin_to_core(core) {
                tracing::warn!(core, %error, "the thread is not pinned");
            }
            let ended = match driver {
                Driver::Epoll => run_epoll((&setup, &sizes), shared, kept, &tell),
                Driver::Auto | Driver::IoUring => run_uring((&setup, &sizes), shared, kept, &tell),
            };
            if let Err(error) = ended {
                let _ = failed.send(format!("core {core}: {error}"));
            }
        })?;
        let started: Started = told.recv().unwrap_or_else(|_| Err("it panicked".to_owned()));
        match started {
            Ok((waker, warnings)) => {
                for warning in warnings {
                    tracing::warn!(core, "{warning}");
                }
                self.watch.add_core(stats, Some(waker.clone()));
                Ok(Running { thread, waker })
            }
            Err(error) => bail!("core {core} cannot start: {error}"),
        }
    }

    /// Opens what operators, monitoring and DHCP servers reach.
    fn open(&mut self, settings: &Settings) -> Result<()> {
        self.control.extend(open(settings, &self.shared, &self.watch)?);
        if let Some(address) = settings.metrics.0 {
            let probes = control::start_probes(address, Arc::clone(&self.watch));
            let probes = probes.with_context(|| format!("metrics {address}"))?;
            tracing::info!(address = %probes.address(), "figures are served");
            self.control.push(probes);
        }
        self.watch.open();
        self.leases = listen(settings, &self.shared.world)?;
        Ok(())
    }

    /// Waits for signals and for failures of cores.
    fn watch(&self, settings: &Settings, mut signals: Signals) -> Result<()> {
        let mut expired = time::now();
        loop {
            for signal in signals.pending() {
                match signal {
                    SIGHUP => self.reload(settings),
                    SIGUSR1 => self.report(),
                    _ => {
                        tracing::info!("stopping: what is being sent is finished first");
                        return Ok(());
                    }
                }
            }
            // Looked at first: a core says why it fails before its thread ends.
            let is_dead = self.cores.iter().any(|core| core.thread.is_finished());
            let is_unread = self.loader.is_finished() && !self.shared.world.is_loaded();
            if let Ok(failure) = self.failures.try_recv() {
                bail!("{failure}");
            }
            if is_unread {
                bail!("the loading of the store panicked");
            }
            if is_dead {
                bail!("a core panicked where no connection could be blamed for it");
            }
            let now = time::now();
            self.shared.world.watch_store(now);
            if now.since(expired) >= EXPIRE_PAUSE {
                expired = now;
                self.shared.world.expire(now);
            }
            thread::sleep(SIGNAL_PAUSE);
        }
    }

    /// Takes a new set of plugins in use; one with a mistake leaves the old one.
    fn reload(&self, settings: &Settings) {
        self.shared.content.set_folders(&settings.files_dir());
        match load_plugins(settings) {
            Ok(plugins) => {
                let releases = plugins.releases().len();
                self.shared.world.set_plugins(plugins);
                tracing::info!(releases, "plugins are loaded anew");
            }
            Err(errors) => {
                for error in &errors.0 {
                    tracing::error!("{error}");
                }
                tracing::error!("the plugins in use stay");
            }
        }
    }

    /// Logs the numbers of all cores, of the world and of the store.
    fn report(&self) {
        let totals = self.watch.totals();
        let world = self.shared.world.counters();
        let store = self.shared.world.store_stats(time::now());
        let content = self.shared.content.counters();
        tracing::info!(?totals, "answers");
        tracing::info!(?world, ?store, ?content, "world");
        if let Some(shadow) = &self.shared.shadow {
            tracing::info!("{}", shadow.table());
        }
        if let Some(leases) = &self.leases {
            tracing::info!(leases = ?leases.counters(), "DHCP");
        }
    }

    /// Stops all cores, and writes what waits to be written.
    fn stop(mut self) -> Result<()> {
        // First: what it is still told, it takes; what comes later is not answered.
        self.control.drain(..).for_each(control::Handle::stop);
        self.shared.orders.stop();
        for core in &self.cores {
            core.waker.wake();
        }
        self.report();
        if let Some(leases) = self.leases.take() {
            leases.stop();
        }
        for core in self.cores {
            if core.thread.join().is_err() {
                tracing::error!("a core panicked while it stopped");
            }
        }
        let closed = self.shared.world.close();
        if self.loader.join().is_err() {
            tracing::error!("the loading panicked");
        }
        closed.context("the last changes are not written")?;
        tracing::info!("stopped: all changes are written");
        Ok(())
    }
}

/// Loads the plugins, and tells what is wrong with the overrides of their templates.
fn load_plugins(settings: &Settings) -> Result<Plugins, LoadErrors> {
    let plugins = Plugins::load_over(&settings.plugins_dir, &settings.templates_dir())?;
    for Fault { error, is_broken } in plugins.override_faults() {
        match is_broken {
            true => tracing::error!("{error}: this override is NOT used, the shipped one is"),
            false => tracing::warn!("{error}"),
        }
    }
    for changed in plugins.changed_originals() {
        tracing::warn!("{changed}");
    }
    Ok(plugins)
}

/// Opens the REST API, where that is wanted and it is said who may use it.
fn open(
    settings: &Settings,
    shared: &Shared,
    watch: &Arc<Watch>,
) -> Result<Option<control::Handle>> {
    let Some(address) = settings.rest.0 else { return Ok(None) };
    let Some(guard) = settings.guard()? else {
        tracing::warn!(
            "the REST API is closed: rest_auth does not say how callers are told apart; \"none\" \
             opens it on {address} to whoever reaches that"
        );
        return Ok(None);
    };
    if matches!(guard, Guard::WazoAuth { .. }) && !settings.wazo_auth.verify_certificate {
        tracing::warn!("any certificate is taken for wazo-auth's: verify_certificate is false");
    }
    if !address.ip().is_loopback() {
        match guard {
            Guard::Open { .. } => {
                tracing::warn!("the REST API is open to everybody who reaches {address}");
            }
            _ => tracing::warn!("tokens cross the network to {address} as they are: no TLS here"),
        }
    }
    let way = settings.synchronize.way(guard.own_token());
    let base = control::Base {
        world: Arc::clone(&shared.world),
        content: Arc::clone(&shared.content),
        watch: Arc::clone(watch),
        plugins_dir: settings.plugins_dir.clone(),
        files_dir: settings.files_dir(),
        notify: way.map(|way| (way, settings.synchronize.pace())),
    };
    let control = control::start(address, guard, base);
    let control = control.with_context(|| format!("rest {address}"))?;
    tracing::info!(address = %control.address(), "the REST API is open");
    Ok(Some(control))
}

/// Opens the socket for reports of DHCP servers. One that nobody asked for may be missing.
fn listen(settings: &Settings, world: &Arc<World>) -> Result<Option<dhcp::Listener>> {
    let Some(path) = settings.dhcp_path() else { return Ok(None) };
    let group = settings.dhcp_group.as_deref();
    match dhcp::Doorway::open(&path, group) {
        Ok(doorway) => Ok(Some(doorway.listen(Arc::clone(world))?)),
        Err(error) if settings.dhcp_socket.is_none() && group.is_none() => {
            tracing::warn!(path = %path.display(), %error, "no socket for DHCP servers");
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("dhcp_socket {}", path.display())),
    }
}

/// Starts the reading of the store; where it fails, the server is told why.
fn load(world: Arc<World>, began: Instant, failed: Sender<String>) -> Result<JoinHandle<()>> {
    let run = move || match world.load() {
        Ok(Loaded { devices, configs }) => {
            let seconds = time::now().since(began).as_secs_f64();
            tracing::info!(devices, configs, seconds, "the store is loaded");
        }
        Err(StoreError::Loading) => tracing::info!("the loading of the store is given up"),
        Err(error) => drop(failed.send(error.to_string())),
    };
    Ok(thread::Builder::new().name("loader".to_owned()).spawn(run)?)
}

fn run_uring(
    (setup, sizes): (&Setup, &Sizes),
    shared: Shared,
    stats: Arc<Stats>,
    tell: &Sender<Started>,
) -> Result<()> {
    let made = Uring::new(setup, sizes);
    let said = made.as_ref().map(|ring| (ring.waker(), ring.warnings().to_vec()));
    let _ = tell.send(said.map_err(ToString::to_string));
    let Ok(io) = made else { return Ok(()) };
    work(io, setup, shared, stats)
}

fn run_epoll(
    (setup, sizes): (&Setup, &Sizes),
    shared: Shared,
    stats: Arc<Stats>,
    tell: &Sender<Started>,
) -> Result<()> {
    let made = Epoll::new(setup, sizes);
    let said = made.as_ref().map(|epoll| (epoll.waker(), Vec::new()));
    let _ = tell.send(said.map_err(ToString::to_string));
    let Ok(io) = made else { return Ok(()) };
    work(io, setup, shared, stats)
}

fn work(io: impl Io, setup: &Setup, shared: Shared, stats: Arc<Stats>) -> Result<()> {
    let ports = u16::try_from(setup.transfer_ports).context("transfer ports")?;
    let now = (time::now(), time::civil_now());
    Ok(Worker::new(io, shared, stats, ports, now).run()?)
}

/// Asks whether the address is ours to take. The cores share it among themselves, and the kernel
/// would let another server of the same user share it too, and take a part of the phones. A server
/// that has just ended has its sockets a little longer: the kernel takes its rings apart behind it.
fn claim(address: SocketAddr, kind: socket2::Type) -> Result<()> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), kind, None)?;
    // A connection of the last server that lingers is no server.
    socket.set_reuse_address(kind == socket2::Type::STREAM)?;
    let began = time::now();
    loop {
        match socket.bind(&address.into()) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if time::now().since(began) >= limits::CLAIM_TIME_MAX {
                    return Err(error.into());
                }
                thread::sleep(SIGNAL_PAUSE);
            }
            bound => return Ok(bound?),
        }
    }
}

/// How many rings (or pollers, each a thread) there are, and how large their tables. On epoll a
/// connection is a descriptor of the process, and the cores share those out; on io_uring each ring
/// has a table of its own, bounded by the same limit: more connections take more rings.
fn rings(settings: &Settings, driver: Driver) -> Result<(usize, Sizes)> {
    let sizes = Sizes::default();
    let (cores, wanted) = (cores(settings.cores), settings.connections);
    let all = ring::raise_descriptor_limit()?;
    if driver == Driver::Epoll {
        let left = all.saturating_sub(limits::DESCRIPTORS_RESERVED);
        if held(left) < wanted {
            bail!("connections = {wanted}, and epoll holds {}: raise RLIMIT_NOFILE", held(left));
        }
        let share = (left / cores).max(1);
        if share < sizes.connections_max {
            tracing::warn!("{share} connections a core only: RLIMIT_NOFILE is {all}");
        }
        let connections_max = sizes.connections_max.min(share);
        return Ok((cores, Sizes { connections_max, ..sizes }));
    }
    let each = sizes.connections_max.min(all.saturating_sub(sizes.accepts)).max(1);
    let rings = wanted.div_ceil(held(each).max(1)).max(cores);
    if rings > limits::RINGS_MAX.max(cores) {
        let most = limits::RINGS_MAX;
        bail!("connections = {wanted} takes {rings} rings, more than {most}: raise RLIMIT_NOFILE");
    }
    if rings > cores {
        tracing::info!(rings, each, "more rings than cores hold the connections asked for");
    }
    Ok((rings, sizes))
}

/// Connections that places for `places` hold before idle ones are shed, when the kernel has spread
/// them unevenly.
fn held(places: usize) -> usize {
    places - places / limits::CONNECTIONS_SPARE - places / limits::CONNECTIONS_UNEVEN
}

fn cores(wanted: usize) -> usize {
    let all = thread::available_parallelism().map_or(1, usize::from);
    if wanted == 0 { all } else { wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_added_until_the_connections_fit() {
        let rings = |connections, driver| {
            let settings = Settings { cores: 2, connections, ..Settings::default() };
            super::rings(&settings, driver)
        };
        let all = ring::raise_descriptor_limit().expect("known");
        let each = limits::CONNECTIONS_MAX.min(all - limits::ACCEPTS_ARMED);
        let of = |connections| rings(connections, Driver::IoUring).expect("they fit").0;
        assert_eq!((of(0), of(2 * held(each)), of(2 * held(each) + 1)), (2, 2, 3));
        let many = limits::RINGS_MAX * each;
        let error = rings(many, Driver::IoUring).expect_err("too many").to_string();
        assert!(error.contains("raise RLIMIT_NOFILE"), "{error}");
        assert!(rings(all, Driver::Epoll).is_err());
        assert!(rings(100, Driver::Epoll).is_ok());
    }
}
