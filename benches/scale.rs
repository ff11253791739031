//! What a server of many devices costs: bytes a device, seconds to start, time of a decision.
//!
//! `cargo bench --bench scale -- 10000 1000000` prints a line of JSON for each measurement of each
//! fleet, each made by a process of its own; `SCALE_DIR` says where the stores are made and kept.
//! Without `--bench` everything runs once on a small fleet, to see that it works.

#[path = "support/record.rs"]
mod record;
#[expect(dead_code, reason = "the rest is what single requests are measured with")]
mod support;

use mimalloc::MiMalloc;
use record::Record;
use ringboot::device::Document;
use ringboot::directory::{Configs, Directory};
use ringboot::identify::Settings;
use ringboot::store::{Bulk, Documents, Kind, Reader, Rocks, Store, StoreError, Write, load};
use ringboot::time::{self, Duration, Instant};
use ringboot::world::World;
use serde_json::json;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::sync::Arc;
use support::Phone;

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

const SMALL: u32 = 64;
const MEASURES: [&str; 4] = ["memory", "store", "start", "decide"];
/// Phones that decisions are asked for: far more than caches hold.
const PICKS_MAX: u32 = 500_000;
const ROUNDS: u32 = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [measure, count] = &*arguments
        && MEASURES.contains(&&**measure)
    {
        return run(measure, count.parse().expect("a count"));
    }
    let counts: Vec<u32> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let counts = if support::is_large() { counts } else { vec![SMALL] };
    let counts = if counts.is_empty() { vec![10_000, 100_000, 1_000_000] } else { counts };
    for count in counts {
        for measure in MEASURES {
            let program = std::env::current_exe().expect("a program");
            let status = Command::new(program).args([measure, &count.to_string()]).status();
            if !status.is_ok_and(|status| status.success()) {
                exit(1);
            }
        }
    }
}

fn run(measure: &str, count: u32) {
    match measure {
        "memory" => memory(count),
        "store" => store(count),
        "start" => start(count),
        _ => decide(count),
    }
}

/// Bytes a configuration and a device, as the system counts them and as the tables say.
fn memory(count: u32) {
    let documents = documents();
    let fleet = Fleet(count);
    let master = Settings::default().master_tenant;
    let empty = resident_bytes();
    let only = |kind| Only { fleet: &fleet, kind };
    load(&only(Kind::Config), &documents, &master).expect("a fleet");
    let with_configs = resident_bytes();
    load(&only(Kind::Device), &documents, &master).expect("a fleet");
    let with_devices = resident_bytes();
    let per = |bytes: usize| bytes / count as usize;
    let tables: serde_json::Map<_, _> = documents
        .directory
        .table_bytes()
        .map(|(name, bytes)| (name.to_owned(), json!(per(bytes))))
        .into_iter()
        .collect();
    println!(
        "{}",
        json!({
            "measure": "memory",
            "devices": count,
            "bytes_per_device": per(with_devices.saturating_sub(with_configs)),
            "bytes_per_config": per(with_configs.saturating_sub(empty)),
            "table_bytes_per_device": tables,
        })
    );
}

/// Makes the store that `start` and `decide` read, where it is not there yet.
fn store(count: u32) {
    let folder = folder(count);
    if folder.exists() {
        return;
    }
    let began = time::now();
    let store = Rocks::open(&folder).expect("a folder");
    let records = || (0..count).map(|number| Record::new(number, count));
    let configs = records().map(|record| (record.config.as_str().into(), record.config_json()));
    let devices = records().map(|record| (record.id.as_str().into(), record.device_json()));
    let (mut configs, mut devices) = (configs, devices);
    let bulk = Bulk { configs: &mut configs, devices: &mut devices, parameters: None };
    store.ingest(bulk).expect("room on the disk");
    let seconds = time::now().since(began).as_secs_f64();
    println!("{}", json!({"measure": "store", "devices": count, "seconds": seconds}));
}

/// Time from the folder to a world that knows everybody.
fn start(count: u32) {
    let began = (time::now(), cpu_seconds());
    let (world, loaded) = open(count);
    let (seconds, cpu) = (time::now().since(began.0).as_secs_f64(), cpu_seconds() - began.1);
    assert_eq!(loaded, count as usize);
    let bytes = resident_bytes();
    println!(
        "{}",
        json!({
            "measure": "start",
            "devices": count,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "resident_bytes": bytes,
        })
    );
    // Taking it apart is no part of it.
    std::mem::forget(world);
}

