//! One run: a fleet and a weather from a seed, played to the end, and what must hold then.

use crate::net::{LISTEN, Net, SERVER, SimIo, ToPhone, Weather};
use crate::stage::{Folder, MemoryStore, shared};
use ringboot::identify::Settings;
use ringboot::ring::Event as RingEvent;
use ringboot::time::{Civil, Duration, Instant};
use ringboot::worker::{Shared, Stats, Totals, Worker};
use ringboot_loadgen::chance::Chance;
use ringboot_loadgen::fleet::{Fleet, Member, Recipe, TENANT};
use ringboot_loadgen::mix::Mix;
use ringboot_loadgen::phone::{Action, Event, Input, Link, Outcome, Phone, Setup};
use ringboot_loadgen::profile::{Expect, Method, Options, Profile, Profiles, Step, Transport};
use ringboot_loadgen::template::Template;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// One run.
pub struct Run {
    net: Rc<RefCell<Net>>,
    workers: Vec<Worker<SimIo>>,
    stats: Vec<Arc<Stats>>,
    shared: Shared,
    store: Arc<MemoryStore>,
    boots: Vec<Boot>,
    /// Whether a boot is followed by another one of the same phone.
    again: bool,
    members: Members,
    setup: Setup,
    _files: Folder,
}

/// A phone that boots.
struct Boot {
    phone: Phone,
    member: usize,
    address: IpAddr,
    troubles: Vec<String>,
    last_bytes: u64,
}

/// Turns at one time after which a worker is stuck.
const TURNS_MAX: u32 = 10_000;
/// Simulated time in which everything must be over.
const TIME_MAX: Duration = Duration::from_secs(3600);
/// An address that several phones may have.
const SITE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
/// Ports that a phone uses in turn.
const PORTS_PER_BOOT: usize = 512;
/// Length of the firmware that some phones fetch: read in more than one part.
const FIRMWARE_BYTES: usize = 200_000;
const FIRMWARE: &str = "/storm-firmware.bin";

impl Run {
    /// The run of a seed.
    pub fn new(seed: u64) -> Run {
        let mut chance = Chance::of(seed, 1);
        let files = Folder::new();
        let shares = chance.below(3) == 0;
        let weather = weather(&mut chance);
        let (mut members, known) = fleet(seed, &mut chance, &files);
        if weather.failed_reads > 0 {
            expect_failures(&mut members);
        }
        let store = store(&members[..known]);
        let settings = Settings { nat: shares, ..Settings::default() };
        let shared = shared(&store, settings, &files.0);
        let cores = 1 + usize::try_from(chance.below(2)).expect("small");
        let net = Net::new(seed, cores, weather);
        let now = net.borrow().now;
        let stats: Vec<Arc<Stats>> = (0..cores).map(|_| Arc::default()).collect();
        let worker = |core: usize| {
            let stats = Arc::clone(&stats[core]);
            Worker::new(SimIo::new(core, &net), shared.clone(), stats, 3, (now, civil(now)))
        };
        let workers = (0..cores).map(worker).collect();
        let setup = Setup {
            http: Some(SocketAddr::new(SERVER, 8667)),
            tftp: Some(SocketAddr::new(SERVER, LISTEN)),
            answer_time: Duration::from_secs(10),
            attempts: 60,
            keep_alive: chance.below(4) > 0,
            seed,
        };
        let again = chance.below(2) == 0;
        let spread_ms = [1, 2_000][usize::try_from(chance.below(2)).expect("small")];
        let mut run = Run {
            net,
            workers,
            stats,
            shared,
            store,
            boots: Vec::new(),
            again,
            members,
            setup,
            _files: files,
        };
        for member in 0..run.members.len() {
            let start = now + Duration::from_millis(chance.below(spread_ms));
            run.begin(member, start, shares);
        }
        run
    }

    /// Plays to the end and sees whether all is as it must be. What happened, as one number.
    pub fn play(mut self) -> u64 {
        let start = self.net.borrow().now;
        while let Some(next) = self.step() {
            assert!(next.since(start) < TIME_MAX, "it does not end: {}", self.troubles());
            self.net.borrow_mut().now = next;
        }
        self.check_phones();
        self.check_server();
        self.check_devices();
        let trace = self.net.borrow().trace.clone();
        trace.finish()
    }

