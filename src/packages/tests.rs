//! Archives that nobody should unpack, places that are taken, and crashes at every step.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::shelf::Shelf;
use super::unpack::{Bounds, Unpacked, unpack};
use super::{Error, select};
use crate::plugin::{Package, Plugins};

/// A folder of its own for each test, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-packages-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("plugins/acme/templates")).expect("a folder");
        Self(folder)
    }

    /// A package of the release `acme-2`, as a manifest says it.
    fn package(&self, more: &str) -> Package {
        let text = format!("{MANIFEST}{more}\n{RELEASES}");
        fs::write(self.0.join("plugins/acme/plugin.toml"), text).expect("a file");
        let plugins = Plugins::load(&self.0.join("plugins")).expect("plugins");
        let wanted = select(&plugins, &["acme-2/fw".to_owned()]).expect("a package");
        wanted[0].package.clone()
    }

    fn unpack(&self, package: &Package, bytes: &[u8]) -> Result<Unpacked, Error> {
        self.unpack_within(package, bytes, Bounds::default())
    }

    fn unpack_within(
        &self,
        package: &Package,
        bytes: &[u8],
        bounds: Bounds,
    ) -> Result<Unpacked, Error> {
        let work = self.0.join("unpacked");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).expect("a folder");
        let download = self.0.join("download");
        fs::write(&download, bytes).expect("a file");
        unpack(package, &download, &work, bounds)
    }

    fn files(&self) -> PathBuf {
        self.0.join("data/files")
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.files().join("acme-2").join(name)).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MANIFEST: &str = "format = 1\nvendor = \"Acme\"\nprefix = \"acme-\"\nsummary = \"s\"\n\
    [[package]]\nname = \"fw\"\nversion = \"1\"\nurl = \"http://fw.example/fw.bin\"\nsize = 3\n\
    sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n";
const RELEASES: &str = "[[release]]\nname = \"1\"\nserves = [\"http\"]\nmodels = {}\n\
    [[release]]\nname = \"2\"\nserves = [\"http\"]\nmodels = {}\n";

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in entries {
        zip.start_file(*name, options).expect("an entry");
        zip.write_all(bytes).expect("an entry");
    }
    zip.finish().expect("an archive").into_inner()
}

/// Names are written as they are: the crate's own ways refuse bad ones.
fn tar(entries: &[(&[u8], tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name("../../secret").expect("a link's target");
        }
        header.set_cksum();
        tar.append(&header, *bytes).expect("an entry");
    }
    tar.into_inner().expect("an archive")
}

const FILE: tar::EntryType = tar::EntryType::Regular;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bzip2.write_all(bytes).expect("memory");
    bzip2.finish().expect("memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::default();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).expect("options");
    xz.write_all(bytes).expect("memory");
    xz.finish().expect("memory")
}

fn names(unpacked: Unpacked) -> Vec<(String, String)> {
    let text = |path: PathBuf| fs::read_to_string(path).expect("a file");
    unpacked.into_iter().map(|(name, path)| (name, text(path))).collect()
}

fn told(result: Result<Unpacked, Error>) -> String {
    result.expect_err("nobody should unpack it").to_string()
}

#[test]
fn archives_become_the_files_that_are_wanted() {
    let place = Place::new();
    let plain = tar(&[(b"./x/a.rom", FILE, b"rom"), (b"x/readme.txt", FILE, b"text")]);
    let wanted = [("fw/a.rom".to_owned(), "rom".to_owned())];
    let entry = "unpack = [\"tar\"]\ninclude = [\"*.rom\"]\nstrip = 1\nto = \"fw/\"";
    let package = place.package(entry);
    for bytes in [plain.clone(), gzip(&plain), bzip2(&plain), xz(&plain)] {
        assert_eq!(names(place.unpack(&package, &bytes).expect("files")), wanted);
    }
    // A signed archive in an archive, whose files take its place.
    let signed = [b"signature\x1f\x8b\0".as_slice(), &gzip(&plain)].concat();
    let package = place.package(
        "unpack = [\"zip\", \"unsign *.sgn\", \"tar *.tgz\"]\n\
         include = [\"*.rom\"]\nflatten = true",
    );
    let bytes = zip(&[("in/b.tgz.sgn", &signed), ("note", b"n"), ("in/c.rom", b"c")]);
    let found = names(place.unpack(&package, &bytes).expect("files"));
    let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(found, [pair("a.rom", "rom"), pair("c.rom", "c")]);
    // The file as it is.
    let package = place.package("to = \"b.bin\"");
    assert_eq!(names(place.unpack(&package, b"abc").expect("a file")), [pair("b.bin", "abc")]);
}

