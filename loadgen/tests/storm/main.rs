//! Storms over real sockets: what phones get, what they lose, and what the report says of it.

mod cli;
mod server;

use ringboot::time::Duration;
use ringboot_loadgen::chance::Chance;
use ringboot_loadgen::driver::{Plan, Planned, Storm};
use ringboot_loadgen::fleet::{Fleet, Member, Recipe};
use ringboot_loadgen::pace::Arrival;
use ringboot_loadgen::phone::Setup;
use ringboot_loadgen::profile::Profiles;
use ringboot_loadgen::report::Summary;
use server::{Files, Manner, Server};
use std::path::Path;
use std::sync::Arc;
use std::thread;

struct Case {
    profiles: Profiles,
    fleet: Fleet,
    keep_alive: bool,
    attempts: u32,
    at_once: usize,
    limit: Duration,
}

impl Case {
    fn new(count: u64, mix: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles");
        let profiles = Profiles::load(&dir).unwrap();
        let recipe = Recipe { count, mix: mix.parse().unwrap(), seed: 11, spread: true };
        let fleet = Fleet::generate(&profiles, &recipe).unwrap();
        let limit = Duration::from_secs(60);
        Self { profiles, fleet, keep_alive: true, attempts: 3, at_once: 1000, limit }
    }

    /// What a good server has for this fleet.
    fn files(&self) -> Files {
        let mut files = Files::new();
        files.insert("/common.cfg".to_owned(), "common".repeat(10_000));
        files.insert("/ring.list".to_owned(), "ring".to_owned());
        for member in &self.fleet.members {
            let plain = member.mac.format("", false);
            let filler = "x = y\n".repeat(2000);
            let text = credentials(member);
            files.insert(format!("/{plain}.cfg"), format!("#!version:1\n{filler}{text}#end\n"));
            let name = format!("/SIP{}.cnf.xml", plain.to_ascii_uppercase());
            files.insert(name, format!("<device>{filler}{text}</device>"));
        }
        files
    }

    fn storm(&self, server: Server) -> Storm {
        let over = Duration::from_millis(300);
        let count = self.fleet.members.len();
        let starts = Arrival::Poisson.schedule(count, over, &mut Chance::new(1));
        let planned = |(member, after): (&Member, Duration)| Planned {
            after,
            profile: Arc::clone(self.profiles.find(&member.profile).unwrap()),
            member: Arc::new(member.clone()),
        };
        Storm::start(Plan {
            phones: self.fleet.members.iter().zip(starts).map(planned).collect(),
            setup: Setup {
                http: Some(server.http),
                tftp: Some(server.tftp),
                answer_time: Duration::from_secs(5),
                attempts: self.attempts,
                keep_alive: self.keep_alive,
                seed: 1,
            },
            threads: 2,
            at_once: self.at_once,
            limit: self.limit,
        })
        .unwrap()
    }

    fn run(&self, server: Server) -> Summary {
        let (report, elapsed) = self.storm(server).join().unwrap();
        report.summary(elapsed)
    }
}

fn credentials(member: &Member) -> String {
    let own = &member.credentials;
    format!("user = {}\npassword = {}\nlabel = {}\n", own.username, own.password, own.number)
}

#[test]
fn every_phone_gets_its_own_over_http_and_tftp() {
    for keep_alive in [true, false] {
        let case = Case { keep_alive, ..Case::new(300, "acme=200,blip=100") };
        let summary = case.run(server::start(case.files(), Manner::Good));
        assert_eq!((summary.phones, summary.provisioned), (300, 300), "{summary}");
        // 100 A100 with 5 requests, 100 A200 with 1, 100 B7 with 3.
        assert_eq!(summary.requests, 900);
        assert!(summary.troubles.is_empty() && summary.unexpected.is_empty(), "{summary}");
        let groups: Vec<_> = summary
            .latencies
            .iter()
            .map(|group| (group.protocol, &*group.vendor, group.kind, group.latency.count))
            .collect();
        assert_eq!(
            groups,
            [
                ("http", "acme", "own", 200),
                ("http", "acme", "missing", 200),
                ("http", "acme", "common", 100),
                ("http", "acme", "any", 100),
                ("http", "blip", "common", 100),
                ("tftp", "blip", "own", 100),
                ("tftp", "blip", "missing", 100),
            ]
        );
        assert!(summary.provisioned_100_s >= summary.provisioned_50_s);
        assert_eq!(summary.lateness.count, 300);
    }
}