    fn begin(&mut self, member: usize, start: Instant, shares: bool) {
        let (who, profile) = &self.members[member];
        let phone = Phone::new(start, Arc::clone(profile), Arc::clone(who), self.setup);
        let own = who.address.expect("invariant: the fleet is spread");
        // Only what tells an agent can be told apart at a shared address.
        let is_told = profile.steps.iter().all(|step| step.transport == Transport::Http);
        let shares = shares && is_told && member.is_multiple_of(2);
        let address = if shares { SITE } else { IpAddr::V4(own) };
        let troubles = Vec::new();
        self.boots.push(Boot { phone, member, address, troubles, last_bytes: 0 });
    }

    /// Does all that is due now; when something is due next.
    fn step(&mut self) -> Option<Instant> {
        for _ in 0..TURNS_MAX {
            self.net.borrow_mut().run();
            let now = self.net.borrow().now;
            let mut is_quiet = true;
            for core in 0..self.workers.len() {
                is_quiet &= !self.turn(core, now);
            }
            let told = std::mem::take(&mut self.net.borrow_mut().to_phones);
            is_quiet &= told.is_empty();
            for ((boot, link), what) in told {
                self.tell(boot, Link(link), &what, now);
            }
            for boot in 0..self.boots.len() {
                if self.boots[boot].phone.poll_timeout().is_some_and(|until| until <= now) {
                    is_quiet = false;
                    self.boots[boot].phone.handle_timeout(now);
                }
                is_quiet &= !self.act(boot, now);
            }
            if is_quiet {
                return self.next();
            }
        }
        panic!("something turns and turns: {}", self.troubles());
    }

    fn next(&self) -> Option<Instant> {
        let net = self.net.borrow();
        let phones = self.boots.iter().filter_map(|boot| boot.phone.poll_timeout());
        let cores = net.cores.iter().filter_map(|core| core.until);
        phones.chain(cores).chain(net.next()).min()
    }

    /// One turn of a worker, where it would wake up.
    fn turn(&mut self, core: usize, now: Instant) -> bool {
        let is_due = {
            let kernel = &self.net.borrow().cores[core];
            !kernel.events.is_empty() || kernel.until.is_some_and(|until| until <= now)
        };
        if is_due {
            let goes_on = self.workers[core].turn(|| civil(now), None).expect("a ring that works");
            assert!(goes_on, "nobody told it to stop");
            // Asleep again: says until when.
            self.workers[core].turn(|| civil(now), None).expect("a ring that works");
        }
        is_due
    }

    fn tell(&mut self, boot: usize, link: Link, what: &ToPhone, now: Instant) {
        let input = match what {
            ToPhone::Connected => Input::Connected,
            ToPhone::Received(bytes) => Input::Received(bytes),
            ToPhone::Datagram(from, bytes) => Input::Datagram(*from, bytes),
            ToPhone::Closed(error) => Input::Closed(*error),
        };
        format!("{now:?} {boot} {link:?} {input:?}").hash(&mut self.net.borrow_mut().trace);
        self.boots[boot].phone.handle(now, link, input);
    }

    /// Does what a phone wants, and notes what it says.
    fn act(&mut self, index: usize, now: Instant) -> bool {
        let mut has_acted = false;
        while let Some(action) = self.boots[index].phone.poll_action() {
            has_acted = true;
            self.do_action(index, action);
        }
        while let Some(event) = self.boots[index].phone.poll_event() {
            has_acted = true;
            format!("{now:?} {index} {event:?}").hash(&mut self.net.borrow_mut().trace);
            let boot = &mut self.boots[index];
            match event {
                Event::Troubled { what, trouble } => {
                    boot.troubles.push(format!("{what}: {}", trouble.kind()));
                }
                Event::Answered(answer) => {
                    boot.last_bytes = answer.bytes;
                    let wrong = answer.wrong.map(|(what, wrong)| format!("{what}: {wrong}"));
                    boot.troubles.extend(wrong);
                }
                Event::Ended { .. } if self.again && index < self.members.len() => {
                    let (member, shares) = (boot.member, boot.address == SITE);
                    self.begin(member, now + Duration::from_secs(5), shares);
                }
                _ => {}
            }
        }
        has_acted
    }

