//! The helper that DHCP servers call, and the socket that it sends to, as processes.

use crate::server::{Place, Server, eventually};
use ringboot::time::{self, Duration};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_ringboot");

fn socket(place: &Place) -> PathBuf {
    place.folder.join("data/dhcp.sock")
}

fn helper(place: &Place, words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["dhcp-event", "--socket"]).arg(socket(place)).args(words);
    command.stdin(Stdio::null());
    command
}

fn told(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_lease_makes_a_device() {
    let place = Place::new("lease");
    let mut server = place.serve("epoll");
    let mode = fs::metadata(socket(&place)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut dnsmasq = helper(&place, &["add", "00:15:65:4a:a9:37", "10.0.0.5", "phone"]);
    dnsmasq.env("DNSMASQ_VENDOR_CLASS", OsStr::from_bytes(b"digium_D40_1_2"));
    assert_eq!(told(&dnsmasq.output().unwrap()), (0, String::new()));
    let device = place.device_that(|device| device["mac"] == "00:15:65:4a:a9:37");
    assert_eq!((&device["ip"], &device["model"]), (&"10.0.0.5".into(), &"D40".into()));
    // It moves.
    let commit = helper(&place, &["commit", "0:15:65:4a:a9:37", "10.0.0.6"]).output().unwrap();
    assert_eq!(told(&commit), (0, String::new()));
    place.device_that(|device| device["ip"] == "10.0.0.6");
    assert_eq!(told(&helper(&place, &["expiry", "10.0.0.6"]).output().unwrap()).0, 0);
    UnixDatagram::unbound().unwrap().send_to(b"nonsense", socket(&place)).unwrap();
    eventually(Duration::from_secs(10), || {
        server.signal("USR1");
        let all = "Counters { taken: 2, passed: 1, bad: 1, dropped: 0 }";
        server.log().contains(all).then_some(())
    });
    server.signal("TERM");
    assert!(server.end().0.success());
    assert!(!socket(&place).exists());
}

#[test]
fn a_server_that_is_away_or_busy_holds_nobody_up() {
    let place = Place::new("lease-away");
    let began = time::now();
    let (code, text) = told(&helper(&place, &["release", "10.0.0.5"]).output().unwrap());
    assert_eq!(code, 0);
    assert!(text.ends_with("No such file or directory (os error 2): the lease is not told\n"));
    // One that reads nothing: its room fills up, and nobody waits.
    let silent = UnixDatagram::bind(socket(&place)).unwrap();
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"x", socket(&place)).is_ok() {}
    let (code, text) = told(&helper(&place, &["release", "10.0.0.5"]).output().unwrap());
    assert_eq!(code, 0);
    assert!(text.contains("Resource temporarily unavailable"), "{text}");
    drop(silent);
    let (code, text) = told(&helper(&place, &["release"]).output().unwrap());
    assert_eq!((code, text.contains("release wants IP")), (2, true));
    assert!(time::now().since(began) < Duration::from_secs(10));
    let help = Command::new(BINARY).args(["dhcp-event", "--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("dnsmasq (dhcp-script)"));
    // The one that was left behind is in nobody's way.
    drop(place.serve("epoll"));
}

#[test]
fn a_socket_that_was_asked_for_must_be_there() {
    let place = Place::new("lease-asked");
    let config = place.folder.join("ringboot.toml");
    fs::write(&config, "dhcp_group = \"no such group\"\n").unwrap();
    let mut command = place.serving("epoll");
    let output = command.arg("--config").arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("there is no group \"no such group\""), "{text}");
    fs::write(&config, "dhcp_socket = \"\"\n").unwrap();
    let mut command = place.serving("epoll");
    drop(Server::start(command.arg("--config").arg(&config)));
    assert!(!socket(&place).exists());
}
