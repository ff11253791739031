//! `ringboot ctl` against the real process: tables and JSON, what it changes, its exit codes; and
//! the trace of a phone that booted.

use crate::on_both_drivers;
use crate::server::{Place, Server, eventually};
use crate::tftp;
use ringboot::time::Duration;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Output, Stdio};

const FLEET: &str = include_str!("../replay/site.jsonl");
const AGENT: &str = "Yealink SIP-T28P 2.73.0.50 00:15:65:4a:a9:37";
const MAC: &str = "0015654AA937";

struct Site {
    place: Place,
    _server: Server,
}

impl Site {
    fn new(name: &str, driver: &str) -> Site {
        let place = Place::new(name);
        let imported = place.import(FLEET.lines().map(str::to_owned));
        assert!(imported.status.success(), "{imported:?}");
        let server = Server::start(place.serving(driver).args(["--rest-auth", "none"]));
        let site = Site { place, _server: server };
        eventually(Duration::from_secs(20), || {
            (site.ctl(&["status", "--json"]).json()["ready"] == true).then_some(())
        });
        site
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringboot"));
        command.arg("ctl").args(args).env("RINGBOOT_URL", format!("http://{}", self.place.rest));
        command
    }

    fn ctl(&self, args: &[&str]) -> Ran {
        Ran(self.command(args).output().unwrap())
    }

    fn get(&self, path: &str) -> String {
        get(self.place.http, path)
    }
}

fn get(server: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\n");
    write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

struct Ran(Output);

impl Ran {
    fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn error(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|_| panic!("{:?}", self.0))
    }
}

#[test]
fn devices_are_found_by_anything() {
    let site = Site::new("ctl-find", "epoll");
    for text in [MAC, "00:15:65:4a:a9:37", "desk", "4a:A9"] {
        let found = site.ctl(&["find", text, "--json"]);
        assert_eq!(found.code(), Some(0), "{text}: {}", found.error());
        assert_eq!(found.json()["devices"][0]["id"], "desk", "{text}");
    }
    let table = site.ctl(&["find", "spa3102"]).out();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("ID       MAC                IP"), "{table}");
    assert!(lines[1].starts_with("adapter  00:0e:08:12:34:56  192.0.2.10"), "{table}");
    let nobody = site.ctl(&["find", "no such thing"]);
    assert_eq!((nobody.code(), nobody.out()), (Some(4), String::new()));
    assert!(nobody.error().contains("no device has \"no such thing\""), "{}", nobody.error());
}

#[test]
fn a_device_is_shown_with_the_layer_of_each_value() {
    let site = Site::new("ctl-show", "epoll");
    let shown = site.ctl(&["show", MAC, "--json"]).json();
    assert_eq!(shown["layers"], serde_json::json!(["base", "desk"]));
    let row = |key: &str| {
        let rows = shown["settings"].as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {shown}"))
    };
    assert_eq!(row("ntp_ip")["layer"], "base");
    assert_eq!(row("sip_lines.1.username")["layer"], "desk");
    assert_eq!(row("sip_lines.1.username")["value"], "je5qtq");
    assert_eq!(row("http_base_url")["layer"], "(server)");
    let table = site.ctl(&["show", "desk"]).out();
    assert!(table.contains("base < desk") && table.contains("********"), "{table}");
    assert!(!table.contains("hwgxy2"), "{table}");
    assert!(site.ctl(&["show", "desk", "--secrets"]).out().contains("hwgxy2"));
    assert_eq!(site.ctl(&["show", "nobody"]).code(), Some(4));
}

