//! Clients that others wrote get every byte: curl, atftp and tftp-hpa, on small files and firmware.

use crate::http::Client;
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::server::{Place, Server};
use crate::tftp;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

on_both_drivers!(
    curl_speaks_both_versions,
    curl_goes_through_a_proxy,
    curl_fetches_what_is_new,
    curl_fetches_parts,
    curl_is_told_what_cannot_be_done,
    atftp_fetches_with_options,
    tftp_hpa_fetches_in_both_modes,
);

/// More than 65,535 blocks of 512 bytes, and no whole number of any block.
const FIRMWARE_BYTES: usize = 34 * 1024 * 1024 + 123;
const PLUGIN: &str = "wazo-cisco-spa3102-5.1.10";
/// A small file of that plugin.
const SMALL: &str = "spa-ata.xml";

/// A server that knows the gateway at 127.0.0.1, and has firmware for it.
struct Site {
    place: Place,
    firmware: Vec<u8>,
    small: Vec<u8>,
    _server: Server,
}

impl Site {
    fn new(driver: &str, name: &str) -> Self {
        let place = Place::new(name);
        assert!(place.import(stock_configs()).status.success());
        let firmware = firmware();
        fs::write(place.operators_folder(PLUGIN).join("firmware.bin"), &firmware).unwrap();
        let server = place.serve(driver);
        for file in ["/spa3102.cfg", "/001122334477.xml"] {
            tftp::fetch(place.tftp, [127, 0, 0, 1], file).unwrap();
        }
        let small = fs::read(place.plugins.join("cisco-spa/files/all").join(SMALL)).unwrap();
        Self { place, firmware, small, _server: server }
    }

    fn url(&self, file: &str) -> String {
        format!("http://{}/{file}", self.place.http)
    }

    /// Runs a client in the place's folder; what it printed.
    fn run(&self, client: &str, args: &[&str]) -> String {
        let mut command = Command::new(client);
        command.args(args).current_dir(&self.place.folder).stdin(Stdio::null());
        let output = command.output().unwrap();
        let [stdout, stderr] = [&output.stdout, &output.stderr].map(|o| String::from_utf8_lossy(o));
        assert!(output.status.success(), "{client} {args:?}: {}\n{stderr}", output.status);
        stdout.into_owned()
    }

    /// Runs curl, which prints what `-w` asks for.
    fn curl(&self, args: &[&str]) -> String {
        self.run("curl", &[&["--silent", "--show-error", "--max-time", "60"], args].concat())
    }

    /// Whether a file that a client wrote is this; it is removed.
    fn wrote(&self, file: &str, wanted: &[u8]) -> bool {
        let path = self.place.folder.join(file);
        let is_same = fs::read(&path).unwrap() == wanted;
        fs::remove_file(path).unwrap();
        is_same
    }
}

/// Bytes that no cut, shift or repetition leaves the same.
fn firmware() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(FIRMWARE_BYTES + 8);
    while bytes.len() < FIRMWARE_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(FIRMWARE_BYTES);
    bytes
}

/// Whether the client is here. Its test does nothing where it is not, and fails where CI runs.
fn is_here(client: &str, flag: &str, name: &str) -> bool {
    let output = Command::new(client).arg(flag).stdin(Stdio::null()).output();
    let found = output.is_ok_and(|Output { stdout, stderr, .. }| {
        String::from_utf8_lossy(&[stdout, stderr].concat()).contains(name)
    });
    if !found {
        println!("NOT TESTED: {name} is missing; `make setup` installs it where it may");
        let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!is_ci, "{name} is missing");
    }
    found
}