/// Time of a lookup and of a decision, over phones far from each other.
fn decide(count: u32) {
    let (world, _) = open(count);
    let stride = (0x9e37_79b1 % count) | 1;
    let number = |pick: u32| ((u64::from(pick) * u64::from(stride)) % u64::from(count)) as u32;
    let picks: Vec<_> = (0..count.min(PICKS_MAX)).map(|pick| Phone::new(number(pick))).collect();
    let now = Instant::from_nanos(1);
    let mut core = world.core();
    for phone in picks.iter().take(1000) {
        let decision = world.decide(&phone.query(), &mut core, now);
        assert!(decision.is_stored, "a known phone");
        let revision = decision.device.as_ref().map(|device| device.revision);
        let stored = world.directory.by_mac(phone.mac).map(|device| device.revision);
        assert_eq!(revision, stored, "that tells nothing new");
    }
    let lookup = least(&picks, |phone| {
        black_box(world.directory.by_mac(phone.mac));
    });
    let decision = least(&picks, |phone| {
        black_box(world.decide(&phone.query(), &mut core, now).is_stored);
    });
    println!(
        "{}",
        json!({"measure": "decide", "devices": count, "ns": decision, "by_mac_ns": lookup})
    );
    std::mem::forget(world);
}

/// Nanoseconds a phone, in the fastest of some rounds over all of them.
fn least(picks: &[Phone], mut step: impl FnMut(&Phone)) -> u64 {
    let mut least = Duration::MAX;
    // Small fleets often enough to measure them.
    let times = (100_000 / picks.len()).max(1);
    for _ in 0..ROUNDS {
        let began = time::now();
        for _ in 0..times {
            picks.iter().for_each(&mut step);
        }
        least = least.min(time::now().since(began));
    }
    let steps = (picks.len() * times) as u128;
    u64::try_from(least.as_nanos() / steps).expect("a time")
}

fn open(count: u32) -> (World, usize) {
    let store = Rocks::open(&folder(count)).expect("the store was made");
    let own = json!({"ip": "192.0.2.1", "http_port": 8667, "tftp_port": 69});
    let own = own.as_object().expect("an object").clone();
    let (world, loaded) =
        World::open(Arc::new(store), support::plugins(), Settings::default(), own)
            .expect("a store that works");
    (world, loaded.devices)
}

fn folder(count: u32) -> PathBuf {
    let base = std::env::var_os("SCALE_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    base.join(format!("ringboot-scale-{count}"))
}

fn documents() -> Documents {
    let directory = Arc::new(Directory::new(Arc::default()));
    let configs = Arc::new(Configs::new(Document::new(), Arc::default()));
    Documents { directory, configs }
}

/// A fleet without a disk.
struct Fleet(u32);

/// One kind of its documents.
struct Only<'a> {
    fleet: &'a Fleet,
    kind: Kind,
}

impl Store for Only<'_> {
    fn load(&self, _take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        Ok(())
    }

    fn read(&self, kind: Kind, readers: &mut [&mut dyn Reader]) -> Result<(), StoreError> {
        if kind != self.kind {
            return Ok(());
        }
        let count = self.fleet.0;
        for number in 0..count {
            let record = Record::new(number, count);
            let (id, text) = match kind {
                Kind::Config => (&record.config, record.config_json()),
                Kind::Device => (&record.id, record.device_json()),
            };
            readers[0].take(id, &text)?;
        }
        Ok(())
    }

    fn estimate(&self, kind: Kind) -> usize {
        if kind == self.kind { self.fleet.0 as usize } else { 0 }
    }

    fn commit(&self, _batch: &[Write]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What the process holds of the machine's memory.
fn resident_bytes() -> usize {
    const PAGE: usize = 4096;
    field(Path::new("/proc/self/statm"), 1) * PAGE
}

/// Time that all threads of the process have run, ended ones too.
fn cpu_seconds() -> f64 {
    const TICKS: f64 = 100.0;
    let stat = Path::new("/proc/self/stat");
    // The name of the program has no blanks.
    (field(stat, 13) + field(stat, 14)) as f64 / TICKS
}

fn field(file: &Path, place: usize) -> usize {
    let text = std::fs::read_to_string(file).expect("the kernel tells");
    let word = text.split_whitespace().nth(place).expect("it has so many");
    word.parse().expect("a number")
}
