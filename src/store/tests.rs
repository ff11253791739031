//! The real storage engine: what was written is read, damage is told, one process at a time.

use super::*;
use crate::device::{Document, Text};
use crate::directory::{Configs, Directory, Dirty};
use crate::limits;
use crate::time::{self, Duration};
use crate::world::fixture::{Folder, MemoryStore, config, device};
use crate::{export, import};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

fn documents(dirty: &Arc<Dirty>) -> Documents {
    let directory = Arc::new(Directory::new(Arc::clone(dirty)));
    let configs = Arc::new(Configs::new(Document::new(), Arc::clone(dirty)));
    Documents { directory, configs }
}

fn put(id: &str, value: &str) -> Write {
    Write { key: Key::Device(id.into()), value: Some(value.as_bytes().to_vec()) }
}

fn all(store: &dyn Store) -> Vec<Write> {
    let mut all = Vec::new();
    store.load(&mut |write| all.push(write)).expect("a store that works");
    all
}

#[test]
fn what_was_written_is_read_in_order() {
    let folder = Folder::new();
    let store = Rocks::open(&folder.0).expect("a folder");
    let config = Write { key: Key::Config("base".into()), value: Some(b"{}".to_vec()) };
    store.commit(&[put("b", "1"), put("a", "2"), config.clone()]).expect("room on the disk");
    let gone = Write { key: Key::Device("b".into()), value: None };
    store.commit(&[gone]).expect("room on the disk");
    drop(store);
    let store = Rocks::open(&folder.0).expect("a folder");
    assert_eq!(all(&store), [config, put("a", "2")]);
    assert_eq!(store.report(), &StartReport::default());
}

#[test]
fn one_process_writes_and_others_may_read() {
    let folder = Folder::new();
    let store = Rocks::open(&folder.0).expect("a folder");
    store.commit(&[put("a", "1")]).expect("room on the disk");
    assert_eq!(Rocks::open(&folder.0).err(), Some(StoreError::Held(folder.0.clone())));
    let reader = Rocks::open_to_read(&folder.0).expect("a folder");
    assert_eq!(all(&reader), [put("a", "1")]);
    assert!(reader.commit(&[put("b", "1")]).is_err());
    store.commit(&[put("b", "2")]).expect("room on the disk");
    assert!(Rocks::open_to_read(&folder.0.join("nowhere")).is_err());
}

#[test]
fn nobody_else_may_look() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    drop(Rocks::open(&data).expect("a folder"));
    drop(Rocks::open(&data).expect("a folder"));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_newer_format_is_not_touched() {
    let folder = Folder::new();
    drop(Rocks::open(&folder.0).expect("a folder"));
    let families = ["default", "configs", "devices", "meta"];
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), &folder.0, families);
    let db = db.expect("a folder");
    let meta = db.cf_handle("meta").expect("it was opened");
    db.put_cf(meta, b"format", b"2").expect("room on the disk");
    drop(db);
    let error = Rocks::open(&folder.0).expect_err("it is newer");
    assert!(matches!(error, StoreError::Format { ref found, .. } if found == "2"), "{error}");
}

fn newest(folder: &Path, ending: &str) -> std::path::PathBuf {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    paths.sort();
    paths.pop().expect("there is one")
}

/// The end of the log is torn off in the middle of a record, at many places: what was whole before
/// it is there, nothing else is, and the start says that something was dropped.
#[test]
fn a_torn_log_starts_at_a_point_in_time() {
    let folder = Folder::new();
    let whole = folder.0.join("whole");
    let store = Rocks::open(&whole).expect("a folder");
    let value = "x".repeat(1000);
    for n in 0..20 {
        store.commit(&[put(&format!("{n:02}"), &value)]).expect("room on the disk");
    }
    let log = newest(&whole, "log");
    let bytes = fs::read(&log).expect("a log");
    for cut in (500..bytes.len()).step_by(1777) {
        let torn = folder.0.join(format!("torn-{cut}"));
        fs::create_dir(&torn).expect("a folder");
        for entry in fs::read_dir(&whole).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name");
            fs::copy(&path, torn.join(name)).expect("a copy");
        }
        let copy = torn.join(log.file_name().expect("a name"));
        fs::write(&copy, &bytes[..cut]).expect("a log");
        let store = Rocks::open(&torn).expect("a torn log is no error");
        assert!(store.report().dropped_bytes > 0, "cut at {cut}");
        let found = all(&store);
        let wanted: Vec<_> = (0..found.len()).map(|n| put(&format!("{n:02}"), &value)).collect();
        assert_eq!(found, wanted, "cut at {cut}");
        // The log holds what is found and no whole record more.
        assert!(
            cut / 1100 <= found.len() + 1 && found.len() <= cut / 1000,
            "{cut} {}",
            found.len()
        );
    }
}