fn curl_speaks_both_versions(driver: &str) {
    if !is_here("curl", "--version", "curl") {
        return;
    }
    let site = Site::new(driver, "versions");
    let small = site.url(SMALL);
    let print = "%{http_version} %{http_code} %{num_connects} %{size_download}\n";
    let length = site.small.len();
    for (flag, wanted) in [
        ("--http1.0", format!("1.1 200 1 {length}\n1.1 200 1 {length}\n")),
        ("--http1.1", format!("1.1 200 1 {length}\n1.1 200 0 {length}\n")),
    ] {
        let args = [flag, "-w", print, "-o", "first", &small, "-o", "second", &small];
        let printed = site.curl(&args);
        assert_eq!(printed, wanted, "{flag}");
        assert!(site.wrote("first", &site.small), "{flag}");
        assert!(site.wrote("second", &site.small), "{flag}");
    }
    // A kept connection carries on behind a large file and behind an answer without content.
    let (large, missing) = (site.url("firmware.bin"), site.url("missing.bin"));
    let print = "%{http_code} %{num_connects}\n";
    let urls = ["-o", "large", &large, "-o", "missing", &missing, "-o", "small", &small];
    let printed = site.curl(&[&["-w", print], &urls[..]].concat());
    assert_eq!(printed, "200 1\n404 0\n200 0\n");
    assert!(site.wrote("large", &site.firmware));
    assert!(site.wrote("small", &site.small));
}

fn curl_goes_through_a_proxy(driver: &str) {
    if !is_here("curl", "--version", "curl") {
        return;
    }
    let site = Site::new(driver, "proxy");
    let proxy = format!("http://{}", site.place.http);
    let url = format!("http://prov.example/{SMALL}");
    let printed = site.curl(&["-x", &proxy, "-w", "%{http_code}", "-o", "got", &url]);
    assert_eq!(printed, "200");
    assert!(site.wrote("got", &site.small));
}

fn curl_fetches_what_is_new(driver: &str) {
    if !is_here("curl", "--version", "curl") {
        return;
    }
    let site = Site::new(driver, "etags");
    // Rendered, in memory, on the disk: each has a tag that holds.
    for (file, is_dated) in [("001122334477.xml", false), (SMALL, true), ("firmware.bin", true)] {
        let url = site.url(file);
        let fetch = |extra: &[&str]| {
            site.curl(&[&["-w", "%{http_code} %{size_download}", &url], extra].concat())
        };
        fetch(&["-o", "got", "--etag-save", "tag", "-R"]);
        let bytes = fs::metadata(site.place.folder.join("got")).unwrap().len();
        assert!(bytes > 0, "{file}");
        assert_eq!(fetch(&["-o", "again", "--etag-compare", "tag"]), "304 0", "{file}");
        if is_dated {
            assert_eq!(fetch(&["-o", "again", "-z", "got"]), "304 0", "{file}");
        }
        let other = ["-o", "again", "-H", "If-None-Match: \"another\""];
        assert_eq!(fetch(&other), format!("200 {bytes}"), "{file}");
    }
}

fn curl_fetches_parts(driver: &str) {
    if !is_here("curl", "--version", "curl") {
        return;
    }
    let site = Site::new(driver, "parts");
    let large = site.url("firmware.bin");
    let all = &site.firmware[..];
    let last = FIRMWARE_BYTES - 1;
    for (range, part) in [
        ("0-0", &all[..1]),
        ("1000001-5999999", &all[1_000_001..6_000_000]),
        (&*format!("{last}-"), &all[last..]),
        ("-100", &all[FIRMWARE_BYTES - 100..]),
    ] {
        let printed = site.curl(&["-w", "%{http_code}", "-o", "part", "-r", range, &large]);
        assert_eq!(printed, "206", "{range}");
        assert!(site.wrote("part", part), "{range}");
    }
    let behind = format!("{FIRMWARE_BYTES}-");
    let printed = site.curl(&["-w", "%{http_code}", "-o", "none", "-r", &behind, "-D-", &large]);
    assert!(printed.ends_with("416"), "{printed}");
    assert!(printed.contains(&format!("bytes */{FIRMWARE_BYTES}")), "{printed}");
    // A fetch that was cut goes on where it stopped.
    fs::write(site.place.folder.join("cut"), &all[..20_000_000]).unwrap();
    assert_eq!(site.curl(&["-w", "%{http_code}", "-C", "-", "-o", "cut", &large]), "206");
    assert!(site.wrote("cut", all));
    let head = site.curl(&["-I", &large]).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains(&format!("content-length: {FIRMWARE_BYTES}\r\n")), "{head}");
}

