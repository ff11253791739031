//! A crash at any moment: what is found afterwards was there once, whole; what is lost came last.
//!
//! Two ways to crash. A store that stops taking batches after the Nth, for every N, stands for the
//! power switch between two batches; a child process that is killed while it writes stands for the
//! one within. Both are compared with a model: the state after each batch, or after each step.

use ringboot::device::{Change, Config, Device, Document, Put, Text};
use ringboot::directory::{Configs, Directory, Dirty, Key};
use ringboot::store::{Documents, Rocks, Store, StoreError, Write, WriteBehind, load};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type State = BTreeMap<Key, Vec<u8>>;

/// A disk that loses its power after some batches. It remembers what it should hold.
struct Cut {
    store: Rocks,
    left: AtomicUsize,
    states: Mutex<Vec<State>>,
}

impl Store for Cut {
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        self.store.load(take)
    }

    fn commit(&self, batch: &[Write]) -> Result<(), StoreError> {
        let less = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            return Err(StoreError::Failed("the power is off".to_owned()));
        }
        self.store.commit(batch)?;
        let mut states = self.states.lock().expect("no test panicked");
        let mut state = states.last().cloned().unwrap_or_default();
        apply(&mut state, batch);
        states.push(state);
        Ok(())
    }
}

fn apply(state: &mut State, batch: &[Write]) {
    for write in batch {
        match &write.value {
            Some(value) => drop(state.insert(write.key.clone(), value.clone())),
            None => drop(state.remove(&write.key)),
        }
    }
}

fn read(folder: &Path) -> State {
    let store = Rocks::open(folder).expect("a crash leaves a folder that opens");
    let mut state = State::new();
    let mut take = |write: Write| {
        state.insert(write.key, write.value.expect("a stored document has a value"));
    };
    store.load(&mut take).expect("a crash leaves nothing unreadable");
    state
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ringboot-crash-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&path));
    path
}

fn documents(dirty: &Arc<Dirty>) -> Documents {
    let directory = Arc::new(Directory::new(Arc::clone(dirty)));
    let configs = Arc::new(Configs::new(Document::new(), Arc::clone(dirty)));
    Documents { directory, configs }
}