#[test]
fn a_mixed_up_file_is_found() {
    let case = Case::new(20, "acme/A200=10,blip=10");
    let mut files = case.files();
    let plain = |profile: &str, index: usize| {
        let mut of = case.fleet.members.iter().filter(|member| member.profile == profile);
        of.nth(index).unwrap().mac.format("", false)
    };
    let http = format!("/{}.cfg", plain("acme/A200", 1));
    let tftp = format!("/SIP{}.cnf.xml", plain("blip/B7", 1).to_ascii_uppercase());
    let foreign = files[&format!("/{}.cfg", plain("acme/A200", 0))].clone();
    let cut = files[&tftp].replace("</device>", "");
    files.insert(http, foreign);
    files.insert(tftp, cut);
    let summary = case.run(server::start(files, Manner::Good));
    assert_eq!((summary.provisioned, summary.wrong), (18, 2), "{summary}");
    assert_eq!(summary.unexpected["foreign credentials"].count, 1);
    assert_eq!(summary.unexpected["file not whole"].count, 1);
    let example = &summary.unexpected["foreign credentials"].examples[0];
    assert!(example.contains(&plain("acme/A200", 1)), "{example}");
    assert!(example.contains("holds another phone's rbu"), "{example}");
}

#[test]
fn cut_answers_are_fetched_again() {
    let case = Case { keep_alive: false, ..Case::new(10, "acme/A200=1") };
    let summary = case.run(server::start(case.files(), Manner::Cuts));
    assert_eq!(summary.provisioned, 10, "{summary}");
    assert_eq!(summary.retries, 5);
    assert_eq!(summary.troubles["answer cut short"].count, 5, "{summary}");
}

#[test]
fn phones_without_a_server_are_lost() {
    let case = Case { attempts: 2, ..Case::new(20, "acme/A200=1") };
    let server = server::start(Files::new(), Manner::Good);
    // A port that was free a moment ago, on an address that nobody listens on.
    let nobody = Server { http: "127.0.0.2:9".parse().unwrap(), ..server };
    let summary = case.run(nobody);
    assert_eq!((summary.lost, summary.retries), (20, 20), "{summary}");
    let kind = "connection not made: connection refused";
    assert_eq!(summary.troubles[kind].count, 40, "{summary}");
    assert_eq!(summary.provisioned_50_s, None);
}

#[test]
fn phones_that_still_boot_at_the_limit_are_unfinished() {
    let case = Case { limit: Duration::from_secs(1), ..Case::new(20, "acme/A200=1") };
    let summary = case.run(server::start(case.files(), Manner::Silent));
    assert_eq!((summary.unfinished, summary.provisioned), (20, 0), "{summary}");
}

/// Phones wait for room, sockets are closed when they are done with, and the wait is told.
#[test]
fn a_storm_keeps_to_its_room() {
    let case = Case { at_once: 20, keep_alive: false, ..Case::new(1500, "acme=2,blip=1") };
    let storm = case.storm(server::start(case.files(), Manner::Good));
    let mut most = 0;
    while !storm.is_finished() {
        let link = |entry: std::fs::DirEntry| std::fs::read_link(entry.path()).ok();
        let own = std::fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(link);
        most = most.max(own.filter(|path| path.to_string_lossy().starts_with("socket:")).count());
        thread::sleep(Duration::from_millis(5));
    }
    let (report, elapsed) = storm.join().unwrap();
    let summary = report.summary(elapsed);
    assert_eq!(summary.provisioned, 1500, "{summary}");
    // Both ends are in this process, and so are the other tests.
    assert!((20..1000).contains(&most), "{most}");
}