fn curl_is_told_what_cannot_be_done(driver: &str) {
    if !is_here("curl", "--version", "curl") {
        return;
    }
    let site = Site::new(driver, "refused");
    let log = site.url("001122334477-app.log");
    fs::write(site.place.folder.join("app.log"), "line\n".repeat(50_000)).unwrap();
    let print = "%{http_code} ";
    assert_eq!(site.curl(&["-w", print, "-o", "-", "-X", "OPTIONS", &log]), "200 ");
    // An upload may end its connection, and nothing else: curl stops sending when it is refused.
    let small = site.url(SMALL);
    for expect in ["Expect: 100-continue", "Expect:"] {
        let upload = ["-w", "%{http_code} ", "-o", "got", "-H", expect, "-T", "app.log", &log];
        let then = ["--next", "-s", "-w", "%{http_code}", "-o", "got", &small];
        let printed = site.curl(&[&upload[..], &then].concat());
        assert_eq!(printed, "405 200", "{expect}");
        assert!(site.wrote("got", &site.small));
    }
    // Who goes on sending keeps the connection: the content is read and thrown away.
    let mut phone = Client::connect(site.place.http, [127, 0, 0, 1]).unwrap();
    let put = "PUT /001122334477-app.log HTTP/1.1\r\nHost: prov\r\nContent-Length: 250000\r\n\r\n";
    assert_eq!(phone.ask(put).unwrap().status, 405);
    phone.stream.write_all(&vec![b'x'; 250_000]).unwrap();
    assert_eq!(phone.get(&format!("/{SMALL}"), "curl").unwrap().body, site.small);
}

fn atftp_fetches_with_options(driver: &str) {
    if !is_here("atftp", "--version", "atftp") {
        return;
    }
    let site = Site::new(driver, "atftp");
    let port = site.place.tftp.port().to_string();
    let cases: [(&str, &[&str], &[u8]); 7] = [
        (SMALL, &[], &site.small),
        (SMALL, &["blksize 8", "tsize 0"], &site.small),
        ("firmware.bin", &[], &site.firmware),
        ("firmware.bin", &["blksize 1428", "tsize 0"], &site.firmware),
        ("firmware.bin", &["blksize 1428", "windowsize 16"], &site.firmware),
        ("firmware.bin", &["blksize 65464"], &site.firmware),
        ("firmware.bin", &["blksize 16384", "tsize 0", "windowsize 4"], &site.firmware),
    ];
    for (file, options, wanted) in cases {
        let options: Vec<_> = options.iter().flat_map(|option| ["--option", option]).collect();
        let fetch = ["-g", "-r", file, "-l", "got", "127.0.0.1", &port];
        site.run("atftp", &[&options, &fetch[..]].concat());
        assert!(site.wrote("got", wanted), "{file} {options:?}");
    }
}

fn tftp_hpa_fetches_in_both_modes(driver: &str) {
    if !is_here("tftp", "-V", "tftp-hpa") {
        return;
    }
    let site = Site::new(driver, "hpa");
    let port = site.place.tftp.port().to_string();
    for (mode, file, wanted) in [
        ("octet", SMALL, &site.small),
        ("netascii", SMALL, &site.small),
        ("octet", "firmware.bin", &site.firmware),
    ] {
        site.run("tftp", &["-m", mode, "127.0.0.1", &port, "-c", "get", file, "got"]);
        assert!(site.wrote("got", wanted), "{mode} {file}");
    }
    // What is missing is said, and leaves nothing behind.
    let said = site.run("tftp", &["127.0.0.1", &port, "-c", "get", "missing.bin", "got"]);
    assert!(said.contains("Error code 1"), "{said}");
}