fn config(id: &str, step: usize) -> Config {
    let text = format!(r#"{{"id":"{id}","parent_ids":["base"],"raw_config":{{"X_step":{step}}}}}"#);
    let document = serde_json::from_str(&text).expect("a JSON object");
    Config::from_document(document).expect("a configuration")
}

/// One step of a phone's life: it comes with a configuration of its own, changes, goes.
fn step(documents: &Documents, step: usize) {
    let id: Text = format!("phone-{:03}", (step * 7) % 40).into();
    let own: Text = format!("autoprov-{id}").into();
    let old = documents.directory.get(&id);
    if step % 11 == 10 && old.is_some() {
        drop(documents.directory.apply(Change::Remove { id, base: None }));
        documents.configs.remove(&own);
        return;
    }
    if documents.configs.get(&own).is_none() {
        documents.configs.put(config(&own, step), None).expect("one thread changes");
    }
    let mut device = old.as_deref().cloned().unwrap_or_default();
    device.id = id;
    device.config = Some(own);
    device.version = Some(format!("28.72.0.{step}").into());
    let base = old.map(|old| old.revision);
    let put = Put { device, base, ..Put::default() };
    documents.directory.apply(Change::Put(Box::new(put))).expect("one thread changes");
}

/// Every device names a configuration that is there, and every text is a whole document.
fn check_whole(state: &State) {
    for (key, value) in state {
        let document: Document = serde_json::from_slice(value).expect("a whole document");
        match key {
            Key::Config(_) => drop(Config::from_stored(document).expect("a configuration")),
            Key::Device(id) => {
                let device = Device::from_document(document).expect("a device");
                let own = device.config.expect("each has one");
                assert!(state.contains_key(&Key::Config(own.clone())), "{id} without {own}");
            }
        }
    }
}

/// Runs 60 steps on a disk that takes `batches`, writing after each third, and tells what is found.
fn run(batches: usize) -> (State, Vec<State>) {
    let path = folder(&format!("cut-{batches}"));
    let store = Arc::new(Cut {
        store: Rocks::open(&path).expect("a folder"),
        left: AtomicUsize::new(batches),
        states: Mutex::new(vec![State::new()]),
    });
    let dirty: Arc<Dirty> = Arc::default();
    let documents = documents(&dirty);
    // What the writer thread does, at moments that the test chooses.
    for number in 0..60 {
        step(&documents, number);
        if number % 3 == 2 {
            let taken = dirty.take(usize::MAX);
            let batch: Vec<_> =
                taken.keys.iter().cloned().map(|key| documents.write(key)).collect();
            if store.commit(&batch).is_err() {
                dirty.put_back(taken);
            }
        }
    }
    let states = store.states.lock().expect("no test panicked").clone();
    drop(store);
    let found = read(&path);
    drop(std::fs::remove_dir_all(&path));
    (found, states)
}

#[test]
fn power_lost_after_any_batch_loses_what_came_after() {
    let mut full = 0;
    for batches in 0..=21 {
        let (found, states) = run(batches);
        assert_eq!(states.len(), 1 + batches.min(20), "each batch that was taken counts");
        assert_eq!(Some(&found), states.last(), "after {batches} batches");
        check_whole(&found);
        full = full.max(found.len());
    }
    assert!(full > 40, "the run fills the store: {full}");
}

/// A batch that failed is not lost: when the power is back, everything is written.
#[test]
fn what_failed_is_written_later() {
    let path = folder("back");
    let store = Arc::new(Cut {
        store: Rocks::open(&path).expect("a folder"),
        left: AtomicUsize::new(0),
        states: Mutex::new(vec![State::new()]),
    });
    let dirty: Arc<Dirty> = Arc::default();
    let documents = documents(&dirty);
    (0..60).for_each(|number| step(&documents, number));
    let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let behind = WriteBehind::start(shared, documents.clone(), Arc::clone(&dirty));
    let some = documents.keys().into_iter().take(1).collect();
    assert!(behind.write_now(some).is_err());
    store.left.store(usize::MAX, Ordering::SeqCst);
    behind.stop().expect("the power is back");
    drop(behind);
    drop(store);
    let found = read(&path);
    let wanted: State = documents
        .keys()
        .into_iter()
        .map(|key| (key.clone(), documents.write(key).value.expect("it is there")))
        .collect();
    assert_eq!(found, wanted);
    drop(std::fs::remove_dir_all(&path));
}

/// Names the folder that the child process writes into.
const CHILD: &str = "RINGBOOT_CRASH_CHILD";

/// Not a test of its own: the child process of the next one, which writes until it is killed. It
/// tells each step whose write was acknowledged as durable.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store: Arc<dyn Store> = Arc::new(Rocks::open(Path::new(&path)).expect("a folder"));
    let dirty: Arc<Dirty> = Arc::default();
    let documents = documents(&dirty);
    let behind = WriteBehind::start(store, documents.clone(), dirty);
    for number in 0..usize::MAX {
        // An operator's device, two documents in one batch, one after another.
        let id: Text = format!("operator-{:03}", number % 50).into();
        let own: Text = format!("config-{id}").into();
        let base = documents.configs.get(&own).map(|config| config.revision);
        documents.configs.put(config(&own, number), base).expect("one thread changes");
        let old = documents.directory.get(&id);
        let version = Some(number.to_string().into());
        let device =
            Device { id: id.clone(), config: Some(own.clone()), version, ..Device::default() };
        let put = Put { device, base: old.map(|old| old.revision), ..Put::default() };
        documents.directory.apply(Change::Put(Box::new(put))).expect("one thread changes");
        behind.write_now(vec![Key::Config(own), Key::Device(id)]).expect("room on the disk");
        eprintln!("durable {number}");
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_said_was_durable() {
    let program = std::env::current_exe().expect("a test has a program");
    for round in 0..8 {
        let path = folder(&format!("kill-{round}"));
        let mut child = Command::new(&program)
            .args(["--exact", "child_writes_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a child process");
        std::thread::sleep(Duration::from_millis(150 + 83 * round));
        child.kill().expect("it runs until it is killed");
        let output = child.wait_with_output().expect("it is killed");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // A last line without its end may be torn.
        let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let durable = whole.lines().filter_map(|line| line.strip_prefix("durable ")).next_back();
        let durable: Option<usize> = durable.and_then(|number| number.parse().ok());
        check_killed(&read(&path), durable);
        drop(std::fs::remove_dir_all(&path));
    }
}

/// The documents are those of step `durable` or the one after it, of which nobody was told.
fn check_killed(found: &State, durable: Option<usize>) {
    check_whole(found);
    let steps = |key: &Key, value: &[u8]| -> usize {
        let document: Document = serde_json::from_slice(value).expect("a whole document");
        let step = match key {
            Key::Device(_) => document["version"].as_str().and_then(|text| text.parse().ok()),
            Key::Config(_) => document["raw_config"]["X_step"].as_u64().map(|n| n as usize),
        };
        step.expect("each document says its step")
    };
    let last = found.iter().map(|(key, value)| steps(key, value)).max();
    assert!(last >= durable, "step {durable:?} was durable, {last:?} is found");
    // The writer behind may be one step ahead of what was told, never more.
    assert!(last <= Some(durable.map_or(0, |step| step + 1)), "{durable:?} {last:?}");
    let Some(last) = durable else { return };
    for step in last.saturating_sub(49)..=last {
        let id: Text = format!("operator-{:03}", step % 50).into();
        let key = Key::Device(id);
        let value = found.get(&key).expect("a durable device is there");
        let at = steps(&key, value);
        assert!(at == step || at == step + 50, "{key:?} at {at}, wanted {step}");
    }
}

/// After a crash and a restart everything is found by its signs again.
#[test]
fn what_is_left_is_loaded() {
    let path = folder("load");
    let store = Rocks::open(&path).expect("a folder");
    let dirty: Arc<Dirty> = Arc::default();
    let before = documents(&dirty);
    (0..200).for_each(|number| step(&before, number));
    let batch: Vec<_> = before.keys().into_iter().map(|key| before.write(key)).collect();
    store.commit(&batch).expect("room on the disk");
    let after = documents(&Arc::default());
    let loaded = load(&store, &after, &"master".into()).expect("whole documents");
    assert_eq!(loaded.devices, before.directory.len());
    assert_eq!(loaded.configs, before.configs.len());
    assert_eq!(before.keys(), after.keys());
    drop(std::fs::remove_dir_all(&path));
}

/// Names a folder on a disk of a few megabytes, where there is one; without, the test does nothing.
const SMALL_DISK: &str = "RINGBOOT_SMALL_DISK";

/// A disk that is full refuses operators' writes and says why; with room it takes them by itself.
#[test]
fn a_full_disk_is_refused_and_resumes() {
    let Some(disk) = std::env::var_os(SMALL_DISK).map(PathBuf::from) else { return };
    let path = disk.join("data");
    let store: Arc<dyn Store> = Arc::new(Rocks::open(&path).expect("a folder"));
    let dirty: Arc<Dirty> = Arc::default();
    let documents = documents(&dirty);
    let behind = WriteBehind::start(store, documents.clone(), dirty);
    let filler = disk.join("filler");
    let mut file = std::fs::File::create(&filler).expect("a file");
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    let mut refused = None;
    for number in 0..1000 {
        step(&documents, number);
        refused = behind.write_now(documents.keys()).err();
        if refused.is_some() {
            break;
        }
    }
    assert!(matches!(refused, Some(StoreError::Full(_))), "{refused:?}");
    assert!(behind.check().is_err());
    std::fs::remove_file(&filler).expect("a file");
    let resumed = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        behind.check().is_ok()
    });
    assert!(resumed, "{:?}", behind.check());
    behind.stop().expect("there is room");
    drop(behind);
    let found = read(&path);
    check_whole(&found);
    assert_eq!(found.len(), documents.keys().len());
    drop(std::fs::remove_dir_all(&path));
}
