//! Packages come from a vendor's server to the phones: whole and verified, whatever is in between.

use crate::http::Client;
use crate::publisher::{Act, Publisher};
use crate::rest::ask;
use crate::server::{Place, Server, eventually};
use ringboot::time::Duration;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Cursor, Write};
use std::process::Command;

/// An archive with one firmware of so many bytes.
fn archive(name: &str, bytes: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Stored: its length is what is downloaded.
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file(format!("release/{name}"), options).unwrap();
    zip.write_all(&firmware(bytes)).unwrap();
    zip.finish().unwrap().into_inner()
}

fn firmware(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * at / 7) as u8).collect()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A place whose one plugin has this package.
struct Site {
    place: Place,
    publisher: Publisher,
}

impl Site {
    fn new(name: &str, file: Vec<u8>) -> Self {
        let mut place = Place::new(name);
        place.plugins = place.folder.join("plugins");
        fs::create_dir_all(place.plugins.join("acme/templates")).unwrap();
        let site = Self { place, publisher: Publisher::new(file.clone()) };
        site.says("1", file.len(), &sum(&file));
        site
    }

    /// Writes the manifest.
    fn says(&self, version: &str, size: usize, sum: &str) {
        let url = self.publisher.url("/fw.zip");
        let text = format!(
            "format = 1\nvendor = \"Acme\"\nprefix = \"acme-\"\nsummary = \"s\"\n\
             [[extract]]\nagent = '^Acme (?P<mac>\\S+)$'\nset = {{ vendor = \"Acme\" }}\n\
             [[package]]\nname = \"fw\"\nversion = \"{version}\"\nurl = \"{url}\"\n\
             size = {size}\nsha256 = \"{sum}\"\nunpack = [\"zip\"]\nstrip = 1\nto = \"fw/\"\n\
             [[release]]\nname = \"1\"\nserves = [\"http\"]\nmodels = {{}}\n"
        );
        fs::write(self.place.plugins.join("acme/plugin.toml"), text).unwrap();
    }

    /// Runs `ringboot plugin`: its exit code, what it printed, what it complained of.
    fn plugin(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(self.place.command("plugin").get_program());
        command.arg("plugin").args(words);
        command.arg("--data-dir").arg(self.place.folder.join("data"));
        command.arg("--plugins-dir").arg(&self.place.plugins);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn fetches(&self) {
        let (code, _, said) = self.plugin(&["fetch"]);
        assert_eq!(code, Some(0), "{said}");
    }

    /// What a fetch that fails says.
    fn fails(&self) -> String {
        let (code, _, said) = self.plugin(&["fetch"]);
        assert_eq!(code, Some(1), "{said}");
        said
    }

    fn installed(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.place.folder.join("data/files/acme-1/fw").join(name)).ok()
    }

    /// Bytes of downloads that lie there.
    fn kept(&self) -> u64 {
        let folder = self.place.folder.join("data/files/.packages/downloads");
        let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let parts = files.filter(|file| !file.file_name().to_string_lossy().ends_with(".tag"));
        parts.map(|file| file.metadata().unwrap().len()).sum()
    }
}

