//! Files reach the peer as they are on disk, in bounded pieces, and a cut one never seems whole.

use sha1::{Digest, Sha1};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use super::*;
use crate::limits;
use crate::ring::{Lease, Opened};

on_both!(
    a_firmware_arrives_with_its_hash,
    a_part_of_a_file_is_a_part,
    firmware_arrives_in_chunks_too,
    a_file_that_is_cut_closes,
    a_file_that_is_written_over_closes,
    many_files_at_once_do_not_starve_an_answer,
    reads_come_back_with_their_token,
);

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-files-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("folder");
        Self(path)
    }

    fn file(&self, bytes: &[u8]) -> (Arc<Opened>, PathBuf) {
        let path = self.0.join("firmware.rom");
        std::fs::write(&path, bytes).expect("written");
        let opened = Opened::new(File::open(&path).expect("opens"));
        (Arc::new(opened.expect("a file")), path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn part(file: &Arc<Opened>, offset: u64, len: u64) -> Body {
    Body::File { file: Arc::clone(file), offset, len }
}

fn a_firmware_arrives_with_its_hash<D: Driver>() {
    const BYTES: usize = 30 << 20;
    let folder = Folder::new();
    let firmware = pattern(BYTES);
    let (file, _) = folder.file(&firmware);
    let expected = Sha1::digest(&firmware);
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = |then: u8| {
        thread::spawn(move || {
            let mut stream = connect(server);
            ask(&mut stream, &[then]);
            let mut came = vec![0; 4 + BYTES];
            stream.read_exact(&mut came).expect("whole");
            assert_eq!(&came[..4], b"head");
            assert_eq!(Sha1::digest(&came[4..]), expected);
            drop(stream);
        })
    };
    let clients = vec![client(0), client(1), client(2)];
    let mut progress = 0;
    serve(&mut driver, clients, |driver, event| match event {
        Event::Received { slot, lease } => {
            let then = [Then::Keep, Then::Close, Then::Linger][usize::from(lease[0])];
            let output = Output { body: part(&file, 0, BYTES as u64), ..head(driver, b"head") };
            driver.send(slot, output, then);
        }
        Event::Progress { .. } => progress += 1,
        Event::Finished { slot } => driver.close(slot),
        _ => {}
    });
    assert!(progress > BYTES / limits::FILE_PIECE_BYTES, "{progress}");
    assert_eq!(Arc::strong_count(&file), 1, "the driver has let go of the file");
}

fn a_part_of_a_file_is_a_part<D: Driver>() {
    let folder = Folder::new();
    let (file, _) = folder.file(&pattern(20_000));
    let mut driver = D::open(&setup(), &tiny());
    let server = driver.http();
    let client = thread::spawn(move || read_all(&mut connect(server)));
    let came = serve(&mut driver, vec![client], |driver, event| {
        if let Event::Accepted { slot, .. } = event {
            let output = Output { body: part(&file, 5_000, 10_000), ..head(driver, b"head") };
            driver.send(slot, output, Then::Close);
        }
    });
    assert!(came[0].0[..4] == *b"head" && came[0].0[4..] == pattern(20_000)[5_000..15_000]);
}

/// Where no connection may have a door, and where chunks are small.
fn firmware_arrives_in_chunks_too<D: Driver>() {
    let folder = Folder::new();
    let firmware = pattern(3 << 20);
    let (file, _) = folder.file(&firmware);
    let mut driver = D::open(&setup(), &Sizes { doors_max: 0, ..tiny() });
    let server = driver.http();
    let client = || {
        thread::spawn(move || {
            let mut stream = connect(server);
            ask(&mut stream, b"?");
            read_all(&mut stream).0
        })
    };
    let clients = (0..4).map(|_| client()).collect();
    let came = serve(&mut driver, clients, |driver, event| {
        if let Event::Received { slot, .. } = event {
            let output = Output { body: part(&file, 0, 3 << 20), ..head(driver, b"head") };
            driver.send(slot, output, Then::Close);
        }
    });
    assert!(came.iter().all(|came| came[..4] == *b"head" && came[4..] == firmware));
}

/// Somebody writes over a file in place while it is sent: nobody gets a mix of both as a whole.
fn a_file_that_is_written_over_closes<D: Driver>() {
    let folder = Folder::new();
    for sizes in [Sizes::default(), Sizes { doors_max: 0, ..Sizes::default() }] {
        let mut driver = D::open(&setup(), &sizes);
        let (file, path) = folder.file(&pattern(4 << 20));
        let server = driver.http();
        let client = thread::spawn(move || {
            let mut stream = connect(server);
            let mut first = [0; 1024];
            stream.read_exact(&mut first).expect("begins");
            let mut over = File::options().write(true).open(path).expect("opens");
            over.write_all(&[0; 4096]).expect("written");
            let modified = over.metadata().and_then(|meta| meta.modified()).expect("known");
            over.set_modified(modified + Duration::from_secs(2)).expect("set");
            let (rest, _) = read_all(&mut stream);
            assert!(first.len() + rest.len() < 4 << 20);
        });
        let mut ends = Vec::new();
        serve(&mut driver, vec![client], |driver, event| match event {
            Event::Accepted { slot, .. } => {
                let body = part(&file, 0, 4 << 20);
                driver.send(slot, Output { head: Vec::new(), body }, Then::Keep);
            }
            Event::Sent { .. } => panic!("it cannot be whole"),
            Event::Closed { error, .. } => ends.push(error),
            _ => {}
        });
        assert_eq!(ends, [Some(ErrorKind::InvalidData)]);
    }
}

/// A file becomes shorter than its announced length: the connection is closed with what there was.
fn a_file_that_is_cut_closes<D: Driver>() {
    let folder = Folder::new();
    let (file, path) = folder.file(&pattern(4 << 20));
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        let mut stream = connect(server);
        let mut first = [0; 1024];
        stream.read_exact(&mut first).expect("begins");
        File::options().write(true).open(path).expect("opens").set_len(100).expect("cut");
        let (rest, _) = read_all(&mut stream);
        assert!(first.len() + rest.len() < 4 << 20);
    });
    let mut ends = Vec::new();
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Accepted { slot, .. } => {
            let body = part(&file, 0, 4 << 20);
            driver.send(slot, Output { head: Vec::new(), body }, Then::Keep);
        }
        Event::Sent { .. } => panic!("it cannot be whole"),
        Event::Closed { error, .. } => ends.push(error),
        _ => {}
    });
    assert_eq!(ends, [Some(ErrorKind::UnexpectedEof)]);
}