    fn do_action(&mut self, boot: usize, action: Action) {
        let mut net = self.net.borrow_mut();
        let ip = self.boots[boot].address;
        let number = 1024 + boot * PORTS_PER_BOOT;
        let port = |link: Link| u16::try_from(number + link.0 as usize % PORTS_PER_BOOT);
        let address = |link| SocketAddr::new(ip, port(link).expect("few boots"));
        match action {
            Action::Connect(link, _) => net.connect((boot, link.0), address(link)),
            Action::Open(link, ..) => {
                net.datagram_links.insert(address(link), (boot, link.0));
            }
            Action::Send(link, bytes) => net.send((boot, link.0), &bytes),
            Action::SendTo(link, to, bytes) => net.send_to(address(link), to, &bytes),
            Action::Close(link) => net.close((boot, link.0)),
        }
    }

    fn check_phones(&self) {
        for boot in &self.boots {
            let (profile, mac) = (&self.members[boot.member].1.name, boot.phone.member().mac);
            let outcome = boot.phone.outcome();
            let provisioned = outcome == Some(Outcome::Provisioned);
            assert!(provisioned, "{profile} {mac} {outcome:?}: {:#?}", boot.troubles);
            let steps = &self.members[boot.member].1.steps;
            if steps.last().is_some_and(|step| step.get == firmware()) {
                let failed = steps.last().is_some_and(|step| step.expect == Expect::Any);
                let got = boot.last_bytes;
                assert!(got == FIRMWARE_BYTES as u64 || failed && got == 0, "{mac}: {got} bytes");
            }
        }
    }

    /// Every connection, transfer and buffer is given back, and no timer is left.
    fn check_server(&mut self) {
        let mut totals = Totals::default();
        self.stats.iter().for_each(|stats| stats.add_to(&mut totals));
        assert_eq!(totals.panics, 0);
        assert_eq!(totals.http_failed, 0, "{totals:?}");
        assert_eq!(self.net.borrow().open(), 0, "connections are open");
        for core in &self.net.borrow().cores {
            assert_eq!(core.accepted, core.closed);
            assert_eq!(core.buffers, 0, "buffers are lost");
            assert_eq!(core.until, None, "a timer is left");
        }
        self.shared.orders.stop();
        for core in 0..self.workers.len() {
            self.net.borrow_mut().cores[core].events.push(RingEvent::Woken);
            let now = self.net.borrow().now;
            let goes_on = self.workers[core].turn(|| civil(now), None).expect("a ring that works");
            assert!(!goes_on, "nothing is left to do");
            assert!(self.net.borrow().cores[core].is_refusing);
        }
    }

    /// Each phone is one device, with the plugin that must win, in memory and in the store.
    fn check_devices(&self) {
        let world = &self.shared.world;
        let mut devices = BTreeMap::new();
        for device in world.directory.all() {
            if let Some(mac) = device.mac {
                let id = device.id.clone();
                assert!(devices.insert(mac, device).is_none(), "{mac} is two devices: {id}");
            }
        }
        for (member, profile) in &self.members {
            let device = devices.get(&member.mac).expect("a device of this MAC");
            assert_eq!(device.plugin.as_deref(), Some(&*profile.plugin), "{}", profile.name);
        }
        assert_eq!(devices.len(), self.members.len());
        world.close().expect("a store that works");
        let stored = shared(&self.store, Settings::default(), Path::new("/nowhere"));
        let documents = |shared: &Shared| {
            let mut kept = shared.world.directory.all();
            kept.retain(|device| !device.provisional);
            kept.sort_by(|a, b| a.id.cmp(&b.id));
            kept.iter().map(|device| device.to_document()).collect::<Vec<_>>()
        };
        assert_eq!(documents(&stored), documents(&self.shared), "what is stored");
    }

    fn troubles(&self) -> String {
        let open = self.boots.iter().filter(|boot| boot.phone.outcome().is_none());
        open.map(|boot| format!("{:#?}", boot.troubles)).collect()
    }
}

