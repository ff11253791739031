//! Archives become files that lie flat under numbers; their names stay texts until they are judged.
//!
//! So no name of an archive ever reaches the file system here, whatever it says. Links, devices and
//! pipes are refused, as are names that leave the folder and more bytes or entries than the bounds.

use flate2::bufread::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Error;
use super::disk::{link, sync_folder};
use crate::limits;
use crate::plugin::{Kind, Package, clean};

/// What an archive may come to.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of all steps.
    pub bytes: u64,
    /// Entries of all archives.
    pub entries: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let (bytes, entries) = (limits::PACKAGE_BYTES_MAX, limits::PACKAGE_ENTRIES_MAX);
        Self { bytes, entries }
    }
}

/// A package's files: where each goes below the plugin's folder, and where it lies.
pub type Unpacked = BTreeMap<String, PathBuf>;

/// Unpacks the verified download into the empty folder `work`.
///
/// # Errors
/// [`Error::Archive`] for what cannot or must not be unpacked, [`Error::Disk`].
pub fn unpack(
    package: &Package,
    download: &Path,
    work: &Path,
    bounds: Bounds,
) -> Result<Unpacked, Error> {
    let mut unpacker = Unpacker { package, work, left: bounds, made: 0, is_last: false };
    let mut files = BTreeMap::new();
    let first = unpacker.new_path();
    link(download, &first)?;
    files.insert(package.file_name().to_owned(), first);
    for (number, step) in (1..).zip(&package.steps) {
        unpacker.is_last = number == package.steps.len();
        let mut found = BTreeMap::new();
        let mut is_used = false;
        for (path, file) in files {
            if !step.is_for(&path) {
                found.insert(path, file);
                continue;
            }
            is_used = true;
            let archive = Archive { name: &path, file: &file };
            match step.kind {
                Kind::Zip => unpacker.zip(&archive, &mut found)?,
                Kind::Tar => unpacker.tar(&archive, &mut found)?,
                Kind::Unsign => unpacker.unsign(&archive, &mut found)?,
            }
        }
        if !is_used {
            let error = format!("step {number} of `unpack` finds no file that it is for");
            return Err(Error::archive(&package.name, error));
        }
        files = found;
    }
    sync_folder(work)?;
    place(package, files)
}

/// Says where each wanted file goes.
fn place(package: &Package, files: Unpacked) -> Result<Unpacked, Error> {
    let tell = |error: String| Error::archive(&package.name, error);
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    if let Some(pattern) = package.unmatched(&paths).next() {
        return Err(tell(format!("no file is one of {pattern:?}")));
    }
    let mut placed: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (path, file) in files {
        if !package.wants(&path) {
            continue;
        }
        let place = package.place(&path).and_then(|place| clean(&place)).map_err(tell)?;
        if placed.insert(place.clone(), file).is_some() {
            return Err(tell(format!("two of its files go to {place:?}")));
        }
    }
    let inside = |(path, next): (&String, &String)| next.starts_with(&format!("{path}/"));
    if let Some((path, _)) = placed.keys().zip(placed.keys().skip(1)).find(|pair| inside(*pair)) {
        return Err(tell(format!("{path:?} is a file and a folder")));
    }
    if placed.is_empty() {
        return Err(tell("none of its files is wanted".to_owned()));
    }
    Ok(placed)
}

struct Archive<'a> {
    name: &'a str,
    file: &'a Path,
}

impl Archive<'_> {
    fn error(&self, error: impl ToString) -> Error {
        Error::archive(self.name, error)
    }

    fn open(&self) -> Result<BufReader<File>, Error> {
        File::open(self.file).map(BufReader::new).map_err(Error::disk(self.file))
    }

    /// Where an entry lies: beside its archive.
    fn beside(&self, entry: &str) -> Result<String, Error> {
        let path = clean(entry).map_err(|error| self.error(error))?;
        Ok(match self.name.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{path}"),
            None => path,
        })
    }
}

/// INVARIANT: `left` is what the package's archives may still come to.
struct Unpacker<'a> {
    package: &'a Package,
    work: &'a Path,
    left: Bounds,
    made: usize,
    is_last: bool,
}