/// Twenty downloads with two reads at once: an answer in between takes no file's time.
fn many_files_at_once_do_not_starve_an_answer<D: Driver>() {
    let folder = Folder::new();
    let firmware = pattern(1 << 20);
    let (file, _) = folder.file(&firmware);
    let mut driver = D::open(&setup(), &Sizes { submission_entries: 64, ..tiny() });
    let server = driver.http();
    let expected = Sha1::digest(&firmware);
    let download = || {
        thread::spawn(move || {
            let mut stream = connect(server);
            ask(&mut stream, b"f");
            let (came, _) = read_all(&mut stream);
            assert_eq!(Sha1::digest(&came), expected);
        })
    };
    let mut clients: Vec<_> = (0..20).map(|_| download()).collect();
    clients.push(thread::spawn(move || {
        for _ in 0..50 {
            let mut stream = connect(server);
            ask(&mut stream, b"s");
            assert_eq!(read_all(&mut stream).0, b"small");
        }
    }));
    let (mut files, mut small_first) = (0, 0);
    serve(&mut driver, clients, |driver, event| match event {
        Event::Received { slot, lease } if *lease == *b"f" => {
            let body = part(&file, 0, 1 << 20);
            driver.send(slot, Output { head: Vec::new(), body }, Then::Close);
        }
        Event::Received { slot, .. } => {
            small_first += usize::from(files < 20);
            let output = head(driver, b"small");
            driver.send(slot, output, Then::Close);
        }
        Event::Closed { .. } => files += 1,
        _ => {}
    });
    assert!(small_first > 0);
    assert_eq!(Arc::strong_count(&file), 1);
}

fn reads_come_back_with_their_token<D: Driver>() {
    let folder = Folder::new();
    let content = pattern(300_000);
    let (file, _) = folder.file(&content);
    let mut driver = D::open(&setup(), &tiny());
    let mut reads = vec![(0, 512), (512, 1428), (150_000, 200_000), (299_999, 512), (300_000, 8)];
    reads.extend((0..100).map(|number| (number * 1_000, 1_428)));
    for (token, (offset, len)) in reads.iter().enumerate() {
        driver.read(token as u64, &file, *offset, *len);
    }
    let mut came: HashMap<u64, Lease> = HashMap::new();
    let mut events = Vec::new();
    while came.len() < reads.len() {
        driver.turn(Some(time::now() + PATIENCE), &mut events).expect("turns");
        for event in events.drain(..) {
            let Event::Read { token, result } = event else { panic!("{event:?}") };
            assert!(came.insert(token, result.expect("read")).is_none());
        }
    }
    assert_eq!(driver.counters().buffers_leased, reads.len() as u64);
    for (token, (offset, len)) in reads.into_iter().enumerate() {
        let start = usize::try_from(offset).expect("small");
        let end = content.len().min(start + len);
        assert!(*came[&(token as u64)] == content[start..end], "{len} bytes at {offset}");
    }
    came.clear();
    assert_eq!((driver.counters().buffers_leased, Arc::strong_count(&file)), (0, 1));
}