fn firmware() -> Template {
    Template::parse(FIRMWARE).expect("a plain name")
}

/// Phones with their boots.
type Members = Vec<(Arc<Member>, Arc<Profile>)>;

/// Phones of any vendors, and how many are known before they boot: all but some at the end. A few
/// fetch a firmware that an operator has put there.
fn fleet(seed: u64, chance: &mut Chance, files: &Folder) -> (Members, usize) {
    let profiles = Profiles::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins"));
    let profiles = profiles.expect("the phones of this project's plugins");
    let mut names: Vec<&str> = profiles.all().iter().map(|profile| &*profile.name).collect();
    chance.shuffle(&mut names);
    names.truncate(1 + usize::try_from(chance.below(12)).expect("small"));
    let mix: Mix = (names.join("=1,") + "=1").parse().expect("a mix");
    let recipe = Recipe { count: 10 + chance.below(30), mix, seed, spread: true };
    let fleet = Fleet::generate(&profiles, &recipe).expect("a small fleet");
    let known = fleet.members.len() - fleet.members.len() / 5;
    // Some phones cannot be told apart before somebody registers them.
    let must_be_known = |member: &Member| member.plugin.is_some() || member.has_uuid;
    let members = (0..).zip(fleet.members);
    let members = members.filter(|(index, member)| *index < known || !must_be_known(member));
    let phones = members.map(|(index, member)| {
        let mut profile = (**profiles.find(&member.profile).expect("its profile")).clone();
        if index >= known {
            // Who is unknown gets a configuration made for it, and has no credentials of its own.
            for step in profile.steps.iter_mut().filter(|step| step.expect == Expect::Own) {
                step.expect = Expect::Common;
            }
        }
        if chance.below(4) == 0 {
            files.put(&format!("{}{FIRMWARE}", profile.plugin), FIRMWARE_BYTES);
            profile.steps.push(firmware_step(&profile));
        }
        (Arc::new(member), Arc::new(profile))
    });
    (phones.collect(), known)
}

/// A transfer whose file cannot be read ends with an ERROR, and that is the phone's answer.
fn expect_failures(members: &mut [(Arc<Member>, Arc<Profile>)]) {
    for (_, profile) in members {
        let firmware = |step: &&mut Step| step.get == firmware();
        let steps = &mut Arc::make_mut(profile).steps;
        steps.iter_mut().filter(firmware).for_each(|step| step.expect = Expect::Any);
    }
}

fn firmware_step(profile: &Profile) -> Step {
    let first = profile.steps[0].clone();
    let asked = Options {
        blksize: Some(1428),
        windowsize: profile.model.len().is_multiple_of(2).then_some(8),
        timeout: None,
        tsize: Some(0),
    };
    let options = if first.transport == Transport::Tftp { asked } else { first.options };
    let (method, form) = (Method::Get, Template::default());
    Step { get: firmware(), expect: Expect::Common, method, body: 0, form, options, ..first }
}

fn store(members: &[(Arc<Member>, Arc<Profile>)]) -> Arc<MemoryStore> {
    let members = members.iter().map(|(member, _)| (**member).clone()).collect();
    let mut lines = Vec::new();
    Fleet { members }.write(TENANT, &mut lines).expect("memory takes all");
    MemoryStore::of_fleet(&String::from_utf8(lines).expect("JSON is UTF-8"))
}

fn weather(chance: &mut Chance) -> Weather {
    let mut most = |most: u64| chance.below(most + 1);
    let calm = Weather { lost: 0, doubled: 0, reset: 0, stalled: 0, refused: 0, failed_reads: 0 };
    match most(3) {
        0 => calm,
        1 => Weather { lost: most(20), doubled: most(20), ..calm },
        2 => Weather { reset: most(10), stalled: most(50), refused: most(100), ..calm },
        _ => Weather {
            lost: most(50),
            doubled: most(100),
            reset: most(5),
            stalled: most(50),
            refused: most(100),
            failed_reads: most(100),
        },
    }
}

fn civil(now: Instant) -> Civil {
    Civil(1_700_000_000 + now.as_nanos() / 1_000_000_000)
}