impl Unpacker<'_> {
    fn new_path(&mut self) -> PathBuf {
        self.made += 1;
        self.work.join(self.made.to_string())
    }

    fn count_entry(&mut self, archive: &Archive<'_>) -> Result<(), Error> {
        let left = self.left.entries.checked_sub(1);
        self.left.entries = left.ok_or_else(|| archive.error("it has too many entries"))?;
        Ok(())
    }

    /// Whether an entry is unpacked. What no step comes behind has to be wanted.
    fn takes(&self, path: &str) -> bool {
        !self.is_last || self.package.wants(path)
    }

    /// Writes one file under the next number.
    fn write(&mut self, archive: &Archive<'_>, from: &mut dyn Read) -> Result<PathBuf, Error> {
        let path = self.new_path();
        let mut file = File::create_new(&path).map_err(Error::disk(&path))?;
        let mut chunk = vec![0; limits::FETCH_CHUNK_BYTES];
        loop {
            let count = from.read(&mut chunk).map_err(|error| archive.error(error))?;
            if count == 0 {
                break;
            }
            let left = self.left.bytes.checked_sub(count as u64);
            self.left.bytes = left.ok_or_else(|| archive.error(TOO_LARGE))?;
            file.write_all(&chunk[..count]).map_err(Error::disk(&path))?;
        }
        file.sync_all().map_err(Error::disk(&path))?;
        Ok(path)
    }

    fn zip(&mut self, archive: &Archive<'_>, found: &mut Unpacked) -> Result<(), Error> {
        let mut zip =
            zip::ZipArchive::new(archive.open()?).map_err(|error| archive.error(error))?;
        for index in 0..zip.len() {
            self.count_entry(archive)?;
            let mut entry = zip.by_index(index).map_err(|error| archive.error(error))?;
            // Some that are made on Windows have its separators.
            let name = entry.name().replace('\\', "/");
            if entry.is_dir() || name.ends_with('/') {
                clean(&name).map_err(|error| archive.error(error))?;
                continue;
            }
            let path = archive.beside(&name)?;
            if !self.takes(&path) {
                continue;
            }
            // The file type of a Unix mode: what is none of these is no regular file.
            let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
            if entry.is_symlink() || !matches!(kind, 0 | 0o100_000) {
                return Err(archive.error(format!("{path:?} is no plain file")));
            }
            let file = self.write(archive, &mut entry)?;
            found.insert(path, file);
        }
        Ok(())
    }

    fn tar(&mut self, archive: &Archive<'_>, found: &mut Unpacked) -> Result<(), Error> {
        let plain = decompressed(archive.open()?).map_err(|error| archive.error(error))?;
        // Entries that are not wanted are read too: what all of them come to is bounded.
        let plain = Bounded { inner: plain, left: self.left.bytes };
        let mut tar = tar::Archive::new(plain);
        for entry in tar.entries().map_err(|error| archive.error(error))? {
            self.count_entry(archive)?;
            let mut entry = entry.map_err(|error| archive.error(error))?;
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            let name = String::from_utf8(entry.path_bytes().into_owned());
            let name = name.map_err(|_| archive.error("a name in it is not UTF-8"))?;
            if kind.is_dir() {
                // The folder that everything is in.
                if !matches!(&*name, "." | "./") {
                    clean(&name).map_err(|error| archive.error(error))?;
                }
                continue;
            }
            let path = archive.beside(&name)?;
            if !self.takes(&path) {
                continue;
            }
            if !kind.is_file() && !kind.is_contiguous() {
                return Err(archive.error(format!("{path:?} is no plain file")));
            }
            let file = self.write(archive, &mut entry)?;
            found.insert(path, file);
        }
        Ok(())
    }

    fn unsign(&mut self, archive: &Archive<'_>, found: &mut Unpacked) -> Result<(), Error> {
        let mut from = archive.open()?;
        let mut front = Vec::new();
        let most = limits::PACKAGE_SIGNATURE_BYTES_MAX as u64;
        let read = from.by_ref().take(most).read_to_end(&mut front);
        read.map_err(Error::disk(archive.file))?;
        let begin = memchr::memmem::find(&front, &GZIP);
        let begin = begin.ok_or_else(|| archive.error("no gzip file stands behind a signature"))?;
        from.seek(SeekFrom::Start(begin as u64)).map_err(Error::disk(archive.file))?;
        let file = self.write(archive, &mut from)?;
        let name = archive.name.strip_suffix(".sgn").unwrap_or(archive.name);
        found.insert(name.to_owned(), file);
        Ok(())
    }
}

const TOO_LARGE: &str = "it comes to more bytes than a package may have";
/// How a gzip member begins (RFC 1952 section 2.3.1), with the one method that there is.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
const BZIP2: &[u8] = b"BZh";
const XZ: &[u8] = b"\xfd7zXZ\0";

/// The plain bytes of a file, told by how it begins.
fn decompressed(mut from: BufReader<File>) -> io::Result<Box<dyn Read>> {
    let front = from.fill_buf()?;
    Ok(match () {
        () if front.starts_with(&GZIP) => Box::new(MultiGzDecoder::new(from)),
        () if front.starts_with(BZIP2) => Box::new(bzip2::bufread::MultiBzDecoder::new(from)),
        () if front.starts_with(XZ) => {
            let kilobytes = limits::PACKAGE_XZ_BYTES_MAX / 1024;
            Box::new(lzma_rust2::XzReader::new_mem_limit(from, true, kilobytes))
        }
        () => Box::new(from),
    })
}

/// A reader that fails past its bound.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| io::Error::other(TOO_LARGE))?;
        Ok(count)
    }
}
