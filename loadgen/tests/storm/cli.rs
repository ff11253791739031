//! The binary: a fleet is made, booted, and the exit code says how it went.

use crate::server::{self, Files, Manner, Server};
use crate::{Case, credentials};
use ringboot_loadgen::fleet::Fleet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("ringboot-loadgen-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(flags: &[&str]) -> Output {
    let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/profiles");
    let binary = env!("CARGO_BIN_EXE_ringboot-loadgen");
    Command::new(binary).args(flags).args(["--plugins-dir", profiles]).output().unwrap()
}

fn make(folder: &Folder, mix: &str) -> String {
    let file = folder.path("fleet.jsonl");
    let made = run(&["fleet", "--phones", "40", "--mix", mix, "--out", &file]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    file
}

fn storm(file: &str, server: Server, more: &[&str]) -> (i32, String, String) {
    let (http, tftp) = (server.http.to_string(), server.tftp.to_string());
    let mut flags = vec!["storm", "--fleet", file, "--http", &http, "--tftp", &tftp];
    flags.extend(["--over", "100ms", "--threads", "2"]);
    flags.extend(more);
    let output = run(&flags);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The files of the fleet in `file`.
fn files(file: &str) -> Files {
    let fleet = Fleet::read(fs::read(file).unwrap().as_slice()).unwrap();
    Case { fleet, ..Case::new(1, "acme=1") }.files()
}

#[test]
fn a_good_storm_exits_with_0_and_writes_its_figures() {
    let folder = Folder::new("good");
    let file = make(&folder, "acme=3,blip=1");
    let server = server::start(files(&file), Manner::Good);
    let json = folder.path("out.json");
    let (code, table, _) = storm(&file, server, &["--spread", "--json", &json]);
    assert_eq!(code, 0, "{table}");
    assert!(table.contains("phones       40: 40 provisioned, 0 wrong, 0 lost"), "{table}");
    let figures: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(figures["provisioned"], 40);
    assert_eq!(figures["latencies"][0]["protocol"], "http");
    for arrival in ["all-at-once", "poisson", "ramp"] {
        let flags = ["--phones", "7", "--arrival", arrival, "--keep-alive", "no"];
        let (code, table, _) = storm(&file, server, &flags);
        assert_eq!(code, 0, "{arrival} {table}");
        assert!(table.contains("phones       7: 7 provisioned"), "{arrival} {table}");
    }
}

#[test]
fn each_bad_end_has_its_code() {
    let folder = Folder::new("bad");
    let file = make(&folder, "acme/A200=1");
    let good = files(&file);

    let mut mixed = good.clone();
    let fleet = Fleet::read(fs::read(&file).unwrap().as_slice()).unwrap();
    let path = |index: usize| format!("/{}.cfg", fleet.members[index].mac.format("", false));
    let foreign = format!("#!version\n{}#end", credentials(&fleet.members[1]));
    mixed.insert(path(0), foreign);
    let (code, table, _) = storm(&file, server::start(mixed, Manner::Good), &[]);
    assert_eq!(code, 3, "{table}");
    assert!(table.contains("1 foreign credentials"), "{table}");

    let silent = server::start(good.clone(), Manner::Silent);
    let flags = ["--timeout", "200ms", "--attempts", "1"];
    assert_eq!(storm(&file, silent, &flags).0, 4);
    assert_eq!(storm(&file, silent, &["--limit", "1s"]).0, 5);
}

#[test]
fn what_cannot_be_run_is_told_before_it_starts() {
    let folder = Folder::new("told");
    let file = make(&folder, "blip=1");
    let output = run(&["storm", "--fleet", &file, "--http", "127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "ringboot-loadgen: blip/B7 needs --tftp IP:PORT\n");

    let remote = Server {
        http: "192.0.2.1:80".parse().unwrap(),
        ..server::start(Files::new(), Manner::Good)
    };
    let (code, _, text) = storm(&file, remote, &["--spread"]);
    assert_eq!(code, 1);
    assert!(text.contains("--spread needs servers on 127.0.0.0/8"), "{text}");

    fs::write(&file, "{\"phone\": 1}\n").unwrap();
    let (code, _, text) = storm(&file, remote, &[]);
    assert_eq!(code, 1);
    assert!(text.contains("fleet.jsonl: line 1: "), "{text}");
}

/// A storm that was broken off used to end without a word of what it had seen.
#[test]
fn a_storm_that_is_broken_off_shows_its_figures() {
    let folder = Folder::new("broken-off");
    let file = make(&folder, "acme/A200=1");
    let server = server::start(files(&file), Manner::Good);
    let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/profiles");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringboot-loadgen"));
    command.args(["storm", "--fleet", &file, "--http", &server.http.to_string()]);
    command.args(["--over", "1h", "--arrival", "ramp", "--threads", "2"]);
    command.args(["--plugins-dir", profiles]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut storm = command.spawn().unwrap();
    // Its first line on progress comes when the signals are taken.
    let mut line = String::new();
    let mut told = BufReader::new(storm.stderr.take().unwrap());
    told.read_line(&mut line).unwrap();
    let killed = Command::new("kill").args(["-INT", &storm.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = storm.wait_with_output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{table}");
    assert!(table.contains("phones       40: 0 provisioned, 0 wrong, 0 lost, 40 unfinished"));
}