#[test]
fn values_are_set_taken_out_and_served() {
    let site = Site::new("ctl-set", "epoll");
    assert!(site.get("/0015654aa937.cfg").contains("je5qtq"));
    // By the device; a text stays a text.
    let set = site.ctl(&["set", MAC, "sip_lines.1.username=otto", "sip_lines.1.number=8123"]);
    assert_eq!(set.code(), Some(0), "{}", set.error());
    assert!(set.out().contains("desk: sip_lines.1.username: je5qtq -> otto"), "{}", set.out());
    assert!(site.get("/0015654aa937.cfg").contains("otto"));
    let raw = site.ctl(&["show", MAC, "--json"]).json();
    let rows = raw["settings"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["key"] == "sip_lines.1.number" && row["value"] == "8123"));
    let json = site.ctl(&["set", "base", "ntp_enabled:=false", "--json"]).json();
    assert_eq!(json["changed"][0]["new"], false);
    assert!(site.ctl(&["set", "base", "ntp_enabled:=false"]).out().contains("it is so already"));
    assert_eq!(site.ctl(&["unset", "base", "ntp_ip"]).code(), Some(0));
    assert!(!site.ctl(&["show", MAC]).out().contains("ntp_ip"));
    assert_eq!(site.ctl(&["reconfigure", "desk", "--json"]).json()["configured"], true);
    let told = site.ctl(&["synchronize", "desk"]);
    assert_eq!((told.code(), told.out()), (Some(1), String::new()));
    let reason = "desk: the phone could not be told: Incompatible sync service: None";
    assert!(told.error().contains(reason), "{}", told.error());
    // What is wrong is told, and changes nothing.
    let wrong = site.ctl(&["set", "base", "ntp_enabled=perhaps"]);
    assert_eq!(wrong.code(), Some(1), "{}", wrong.out());
    assert!(wrong.error().contains("ntp_enabled"), "{}", wrong.error());
    assert_eq!(site.ctl(&["set", "nobody", "a=b"]).code(), Some(4));
    assert_eq!(site.ctl(&["set", "base", "a"]).code(), Some(1));
    assert_eq!(site.ctl(&["set", "base"]).code(), Some(2));
}

#[test]
fn a_server_that_is_not_there_has_an_exit_code() {
    let place = Place::new("ctl-nowhere");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringboot"));
    let url = format!("http://{}", place.rest);
    let ran = Ran(command.args(["ctl", "status", "--url", &url]).output().unwrap());
    assert_eq!((ran.code(), ran.out()), (Some(69), String::new()));
    assert!(ran.error().contains(&url), "{}", ran.error());
}

#[test]
fn the_status_is_a_table_too() {
    let site = Site::new("ctl-status", "epoll");
    let table = site.ctl(&["status"]).out();
    assert!(table.starts_with("SERVER"), "{table}");
    assert!(table.contains("state               ready\n"), "{table}");
    assert!(table.contains("devices             2\n"), "{table}");
}

fn a_boot_can_be_seen_behind_it_and_while_it_goes(driver: &str) {
    let site = Site::new("ctl-trace", driver);
    let mut follower =
        site.command(&["trace", MAC, "--follow", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert!(site.get("/y000000000000.boot").starts_with("HTTP/1.1 404 "));
    assert!(site.get("/0015654aa937.cfg").starts_with("HTTP/1.1 200 "));
    // The phone's address is that of this test by now.
    assert!(tftp::fetch(site.place.tftp, Ipv4Addr::LOCALHOST, "nothing.cfg").is_err());
    let requests = eventually(Duration::from_secs(10), || {
        let boots = site.ctl(&["trace", MAC, "--json"]).json()["boots"].take();
        let requests = boots[0]["requests"].as_array()?.clone();
        let is_over = requests.len() == 3 && requests.iter().all(|one| !one["ms"].is_null());
        is_over.then_some(requests)
    });
    let told =
        |n: usize| ["protocol", "path", "status", "result"].map(|key| requests[n][key].to_string());
    let row = |words: [&str; 4]| words.map(str::to_owned);
    assert_eq!(told(0), row(["\"http\"", "\"/y000000000000.boot\"", "404", "\"no such file\""]));
    assert_eq!(told(1), row(["\"http\"", "\"/0015654aa937.cfg\"", "200", "\"given\""]));
    assert_eq!(told(2)[..2], row(["\"tftp\"", "\"nothing.cfg\"", "", ""])[..2]);
    assert_eq!(requests[1]["model"], "T28P");
    assert_eq!(requests[1]["mac"], "00:15:65:4a:a9:37");
    assert!(requests[1]["bytes"].as_u64() > Some(1000), "{requests:?}");
    let table = site.ctl(&["trace", "desk"]).out();
    assert!(table.starts_with("BOOT 20") && table.contains("no such file"), "{table}");
    assert_eq!(site.ctl(&["trace", "00:00:00:00:00:01"]).code(), Some(4));
    // Followed: it may have begun behind the first request, and sees what comes after that.
    let seen = eventually(Duration::from_secs(10), || {
        assert!(site.get("/0015654aa937.cfg").starts_with("HTTP/1.1 200 "));
        lines.next()
    });
    let seen: Value = serde_json::from_str(&seen.unwrap()).unwrap();
    assert_eq!(seen["mac"], "00:15:65:4a:a9:37");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

on_both_drivers!(a_boot_can_be_seen_behind_it_and_while_it_goes);