#[test]
fn names_that_leave_are_refused() {
    let place = Place::new();
    let package = place.package("unpack = [\"zip\"]");
    for name in ["../x", "/etc/passwd", "a/../../x", "..\\x", "a/..", "a\u{1}b"] {
        let said = told(place.unpack(&package, &zip(&[("good", b"g"), (name, b"x")])));
        assert!(said.starts_with("fw.bin: "), "{name:?}: {said}");
    }
    let package = place.package("unpack = [\"tar\"]");
    for name in [b"../x".as_slice(), b"/etc/passwd", b"a/../../x", b"\xff\xfe", b"a/.."] {
        let said = told(place.unpack(&package, &tar(&[(name, FILE, b"x")])));
        assert!(said.contains("leaves its folder") || said.contains("UTF-8"), "{name:?}: {said}");
    }
    assert!(!place.0.join("x").exists() && !std::env::temp_dir().join("x").exists());
}

#[test]
fn links_and_devices_are_refused_where_they_are_wanted() {
    let place = Place::new();
    use tar::EntryType as Kind;
    for kind in [Kind::Symlink, Kind::Link, Kind::Char, Kind::Block, Kind::Fifo] {
        let bytes = tar(&[(b"a", FILE, b"a"), (b"bad", kind, b"")]);
        let package = place.package("unpack = [\"tar\"]");
        let said = told(place.unpack(&package, &bytes));
        assert!(said.contains("\"bad\" is no plain file"), "{said}");
        let package = place.package("unpack = [\"tar\"]\nexclude = [\"bad\"]");
        assert_eq!(place.unpack(&package, &bytes).expect("the other one").len(), 1);
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.add_symlink("bad", "../../secret", options).expect("an entry");
    let bytes = zip.finish().expect("an archive").into_inner();
    let package = place.package("unpack = [\"zip\"]");
    assert!(told(place.unpack(&package, &bytes)).contains("no plain file"));
}

#[test]
fn bombs_end_at_their_bound() {
    let place = Place::new();
    let zeros = vec![0; 1024 * 1024];
    let bounds = Bounds { bytes: 64 * 1024, entries: 10 };
    let package = place.package("unpack = [\"zip\"]");
    let said = told(place.unpack_within(&package, &zip(&[("a", &zeros)]), bounds));
    assert!(said.contains("more bytes than"), "{said}");
    // What is not wanted is not unpacked, but in a tar archive it has to be read.
    let entry = "unpack = [\"tar\"]\nexclude = [\"a\"]";
    let bytes = gzip(&tar(&[(b"a", FILE, &zeros), (b"b", FILE, b"b")]));
    let said = told(place.unpack_within(&place.package(entry), &bytes, bounds));
    assert!(said.contains("more bytes than"), "{said}");
    let many: Vec<String> = (0..11).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (&**name, b"".as_slice())).collect();
    let said = told(place.unpack_within(&package, &zip(&many), bounds));
    assert!(said.contains("too many entries"), "{said}");
}

#[test]
fn manifests_mistakes_show_when_unpacking() {
    let place = Place::new();
    for (entry, bytes, words) in [
        ("unpack = [\"zip\"]", b"no archive".to_vec(), "fw.bin: "),
        ("unpack = [\"unsign\"]", b"no gzip".to_vec(), "no gzip file"),
        ("unpack = [\"zip *.zip\"]", zip(&[]), "step 1 of `unpack` finds no file"),
        ("unpack = [\"zip\"]\ninclude = [\"b\"]", zip(&[("a", b"")]), "no file is one of \"b\""),
        ("unpack = [\"zip\"]\nexclude = [\"*\"]", zip(&[("a", b"")]), "none of its files"),
        ("unpack = [\"zip\"]\nflatten = true", zip(&[("a/c", b""), ("b/c", b"")]), "two of its"),
        ("unpack = [\"zip\"]\nstrip = 1", zip(&[("a", b"")]), "fewer folders"),
        (
            "unpack = [\"zip\"]\nrename = { b = \"a/c\" }",
            zip(&[("a", b""), ("b", b"")]),
            "a file and a folder",
        ),
    ] {
        let said = told(place.unpack(&place.package(entry), &bytes));
        assert!(said.contains(words), "{entry}: {said}");
    }
}