#[test]
fn a_damaged_table_is_named() {
    let folder = Folder::new();
    let store = Rocks::open(&folder.0).expect("a folder");
    // Texts that do not get shorter, so that the table begins with them.
    let numbers: Vec<_> = (0..20_000u64).map(|n| (n * n * 7919).to_string()).collect();
    let text = numbers.concat();
    store.commit(&[put("a", &text)]).expect("room on the disk");
    drop(store);
    // The log becomes a table at the next start.
    drop(Rocks::open(&folder.0).expect("a folder"));
    let entries = fs::read_dir(&folder.0).expect("a folder").map(|entry| entry.expect("an entry"));
    let table = entries
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "sst") && size(path) > 10_000)
        .expect("there is one");
    let mut bytes = fs::read(&table).expect("a table");
    bytes[1000..1050].fill(0xff);
    fs::write(&table, &bytes).expect("a table");
    let name = table.file_name().expect("a name").to_string_lossy().into_owned();
    let store = Rocks::open(&folder.0).expect("the block is read later");
    let error = store.load(&mut |_| {}).expect_err("it is damaged");
    assert!(matches!(&error, StoreError::Damaged(text) if text.contains(&name)), "{error}");
    drop(store);
    fs::remove_file(&table).expect("a table");
    let error = Rocks::open(&folder.0).expect_err("a table is missing").to_string();
    assert!(error.contains(&name), "{error}");
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

#[test]
fn a_document_that_is_none_is_named() {
    let store = MemoryStore::default();
    store.commit(&[put("broken", "{")]).expect("memory");
    let error =
        load(&store, &documents(&Arc::default()), &Text::from("t")).expect_err("it is none");
    assert!(error.to_string().contains("device \"broken\""), "{error}");
}