#[test]
fn a_package_is_fetched_once_and_served() {
    let site = Site::new("fetched", archive("a.rom", 300_000));
    let (_, listed, _) = site.plugin(&["fetch", "--list"]);
    assert!(listed.starts_with("acme-1/fw 1 ("), "{listed}");
    assert!(listed.ends_with("): available\n"), "{listed}");
    assert_eq!(site.plugin(&["fetch", "--dry-run"]).1, listed);
    assert!(site.publisher.heads().is_empty());
    let (code, told, said) = site.plugin(&["fetch", "acme-*"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(told.contains("acme-1: fw 1 is installed now, 1 files"), "{told}");
    assert_eq!(site.installed("a.rom"), Some(firmware(300_000)));
    assert_eq!(site.kept(), 0);
    assert_eq!(site.publisher.heads().len(), 1);
    // A second one has nothing to do.
    let (code, told, _) = site.plugin(&["fetch", "acme-1/fw"]);
    assert_eq!((code, &*told), (Some(0), "acme-1: fw 1 is installed\n"));
    assert!(site.publisher.heads().is_empty());
    assert!(site.plugin(&["fetch", "--list"]).1.ends_with(": installed\n"));
    assert_eq!(site.plugin(&["fetch", "--dry-run"]).1, "");
    {
        let _server = site.place.serve("epoll");
        let mut phone = Client::connect(site.place.http, [127, 0, 0, 1]).unwrap();
        let answer = phone.get("/fw/a.rom", "Acme 00:11:22:33:44:55").unwrap();
        assert_eq!((answer.status, answer.body), (200, firmware(300_000)));
    }
    let (code, told, _) = site.plugin(&["remove", "acme-1/fw"]);
    assert_eq!((code, &*told), (Some(0), "acme-1/fw is removed\n"));
    assert_eq!(site.installed("a.rom"), None);
    let (code, _, said) = site.plugin(&["remove", "acme-1/fw"]);
    assert_eq!((code, &*said), (Some(1), "ringboot: acme-1/fw is not installed\n"));
    let (code, _, said) = site.plugin(&["fetch", "acne-*"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no plugin and no package has the name \"acne-*\""), "{said}");
}

#[test]
fn an_interrupted_download_goes_on() {
    let file = archive("a.rom", 300_000);
    let site = Site::new("goes-on", file.clone());
    site.publisher.then([Act::Cut(100_000)]);
    let said = site.fails();
    assert!(said.contains(&format!("100000 of {} bytes are kept", file.len())), "{said}");
    assert_eq!((site.kept(), site.installed("a.rom")), (100_000, None));
    site.publisher.heads();
    // It is cut once more, by a server that is down between.
    site.publisher.then([Act::Refuse(503), Act::Cut(50_000)]);
    assert!(site.fails().contains("the server answered 503"));
    site.fails();
    assert_eq!(site.kept(), 150_000);
    site.fetches();
    assert_eq!(site.installed("a.rom"), Some(firmware(300_000)));
    let heads = site.publisher.heads();
    for (head, from) in heads.iter().zip([100_000, 100_000, 150_000]) {
        assert!(head.contains(&format!("\r\nrange: bytes={from}-\r\n")), "{head}");
        assert!(head.contains("\r\nif-range: \""), "{head}");
    }
    assert_eq!(heads.len(), 3);
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let site = Site::new("anew", archive("a.rom", 300_000));
    site.publisher.then([Act::Cut(100_000), Act::Whole]);
    site.fails();
    site.fetches();
    assert_eq!(site.installed("a.rom"), Some(firmware(300_000)));
    // A part of another state of the file is not gone on from.
    let next = archive("b.rom", 400_000);
    let mut other = next.clone();
    other[0] ^= 1;
    site.says("2", next.len(), &sum(&next));
    site.publisher.publish(other);
    site.publisher.then([Act::Cut(100_000)]);
    site.fails();
    site.publisher.publish(next);
    site.fetches();
    assert_eq!(site.installed("b.rom"), Some(firmware(400_000)));
    // And a range that cannot be had is asked for as a whole.
    let last = archive("c.rom", 500_000);
    site.says("3", last.len(), &sum(&last));
    site.publisher.publish(last);
    site.publisher.then([Act::Cut(100_000), Act::Refuse(416)]);
    site.fails();
    site.fetches();
    assert_eq!(site.installed("c.rom"), Some(firmware(500_000)));
    assert_eq!(site.installed("b.rom"), None);
}

#[test]
fn other_bytes_than_the_manifests_are_not_unpacked() {
    let file = archive("a.rom", 300_000);
    let site = Site::new("other", file.clone());
    site.says("1", file.len(), &"0".repeat(64));
    let said = site.fails();
    assert!(said.contains(&format!("its SHA-256 is {}", sum(&file))), "{said}");
    assert_eq!(site.kept(), 0);
    site.says("1", file.len() - 1, &sum(&file));
    let said = site.fails();
    assert!(said.contains(&format!("the server's file has {} bytes", file.len())), "{said}");
    // What is not announced ends where it is too long, or too short.
    site.says("1", file.len(), &sum(&file));
    site.publisher.then([Act::Unannounced(vec![7; 2_000_000])]);
    let said = site.fails();
    assert!(said.contains(&format!("has more than {} bytes", file.len())), "{said}");
    assert_eq!(site.kept(), 0);
    site.publisher.then([Act::Unannounced(file[..100].to_vec())]);
    let said = site.fails();
    assert!(said.contains("the server ended early; 100 of"), "{said}");
    assert_eq!(site.installed("a.rom"), None);
    site.fetches();
}

#[test]
fn redirects_are_followed_and_end() {
    let site = Site::new("redirects", archive("a.rom", 1000));
    site.publisher.then([Act::Refuse(404)]);
    assert!(site.fails().contains("/fw.zip: the server answered 404"));
    site.publisher.then(vec![Act::Redirect("/fw.zip"); 20]);
    let said = site.fails();
    assert!(said.to_lowercase().contains("too many redirects"), "{said}");
    let again = Site::new("redirects-once", archive("a.rom", 1000));
    again.publisher.then([Act::Redirect("/elsewhere")]);
    again.fetches();
    assert_eq!(again.installed("a.rom"), Some(firmware(1000)));
    assert!(again.publisher.heads()[1].starts_with("get /elsewhere "));
}

#[test]
fn an_archive_that_leaves_its_folder_changes_nothing() {
    let site = Site::new("leaves", archive("a.rom", 1000));
    site.fetches();
    let bad = archive("../../../x", 1000);
    site.says("2", bad.len(), &sum(&bad));
    site.publisher.publish(bad);
    let said = site.fails();
    assert!(said.contains("leaves its folder"), "{said}");
    assert_eq!(site.installed("a.rom"), Some(firmware(1000)));
    let (_, listed, _) = site.plugin(&["fetch", "--list"]);
    assert!(listed.ends_with(": installed: 1\n"), "{listed}");
}

#[test]
fn a_manifest_without_a_sum_names_its_line() {
    let site = Site::new("no-sum", archive("a.rom", 1000));
    let manifest = site.place.plugins.join("acme/plugin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("sha256")).collect();
    fs::write(&manifest, text.join("\n")).unwrap();
    let (code, _, said) = site.plugin(&["fetch"]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("plugin.toml:9: the package has no `sha256`"), "{said}");
}

#[test]
fn a_package_is_fetched_over_rest_while_the_server_serves() {
    let file = archive("a.rom", 300_000);
    let site = Site::new("over-rest", file.clone());
    let server = Server::start(site.place.serving("epoll").args(["--rest-auth", "none"]));
    let ask = |what: &str, body: &str| {
        let reply = ask(site.place.rest, what, body);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let place = head.lines().find_map(|line| line.strip_prefix("location: "));
        (status, place.map(ToOwned::to_owned), body.to_owned())
    };
    let base = "/0.2/pg_mgr/plugins/acme-1/install";
    let list = |name: &str| ask(&format!("GET {base}/{name}"), "").2;
    let order =
        |name: &str, id: &str| ask(&format!("POST {base}/{name}"), &format!("{{\"id\":\"{id}\"}}"));
    let size = file.len();
    let wanted = format!("{{\"fw\":{{\"version\":\"1\",\"description\":\"\",\"dsize\":{size}}}}}");
    assert_eq!(list("installable"), format!("{{\"pkgs\":{wanted}}}"));
    assert_eq!(list("installed"), "{\"pkgs\":{}}");
    assert_eq!(order("install", "fx"), (400, None, "package not found".to_owned()));
    assert_eq!(order("uninstall", "fw"), (400, None, "'fw'".to_owned()));

    // How it ended, and why where that is told.
    let install = || {
        let (status, place, _) = order("install", "fw");
        assert_eq!(status, 201);
        let place = place.unwrap();
        eventually(Duration::from_secs(20), || {
            let (status, _, body) = ask(&format!("GET {place}"), "");
            assert_eq!(status, 200);
            (!body.contains("install_pkg|progress")).then_some(body)
        })
    };
    site.publisher.then([Act::Refuse(503)]);
    let failed = install();
    let parts = "(download|fail(fail;0/";
    assert!(failed.contains("install_pkg|fail") && failed.contains(parts), "{failed}");
    assert!(failed.contains("the server answered 503"), "{failed}");
    let done = format!("(download|success(success;{size}/{size}))(install|success)");
    assert_eq!(install(), format!("{{\"status\":\"install_pkg|success{done}\"}}"));
    assert!(list("installed").starts_with("{\"pkgs\":{\"fw\":{\"version\":\"1\""));
    // The plugin had no folder when the server started.
    let mut phone = Client::connect(site.place.http, [127, 0, 0, 1]).unwrap();
    let answer = phone.get("/fw/a.rom", "Acme 00:11:22:33:44:55").unwrap();
    assert_eq!((answer.status, answer.body), (200, firmware(300_000)));
    assert_eq!(order("uninstall", "fw").0, 204);
    assert_eq!(site.installed("a.rom"), None);
    drop(server);
}