#[test]
fn an_upgrade_takes_the_former_files_away() {
    let place = Place::new();
    let mut package = place.package("unpack = [\"zip\"]");
    let mut shelf = Shelf::open(&place.files()).expect("a shelf");
    let first = zip(&[("a", b"a1"), ("old/b", b"b1")]);
    let unpacked = place.unpack(&package, &first).expect("files");
    assert_eq!(shelf.install("acme-2", &package, &unpacked).expect("free places"), 2);
    assert!(shelf.has("acme-2", &package) && !shelf.has("acme-1", &package));
    package.sha256 = "1".repeat(64);
    assert!(!shelf.has("acme-2", &package));
    let unpacked = place.unpack(&package, &zip(&[("a", b"a2"), ("c", b"c2")])).expect("files");
    shelf.install("acme-2", &package, &unpacked).expect("its own places");
    assert_eq!(place.read("a").as_deref(), Some("a2"));
    assert_eq!(place.read("c").as_deref(), Some("c2"));
    assert!(!place.files().join("acme-2/old").exists());
    // The record outlives the shelf, and what is gone is installed anew.
    assert!(matches!(Shelf::open(&place.files()), Err(Error::Busy(_))));
    drop(shelf);
    let mut shelf = Shelf::open(&place.files()).expect("a shelf");
    assert!(shelf.has("acme-2", &package));
    fs::remove_file(place.files().join("acme-2/c")).expect("a file");
    assert!(!shelf.has("acme-2", &package));
    assert!(shelf.remove("acme-2", "fw").expect("a disk"));
    assert!(!shelf.remove("acme-2", "fw").expect("a disk"));
    assert_eq!(place.read("a"), None);
}

#[test]
fn what_is_somebody_elses_stays() {
    let place = Place::new();
    let package = place.package("unpack = [\"zip\"]");
    let mut shelf = Shelf::open(&place.files()).expect("a shelf");
    let folder = place.files().join("acme-2");
    fs::create_dir_all(folder.join("folder")).expect("a folder");
    fs::write(folder.join("mine"), "mine").expect("a file");
    std::os::unix::fs::symlink(&place.0, folder.join("out")).expect("a link");
    for (file, words) in [
        ("mine", "it is there and no package's"),
        ("folder", "it is a folder"),
        ("mine/b", "it is no folder"),
        ("out/b", "it is no folder"),
    ] {
        let unpacked = place.unpack(&package, &zip(&[("a", b"a"), (file, b"b")])).expect("files");
        let error = shelf.install("acme-2", &package, &unpacked).expect_err("it is taken");
        assert!(error.to_string().ends_with(words), "{file}: {error}");
        assert_eq!(place.read("a"), None, "nothing of it is there");
    }
    assert_eq!(place.read("mine").as_deref(), Some("mine"));
    assert!(!place.0.join("b").exists());
    let unpacked = place.unpack(&package, &zip(&[("a", b"a")])).expect("files");
    shelf.install("acme-2", &package, &unpacked).expect("a free place");
    let mut other = package.clone();
    other.name = "other".to_owned();
    let unpacked = place.unpack(&other, &zip(&[("a", b"a")])).expect("files");
    let error = shelf.install("acme-2", &other, &unpacked).expect_err("it is taken");
    assert!(error.to_string().ends_with("it belongs to the package \"fw\""), "{error}");
}

/// A process may die at any point: before the change is decided the former files stay, after it the
/// next one carries it out.
#[test]
fn a_crash_leaves_all_of_a_package_or_none() {
    let place = Place::new();
    let mut package = place.package("unpack = [\"zip\"]");
    let files = place.files();
    let mut shelf = Shelf::open(&files).expect("a shelf");
    let unpacked = place.unpack(&package, &zip(&[("a", b"a1"), ("b", b"b1")])).expect("files");
    shelf.install("acme-2", &package, &unpacked).expect("free places");
    package.sha256 = "1".repeat(64);
    let unpacked = place.unpack(&package, &zip(&[("a", b"a2"), ("c", b"c2")])).expect("files");
    // Dies with everything ready, and nothing decided.
    let change = shelf.prepare("acme-2", &package, &unpacked).expect("free places");
    drop(shelf);
    let shelf = Shelf::open(&files).expect("a shelf");
    let state = |place: &Place| ["a", "b", "c"].map(|name| place.read(name));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(state(&place), [text("a1"), text("b1"), None]);
    assert!(!shelf.has("acme-2", &package));
    // Dies when it is decided and one of the files is in its place.
    shelf.decide(&change).expect("a disk");
    drop(shelf);
    let ready = files.join(".packages/ready/0");
    fs::rename(ready, files.join("acme-2/a")).expect("a file that is ready");
    let shelf = Shelf::open(&files).expect("a shelf");
    assert_eq!(state(&place), [text("a2"), None, text("c2")]);
    assert!(shelf.has("acme-2", &package));
    assert!(!Path::new(&files.join(".packages/change.json")).exists());
}