#[test]
fn older_documents_get_what_they_lack() {
    let store = MemoryStore::default();
    let other = r#"{"id":"b","tenant_uuid":"other","is_new":true,"configured":true}"#;
    store.commit(&[put("a", r#"{"id":"a"}"#), put("b", other)]).expect("memory");
    let documents = documents(&Arc::default());
    let loaded = load(&store, &documents, &Text::from("master")).expect("they are devices");
    assert_eq!(loaded, Loaded { devices: 2, configs: 0 });
    let get = |id| documents.directory.get(id).expect("it was read");
    assert_eq!((get("a").tenant_uuid.as_deref(), get("a").is_new), (Some("master"), true));
    assert!(!get("b").is_new && get("b").configured);
}

/// The writer thread writes what changed, puts back what it could not write, and goes on by itself.
#[test]
fn changes_are_written_behind() {
    let dirty: Arc<Dirty> = Arc::default();
    let documents = documents(&dirty);
    let store = Arc::new(MemoryStore::default());
    store.fail(Some(StoreError::Full("No space left on device".into())));
    let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let behind = WriteBehind::start(shared, documents.clone(), Arc::clone(&dirty));
    documents
        .configs
        .put(config(r#"{"id":"c","parent_ids":[],"raw_config":{}}"#), None)
        .expect("new");
    let change = crate::device::Put { device: device(r#"{"id":"a"}"#), ..Default::default() };
    documents.directory.apply(crate::device::Change::Put(change.into())).expect("new");
    assert!(behind.write_now(vec![Key::Device("a".into())]).is_err());
    assert!(behind.check().is_err());
    assert_eq!(behind.stats(time::now()).pending, 2);
    store.fail(None);
    let end = time::now() + Duration::from_secs(20);
    while store.documents().len() < 2 {
        assert!(time::now() < end, "it is tried again");
        std::thread::sleep(Duration::from_millis(20));
    }
    behind.stop().expect("the store works again");
    let stats = behind.stats(time::now());
    assert_eq!((stats.pending, stats.error), (0, None));
    assert!(stats.failures >= 1);
}

/// More changed than the set of names holds: everything is written.
#[test]
fn an_overflow_loses_nothing() {
    let dirty = Arc::new(Dirty::with_bound(3));
    let documents = documents(&dirty);
    for n in 0..50 {
        let device = device(&format!(r#"{{"id":"{n}"}}"#));
        let change = crate::device::Put { device, ..Default::default() };
        documents.directory.apply(crate::device::Change::Put(change.into())).expect("new");
    }
    let store = Arc::new(MemoryStore::default());
    let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    WriteBehind::start(shared, documents, dirty).stop().expect("memory");
    assert_eq!(store.documents().len(), 50);
}

fn fleet(folder: &Folder, lines: &[&str]) -> Result<import::Imported, import::ImportError> {
    let file = folder.0.join("fleet.jsonl");
    fs::write(&file, lines.join("\n")).expect("a file");
    let data = folder.0.join("data");
    import::fleet(&file, &data, import::Check::Values, &mut |done, total| assert!(done <= total))
}

const BASE: &str =
    r#"{"config":{"id":"base","parent_ids":[],"raw_config":{"ntp_ip":"192.0.2.1"}}}"#;
const PHONE: &str = r#"{"device":{"id":"a","mac":"00:15:65:4a:a9:37","config":"ca"},"config":{
"id":"ca","parent_ids":["base"],"raw_config":{"sip_lines":{"1":{"username":"u"}}}},
"phone":{"serial":1}}"#;

#[test]
fn a_fleet_goes_in_and_comes_out() {
    let folder = Folder::new();
    let phone = PHONE.replace('\n', "");
    let imported = fleet(&folder, &[BASE, &phone, ""]).expect("a good file");
    assert_eq!(imported, import::Imported { devices: 1, configs: 2, odd: 0 });
    let newer = r#"{"device":{"id":"a","mac":"00:15:65:4a:a9:38"}}"#;
    fleet(&folder, &[newer]).expect("a good file");
    // Beside a running server.
    let data = folder.0.join("data");
    let _server = Rocks::open(&data).expect("a folder");
    let mut out = Vec::new();
    let exported = export::write(&data, &mut out).expect("a good folder");
    assert_eq!(exported, export::Exported { devices: 1, configs: 2, odd: 0 });
    let text = String::from_utf8(out).expect("JSON");
    let raw_config = r#"{"sip_lines":{"1":{"username":"u"}}}"#;
    let config =
        format!(r#"{{"config":{{"id":"ca","parent_ids":["base"],"raw_config":{raw_config}}}}}"#);
    let wanted = [
        BASE,
        &config,
        r#"{"device":{"id":"a","mac":"00:15:65:4a:a9:38","configured":false,"is_new":false}}"#,
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), wanted);
    let error = fleet(&folder, &[BASE]).expect_err("the server runs");
    assert!(error.to_string().contains("another process has this data folder open"), "{error}");
}

#[test]
fn a_bad_line_is_named_and_nothing_is_taken() {
    let phone = PHONE.replace('\n', "");
    for (line, word) in [
        (phone.as_str(), "Config(\"ca\") is on line 2 already"),
        (
            r#"{"device":{"id":"b","mac":"0015654aa937"}}"#,
            "Non-normalized MAC address 0015654aa937",
        ),
        (r#"{"config":{"id":"b","parent_ids":[]}}"#, "missing \"raw_config\" field in config"),
        (r#"{"device":[]}"#, "device is no object"),
        (r#"{"devices":{}}"#, "unknown key \"devices\""),
        (r#"{"phone":{}}"#, "neither device nor config"),
        (r#"{"device":{"id":"b"},"as_stored":true}"#, "as_stored is true, and beside a config"),
        (r#"{"config":{"id":"b"},"as_stored":1}"#, "as_stored is true, and beside a config"),
        ("{", "EOF"),
    ] {
        let folder = Folder::new();
        let error = fleet(&folder, &[BASE, &phone, line]).expect_err(line).to_string();
        assert!(error.starts_with("line 3: ") && error.contains(word), "{error}");
        let store = Rocks::open(&folder.0.join("data")).expect("a folder");
        assert_eq!(all(&store), [], "{line}");
    }
}

/// An installation of wazo-provd may hold values that no key takes, and an export of what was
/// made of it was refused as a whole because of one of them.
#[test]
fn what_is_stored_with_values_that_are_not_valid_comes_out_and_goes_in() {
    let odd = r#"{"config":{"id":"odd","parent_ids":[],"raw_config":{"ntp_enabled":"perhaps"}}"#;
    let (plain, marked) = (format!("{odd}}}"), format!("{odd},\"as_stored\":true}}"));
    let [first, second] = [Folder::new(), Folder::new()];
    let error = fleet(&first, &[BASE, &plain]).expect_err("nobody said that it was stored so");
    assert!(error.to_string().starts_with("line 2: "), "{error}");
    let taken = fleet(&first, &[BASE, &marked]).expect("it was stored so");
    assert_eq!(taken, import::Imported { devices: 0, configs: 2, odd: 1 });
    let export = |folder: &Folder| {
        let mut out = Vec::new();
        let exported = export::write(&folder.0.join("data"), &mut out).expect("a good folder");
        assert_eq!(exported, export::Exported { devices: 0, configs: 2, odd: 1 });
        String::from_utf8(out).expect("JSON")
    };
    let text = export(&first);
    assert_eq!(text.lines().collect::<Vec<_>>(), [BASE, &marked]);
    // Each line says it for itself: the others are held against their keys as ever.
    let lines: Vec<&str> = text.lines().collect();
    let other = plain.replace("odd", "other");
    assert!(fleet(&second, &[lines[0], lines[1], &other]).is_err());
    assert_eq!(fleet(&second, &lines).expect("an export"), taken);
    assert_eq!(export(&second), text);
}

/// A store whose commits wait until they are let go.
#[derive(Default)]
struct Pausing {
    memory: MemoryStore,
    gate: std::sync::Mutex<()>,
}

impl Store for Pausing {
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        self.memory.load(take)
    }

    fn commit(&self, batch: &[Write]) -> Result<(), StoreError> {
        let _gate = self.gate.lock().expect("no panic");
        self.memory.commit(batch)
    }
}

/// The engine stops writes for seconds when it has to catch up: requests go on, changes wait in
/// memory, and the pause is counted.
#[test]
fn a_store_that_pauses_holds_nobody_up() {
    let store = Arc::new(Pausing::default());
    let dirty = Arc::new(Dirty::default());
    let documents = documents(&dirty);
    let directory = Arc::clone(&documents.directory);
    let shut = store.gate.lock().expect("no panic");
    let behind = WriteBehind::start(Arc::clone(&store) as Arc<dyn Store>, documents, dirty);
    let put = |number: usize| {
        let device = device(&format!(r#"{{"id":"{number}"}}"#));
        let put = crate::device::Put { device, ..Default::default() };
        directory.apply(crate::device::Change::Put(Box::new(put))).expect("taken");
    };
    // This would not end if a change waited for the store.
    (0..limits::FLUSH_BATCH + 10).for_each(put);
    let began = time::now();
    while behind.stats(time::now()).writing_for.is_none_or(|time| time < limits::FLUSH_SLOW) {
        assert!(time::now().since(began) < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
        behind.watch(time::now());
    }
    (limits::FLUSH_BATCH + 10..limits::FLUSH_BATCH + 30).for_each(put);
    let stats = behind.stats(time::now());
    assert_eq!((stats.batches, stats.slow), (0, 0));
    assert!(stats.pending >= 10 && behind.check().is_ok(), "{stats:?}");
    drop(shut);
    behind.stop().expect("written");
    let stats = behind.stats(time::now());
    assert_eq!((stats.pending, stats.slow, stats.writing_for), (0, 1, None));
    assert!(stats.longest >= limits::FLUSH_SLOW);
    assert_eq!(all(&*store).len(), limits::FLUSH_BATCH + 30);
}

/// A crash between the tables of configurations and those of devices: no server may start on half.
#[test]
fn half_an_import_is_not_served() {
    let folder = Folder::new();
    let store = Rocks::open(&folder.0).expect("a folder");
    store.put_meta(Some((b"unfinished", b"1")), None).expect("room on the disk");
    drop(store);
    let error = Rocks::open(&folder.0).expect_err("it is marked");
    assert_eq!(error, StoreError::Unfinished(folder.0.clone()));
    let store = Rocks::open_to_import(&folder.0).expect("an import may");
    let document = |id: &str| (id.into(), format!(r#"{{"id":"{id}"}}"#).into_bytes());
    let ids = ["a", "b"];
    let (mut configs, mut devices) = (std::iter::empty(), ids.into_iter().map(document));
    let parameters = Some(b"{}".to_vec());
    let bulk = Bulk { configs: &mut configs, devices: &mut devices, parameters };
    assert_eq!(store.ingest(bulk), Ok(2));
    drop(store);
    let store = Rocks::open(&folder.0).expect("it came to its end");
    assert_eq!(store.parameters(), Ok(Some(b"{}".to_vec())));
    let mut ids = Vec::new();
    store.load(&mut |write| ids.push(write.key)).expect("a good store");
    assert_eq!(ids, [Key::Device("a".into()), Key::Device("b".into())]);
}
